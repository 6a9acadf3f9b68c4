package alert

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
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
	Findings findings
	Alias    func(what, id string) int64
	Plan     *Plan // nil tells nobody
	// Read gives the content of a file that the plan names.
	Read func(path string) ([]byte, error)
	Node string
	Log  *slog.Logger
	// Every is how often the ledger and the outbox are looked at; 0 means 250 ms.
	Every time.Duration
}

// Service tells people. Of a tenant's nodes one works at a time. Safe for concurrent use.
type Service struct {
	cfg      Config
	follower *trail.Follower
	channels map[string]*outlet
}

// New returns a Service over a migrated database. A channel that cannot be opened is an error.
func New(c Config) (*Service, error) {
	c.Every = cmp.Or(c.Every, 250*time.Millisecond)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Plan == nil {
		c.Plan = &Plan{zone: time.UTC}
	}
	s := &Service{cfg: c, channels: map[string]*outlet{}, follower: &trail.Follower{
		Book: trail.Book{DB: c.DB, Alias: c.Alias}, Audit: c.Audit, Clock: c.Clock, Name: placeName, Node: c.Node, For: leaseFor,
	}}
	for name, of := range c.Plan.Channels {
		to, err := of.open(c.Read, c.Node, c.Clock)
		if err != nil {
			return nil, errs.Wrap(errs.Invalid, err, "channel "+name+" cannot be opened")
		}
		s.channels[name] = &outlet{s: s, name: name, to: to}
	}
	return s, nil
}

// now is the time to the millisecond, as rows keep it.
func (s *Service) now() time.Time { return s.cfg.Clock().UTC().Truncate(time.Millisecond) }

// The name that this follows the ledger by, and for how long its lease outlives a node that died.
const (
	placeName = "alert"
	leaseFor  = 45 * time.Second // longer than an attempt takes
)

// actor is who raises alerts.
func actor() tutela.Actor {
	return tutela.Actor{ID: "system:respond", Kind: tutela.ActorSystem, Name: "tutela respond"}
}

// Run tells people until ctx ends. Each channel has its own goroutine: none waits for another.
func (s *Service) Run(ctx context.Context) {
	var all sync.WaitGroup
	for _, o := range s.channels {
		all.Go(func() { trail.Repeat(ctx, s.cfg.Every, s.cfg.Log, "an alert channel is held up", o.work) })
	}
	trail.Repeat(ctx, s.cfg.Every, s.cfg.Log, "alerts are held up", s.Work)
	all.Wait()
	s.follower.Release(ctx)
}

// Work writes into the outbox what is to be told since the last time. While another node works the error's kind is
// errs.Conflict.
func (s *Service) Work(ctx context.Context) error {
	if err := s.follower.Follow(ctx, s.raise); err != nil {
		return err
	}
	if err := s.escalate(ctx); err != nil {
		return err
	}
	return s.sumUp(ctx)
}
