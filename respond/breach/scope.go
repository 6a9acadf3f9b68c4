package breach

import (
	"context"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// people knows accounts and clients.
type people interface {
	// Users gives every account, those too that gave up their names.
	Users(ctx context.Context) ([]identity.User, error)
	// Clients gives every client that is registered.
	Clients(ctx context.Context) ([]identity.Client, error)
}

// notes seals what is kept. The records do.
type notes interface {
	SealNote(ctx context.Context, b tutela.Bucket, subject, plain []byte) ([]byte, error)
	OpenNote(ctx context.Context, b tutela.Bucket, subject, sealed []byte) ([]byte, error)
}

// Config says what a Service works with.
type Config struct {
	DB     *store.DB
	Audit  *audit.Log
	Notes  notes
	People people
	Clock  clock.Clock
	Bucket func(tutela.PatientID) tutela.Bucket // a patient's pseudonym
	// Homes says who pseudonyms stand for, in their order. It holds the Grant against what it was given for.
	Homes func(context.Context, access.Grant, []tutela.Bucket) ([]Home, error)
	// Elsewhere says what another system calls a patient, as authority|number; errs.NotFound where none told of him.
	Elsewhere func(context.Context, tutela.Bucket) (string, error)
	// Keys says where the keys are that wrap all others.
	Keys func(context.Context) (KeyState, error)
}

// Service answers. Safe for concurrent use.
type Service struct{ cfg Config }

// New returns a Service over a ledger.
func New(c Config) *Service { return &Service{c} }

// Standing says what is known of a patient whom a pseudonym stands for.
type Standing string

// The standings.
const (
	Known     Standing = "known"
	Deleted   Standing = "deleted"   // the Patient resource was; the rest is of its last version
	Erased    Standing = "erased"    // nothing of the patient opens any more
	Elsewhere Standing = "elsewhere" // another system's patient
	Unknown   Standing = "unknown"   // no patient of this system, and no name of another's
)

// Home is who a pseudonym stands for, and where he lives. Of somebody erased, and of a pseudonym that is no patient of this
// system, only Patient is known.
type Home struct {
	Patient  tutela.Bucket
	ID       tutela.PatientID
	Deleted  bool // the Patient resource; the rest is of its last version
	Erased   bool
	Deceased bool
	Name     string
	Lines    []string // of the address, without state and country
	State    string
	Country  string
	Email    string
}

// Ask says whose accesses are meant. Everything that is set must hold; one of the first five must be.
type Ask struct {
	Actor    string    `json:"actor,omitempty"`    // username or id of an account, or id of a client
	Session  string    `json:"session,omitempty"`  // id of a login
	Client   string    `json:"client,omitempty"`   // id of a client, whoever it acted for
	Address  string    `json:"address,omitempty"`  // network address of the peer
	Patients []string  `json:"patients,omitempty"` // Patient/ID, or pseudonyms: who reached these
	From     time.Time `json:"from"`               // not before
	To       time.Time `json:"to"`                 // before
	Proofs   bool      `json:"proofs,omitempty"`   // with a proof of each patient's
}

// maxAsked bounds the patients that one question names.
const maxAsked = 10_000

func (a Ask) check() error {
	switch {
	case a.Actor == "" && a.Session == "" && a.Client == "" && a.Address == "" && len(a.Patients) == 0:
		return errs.New(errs.Invalid, "name an actor, a session, a client, an address or patients")
	case a.From.IsZero() || a.To.IsZero():
		return errs.New(errs.Invalid, "from and to are times of RFC 3339, as in 2026-11-22T10:00:00Z")
	case !a.From.Before(a.To):
		return errs.New(errs.Invalid, "from must be before to")
	case len(a.Patients) > maxAsked:
		return errs.New(errs.Invalid, "at most %d patients", maxAsked)
	}
	return nil
}

// Scope is whom accesses reached.
type Scope struct {
	From     time.Time      `json:"from"`
	To       time.Time      `json:"to"`
	Actors   []Actor        `json:"actors"`   // who acted, as entries name them
	Patients []Reached      `json:"patients"` // those that access really reached
	Count    int            `json:"count"`    // of patients
	Accesses int            `json:"accesses"` // entries that reached somebody
	Pending  int            `json:"pending"`  // of these, not in the tree yet: their proofs come within seconds
	States   map[string]int `json:"states"`   // patients by state of residence; "" where none is known
	Keys     []string       `json:"keys"`     // the ledger's verifier keys (C2SP signed-note)
	Proofs   []Proof        `json:"proofs,omitempty"`
}

// Actor is an account that acted, and by what client.
type Actor struct {
	ID       tutela.UserID    `json:"id"`
	Name     string           `json:"name,omitempty"`
	Kind     tutela.ActorKind `json:"kind"`
	Client   string           `json:"client,omitempty"`
	Source   string           `json:"source,omitempty"` // the other system that told of it
	Accesses int              `json:"accesses"`
}

// Did is what was done to a patient's data.
type Did string

// What can be done.
const (
	Read      Did = "read"
	Written   Did = "written"
	Exported  Did = "exported"
	Disclosed Did = "disclosed"
)

// Reached is a patient whose data was.
type Reached struct {
	Reference string         `json:"reference,omitempty"` // Patient/ID; none where nothing opens that says so
	Pseudonym string         `json:"pseudonym"`           // as the ledger names him
	Standing  Standing       `json:"standing"`
	Elsewhere string         `json:"elsewhere,omitempty"` // authority|number of another system
	State     string         `json:"state,omitempty"`     // of residence: a USPS code where it is one of the United States
	Country   string         `json:"country,omitempty"`
	Deceased  bool           `json:"deceased,omitempty"`
	Actions   []Did          `json:"actions"`
	Types     map[string]int `json:"types"` // resources that were reached, by type
	Accesses  int            `json:"accesses"`
	First     time.Time      `json:"first"`
	Last      time.Time      `json:"last"`
	Emergency bool           `json:"emergency,omitempty"` // somebody broke the glass for him
	Entries   []Line         `json:"entries"`             // of the ledger, at most maxLines
}

// Line is an entry that reached a patient.
type Line struct {
	Entry string `json:"entry"`
	Leaf  int64  `json:"leaf"` // -1: not in the tree yet
}

// maxLines bounds the entries that are listed of one patient; all are counted.
const maxLines = 1000

// Scope answers an Ask. The Grant is that of the call: to ask for a scope, or to open a case.
func (s *Service) Scope(ctx context.Context, g access.Grant, a Ask) (Scope, error) {
	if !g.For(tutela.ActionBreachScope) && !g.For(tutela.ActionBreachOpen) {
		return Scope{}, errs.New(errs.Denied, "no policy permits this")
	}
	if err := a.check(); err != nil {
		return Scope{}, err
	}
	w, err := s.wanted(ctx, a)
	if err != nil {
		return Scope{}, err
	}
	t := newTally(w)
	if err := s.cfg.Audit.Sift(ctx, w.sieve, t.add); err != nil {
		return Scope{}, err
	}
	if w.unknown && !t.seen {
		return Scope{}, errs.New(errs.NotFound, "there is no account or client of this name, and no entry of that time names it: look for it with tutela users list and tutela audit search")
	}
	sc := t.scope(a)
	if err := s.house(ctx, g, t, &sc); err != nil {
		return Scope{}, err
	}
	if sc.Keys, err = s.cfg.Audit.VerifierKeys(ctx); err != nil || !a.Proofs {
		return sc, err
	}
	sc.Proofs, err = s.prove(ctx, sc.Patients)
	return sc, err
}
