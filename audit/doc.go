// Package audit is the ledger: who did what, when, to whose data, on what grounds, in a
// tree of hashes that anybody can check and nobody can quietly edit.
//
// Invariant: no receipt, no bytes; and nobody edits the past unseen. An answer leaves only
// when its entry is durable, and every later change to a stored row of the ledger is named
// by Verify.
//
// Nouns. An entry is sealed into a leaf (Encode). Leaves travel in their writer's commit
// and become one pending row, chained to the row before it in its lane (Stamp). The
// sequencer moves pending rows into the tree and signs a checkpoint (Sequence). Tiles and
// checkpoints follow C2SP tlog-tiles, tlog-checkpoint and tlog-proof over RFC 6962 hashes.
// Postings are blind index rows that lead a question to the batches that answer it.
//
// DESIGN.md has the formats, byte by byte, and says what Verify cannot see.
package audit
