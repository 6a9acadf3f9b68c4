package alert

import (
	"cmp"
	"context"
	"errors"
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
	book     trail.Book
	channels map[string]*outlet

	mu    sync.Mutex // one round at a time; guards lease
	lease store.Lease
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
	s := &Service{cfg: c, book: trail.Book{DB: c.DB, Alias: c.Alias}, channels: map[string]*outlet{}}
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

// What the node that works holds, and for how long it outlives a node that died.
const (
	placeName = "alert"
	leaseName = "respond/alert"
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
		all.Go(func() { s.repeat(ctx, "an alert channel is held up; trying again", o.work) })
	}
	s.repeat(ctx, "alerts are held up; trying again", s.Work)
	all.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease.Name != "" {
		_ = s.cfg.DB.Release(context.WithoutCancel(ctx), s.lease) // it ends by itself
	}
}

func (s *Service) repeat(ctx context.Context, said string, f func(context.Context) error) {
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := f(ctx); err != nil && ctx.Err() == nil && !errs.Is(err, errs.Conflict) {
			s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, said, slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// maxEntries is how many entries are looked at between two writes of the place.
const maxEntries = 4096

// errEnough ends a look at the ledger.
var errEnough = errors.New("enough")

// Work writes into the outbox what is to be told since the last time. While another node works the error's kind is
// errs.Conflict.
func (s *Service) Work(ctx context.Context) error {
	if err := s.mine(ctx); err != nil {
		return err
	}
	if err := s.follow(ctx); err != nil {
		return err
	}
	if err := s.escalate(ctx); err != nil {
		return err
	}
	return s.sumUp(ctx)
}

// mine makes sure that this node is the one that works, for a while yet.
func (s *Service) mine(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease.Expires.Sub(s.cfg.Clock()) > leaseFor/2 {
		return nil
	}
	var err error
	s.lease, err = s.cfg.DB.Acquire(ctx, leaseName, s.cfg.Node, leaseFor)
	return err
}

// follow opens alerts for what was found.
func (s *Service) follow(ctx context.Context) error {
	place, err := s.place(ctx)
	if err != nil {
		return err
	}
	for {
		seen := 0
		next, err := s.cfg.Audit.Follow(ctx, place.At, func(o audit.Opened) error {
			if seen == maxEntries {
				return errEnough
			}
			seen++
			if told, ok := trail.Told(o.Entry); ok {
				return s.raise(ctx, told)
			}
			return nil
		})
		if err != nil && errors.Is(err, audit.ErrTampered) {
			next, err = next+1, nil // detection tells of it
		}
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
		if next == place.At {
			return nil
		}
		if place, err = s.move(ctx, place, next); err != nil || seen < maxEntries {
			return err
		}
	}
}

// place gives where to go on. What was found before this began to watch is not told of.
func (s *Service) place(ctx context.Context) (trail.Place, error) {
	p, err := s.book.Read(ctx, placeName)
	if err != nil || p.Known() {
		return p, err
	}
	end, err := s.cfg.Audit.Size(ctx)
	if err != nil {
		return p, err
	}
	return s.move(ctx, p, end)
}

func (s *Service) move(ctx context.Context, p trail.Place, to audit.Cursor) (trail.Place, error) {
	next, claim := s.book.Move(p, to, s.now())
	if err := s.cfg.DB.Commit(ctx, store.Op{Claims: []store.Claim{claim}}); err != nil {
		return p, err
	}
	return next, nil
}
