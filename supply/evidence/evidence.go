package evidence

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/store"
	"github.com/tutela-health/tutela/supply/attest"
)

// Notes seals what is kept, so that nobody who reaches the database changes or reads it.
type Notes interface {
	// SealNote MUST bind what it seals to the subject.
	SealNote(ctx context.Context, b tutela.Bucket, subject, plain []byte) ([]byte, error)
	// OpenNote MUST fail on what SealNote did not seal for this subject.
	OpenNote(ctx context.Context, b tutela.Bucket, subject, sealed []byte) ([]byte, error)
}

// Config says what a Service works with.
type Config struct {
	DB       *store.DB
	Audit    *audit.Log
	Identity *identity.Service
	Notes    Notes
	Clock    clock.Clock
	// Scanned follows what a scan of a repository found before the scan is kept; for one that comes again it does nothing.
	// It may be nil.
	Scanned func(ctx context.Context, base tutela.Entry, repository string, scan attest.Scan) error
}

// Service keeps evidence of pipelines. Safe for concurrent use.
type Service struct{ cfg Config }

// New returns a Service over a migrated database.
func New(c Config) *Service { return &Service{c} }
