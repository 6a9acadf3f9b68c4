package answer

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Migrations make this package's table. A row shows the number of its kind, its state and its times; whom it is
// for, and why, lies under the general key and is bound to the rest.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0901_answers", SQL: `
CREATE TABLE answers (
	id {{bytes}} NOT NULL PRIMARY KEY, revision {{int}} NOT NULL, kind {{int}} NOT NULL, state {{int}} NOT NULL,
	given {{int}} NOT NULL, until {{int}} NOT NULL, sealed {{bytes}} NOT NULL
) {{clustered}};
CREATE INDEX answers_state ON answers (state, until);
CREATE INDEX answers_given ON answers (given);
`}}
}

func table() *store.Table {
	return &store.Table{Name: "answers", Key: 1, Columns: []store.Column{
		{Name: "id", Kind: store.Bytes}, {Name: "revision"}, {Name: "kind"}, {Name: "state"}, {Name: "given"}, {Name: "until"},
		{Name: "sealed", Kind: store.Bytes},
	}}
}

// The numbers of states in rows.
const (
	rowActive int64 = iota + 1
	rowUndone
	rowWithheld
)

func stateNumber(s State) int64 {
	switch s {
	case Undone:
		return rowUndone
	case Withheld:
		return rowWithheld
	}
	return rowActive
}

// kindNumber is a kind's place among all in rows, which never changes.
func kindNumber(k Kind) int64 {
	for n, known := range []Kind{StepUp, Revoke, Lock, Narrow, Quarantine, Throttle, Block} {
		if k == known {
			return int64(n) + 1
		}
	}
	return 0
}

// claim writes an answer in place of the revision that was read.
func (s *Service) claim(ctx context.Context, a Answer) (store.Claim, error) {
	id, err := hex.DecodeString(a.ID)
	if err != nil {
		return store.Claim{}, fmt.Errorf("answer %q: %w", a.ID, err)
	}
	plain, err := json.Marshal(a)
	if err != nil {
		return store.Claim{}, fmt.Errorf("encode answer: %w", err)
	}
	values := [5]int64{a.revision + 1, kindNumber(a.Kind), stateNumber(a.State), a.Given.UnixMilli(), a.Until.UnixMilli()}
	sealed, err := s.cfg.Notes.SealNote(ctx, tutela.BucketGeneral, subject(id, values), plain)
	if err != nil {
		return store.Claim{}, err
	}
	c := store.Claim{Table: table(), Key: []any{id}, Set: []any{id, values[0], values[1], values[2], values[3], values[4], sealed}}
	if a.revision > 0 {
		c.Expect = []any{a.revision}
	}
	return c, nil
}

// subject binds the sealed part to the rest of its row.
func subject(id []byte, values [5]int64) []byte { return fmt.Appendf(nil, "answer %x %d", id, values) }

// rows reads answers.
func (s *Service) rows(ctx context.Context, where string, args ...any) ([]Answer, error) {
	type read struct {
		id, sealed []byte
		values     [5]int64
	}
	var found []read
	err := s.cfg.DB.Query(ctx, `SELECT id, revision, kind, state, given, until, sealed FROM answers`+where, args, func(sc store.Scanner) error {
		var r read
		v := &r.values
		err := sc.Scan(&r.id, &v[0], &v[1], &v[2], &v[3], &v[4], &r.sealed)
		found = append(found, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	list := make([]Answer, len(found))
	for i, f := range found {
		plain, err := s.cfg.Notes.OpenNote(ctx, tutela.BucketGeneral, subject(f.id, f.values), f.sealed)
		if err == nil {
			err = json.Unmarshal(plain, &list[i])
		}
		if err != nil {
			return nil, fmt.Errorf("open answer %x: %w", f.id, err)
		}
		list[i].revision = f.values[0]
	}
	return list, nil
}

// find reads one answer.
func (s *Service) find(ctx context.Context, id string) (Answer, error) {
	key, err := hex.DecodeString(id)
	if err != nil || len(key) != 16 {
		return Answer{}, notFound()
	}
	list, err := s.rows(ctx, ` WHERE id = ?`, key)
	if err == nil && len(list) == 0 {
		err = notFound()
	}
	if err != nil {
		return Answer{}, err
	}
	return list[0], nil
}

func notFound() error { return errs.New(errs.NotFound, "no such answer") }

// inForce reads the answers that are active at a moment.
func (s *Service) inForce(ctx context.Context, now time.Time) ([]Answer, error) {
	return s.rows(ctx, ` WHERE state = ? AND until > ? ORDER BY until`, rowActive, now.UnixMilli())
}

// givenSince counts what was given, and not withheld, since a moment: of a kind, or of all.
func (s *Service) givenSince(ctx context.Context, k Kind, since time.Time) (n int, err error) {
	query, args := `SELECT count(*) FROM answers WHERE given > ? AND state <> ?`, []any{since.UnixMilli(), rowWithheld}
	if k != "" {
		query, args = query+` AND kind = ?`, append(args, kindNumber(k))
	}
	_, err = s.cfg.DB.QueryRow(ctx, query, args, &n)
	return n, err
}
