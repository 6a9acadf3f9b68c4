package answer

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/identity"
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
	book trail.Book
	held atomic.Pointer[holds]
	when atomic.Int64 // counts what was forgotten

	mu    sync.Mutex // one round at a time; guards lease
	lease store.Lease
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
	return &Service{cfg: c, book: trail.Book{DB: c.DB, Alias: c.People.Alias}}
}

// now is the time to the millisecond, as rows keep it.
func (s *Service) now() time.Time { return s.cfg.Clock().UTC().Truncate(time.Millisecond) }

// What the node that works holds, and for how long it outlives a node that died.
const (
	placeName = "answer"
	leaseName = "respond/answer"
	leaseFor  = 10 * time.Second
)

// Run answers until ctx ends, and lets another node take over.
func (s *Service) Run(ctx context.Context) {
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := s.Work(ctx); err != nil && ctx.Err() == nil && !errs.Is(err, errs.Conflict) {
			s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "answers to findings are held up; trying again", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease.Name != "" {
		_ = s.cfg.DB.Release(context.WithoutCancel(ctx), s.lease) // it ends by itself
	}
}

// maxEntries is how many entries are looked at between two writes of the place.
const maxEntries = 4096

// errEnough ends a look at the ledger.
var errEnough = errors.New("enough")

// Work answers what was found since the last time. While another node works the error's kind is errs.Conflict.
func (s *Service) Work(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.hold(ctx); err != nil {
		return err
	}
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
			told, ok := trail.Told(o.Entry)
			if !ok {
				return nil
			}
			return s.answer(ctx, told.ID)
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
		if err := s.hold(ctx); err != nil {
			return err
		}
	}
}

// hold makes sure that this node works for a while yet.
func (s *Service) hold(ctx context.Context) error {
	if s.lease.Expires.Sub(s.cfg.Clock()) > leaseFor/2 {
		return nil
	}
	var err error
	s.lease, err = s.cfg.DB.Acquire(ctx, leaseName, s.cfg.Node, leaseFor)
	return err
}

// place gives where to go on. What was found before this began to watch is not answered.
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
