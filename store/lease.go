package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
)

// Lease is the right to be the only one at something, until it expires. Two nodes' clocks may
// differ, so a holder can be late in noticing that it lost; what keeps data safe is Fence, which
// compares the token within the transaction that writes.
type Lease struct {
	Name    string
	Owner   string
	Token   int64 // grows whenever the lease changes hands
	Expires time.Time
}

// strangeClock is by how much nodes' clocks may differ. A lease that ends later than anybody would have it by then was taken
// under a clock that has gone back since: it would hold others up for as long, and is free.
const strangeClock = time.Minute

// Acquire takes the lease for owner, or extends it when owner holds it already. The kind of the
// error is errs.Conflict while somebody else holds it. A ttl must be much longer than the
// difference between two nodes' clocks.
func (db *DB) Acquire(ctx context.Context, name, owner string, ttl time.Duration) (Lease, error) {
	var l Lease
	err := db.Update(ctx, func(tx *Tx) error {
		held, found, err := tx.lease(ctx, name)
		now := db.clock()
		alive := held.Expires.After(now) && !held.Expires.After(now.Add(2*ttl+strangeClock))
		mine := held.Owner == owner && alive
		switch {
		case err != nil:
			return err
		case found && !mine && alive:
			return errs.New(errs.Conflict, "somebody else holds the lease")
		}
		l = Lease{Name: name, Owner: owner, Token: held.Token, Expires: now.Add(ttl)}
		if !mine {
			l.Token++
		}
		return tx.saveLease(ctx, l)
	})
	if err != nil {
		return Lease{}, fmt.Errorf("lease %s: %w", name, err)
	}
	return l, nil
}

// Renew extends a lease that is still held. It fails with ErrFenced when it was lost.
func (db *DB) Renew(ctx context.Context, l Lease, ttl time.Duration) (Lease, error) {
	err := db.Update(ctx, func(tx *Tx) error {
		if err := tx.Fence(ctx, l); err != nil {
			return err
		}
		l.Expires = db.clock().Add(ttl)
		return tx.saveLease(ctx, l)
	})
	if err != nil {
		return Lease{}, err
	}
	return l, nil
}

// Release lets others acquire the lease at once. Releasing a lost lease does nothing.
func (db *DB) Release(ctx context.Context, l Lease) error {
	return db.Update(ctx, func(tx *Tx) error {
		_, err := tx.Exec(ctx, "UPDATE leases SET expires = 0 WHERE name = ? AND owner = ? AND token = ?",
			l.Name, l.Owner, l.Token)
		return err
	})
}

// Fence fails with ErrFenced unless l is still held, and keeps it from changing hands until tx
// ends. Call it first in every transaction that only the holder may make.
func (tx *Tx) Fence(ctx context.Context, l Lease) error {
	held, found, err := tx.lease(ctx, l.Name)
	if err != nil {
		return err
	}
	if !found || held.Token != l.Token || held.Owner != l.Owner || !held.Expires.After(tx.clock()) {
		return errs.Wrap(errs.Conflict, fmt.Errorf("%s: %w", l.Name, ErrFenced), "somebody else took over")
	}
	return nil
}

// lease reads a lease and locks its row. On PostgreSQL the row is made first, since a row that
// does not exist cannot be locked.
func (tx *Tx) lease(ctx context.Context, name string) (l Lease, found bool, err error) {
	lock := ""
	if tx.engine == Postgres {
		lock = " FOR UPDATE"
		if _, err := tx.Exec(ctx, "INSERT INTO leases (name, owner, token, expires) VALUES (?, '', 0, 0) ON CONFLICT DO NOTHING", name); err != nil {
			return l, false, err
		}
	}
	l.Name = name
	var expires int64
	found, err = tx.QueryRow(ctx, "SELECT owner, token, expires FROM leases WHERE name = ?"+lock, []any{name},
		&l.Owner, &l.Token, &expires)
	l.Expires = time.UnixMilli(expires).UTC()
	return l, found, err
}

func (tx *Tx) saveLease(ctx context.Context, l Lease) error {
	_, err := tx.Exec(ctx, `INSERT INTO leases (name, owner, token, expires) VALUES (?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, token = excluded.token, expires = excluded.expires`,
		l.Name, l.Owner, l.Token, l.Expires.UnixMilli())
	return err
}
