package store

import (
	"context"
	"crypto/rand"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Checks are what the store can show of itself by trying.
func (db *DB) Checks() []tutela.Check {
	return []tutela.Check{{
		ID: "sustain.one-at-a-time", Title: "What only one node may do, only one node can do",
		Controls: []string{"S06", "45 CFR 164.312(c)(1)"}, Fresh: 24 * time.Hour, Try: leaseCheck{db, db.Acquire, db.fenced}.try,
	}}
}

// leaseCheck has two nodes that are invented take a lease of their own from each other.
type leaseCheck struct {
	db      *DB
	acquire func(ctx context.Context, name, owner string, ttl time.Duration) (Lease, error)
	fenced  func(ctx context.Context, l Lease) error
}

// fenced fails where a lease is not held any more.
func (db *DB) fenced(ctx context.Context, l Lease) error {
	return db.Update(ctx, func(tx *Tx) error { return tx.Fence(ctx, l) })
}

func (c leaseCheck) try(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: fmt.Sprintf("a lease of its own (%s)", c.db.Engine())}
	name := "tutela-assess-" + strings.ToLower(rand.Text())
	wrong, err := c.passed(ctx, name)
	if gone := c.forget(context.WithoutCancel(ctx), name); err == nil {
		err = gone
	}
	switch {
	case err != nil:
		e.Observed = err.Error()
	case wrong != "":
		e.Verdict, e.Observed = tutela.Fail, wrong
	default:
		e.Verdict = tutela.Pass
		e.Observed = "while one node held a lease another did not get it; when it had changed hands, what the first one wrote was refused"
	}
	return e
}

// passed takes the lease as one node, then as another, and says what both could do at once.
func (c leaseCheck) passed(ctx context.Context, name string) (wrong string, err error) {
	first, err := c.acquire(ctx, name, "first", time.Minute)
	if err == nil {
		err = c.fenced(ctx, first)
	}
	if err != nil {
		return "", fmt.Errorf("a lease that nobody has could not be taken, so that a refusal would prove nothing: %w", err)
	}
	switch _, err := c.acquire(ctx, name, "second", time.Minute); {
	case err == nil:
		return "two nodes got the same lease at once", nil
	case !errs.Is(err, errs.Conflict):
		return "", err
	}
	if err := c.db.Release(ctx, first); err != nil {
		return "", err
	}
	second, err := c.acquire(ctx, name, "second", time.Minute)
	if err != nil {
		return "", fmt.Errorf("a lease that was given back could not be taken: %w", err)
	}
	if err := c.fenced(ctx, first); err == nil {
		return "a node that has lost its lease can still write as if it held it", nil
	} else if !errs.Is(err, errs.Conflict) {
		return "", err
	}
	if second.Token <= first.Token {
		return "a lease that changed hands does not tell the new holder from the old", nil
	}
	return "", nil
}

// forget takes the check's lease away.
func (c leaseCheck) forget(ctx context.Context, name string) error {
	return c.db.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, "DELETE FROM leases WHERE name = ?", name)
		return err
	})
}
