package console

import (
	"context"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/internal/clock"
)

// API carries out calls of the console's. The server does, by the operations that everybody else calls.
type API interface {
	// Do MUST decide on a call for by, carry it out and make its entry durable before it gives the answer, which
	// is at most as long as the API's own. err is for calls that have no answer: errors of the API are a status.
	Do(ctx context.Context, by tutela.Principal, method, path string, body []byte) (status int, answer []byte, err error)
	// Permits MUST say what a decision on an operation would be, as in "GET /api/v1/findings", and leave no
	// entry. What does not exist is not permitted.
	Permits(ctx context.Context, by tutela.Principal, operation string) bool
}

// Config says what a Console works with.
type Config struct {
	Pages *pages.Pages // who visits
	Clock clock.Clock
	Log   *slog.Logger
	Demo  bool // what is kept here is invented, and every page says so
}

// Console serves the pages of one tenant. Safe for concurrent use.
type Console struct {
	cfg    Config
	api    API
	html   map[string]*template.Template
	assets map[string]http.Handler
}

// New readies the pages.
func New(c Config) (*Console, error) {
	html, err := parse()
	if err != nil {
		return nil, err
	}
	files, err := readAssets()
	if err != nil {
		return nil, err
	}
	return &Console{cfg: c, html: html, assets: files}, nil
}
