package siem

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/respond/deliver"
	"github.com/tutela-health/tutela/respond/trail"
	"github.com/tutela-health/tutela/store"
)

// findings knows what was found. detect does.
type findings interface {
	Find(ctx context.Context, by tutela.Principal, id string) (finding.Finding, error)
}

// Config says what a Service works with.
type Config struct {
	DB       *store.DB
	Audit    *audit.Log
	Clock    clock.Clock
	Findings findings
	Alias    func(what, id string) int64
	Plan     *Plan // nil exports nothing
	// Read gives the content of a file that the plan names.
	Read func(path string) ([]byte, error)
	Node string
	Log  *slog.Logger
	// Every is how often the ledger is looked at; 0 means 500 ms.
	Every time.Duration
}

// Service hands the ledger on. Of a tenant's nodes one works for a target at a time. Safe for concurrent use.
type Service struct {
	cfg     Config
	book    trail.Book
	targets []*target
	running atomic.Bool
}

// New returns a Service over a migrated database. A target that cannot be opened is an error.
func New(c Config) (*Service, error) {
	c.Every = cmp.Or(c.Every, 500*time.Millisecond)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Service{cfg: c, book: trail.Book{DB: c.DB, Alias: c.Alias}}
	if c.Plan == nil {
		return s, nil
	}
	for _, name := range slices.Sorted(maps.Keys(c.Plan.Targets)) {
		of := c.Plan.Targets[name]
		to, err := of.open(c.Read, c.Node)
		if err != nil {
			return nil, errs.Wrap(errs.Invalid, err, "target "+name+" cannot be opened")
		}
		s.targets = append(s.targets, &target{s: s, name: name, config: of, to: to})
	}
	return s, nil
}

// open makes a target of its configuration.
func (t TargetConfig) open(read func(string) ([]byte, error), node string) (sender, error) {
	var secured *tls.Config
	if t.CA != "" {
		pem, err := deliver.Secret(read, t.CA)
		if err == nil {
			secured, err = deliver.Trusting(pem)
		}
		if err != nil {
			return nil, err
		}
	}
	if t.Form == Syslog {
		return syslogTarget{deliver.Syslog{Address: t.Server, TLS: secured}, t.Text, node}, nil
	}
	secret, err := deliver.Secret(read, t.Secret)
	if err != nil {
		return nil, err
	}
	web := webTarget{web: deliver.Web{Address: t.URL, TLS: secured, Private: t.Private}, config: t, secret: string(secret), node: node}
	if t.Form == Azure {
		login := strings.TrimSuffix(cmp.Or(t.Login, "https://login.microsoftonline.com"), "/") + "/" + t.Tenant + "/oauth2/v2.0/token"
		web.token = azureToken(deliver.Web{Address: login, TLS: secured, Private: t.Private}, t.Client, string(secret))
	}
	return web, nil
}

// Run works until ctx ends. Each target has its own goroutine: none waits for another.
func (s *Service) Run(ctx context.Context) {
	s.running.Store(true)
	defer s.running.Store(false)
	var all sync.WaitGroup
	for _, t := range s.targets {
		all.Go(func() { t.run(ctx) })
	}
	all.Wait()
}

// Work brings every target up to date, all at once, as far as they take what is due.
func (s *Service) Work(ctx context.Context) error {
	var all sync.WaitGroup
	failures := make(chan error, len(s.targets))
	for _, t := range s.targets {
		all.Go(func() { failures <- t.work(ctx) })
	}
	all.Wait()
	close(failures)
	var err error
	for failed := range failures {
		err = errors.Join(err, failed)
	}
	return err
}

// State is how far a target is.
type State struct {
	Name   string    `json:"target"`
	Form   Form      `json:"kind"`
	Place  int64     `json:"place"`  // of the next entry that it gets
	Behind int64     `json:"behind"` // entries that it does not have yet
	Moved  time.Time `json:"moved,omitzero"`
}

// States tell how far every target is.
func (s *Service) States(ctx context.Context) ([]State, error) {
	head, err := s.cfg.Audit.Size(ctx)
	if err != nil {
		return nil, err
	}
	list := []State{}
	for _, t := range s.targets {
		p, err := s.book.Read(ctx, t.place())
		if err != nil {
			return nil, err
		}
		list = append(list, State{t.name, t.config.Form, int64(p.At), int64(head - p.At), p.When})
	}
	return list, nil
}

// events are those of an entry: itself, and the finding that it tells of.
func (s *Service) events(ctx context.Context, e tutela.Entry) ([]Event, error) {
	own, err := ofEntry(e)
	if err != nil {
		return nil, err
	}
	list := []Event{own}
	told, ok := trail.Told(e)
	if !ok {
		return list, nil
	}
	f, err := s.cfg.Findings.Find(ctx, tutela.Principal{}, told.ID)
	if errs.Is(err, errs.NotFound) {
		return list, nil
	}
	if err != nil {
		return nil, fmt.Errorf("finding %s: %w", told.ID, err)
	}
	more, err := ofFinding(f, told)
	return append(list, more), err
}
