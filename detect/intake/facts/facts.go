package facts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake/hl7"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Migrations make this package's tables: batches of facts, sealed under the general key, of which row 0 says how many there
// are; and what HL7 messages told of stays, by a keyed hash of source and stay, beside the patient's pseudonym.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0702_intake_facts", SQL: `
CREATE TABLE intake_facts (seq {{int}} NOT NULL PRIMARY KEY, last {{int}} NOT NULL, at {{int}} NOT NULL, sealed {{bytes}} NOT NULL) {{clustered}};
`}, {ID: "0703_intake_stays", SQL: `
CREATE TABLE intake_stays (stay {{int}} NOT NULL PRIMARY KEY, patient {{int}} NOT NULL, sealed {{bytes}} NOT NULL) {{clustered}};
CREATE INDEX intake_stays_patient ON intake_stays (patient);
`}}
}

func factsTable() *store.Table {
	return &store.Table{Name: "intake_facts", Key: 1, Columns: []store.Column{{Name: "seq"}, {Name: "last"}, {Name: "at"}, {Name: "sealed", Kind: store.Bytes}}}
}

// notes seals what is kept. The records do.
type notes interface {
	SealNote(ctx context.Context, b tutela.Bucket, subject, plain []byte) ([]byte, error)
	OpenNote(ctx context.Context, b tutela.Bucket, subject, sealed []byte) ([]byte, error)
}

// Store keeps facts. Safe for concurrent use, also by several nodes.
type Store struct {
	DB    *store.DB
	Notes notes
	Clock clock.Clock
	// Alias is a keyed hash; only stays need it.
	Alias func(what, value string) int64

	mu sync.Mutex // one batch at a time of this node
}

// perBatch is how many facts a batch has at most: places are numbered so.
const perBatch = 1 << 10

// tries is how often a batch is made anew because another node wrote one.
const tries = 16

// Take keeps facts; lines that are events are none. When it returns without an error they are durable.
func (s *Store) Take(ctx context.Context, lines []event.Line) error {
	return s.Tell(ctx, "", lines, nil)
}

// Tell keeps facts that a source told, and what it told of stays with the last of them.
func (s *Store) Tell(ctx context.Context, source string, lines []event.Line, stays []hl7.Stay) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(lines) > perBatch {
		if err := s.take(ctx, lines[:perBatch], stayRows{}); err != nil {
			return fmt.Errorf("keep facts: %w", err)
		}
		lines = lines[perBatch:]
	}
	if len(lines)+len(stays) == 0 {
		return nil
	}
	rows, err := s.sealStays(ctx, source, stays)
	if err == nil {
		err = s.take(ctx, lines, rows)
	}
	if err != nil {
		return fmt.Errorf("keep facts: %w", err)
	}
	return nil
}

// kept is a fact as it is kept.
type kept struct {
	Staff    *event.Staff    `json:"staff,omitempty"`
	Relation *event.Relation `json:"relation,omitempty"`
	Chart    *event.Chart    `json:"chart,omitempty"`
}

func (s *Store) take(ctx context.Context, lines []event.Line, stays stayRows) error {
	batch := make([]kept, len(lines))
	for i, l := range lines {
		batch[i] = kept{l.Staff, l.Relation, l.Chart}
	}
	plain, err := json.Marshal(batch)
	if err != nil {
		return err
	}
	for range tries {
		if err = s.write(ctx, plain, stays); !errs.Is(err, errs.Conflict) {
			return err
		}
	}
	return err
}

func (s *Store) write(ctx context.Context, plain []byte, stays stayRows) error {
	last, err := s.last(ctx)
	if err != nil {
		return err
	}
	next, at := last+1, s.Clock().UnixMilli()
	sealed, err := s.Notes.SealNote(ctx, tutela.BucketGeneral, subject(next, at), plain)
	if err != nil {
		return err
	}
	head := store.Claim{Table: factsTable(), Key: []any{int64(0)}, Set: []any{int64(0), next, at, []byte{}}}
	if last > 0 {
		head.Expect = []any{last}
	}
	op := store.Op{Claims: []store.Claim{head}, Inserts: []store.Rows{{Table: factsTable(), Rows: [][]any{{next, next, at, sealed}}}}}
	stays.into(&op)
	return s.DB.Commit(ctx, op)
}

func subject(seq, at int64) []byte { return fmt.Appendf(nil, "intake facts %d %d", seq, at) }

// last is how many batches there are.
func (s *Store) last(ctx context.Context) (int64, error) {
	var n int64
	_, err := s.DB.QueryRow(ctx, `SELECT last FROM intake_facts WHERE seq = 0`, nil, &n)
	return n, err
}

// Name implements detect.Stream.
func (s *Store) Name() string { return "facts" }

// Head implements detect.Stream.
func (s *Store) Head(ctx context.Context) (int64, error) {
	last, err := s.last(ctx)
	return (last + 1) * perBatch, err
}

// page is how many batches are read at once.
const page = 64

// Follow implements detect.Stream. The place of a fact is its batch times perBatch, and its number there.
func (s *Store) Follow(ctx context.Context, from int64, f func(int64, event.Line) error) (int64, error) {
	from = max(from, perBatch)
	for {
		rows, err := s.read(ctx, from/perBatch)
		if err != nil || len(rows) == 0 {
			return from, err
		}
		for _, r := range rows {
			if from, err = s.give(ctx, r, max(from, r.seq*perBatch), f); err != nil {
				return from, err
			}
		}
	}
}

type row struct {
	seq, at int64
	sealed  []byte
}

func (s *Store) read(ctx context.Context, from int64) (rows []row, err error) {
	err = s.DB.Query(ctx, `SELECT seq, at, sealed FROM intake_facts WHERE seq >= ? ORDER BY seq LIMIT ?`, []any{from, int64(page)}, func(sc store.Scanner) error {
		var r row
		err := sc.Scan(&r.seq, &r.at, &r.sealed)
		rows = append(rows, r)
		return err
	})
	return rows, err
}

// give hands on the facts of a batch from a place on, and returns the place behind the last one.
func (s *Store) give(ctx context.Context, r row, from int64, f func(int64, event.Line) error) (int64, error) {
	plain, err := s.Notes.OpenNote(ctx, tutela.BucketGeneral, subject(r.seq, r.at), r.sealed)
	var batch []kept
	if err == nil {
		err = json.Unmarshal(plain, &batch)
	}
	if err == nil && len(batch) > perBatch {
		err = errors.New("it is too long")
	}
	if err != nil {
		return from, fmt.Errorf("open batch %d of facts: %w", r.seq, err)
	}
	for i, k := range batch {
		at := r.seq*perBatch + int64(i)
		if at < from {
			continue
		}
		if err := f(at, event.Line{Staff: k.Staff, Relation: k.Relation, Chart: k.Chart}); err != nil {
			return at, err
		}
	}
	return (r.seq + 1) * perBatch, nil
}
