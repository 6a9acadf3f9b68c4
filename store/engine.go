package store

import "context"

// Scanner gives the values of a row. Destinations are pointers to int64, int, string, []byte,
// bool, to types of these kinds, or to pointers to them where a column may be NULL.
type Scanner interface {
	Scan(dest ...any) error
}

// Querier reads. DB reads what is committed at each call, Snapshot's sees one moment, Tx its own writes.
type Querier interface {
	// Query calls scan for every row. Bytes that scan receives are its own to keep. scan must not
	// query: the connection is busy with its rows. Cancelling ctx ends the query between two rows.
	Query(ctx context.Context, sql string, args []any, scan func(Scanner) error) error
	// QueryRow scans the first row into dest and says whether there was one.
	QueryRow(ctx context.Context, sql string, args []any, dest ...any) (found bool, err error)
}

// engine is what SQLite and PostgreSQL do differently.
type engine interface {
	Querier
	name() Engine
	// between MAY hold up commits while f runs; each statement of f sees what is committed.
	between(ctx context.Context, f func(Querier) error) error
	// snapshot MUST show f one consistent state.
	snapshot(ctx context.Context, f func(Querier) error) error
	// update MUST run f in a transaction that commits durably, if and only if f returns nil.
	update(ctx context.Context, f func(*Tx) error) error
	// exclusive is update while no other node runs exclusive: for migrations.
	exclusive(ctx context.Context, f func(*Tx) error) error
	// lanes says which lanes commit Ops here.
	lanes() []laneSpec
	checkpoint(ctx context.Context) error
	size(ctx context.Context) (int64, error)
	close() error
}

// committer runs a batch of Ops as one transaction. A lane owns one and calls it from one goroutine.
//
// ready MAY wait until a commit can begin: what arrives meanwhile shares it. commit always follows.
//
// commit MUST be all or nothing and durable when it returns nil. It calls stamp at most once, and
// only when the Ops carry entries; what stamp returns is written in the same transaction. It
// returns an *opError when an Op is to blame, an *undecided when the outcome is not known yet,
// and any other error when nothing happened and no Op is to blame.
type committer interface {
	ready(ctx context.Context)
	commit(ctx context.Context, ops []*Op, stamp func() (Stamped, error)) error
	close()
}

// undecided is a commit whose connection broke before the outcome was known.
type undecided struct {
	err error
	// resolve learns, or brings about, the outcome: what commit would have returned. Where that
	// cannot be known yet, decided is false.
	resolve func(context.Context) (decided bool, err error)
}

func (u *undecided) Error() string { return u.err.Error() }

func (u *undecided) Unwrap() error { return u.err }

// laneSpec describes a lane: what it commits, how much at once, and through what.
type laneSpec struct {
	takes     class
	maxOps    int
	committer committer
}

// class sorts Ops among lanes, so that a read's entry never waits behind a big Bundle.
type class int

// The classes. An engine whose lanes do not take a class commits it with ordinary Ops.
const (
	ordinary class = iota
	entriesOnly
	alone
	classes
)

func classOf(op *Op) class {
	switch {
	case op.Alone:
		return alone
	case len(op.Claims) == 0 && len(op.Deletes) == 0 && len(op.Inserts) == 0:
		return entriesOnly
	}
	return ordinary
}
