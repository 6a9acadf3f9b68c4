package audit

import (
	"github.com/tutela-health/tutela/store"
)

// Migrations are the ledger's tables.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0100_audit", SQL: `
CREATE TABLE ledger_pending (
  node {{text}} NOT NULL,
  lane {{int}} NOT NULL,
  seq  {{int}} NOT NULL,
  prev {{bytes}} NOT NULL,  -- hash of the lane's row before
  mac  {{bytes}} NOT NULL,
  blob {{bytes}} NOT NULL,  -- entries behind 16-bit lengths
  PRIMARY KEY (node, lane, seq)
) {{clustered}};

CREATE TABLE ledger_heads (
  node {{text}} NOT NULL,
  lane {{int}} NOT NULL,
  seq  {{int}} NOT NULL,
  hash {{bytes}} NOT NULL,
  mac  {{bytes}} NOT NULL,
  PRIMARY KEY (node, lane)
) {{clustered}};

CREATE TABLE ledger_batches (
  first_leaf {{int}} PRIMARY KEY,
  count {{int}} NOT NULL,
  node  {{text}} NOT NULL,
  lane  {{int}} NOT NULL,
  seq   {{int}} NOT NULL,
  prev  {{bytes}} NOT NULL,
  mac   {{bytes}} NOT NULL,
  blob  {{bytes}} NOT NULL
);

CREATE TABLE ledger_tiles (
  level  {{int}} NOT NULL,
  idx    {{int}} NOT NULL,
  hashes {{bytes}} NOT NULL,
  PRIMARY KEY (level, idx)
) {{clustered}};

CREATE TABLE ledger_state (
  id    {{int}} PRIMARY KEY, -- 0
  size  {{int}} NOT NULL,
  root  {{bytes}} NOT NULL,
  first_day {{int}} NOT NULL,
  last_day  {{int}} NOT NULL,
  lanes {{bytes}} NOT NULL,
  mac   {{bytes}} NOT NULL
);

CREATE TABLE ledger_checkpoints (
  size {{int}} PRIMARY KEY,
  prev {{int}} NOT NULL,     -- size of the checkpoint kept before, -1 for the first
  at   {{int}} NOT NULL,     -- Unix seconds
  note {{bytes}} NOT NULL,
  mac  {{bytes}} NOT NULL
);

CREATE TABLE ledger_signers (
  number {{int}} PRIMARY KEY, -- from 1, in order of first use
  vkey   {{text}} NOT NULL,
  mac    {{bytes}} NOT NULL
);

CREATE TABLE ledger_postings (
  token      {{int}} NOT NULL,
  first_leaf {{int}} NOT NULL,
  PRIMARY KEY (token, first_leaf)
) {{clustered}};
`}}
}

// tables describes the ledger's tables for rows that store writes.
type tables struct {
	pending, heads, batches, tiles, state, checkpoints, signers, postings *store.Table
}

func schema() tables {
	col := func(name string, k store.Kind) store.Column { return store.Column{Name: name, Kind: k} }
	lane := []store.Column{col("node", store.Text), col("lane", store.Int), col("seq", store.Int)}
	return tables{
		pending: &store.Table{Name: "ledger_pending", Key: 3, Columns: append(lane[:3:3],
			col("prev", store.Bytes), col("mac", store.Bytes), col("blob", store.Bytes))},
		heads: &store.Table{Name: "ledger_heads", Key: 2, Columns: append(lane[:3:3],
			col("hash", store.Bytes), col("mac", store.Bytes))},
		batches: &store.Table{Name: "ledger_batches", Key: 1, Columns: append(append(
			[]store.Column{col("first_leaf", store.Int), col("count", store.Int)}, lane...),
			col("prev", store.Bytes), col("mac", store.Bytes), col("blob", store.Bytes))},
		tiles: &store.Table{Name: "ledger_tiles", Key: 2, Columns: []store.Column{
			col("level", store.Int), col("idx", store.Int), col("hashes", store.Bytes)}},
		state: &store.Table{Name: "ledger_state", Key: 1, Columns: []store.Column{col("id", store.Int),
			col("size", store.Int), col("root", store.Bytes), col("first_day", store.Int), col("last_day", store.Int),
			col("lanes", store.Bytes), col("mac", store.Bytes)}},
		checkpoints: &store.Table{Name: "ledger_checkpoints", Key: 1, Columns: []store.Column{col("size", store.Int),
			col("prev", store.Int), col("at", store.Int), col("note", store.Bytes), col("mac", store.Bytes)}},
		signers: &store.Table{Name: "ledger_signers", Key: 1, Columns: []store.Column{col("number", store.Int),
			col("vkey", store.Text), col("mac", store.Bytes)}},
		postings: &store.Table{Name: "ledger_postings", Key: 2, Columns: []store.Column{
			col("token", store.Int), col("first_leaf", store.Int)}},
	}
}

func row(t *store.Table, values ...any) store.Rows {
	return store.Rows{Table: t, Rows: [][]any{values}}
}

func (t tables) pendingRow(b batch) store.Rows {
	return row(t.pending, b.lane.node, b.lane.number, b.seq, b.prev[:], b.mac, b.blob)
}

// headClaim moves a lane's end on, provided that it is still where this process left it: two
// processes under one name must not write the same place of a chain.
func (t tables) headClaim(id laneID, last head, end store.Rows) store.Claim {
	c := store.Claim{Table: t.heads, Key: []any{id.node, id.number}, Set: end.Rows[0]}
	if last.seq > 0 {
		c.Expect = []any{last.seq, last.hash[:]}
	}
	return c
}

func (t tables) headRow(id laneID, h head, mac []byte) store.Rows {
	return row(t.heads, id.node, id.number, h.seq, h.hash[:], mac)
}
