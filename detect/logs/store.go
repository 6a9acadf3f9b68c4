package logs

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// Migrations make this package's tables. log_batches has a row a batch: when it came, how many lines it has and between
// which times they happened, its filter, and the lines, sealed under the general key; row 0 says how many batches there
// were. log_received keeps by keyed hash which deliveries came, so that one that is sent again is known; log_places
// how far files were read, by a keyed hash of their names.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0703_logs", SQL: `
CREATE TABLE log_batches (seq {{int}} NOT NULL PRIMARY KEY, last {{int}} NOT NULL, at {{int}} NOT NULL, n {{int}} NOT NULL, earliest {{int}} NOT NULL, latest {{int}} NOT NULL, filter {{bytes}} NOT NULL, sealed {{bytes}} NOT NULL) {{clustered}};
CREATE TABLE log_received (delivery {{int}} NOT NULL PRIMARY KEY, at {{int}} NOT NULL, taken {{int}} NOT NULL, refused {{int}} NOT NULL) {{clustered}};
CREATE TABLE log_places (file {{int}} NOT NULL PRIMARY KEY, revision {{int}} NOT NULL, place {{int}} NOT NULL, head {{int}} NOT NULL) {{clustered}};
`}}
}

func batchesTable() *store.Table {
	return &store.Table{Name: "log_batches", Key: 1, Columns: []store.Column{
		{Name: "seq"}, {Name: "last"}, {Name: "at"}, {Name: "n"}, {Name: "earliest"}, {Name: "latest"}, {Name: "filter", Kind: store.Bytes}, {Name: "sealed", Kind: store.Bytes},
	}}
}

func receivedTable() *store.Table {
	return &store.Table{Name: "log_received", Key: 1, Columns: []store.Column{{Name: "delivery"}, {Name: "at"}, {Name: "taken"}, {Name: "refused"}}}
}

func placesTable() *store.Table {
	return &store.Table{Name: "log_places", Key: 1, Columns: []store.Column{{Name: "file"}, {Name: "revision"}, {Name: "place"}, {Name: "head"}}}
}

// row is a batch as it is kept.
type row struct {
	seq, at, earliest, latest int64
	filter, sealed            []byte
}

// subject binds what is sealed to its place.
func (r row) subject() []byte {
	return fmt.Appendf(nil, "log batch %d %d %d %d", r.seq, r.at, r.earliest, r.latest)
}

func (s *Store) write(ctx context.Context, d *draft, with store.Op) error {
	last, err := s.last(ctx)
	if err != nil {
		return err
	}
	r := row{seq: last + 1, at: s.cfg.Clock().UnixMilli(), earliest: d.first, latest: d.last}
	if r.sealed, err = s.cfg.Notes.SealNote(ctx, tutela.BucketGeneral, r.subject(), d.packed); err != nil {
		return err
	}
	r.filter = s.newFilter(r.seq, d.terms)
	head := store.Claim{Table: batchesTable(), Key: []any{int64(0)}, Set: []any{int64(0), r.seq, r.at, int64(0), int64(0), int64(0), []byte{}, []byte{}}}
	if last > 0 {
		head.Expect = []any{last}
	}
	op := store.Op{Claims: append([]store.Claim{head}, with.Claims...), Deletes: with.Deletes, Entries: with.Entries}
	op.Inserts = append([]store.Rows{{Table: batchesTable(), Rows: [][]any{{r.seq, r.seq, r.at, int64(d.n), r.earliest, r.latest, r.filter, r.sealed}}}}, with.Inserts...)
	return s.cfg.DB.Commit(ctx, op)
}

// holds reports whether what is given with a batch can still be written: a claim that finds another row never holds again.
func (s *Store) holds(ctx context.Context, with store.Op) (bool, error) {
	for _, c := range with.Claims {
		if c.Table.Name != "log_received" {
			continue
		}
		var n int64
		found, err := s.cfg.DB.QueryRow(ctx, `SELECT at FROM log_received WHERE delivery = ?`, c.Key, &n)
		if err != nil || found {
			return false, err
		}
	}
	for _, c := range with.Claims {
		if c.Table.Name != "log_places" {
			continue
		}
		var revision int64
		found, err := s.cfg.DB.QueryRow(ctx, `SELECT revision FROM log_places WHERE file = ?`, c.Key, &revision)
		if err != nil || found != (len(c.Expect) > 0) || found && revision != c.Expect[0] {
			return false, err
		}
	}
	return true, nil
}

// last is how many batches there were.
func (s *Store) last(ctx context.Context) (int64, error) {
	var n int64
	_, err := s.cfg.DB.QueryRow(ctx, `SELECT last FROM log_batches WHERE seq = 0`, nil, &n)
	return n, err
}

// after reads batches from a number on, in order.
func (s *Store) after(ctx context.Context, from int64, most int) ([]row, error) {
	return s.rows(ctx, `SELECT seq, at, earliest, latest, filter, sealed FROM log_batches WHERE seq >= ? AND seq > 0 ORDER BY seq LIMIT ?`, from, int64(most))
}

// heads reads what is beside batches up to a number, the newest first, of those that may have something of a time.
func (s *Store) heads(ctx context.Context, upTo int64, from, to time.Time, most int) ([]row, error) {
	var list []row
	err := s.cfg.DB.Query(ctx, `SELECT seq, at, earliest, latest, filter FROM log_batches WHERE seq <= ? AND seq > 0 AND latest >= ? AND earliest < ? ORDER BY seq DESC LIMIT ?`,
		[]any{upTo, from.UnixMilli(), to.UnixMilli(), int64(most)}, func(sc store.Scanner) error {
			var r row
			err := sc.Scan(&r.seq, &r.at, &r.earliest, &r.latest, &r.filter)
			list = append(list, r)
			return err
		})
	return list, err
}

// batch reads one.
func (s *Store) batch(ctx context.Context, seq int64) (row, bool, error) {
	list, err := s.rows(ctx, `SELECT seq, at, earliest, latest, filter, sealed FROM log_batches WHERE seq = ? AND seq > 0 LIMIT ?`, seq, int64(1))
	if err != nil || len(list) == 0 {
		return row{}, false, err
	}
	return list[0], true, nil
}

func (s *Store) rows(ctx context.Context, query string, args ...any) ([]row, error) {
	var list []row
	err := s.cfg.DB.Query(ctx, query, args, func(sc store.Scanner) error {
		var r row
		err := sc.Scan(&r.seq, &r.at, &r.earliest, &r.latest, &r.filter, &r.sealed)
		list = append(list, r)
		return err
	})
	return list, err
}

// Delivered tells what became of a delivery that came before: how many lines were taken and refused.
func (s *Store) Delivered(ctx context.Context, source, id string) (taken, refused int, before bool, err error) {
	var a, b int64
	before, err = s.cfg.DB.QueryRow(ctx, `SELECT taken, refused FROM log_received WHERE delivery = ?`, []any{s.delivery(source, id)}, &a, &b)
	return int(a), int(b), before, err
}

func (s *Store) delivery(source, id string) int64 {
	return s.cfg.Alias("log-delivery", hex.EncodeToString([]byte(source))+" "+id)
}

// Delivery is written with the lines of a delivery: a second one of the same id is then a Conflict.
func (s *Store) Delivery(source, id string, taken, refused int) store.Op {
	key := s.delivery(source, id)
	return store.Op{Claims: []store.Claim{{Table: receivedTable(), Key: []any{key}, Set: []any{key, s.cfg.Clock().UnixMilli(), int64(taken), int64(refused)}}}}
}

// Place is how far a file was read.
type Place struct {
	Offset   int64
	Head     int64 // a keyed hash of how the file begins: a rotated file begins otherwise
	revision int64
}

// At gives how far a file was read.
func (s *Store) At(ctx context.Context, file string) (Place, error) {
	var p Place
	_, err := s.cfg.DB.QueryRow(ctx, `SELECT revision, place, head FROM log_places WHERE file = ?`, []any{s.cfg.Alias("log-file", file)}, &p.revision, &p.Offset, &p.Head)
	return p, err
}

// Head is the keyed hash of how a file begins.
func (s *Store) Head(begins []byte) int64 { return s.cfg.Alias("log-head", string(begins)) }

// Reached is written with the lines of a file up to a place; p is what At gave, or what was reached before. When another
// node read on meanwhile, it is a Conflict.
func (s *Store) Reached(file string, p Place, offset, head int64) (store.Op, Place) {
	key, next := s.cfg.Alias("log-file", file), Place{Offset: offset, Head: head, revision: p.revision + 1}
	c := store.Claim{Table: placesTable(), Key: []any{key}, Set: []any{key, next.revision, offset, head}}
	if p.revision > 0 {
		c.Expect = []any{p.revision}
	}
	return store.Op{Claims: []store.Claim{c}}, next
}

// expired lists batches that came before a time, and deliveries.
func (s *Store) expired(ctx context.Context, query string, before time.Time) ([][]any, error) {
	var keys [][]any
	err := s.cfg.DB.Query(ctx, query, []any{before.UnixMilli(), int64(forgetAtOnce)}, func(sc store.Scanner) error {
		var key int64
		err := sc.Scan(&key)
		keys = append(keys, []any{key})
		return err
	})
	return keys, err
}

// forgetAtOnce is how many rows go in one transaction.
const forgetAtOnce = 512

// sum counts the lines of batches.
func (s *Store) sum(ctx context.Context, from, to int64) (n int64, err error) {
	_, err = s.cfg.DB.QueryRow(ctx, `SELECT CAST(COALESCE(SUM(n), 0) AS BIGINT) FROM log_batches WHERE seq >= ? AND seq <= ?`, []any{from, to}, &n)
	return n, err
}
