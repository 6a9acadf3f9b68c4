package emergency

import (
	"context"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// How long an emergency lasts unless it is configured, and at most.
const (
	DefaultLife = 15 * time.Minute
	LongestLife = time.Hour
)

// StepUpAge is how old the proof of the second factor may be when the glass is broken.
const StepUpAge = 5 * time.Minute

// maxOpen bounds how many emergencies an account has at once. Requests at the same moment may pass it
// by their number.
const maxOpen = 10

// Login is what is known of a session.
type Login struct {
	User   tutela.UserID
	Proved time.Time // when the second factor was shown last
}

// Config says what a Service works with.
type Config struct {
	DB    *store.DB
	Audit *audit.Log
	Clock clock.Clock
	// Fresh reports whether what other nodes changed has been heard of lately; when it is false nothing
	// remembered counts. Nil means always.
	Fresh func() bool
	// Locate gives a patient's pseudonym, whether or not there is such a patient.
	Locate func(tutela.PatientID) tutela.Bucket
	// Alias is the keyed hash that stands for a user or a session in rows.
	Alias func(what, id string) int64
	// Session finds a login that has not ended; errs.Unauthenticated when it has.
	Session func(ctx context.Context, id string) (Login, error)
	// Life is how long an emergency lasts; zero means DefaultLife.
	Life time.Duration
}

// Service keeps emergencies. Safe for concurrent use.
type Service struct {
	cfg   Config
	cache cache
}

// New returns a Service over a migrated database.
func New(c Config) (*Service, error) {
	if c.Life == 0 {
		c.Life = DefaultLife
	}
	if c.Life < time.Minute || c.Life > LongestLife {
		return nil, errs.New(errs.Invalid, "emergency access lasts a minute at least and %v at most", LongestLife)
	}
	if c.Fresh == nil {
		c.Fresh = func() bool { return true }
	}
	return &Service{cfg: c}, nil
}

// Life is how long an emergency lasts.
func (s *Service) Life() time.Duration { return s.cfg.Life }

func (s *Service) holder(id tutela.UserID) int64 { return s.cfg.Alias("emergency-user", string(id)) }

func (s *Service) session(id string) int64 { return s.cfg.Alias("emergency-session", id) }

// now is the time to the millisecond, as rows keep it.
func (s *Service) now() time.Time { return s.cfg.Clock().UTC().Truncate(time.Millisecond) }
