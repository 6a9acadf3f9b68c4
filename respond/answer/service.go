package answer

import (
	"cmp"
	"context"
	"log/slog"
	"net/netip"
	"sync/atomic"
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
	People   *identity.Service
	Findings findings
	// Policy gives the policy in force.
	Policy func() *Policy
	// Fresh reports whether what other nodes changed has been heard of lately; nil means always.
	Fresh func() bool
	// Proxies are the networks of this system's own proxies: everybody comes from there.
	Proxies []netip.Prefix
	Node    string
	Log     *slog.Logger
	// Every is how often the ledger is looked at; 0 means 250 ms.
	Every time.Duration
}

// Service answers findings. Of a tenant's nodes one works at a time; every one holds callers to what was
// answered. Safe for concurrent use.
type Service struct {
	cfg  Config
	held atomic.Pointer[holds]
	when atomic.Int64 // counts what was forgotten

	follower *trail.Follower
}

// New returns a Service over a migrated database.
func New(c Config) *Service {
	c.Every = cmp.Or(c.Every, 250*time.Millisecond)
	if c.Fresh == nil {
		c.Fresh = func() bool { return true }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg: c, follower: &trail.Follower{
		Book: trail.Book{DB: c.DB, Alias: c.People.Alias}, Audit: c.Audit, Clock: c.Clock, Name: placeName, Node: c.Node, For: leaseFor,
	}}
}

// now is the time to the millisecond, as rows keep it.
func (s *Service) now() time.Time { return s.cfg.Clock().UTC().Truncate(time.Millisecond) }

// The name that this follows the ledger by, and for how long its lease outlives a node that died.
const (
	placeName = "answer"
	leaseFor  = 10 * time.Second
)

// Run answers until ctx ends, and lets another node take over.
func (s *Service) Run(ctx context.Context) {
	trail.Repeat(ctx, s.cfg.Every, s.cfg.Log, "answers to findings are held up", s.Work)
	s.follower.Release(ctx)
}

// Work answers what was found since the last time. While another node works the error's kind is errs.Conflict.
func (s *Service) Work(ctx context.Context) error {
	return s.follower.Follow(ctx, func(ctx context.Context, told trail.Finding) error { return s.answer(ctx, told.ID) })
}
