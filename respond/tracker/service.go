package tracker

import (
	"cmp"
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/respond/incident"
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

// incidents knows what went wrong. incident does.
type incidents interface {
	Find(ctx context.Context, by tutela.Principal, id string) (incident.Whole, error)
}

// Settings say what a Service works with.
type Settings struct {
	DB        *store.DB
	Audit     *audit.Log
	Clock     clock.Clock
	Notes     notes
	Findings  findings
	Incidents incidents
	Alias     func(what, id string) int64
	Plan      *Plan // nil has no trackers
	// Read gives the content of a file that the plan names.
	Read func(path string) ([]byte, error)
	Node string
	Log  *slog.Logger
	// Every is how often the ledger and the outbox are looked at; 0 means 250 ms.
	Every time.Duration
}

// Service keeps tickets in step. Of a tenant's nodes one works at a time; every one takes callbacks and serves
// people. Safe for concurrent use.
type Service struct {
	cfg      Settings
	follower trail.Follower
	desks    map[string]*desk
}

// New returns a Service over a migrated database. A tracker that cannot be spoken to as it is configured is an error.
func New(c Settings) (*Service, error) {
	c.Every = cmp.Or(c.Every, 250*time.Millisecond)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Plan == nil {
		c.Plan = &Plan{}
	}
	s := &Service{cfg: c, desks: map[string]*desk{}, follower: trail.Follower{
		Book: trail.Book{DB: c.DB, Alias: c.Alias}, Audit: c.Audit, Clock: c.Clock, Name: placeName, Node: c.Node, For: leaseFor,
	}}
	for name, of := range c.Plan.Trackers {
		to, secret, err := of.connect(c.Read, c.Plan.Console)
		if err != nil {
			return nil, errs.Wrap(errs.Invalid, err, "tracker "+name+" cannot be opened")
		}
		s.desks[name] = &desk{s: s, name: name, of: of, to: to, secret: secret}
	}
	return s, nil
}

// names lists the trackers.
func (s *Service) names() []string { return slices.Sorted(maps.Keys(s.desks)) }

// now is the time to the millisecond, as rows keep it.
func (s *Service) now() time.Time { return s.cfg.Clock().UTC().Truncate(time.Millisecond) }

// The name that this follows the ledger by, and for how long its lease outlives a node that died.
const (
	placeName = "tracker"
	leaseFor  = 45 * time.Second
)

// machine is who makes tickets.
func machine() tutela.Actor {
	return tutela.Actor{ID: "system:respond", Kind: tutela.ActorSystem, Name: "tutela respond"}
}

// Run works until ctx ends. Each tracker has its own goroutine: none waits for another.
func (s *Service) Run(ctx context.Context) {
	if len(s.desks) == 0 {
		return
	}
	var all sync.WaitGroup
	for _, d := range s.desks {
		all.Go(func() { trail.Repeat(ctx, s.cfg.Every, s.cfg.Log, "a tracker is held up", d.work) })
	}
	trail.Repeat(ctx, s.cfg.Every, s.cfg.Log, "tickets are held up", s.Work)
	all.Wait()
	s.follower.Release(ctx)
}
