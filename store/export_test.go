package store

import (
	"context"
	"time"

	"github.com/tutela-health/tutela"
)

// LeaseCheck is the check of leases with ways of the test's own to take and to prove one; nil: the store's.
func LeaseCheck(db *DB, acquire func(context.Context, string, string, time.Duration) (Lease, error), fenced func(context.Context, Lease) error) func(context.Context) tutela.Evidence {
	c := leaseCheck{db, db.Acquire, db.fenced}
	if acquire != nil {
		c.acquire = acquire
	}
	if fenced != nil {
		c.fenced = fenced
	}
	return c.try
}
