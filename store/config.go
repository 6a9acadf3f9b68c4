package store

import (
	"cmp"
	"time"

	"github.com/tutela-health/tutela/internal/clock"
)

// Engine names a database engine.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// Sizes that a zero Config stands for.
const (
	defaultReserve  = 64 << 20 // bytes
	defaultMinFree  = 64 << 20 // bytes
	defaultReaders  = 8
	defaultWriters  = 2
	defaultBatchOps = 256
	defaultBatch    = 8 << 20 // bytes
	resolveFor      = 5 * time.Second
)

// Config says where the database is and how to use it. Only URL is required.
type Config struct {
	// URL is "sqlite:/path/to/file.db" or "postgres://user:password@host:port/database".
	URL string
	// Reserve is how many bytes SQLite keeps allocated beside the database, so that reads and
	// their ledger entries go on when the disk is full. 0 means 64 MiB, negative none.
	Reserve int64
	// MinFree is how many bytes must be free on SQLite's disk for Ops that claim or insert rows.
	// 0 means 64 MiB, negative none.
	MinFree int64
	// Readers is how many idle read connections are kept. 0 means 8.
	Readers int
	// Writers is how many lanes commit ordinary Ops on PostgreSQL. 0 means 2; a third gains nothing.
	Writers int
	// Clock tells the time for leases, jobs and invalidations. nil means clock.System.
	Clock clock.Clock
}

func (c Config) withDefaults() Config {
	c.Reserve = cmp.Or(c.Reserve, defaultReserve)
	c.MinFree = cmp.Or(c.MinFree, defaultMinFree)
	c.Readers = cmp.Or(c.Readers, defaultReaders)
	c.Writers = cmp.Or(c.Writers, defaultWriters)
	if c.Clock == nil {
		c.Clock = clock.System
	}
	return c
}
