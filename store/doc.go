// Package store keeps rows. It runs on SQLite (embedded) or PostgreSQL (15 or later) behind one
// transaction API, and knows no medicine: it never reads what a row means.
//
// The invariant that everything here serves: an acknowledged write is on disk, whole, once. A DB
// refuses to run on settings under which that would not hold.
//
// Its nouns:
//
//   - DB: one tenant's database. Query, Between and Snapshot read, Commit and Update write.
//   - Op: a unit of work for Commit, which groups concurrent Ops into one transaction.
//   - Claim: what an Op needs to find true; where it does not hold, that Op alone fails.
//   - Lane: a goroutine that commits batches of Ops. SQLite has one, PostgreSQL several.
//   - Stamper: turns the ledger entries of a batch into rows of the same transaction.
//   - Lease, Job, Invalidations: what nodes need to agree on, as plain rows and polling.
//
// SQL is written once, with ? placeholders, in the dialect that both engines share: integers,
// bytes and text; ON CONFLICT; RETURNING; row values. Values from rows never appear in errors.
package store
