package store

// Kind is the type of a column, the same on both engines.
type Kind int

// The column kinds: SQLite INTEGER/BLOB/TEXT, PostgreSQL bigint/bytea/text.
const (
	Int Kind = iota
	Bytes
	Text
)

// Column is one column of a Table.
type Column struct {
	Name string
	Kind Kind
}

// Table describes rows that go through group commit. Planes declare theirs in their store.go;
// the DDL itself stands in their Migrations.
type Table struct {
	Name    string
	Columns []Column
	Key     int // the first Key columns identify a row
}

// Rows are rows of one table. Values are int64, []byte or string (nil for NULL), one per column;
// in Deletes only the key columns are given (or a prefix of them: all rows under it go).
type Rows struct {
	Table *Table
	Rows  [][]any
}

// Claim is a row that must be in an expected state for its Op to happen. Expect nil: no row with
// that key may exist, Set is inserted. Expect given: the row's columns after the key must start with
// exactly those values (a prefix of the non-key columns), and Set replaces the row.
type Claim struct {
	Table  *Table
	Key    []any
	Expect []any
	Set    []any // a full row, key included
}

// Op is one unit of work for Commit: it happens whole or not at all, durably, in one transaction
// that it may share with other Ops. An Op of which a claim does not hold fails alone with a Conflict.
//
// Ops that share a transaction are not ordered among one another, so Ops that touch the same rows
// must claim a row in common: such Ops never share one.
type Op struct {
	Claims  []Claim
	Deletes []Rows // done before Inserts
	Inserts []Rows
	Entries [][]byte // ledger entries, handed to the Stamper in commit order
	Alone   bool     // does not share a transaction (Bundles, conditional operations)
}

// Stamper turns the entries of a commit into rows: audit's per-node chain of pending batches.
// Stamp is called within the commit, by one goroutine per lane; what it returns is written in the
// same transaction. Exactly one Settle follows each Stamp: committed true when the transaction is
// durable, false when it is not (then the chain stays where it was). A Stamp error aborts the commit
// and is settled too, with false. Lanes are numbered from 0 below DB.Lanes.
type Stamper interface {
	Stamp(lane int, entries [][]byte) (Stamped, error)
	Settle(lane int, committed bool)
}

// Stamped is what a Stamper adds to a transaction. Mark is read back after a connection is lost at
// COMMIT: the commit happened if and only if a row equal to Mark exists. It is one row of Inserts, or the
// first columns of one, and its key is never used twice: the transaction may be run again with it.
//
// Claims hold the chain together when two processes stamp under one name: the one whose Claim does
// not hold is settled with false, and the commit is tried again with a fresh Stamp.
type Stamped struct {
	Claims  []Claim
	Inserts []Rows
	Upserts []Rows // replace by key
	Mark    Rows
}
