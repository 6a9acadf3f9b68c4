package breach

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Migrations make this package's table. A row shows whether a case is closed and when it was opened; the rest lies under the
// general key and is bound to the row.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0910_breaches", SQL: `
CREATE TABLE breach_cases (
	id {{bytes}} NOT NULL PRIMARY KEY, revision {{int}} NOT NULL, closed {{int}} NOT NULL, opened {{int}} NOT NULL, sealed {{bytes}} NOT NULL
) {{clustered}};
CREATE INDEX breach_cases_opened ON breach_cases (closed, opened);
`}}
}

func table() *store.Table {
	return &store.Table{Name: "breach_cases", Key: 1, Columns: []store.Column{
		{Name: "id", Kind: store.Bytes}, {Name: "revision"}, {Name: "closed"}, {Name: "opened"}, {Name: "sealed", Kind: store.Bytes},
	}}
}

// row is a case as the table keeps it.
type row struct {
	id                       []byte
	revision, closed, opened int64
	sealed                   []byte
}

// subject binds the sealed part to the rest of its row.
func (r row) subject() []byte {
	return fmt.Appendf(nil, "breach %x %d %d %d", r.id, r.revision, r.closed, r.opened)
}

// save writes a case in place of the revision that was read, with the entry that tells of it. errs.Conflict: somebody else
// wrote it meanwhile.
func (s *Service) save(ctx context.Context, c Case, e tutela.Entry, words any) error {
	id, err := hex.DecodeString(c.ID)
	if err != nil {
		return fmt.Errorf("breach %q: %w", c.ID, err)
	}
	r := row{id: id, revision: c.revision + 1, opened: c.Opened.UnixMilli()}
	if !c.Closed.IsZero() {
		r.closed = c.Closed.UnixMilli()
	}
	c.Duties = nil // they follow from the rest
	plain, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode breach: %w", err)
	}
	if r.sealed, err = s.cfg.Notes.SealNote(ctx, tutela.BucketGeneral, r.subject(), plain); err != nil {
		return err
	}
	claim := store.Claim{Table: table(), Key: []any{id}, Set: []any{id, r.revision, r.closed, r.opened, r.sealed}}
	if c.revision > 0 {
		claim.Expect = []any{c.revision}
	}
	body, err := json.Marshal(words)
	if err != nil {
		return fmt.Errorf("encode entry: %w", err)
	}
	e.Outcome = tutela.OutcomeSuccess
	leaves, err := s.cfg.Audit.Encode(ctx, e, []tutela.Section{{Patient: tutela.BucketGeneral, Body: body}}, nil)
	if err != nil {
		return err
	}
	return s.cfg.DB.Commit(ctx, store.Op{Claims: []store.Claim{claim}, Entries: leaves})
}

// rows reads cases.
func (s *Service) rows(ctx context.Context, where string, args ...any) ([]Case, error) {
	var found []row
	err := s.cfg.DB.Query(ctx, `SELECT id, revision, closed, opened, sealed FROM breach_cases`+where, args, func(sc store.Scanner) error {
		var r row
		err := sc.Scan(&r.id, &r.revision, &r.closed, &r.opened, &r.sealed)
		found = append(found, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read breaches: %w", err)
	}
	list := []Case{}
	for _, r := range found {
		plain, err := s.cfg.Notes.OpenNote(ctx, tutela.BucketGeneral, r.subject(), r.sealed)
		if err != nil {
			return nil, fmt.Errorf("open breach %x: %w", r.id, err)
		}
		c := Case{revision: r.revision}
		if json.Unmarshal(plain, &c) != nil {
			return nil, errors.New("decode a breach: it is not as it was written")
		}
		list = append(list, c)
	}
	return list, nil
}

// find reads one case.
func (s *Service) find(ctx context.Context, id string) (Case, error) {
	key, err := hex.DecodeString(id)
	if err != nil || len(key) != 16 {
		return Case{}, errs.New(errs.NotFound, "no such breach")
	}
	list, err := s.rows(ctx, ` WHERE id = ?`, key)
	if err == nil && len(list) == 0 {
		err = errs.New(errs.NotFound, "no such breach")
	}
	if err != nil {
		return Case{}, err
	}
	return list[0], nil
}

// now is the time to the millisecond, as rows keep it.
func (s *Service) now() time.Time { return s.cfg.Clock().UTC().Truncate(time.Millisecond) }
