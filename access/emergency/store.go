package emergency

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Migrations make this package's table. Nothing in it is a name or a reason: holder and session are
// keyed hashes, times are milliseconds since 1970. reviewed is 0 while the review is open. mac
// is a keyed hash of all of it: whoever can write the database makes and prolongs no emergency.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0310_emergencies", SQL: `
CREATE TABLE emergencies (
	id {{bytes}} NOT NULL PRIMARY KEY, revision {{int}} NOT NULL, holder {{int}} NOT NULL, session {{int}} NOT NULL,
	patient {{int}} NOT NULL, opened {{int}} NOT NULL, until {{int}} NOT NULL, reviewed {{int}} NOT NULL,
	mac {{int}} NOT NULL
) {{clustered}};
CREATE INDEX emergencies_holder ON emergencies (holder, until);
CREATE INDEX emergencies_reviewed ON emergencies (reviewed, opened);
`}}
}

func table() *store.Table {
	return &store.Table{Name: "emergencies", Key: 1, Columns: []store.Column{
		{Name: "id", Kind: store.Bytes}, {Name: "revision"}, {Name: "holder"}, {Name: "session"},
		{Name: "patient"}, {Name: "opened"}, {Name: "until"}, {Name: "reviewed"}, {Name: "mac"},
	}}
}

// row is an emergency as the table keeps it.
type row struct {
	id                        string // of its entry
	revision, holder, session int64
	patient                   tutela.Bucket
	opened, until             time.Time
	reviewed                  time.Time // zero while the review is open
}

// open reports whether the emergency counts at a moment, as far as its row tells.
func (r *row) open(now time.Time) bool { return now.Before(r.until) }

// mac is the keyed hash of a row.
func (s *Service) mac(r row) int64 {
	return s.cfg.Alias("emergency-row", fmt.Sprint(r.id, " ", r.revision, r.holder, r.session, int64(r.patient),
		r.opened.UnixMilli(), r.until.UnixMilli(), milliseconds(r.reviewed)))
}

// milliseconds since 1970; 0 for no time.
func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// claim writes the row in place of the revision that was read; a new one where there was none.
func (s *Service) claim(r row) (store.Claim, error) {
	id, err := hex.DecodeString(r.id)
	if err != nil {
		return store.Claim{}, fmt.Errorf("emergency %q: %w", r.id, err)
	}
	c := store.Claim{Table: table(), Key: []any{id}}
	if r.revision > 0 {
		c.Expect = []any{r.revision}
	}
	r.revision++
	c.Set = []any{
		id, r.revision, r.holder, r.session, int64(r.patient), r.opened.UnixMilli(), r.until.UnixMilli(), milliseconds(r.reviewed), s.mac(r),
	}
	return c, nil
}

const selectRow = `SELECT id, revision, holder, session, patient, opened, until, reviewed, mac FROM emergencies`

func (s *Service) rows(ctx context.Context, where string, args ...any) ([]row, error) {
	var list []row
	err := s.cfg.DB.Query(ctx, selectRow+where, args, func(sc store.Scanner) error {
		var r row
		var id []byte
		var patient, opened, until, reviewed, mac int64
		if err := sc.Scan(&id, &r.revision, &r.holder, &r.session, &patient, &opened, &until, &reviewed, &mac); err != nil {
			return err
		}
		r.id, r.patient = hex.EncodeToString(id), tutela.Bucket(patient)
		r.opened, r.until = time.UnixMilli(opened).UTC(), time.UnixMilli(until).UTC()
		if reviewed != 0 {
			r.reviewed = time.UnixMilli(reviewed).UTC()
		}
		if mac != s.mac(r) {
			return fmt.Errorf("emergency %s is not as it was written: the database was tampered with", r.id)
		}
		list = append(list, r)
		return nil
	})
	return list, err
}

// openRows are the rows of a holder whose moment has not passed.
func (s *Service) openRows(ctx context.Context, holder int64, now time.Time) ([]row, error) {
	return s.rows(ctx, ` WHERE holder = ? AND until > ? ORDER BY patient, opened`, holder, now.UnixMilli())
}

// openCases and closedCases are rows by whether their review is open, the newest first.
func (s *Service) openCases(ctx context.Context, limit int) ([]row, error) {
	return s.rows(ctx, ` WHERE reviewed = 0 ORDER BY opened DESC LIMIT ?`, int64(limit))
}

func (s *Service) closedCases(ctx context.Context, limit int) ([]row, error) {
	return s.rows(ctx, ` WHERE reviewed > 0 ORDER BY reviewed DESC LIMIT ?`, int64(limit))
}

// find reads one row. An id that is none is not there either.
func (s *Service) find(ctx context.Context, id string) (row, error) {
	key, err := hex.DecodeString(id)
	if err != nil || len(key) != 16 {
		return row{}, notFound()
	}
	list, err := s.rows(ctx, ` WHERE id = ?`, key)
	if err == nil && len(list) == 0 {
		err = notFound()
	}
	if err != nil {
		return row{}, err
	}
	return list[0], nil
}

func notFound() error { return errs.New(errs.NotFound, "no such emergency access") }
