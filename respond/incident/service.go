package incident

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/respond/trail"
	"github.com/tutela-health/tutela/store"
)

// notes seals what is kept. The records do.
type notes interface {
	SealNote(ctx context.Context, b tutela.Bucket, subject, plain []byte) ([]byte, error)
	OpenNote(ctx context.Context, b tutela.Bucket, subject, sealed []byte) ([]byte, error)
}

// people knows who has which role. identity does.
type people interface {
	Users(ctx context.Context) ([]identity.User, error)
}

// findings knows what was found. detect does.
type findings interface {
	Find(ctx context.Context, by tutela.Principal, id string) (finding.Finding, error)
}

// Config says what a Service works with.
type Config struct {
	DB       *store.DB
	Audit    *audit.Log
	Clock    clock.Clock
	Notes    notes
	Findings findings
	// Alias is the keyed hash that stands for an account, or for what findings share, in rows.
	Alias func(what, id string) int64
	// People are those who may own runbooks.
	People people
	// Runbooks gives those in force; nil has the shipped ones.
	Runbooks func() Runbooks
	// Zone is where the organisation counts its days; nil is UTC.
	Zone *time.Location
	// Senders are the addresses and the domains whose messages are reports; empty takes none.
	Senders []string
	// Level is that of findings that open an incident, and of those above it; empty is DefaultLevel.
	Level finding.Level
	Node  string
	Log   *slog.Logger
	// TryOut: nobody works here, so nobody has to have drilled.
	TryOut bool
	// Every is how often the ledger is looked at; 0 means 250 ms.
	Every time.Duration
}

// DefaultLevel is the lowest level of findings that open an incident by themselves.
const DefaultLevel = finding.High

// Service keeps incidents. Of a tenant's nodes one at a time opens them for findings; every one serves people.
// Safe for concurrent use.
type Service struct {
	cfg      Config
	follower *trail.Follower
}

// New returns a Service over a migrated database.
func New(c Config) *Service {
	c.Every, c.Level = cmp.Or(c.Every, 250*time.Millisecond), cmp.Or(c.Level, DefaultLevel)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	return &Service{cfg: c, follower: &trail.Follower{
		Book: trail.Book{DB: c.DB, Alias: c.Alias}, Audit: c.Audit, Clock: c.Clock, Name: placeName, Node: c.Node, For: leaseFor,
	}}
}

// now is the time to the millisecond, as rows keep it.
func (s *Service) now() time.Time { return s.cfg.Clock().UTC().Truncate(time.Millisecond) }

// machine is who opens incidents for findings.
func machine() tutela.Actor {
	return tutela.Actor{ID: "system:respond", Kind: tutela.ActorSystem, Name: "tutela respond"}
}
