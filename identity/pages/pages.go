package pages

import (
	"context"
	"html/template"
	"log/slog"
	"net/http"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/federation"
)

// Config says what the pages work with.
type Config struct {
	Identity *identity.Service
	// Base is the public base URL; invitations are links to it.
	Base string
	Log  *slog.Logger
	// Roles are those that an administrator can give, in the order in which they are shown.
	Roles []Role
	// Labels are the sensitivity labels that an administrator can ask to clear people for; none
	// leaves the form out.
	Labels []Role
	// Patients finds patients by name whose record the caller may open, for applications that
	// work with one; nil offers the account's own alone.
	Patients FindPatients
	// Federation signs people in over outside providers; nil: there are none.
	Federation *federation.Service
}

// FindPatients finds patients by name that a caller may see, and leaves an entry like any search.
type FindPatients func(ctx context.Context, by tutela.Principal, name string) ([]PatientChoice, error)

// Role is a role, or a label, as the administration shows it.
type Role struct {
	Name  string
	Label string
}

// PatientChoice is a patient as the picker shows one.
type PatientChoice struct {
	ID     tutela.PatientID
	Name   string
	Detail string // tells apart who has the same name
}

// Pages serves people's pages of one tenant. Safe for concurrent use.
type Pages struct {
	identity *identity.Service
	base     string
	log      *slog.Logger
	roles    []Role
	labels   []Role
	patients FindPatients
	outside  *federation.Service // nil: there are no providers
	desk     Desk                // nil: there is none, and no page that needs it
	html     map[string]*template.Template
	assets   map[string]http.Handler
	origin   *http.CrossOriginProtection
}

// New readies the pages.
func New(c Config) (*Pages, error) {
	html, err := parse()
	if err != nil {
		return nil, err
	}
	files, err := readAssets()
	if err != nil {
		return nil, err
	}
	return &Pages{
		identity: c.Identity, base: c.Base, log: c.Log, roles: c.Roles, labels: c.Labels, patients: c.Patients, outside: c.Federation,
		html: html, assets: files, origin: http.NewCrossOriginProtection(),
	}, nil
}
