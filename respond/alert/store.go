package alert

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

// Migrations make this package's tables. Rows show states and times; all else lies under the general key and is
// bound to its row. due is when an alert's next step is, 0 for never; of a note, when it is tried next. channel is a
// keyed hash.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0902_alerts", SQL: `
CREATE TABLE alerts (
	id {{bytes}} NOT NULL PRIMARY KEY, revision {{int}} NOT NULL, state {{int}} NOT NULL, opened {{int}} NOT NULL, due {{int}} NOT NULL,
	sealed {{bytes}} NOT NULL
) {{clustered}};
CREATE INDEX alerts_due ON alerts (state, due);
CREATE INDEX alerts_opened ON alerts (opened);
CREATE TABLE alert_notes (
	id {{bytes}} NOT NULL PRIMARY KEY, revision {{int}} NOT NULL, channel {{int}} NOT NULL, state {{int}} NOT NULL, due {{int}} NOT NULL,
	tries {{int}} NOT NULL, written {{int}} NOT NULL, sealed {{bytes}} NOT NULL
) {{clustered}};
CREATE INDEX alert_notes_channel ON alert_notes (channel, state, due);
CREATE INDEX alert_notes_written ON alert_notes (state, written);
`}}
}

func alertsTable() *store.Table {
	return &store.Table{Name: "alerts", Key: 1, Columns: []store.Column{
		{Name: "id", Kind: store.Bytes}, {Name: "revision"}, {Name: "state"}, {Name: "opened"}, {Name: "due"}, {Name: "sealed", Kind: store.Bytes},
	}}
}

func notesTable() *store.Table {
	return &store.Table{Name: "alert_notes", Key: 1, Columns: []store.Column{
		{Name: "id", Kind: store.Bytes}, {Name: "revision"}, {Name: "channel"}, {Name: "state"}, {Name: "due"}, {Name: "tries"}, {Name: "written"},
		{Name: "sealed", Kind: store.Bytes},
	}}
}

// The numbers of states in rows.
const (
	alertOpen int64 = 1
	alertSeen int64 = 2

	noteWaits int64 = 1
	noteSent  int64 = 2
	noteLost  int64 = 3 // nobody took it for days
)

func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func (s *Service) alertClaim(ctx context.Context, a Alert) (store.Claim, error) {
	id, err := hex.DecodeString(a.ID)
	if err != nil {
		return store.Claim{}, fmt.Errorf("alert %q: %w", a.ID, err)
	}
	state := alertOpen
	if a.State != Open {
		state = alertSeen
	}
	values := [4]int64{a.revision + 1, state, a.Opened.UnixMilli(), milliseconds(a.due())}
	sealed, err := s.seal(ctx, a, alertSubject(id, values))
	if err != nil {
		return store.Claim{}, err
	}
	c := store.Claim{Table: alertsTable(), Key: []any{id}, Set: []any{id, values[0], values[1], values[2], values[3], sealed}}
	if a.revision > 0 {
		c.Expect = []any{a.revision}
	}
	return c, nil
}

func (s *Service) seal(ctx context.Context, v any, subject []byte) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode alert: %w", err)
	}
	return s.cfg.Notes.SealNote(ctx, tutela.BucketGeneral, subject, plain)
}

func (s *Service) unseal(ctx context.Context, sealed, subject []byte, v any) error {
	plain, err := s.cfg.Notes.OpenNote(ctx, tutela.BucketGeneral, subject, sealed)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, v)
}

func alertSubject(id []byte, values [4]int64) []byte {
	return fmt.Appendf(nil, "alert %x %d", id, values)
}

// alerts reads alerts.
func (s *Service) alerts(ctx context.Context, where string, args ...any) ([]Alert, error) {
	type row struct {
		id, sealed []byte
		values     [4]int64
	}
	var rows []row
	err := s.cfg.DB.Query(ctx, `SELECT id, revision, state, opened, due, sealed FROM alerts`+where, args, func(sc store.Scanner) error {
		var r row
		v := &r.values
		err := sc.Scan(&r.id, &v[0], &v[1], &v[2], &v[3], &r.sealed)
		rows = append(rows, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	list := make([]Alert, len(rows))
	for i, r := range rows {
		if err := s.unseal(ctx, r.sealed, alertSubject(r.id, r.values), &list[i]); err != nil {
			return nil, fmt.Errorf("open alert %x: %w", r.id, err)
		}
		list[i].revision = r.values[0]
	}
	return list, nil
}

// find reads one alert.
func (s *Service) find(ctx context.Context, id string) (Alert, error) {
	key, err := hex.DecodeString(id)
	if err != nil || len(key) != 16 {
		return Alert{}, notFound()
	}
	list, err := s.alerts(ctx, ` WHERE id = ?`, key)
	if err == nil && len(list) == 0 {
		err = notFound()
	}
	if err != nil {
		return Alert{}, err
	}
	return list[0], nil
}

func notFound() error { return errs.New(errs.NotFound, "no such alert") }

// posted is a note in the outbox.
type posted struct {
	Note    Note   `json:"note"`
	Channel string `json:"channel"`

	revision, state, tries int64
	due, written           time.Time
}

func (s *Service) hash(channel string) int64 { return s.cfg.Alias("alert-channel", channel) }

func (s *Service) noteClaim(ctx context.Context, p posted) (store.Claim, error) {
	id, err := hex.DecodeString(p.Note.ID)
	if err != nil {
		return store.Claim{}, fmt.Errorf("note %q: %w", p.Note.ID, err)
	}
	values := [6]int64{p.revision + 1, s.hash(p.Channel), p.state, milliseconds(p.due), p.tries, milliseconds(p.written)}
	sealed, err := s.seal(ctx, p, noteSubject(id, values))
	if err != nil {
		return store.Claim{}, err
	}
	c := store.Claim{Table: notesTable(), Key: []any{id}, Set: []any{id, values[0], values[1], values[2], values[3], values[4], values[5], sealed}}
	if p.revision > 0 {
		c.Expect = []any{p.revision}
	}
	return c, nil
}

func noteSubject(id []byte, values [6]int64) []byte {
	return fmt.Appendf(nil, "note %x %d", id, values)
}

// notes reads notes of the outbox.
func (s *Service) notes(ctx context.Context, where string, args ...any) ([]posted, error) {
	type row struct {
		id, sealed []byte
		values     [6]int64
	}
	var rows []row
	err := s.cfg.DB.Query(ctx, `SELECT id, revision, channel, state, due, tries, written, sealed FROM alert_notes`+where, args, func(sc store.Scanner) error {
		var r row
		v := &r.values
		err := sc.Scan(&r.id, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &r.sealed)
		rows = append(rows, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	list := make([]posted, len(rows))
	for i, r := range rows {
		p := &list[i]
		if err := s.unseal(ctx, r.sealed, noteSubject(r.id, r.values), p); err != nil {
			return nil, fmt.Errorf("open note %x: %w", r.id, err)
		}
		p.revision, p.state, p.tries = r.values[0], r.values[2], r.values[4]
		p.due, p.written = time.UnixMilli(r.values[3]).UTC(), time.UnixMilli(r.values[5]).UTC()
	}
	return list, nil
}

// maxWaiting is how many notes of a channel are looked at at a time.
const maxWaiting = 500

// waiting reads the notes of a channel that are due, the oldest first.
func (s *Service) waiting(ctx context.Context, channel string, now time.Time) ([]posted, error) {
	return s.notes(ctx, ` WHERE channel = ? AND state = ? AND due <= ? ORDER BY due, id LIMIT ?`, s.hash(channel), noteWaits, now.UnixMilli(), int64(maxWaiting))
}

// backlog counts the notes of a channel that wait.
func (s *Service) backlog(ctx context.Context, channel string) (n int, err error) {
	_, err = s.cfg.DB.QueryRow(ctx, `SELECT count(*) FROM alert_notes WHERE channel = ? AND state = ?`, []any{s.hash(channel), noteWaits}, &n)
	return n, err
}
