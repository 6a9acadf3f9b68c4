package detect

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// notes seals what is kept. The records do.
type notes interface {
	SealNote(ctx context.Context, b tutela.Bucket, subject, plain []byte) ([]byte, error)
	OpenNote(ctx context.Context, b tutela.Bucket, subject, sealed []byte) ([]byte, error)
}

// Config says what a Service works with.
type Config struct {
	DB    *store.DB
	Audit *audit.Log
	Clock clock.Clock
	Notes notes
	// Alias is the keyed hash that stands for an account, a rule or a patient in rows.
	Alias func(what, id string) int64
	Node  string
	Log   *slog.Logger
	// Streams are followed, the tenant's own ledger among them.
	Streams []Stream
	// Watch makes the detectors anew, with nothing learned. Nil watches with none.
	Watch func() (Watch, error)
	// Rules gives how many rules are in force, and why others are not. Nil is no rules.
	Rules func() (inForce int, refused []string)
	// Every is how often streams are looked at; 0 means 250 ms.
	Every time.Duration
	// Keep is how often what detectors remember is written; 0 means every five minutes. It is written at the
	// end of Run and after keepAfter lines too.
	Keep time.Duration
}

// keepAfter is after how many lines memory is kept: a crash has no more than these to do again.
const keepAfter = 200_000

// Service follows streams and keeps findings. Of a tenant's nodes one works at a time. Safe for
// concurrent use.
type Service struct {
	cfg Config

	mu      sync.Mutex // one round at a time; guards what follows
	lease   store.Lease
	watch   Watch
	ready   bool     // watch has seen what progress says
	done    progress // as the store has it
	since   int      // lines since memory was kept
	kept    time.Time
	stuck   map[string]int   // rounds in which a stream was damaged at the same place
	waiting map[string]int64 // places of streams that are yet to be written

	seen    measures
	running atomic.Bool
}

// New returns a Service over a migrated database.
func New(c Config) *Service {
	c.Every, c.Keep = cmp.Or(c.Every, 250*time.Millisecond), cmp.Or(c.Keep, 5*time.Minute)
	if c.Watch == nil {
		c.Watch = func() (Watch, error) { return Watch{}, nil }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{cfg: c, stuck: map[string]int{}}
}

// now is the time to the millisecond, as rows keep it.
func (s *Service) now() time.Time { return s.cfg.Clock().UTC().Truncate(time.Millisecond) }

// leaseName is what the node holds that works; leaseFor is how long it outlives a node that died.
const (
	leaseName = "detect"
	leaseFor  = 10 * time.Second
)

// Run works until ctx ends, then keeps what was learned and lets another node take over.
func (s *Service) Run(ctx context.Context) {
	s.running.Store(true)
	defer s.running.Store(false)
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		if err := s.Work(ctx); err != nil && ctx.Err() == nil && !errs.Is(err, errs.Conflict) {
			s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "detection is held up; trying again", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	if err := s.Rest(context.WithoutCancel(ctx)); err != nil {
		s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "what detection learned is not kept; it will be learned again", slog.String("error", err.Error()))
	}
}

// Work brings every stream up to date. While another node works the error's kind is errs.Conflict.
func (s *Service) Work(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.hold(ctx)
	if err == nil && !s.ready {
		err = s.wake(ctx)
	}
	if err != nil {
		return err
	}
	var failed error
	for _, stream := range s.cfg.Streams {
		failed = errors.Join(failed, s.follow(ctx, stream))
	}
	if failed == nil && s.ready {
		failed = s.turn(ctx)
	}
	if failed == nil && s.ready {
		failed = s.keepIfDue(ctx)
	}
	return failed
}

// turn closes days that are over although nothing has happened since.
func (s *Service) turn(ctx context.Context) error {
	seen := s.watch.Turn(s.cfg.Clock())
	if len(seen.Hits) == 0 {
		return nil
	}
	return s.commit(ctx, batch{hits: seen.Hits})
}

// hold makes sure that this node holds the lease for a while yet. Whoever had lost it starts anew from
// what the store has.
func (s *Service) hold(ctx context.Context) error {
	if s.lease.Expires.Sub(s.cfg.Clock()) > leaseFor/2 {
		return nil
	}
	lease, err := s.cfg.DB.Acquire(ctx, leaseName, s.cfg.Node, leaseFor)
	if err != nil {
		s.lose()
		return err
	}
	if lease.Token != s.lease.Token {
		s.lose()
	}
	s.lease = lease
	return nil
}

// lose forgets everything that another node may have changed.
func (s *Service) lose() {
	s.lease, s.ready, s.watch, s.waiting = store.Lease{}, false, Watch{}, nil
	s.seen.left()
}

// Rest keeps what was learned and gives the lease back.
func (s *Service) Rest(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lease.Name == "" {
		return nil
	}
	var err error
	if s.ready && s.since > 0 {
		err = s.commit(ctx, batch{keep: true})
	}
	lease := s.lease
	s.lose()
	return errors.Join(err, s.cfg.DB.Release(ctx, lease))
}

// keepIfDue writes memory when its time has come, and a sign of life every ten seconds.
func (s *Service) keepIfDue(ctx context.Context) error {
	now := s.cfg.Clock()
	due := s.since >= keepAfter || s.since > 0 && now.Sub(s.kept) >= s.cfg.Keep
	if due || now.Sub(s.done.at).Abs() >= alive {
		return s.commit(ctx, batch{keep: due})
	}
	return nil
}

// alive is how often the state is written when nothing happens.
const alive = 10 * time.Second
