package incident

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Migrations make this package's tables. What an incident says is sealed under the general key; state, source,
// times (milliseconds since 1970) and keyed hashes of what alike findings share and of who reported it are in
// clear, and bound to the seal. Items are added and never changed.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0930_incidents", SQL: `
CREATE TABLE incidents (
	id {{bytes}} NOT NULL PRIMARY KEY, revision {{int}} NOT NULL, state {{int}} NOT NULL, source {{int}} NOT NULL, drill {{int}} NOT NULL,
	opened {{int}} NOT NULL, alike {{int}} NOT NULL, reporter {{int}} NOT NULL, sealed {{bytes}} NOT NULL
) {{clustered}};
CREATE INDEX incidents_state ON incidents (state, alike);
CREATE INDEX incidents_opened ON incidents (opened);
CREATE INDEX incidents_reporter ON incidents (reporter, opened);
CREATE TABLE incident_items (
	incident {{bytes}} NOT NULL, number {{int}} NOT NULL, sealed {{bytes}} NOT NULL,
	PRIMARY KEY (incident, number)
) {{clustered}};
`}}
}

func table() *store.Table {
	return &store.Table{Name: "incidents", Key: 1, Columns: []store.Column{
		{Name: "id", Kind: store.Bytes}, {Name: "revision"}, {Name: "state"}, {Name: "source"}, {Name: "drill"},
		{Name: "opened"}, {Name: "alike"}, {Name: "reporter"}, {Name: "sealed", Kind: store.Bytes},
	}}
}

func itemTable() *store.Table {
	return &store.Table{Name: "incident_items", Key: 2, Columns: []store.Column{
		{Name: "incident", Kind: store.Bytes}, {Name: "number"}, {Name: "sealed", Kind: store.Bytes},
	}}
}

// The numbers of states and sources in rows are their places here, from 1 on, and never change.
func rowStates() []State   { return []State{Reported, Open, Contained, Recovered, Closed} }
func rowSources() []Source { return []Source{FromFinding, FromPerson, FromReport, FromMail} }

// inClear are the columns of a row that are not sealed: revision, state, source, drill, opened, alike, reporter.
type inClear [7]int64

func (in *Incident) clear() inClear {
	c := inClear{
		in.revision + 1, int64(slices.Index(rowStates(), in.State)) + 1, int64(slices.Index(rowSources(), in.Source)) + 1, 0,
		milliseconds(in.Opened), in.alike, in.reporter,
	}
	if in.Drill {
		c[3] = 1
	}
	return c
}

// subject binds the sealed part to the rest of its row.
func subject(id []byte, c inClear) []byte { return fmt.Appendf(nil, "incident %x %d", id, c) }

func itemSubject(id []byte, number int) []byte {
	return fmt.Appendf(nil, "incident %x item %d", id, number)
}

// claim writes an incident in place of the revision that was read.
func (s *Service) claim(ctx context.Context, in Incident) (store.Claim, error) {
	id, err := hex.DecodeString(in.ID)
	if err != nil {
		return store.Claim{}, fmt.Errorf("incident %q: %w", in.ID, err)
	}
	plain, err := json.Marshal(in)
	if err != nil {
		return store.Claim{}, fmt.Errorf("encode incident: %w", err)
	}
	c := in.clear()
	sealed, err := s.cfg.Notes.SealNote(ctx, tutela.BucketGeneral, subject(id, c), plain)
	if err != nil {
		return store.Claim{}, err
	}
	claim := store.Claim{Table: table(), Key: []any{id}, Set: []any{id, c[0], c[1], c[2], c[3], c[4], c[5], c[6], sealed}}
	if in.revision > 0 {
		claim.Expect = []any{in.revision}
	}
	return claim, nil
}

// itemRows is a new item as it is inserted.
func (s *Service) itemRows(ctx context.Context, incident string, item Item) (store.Rows, error) {
	id, err := hex.DecodeString(incident)
	if err != nil {
		return store.Rows{}, fmt.Errorf("incident %q: %w", incident, err)
	}
	plain, err := json.Marshal(item)
	if err != nil {
		return store.Rows{}, fmt.Errorf("encode item: %w", err)
	}
	sealed, err := s.cfg.Notes.SealNote(ctx, tutela.BucketGeneral, itemSubject(id, item.Number), plain)
	return store.Rows{Table: itemTable(), Rows: [][]any{{id, int64(item.Number), sealed}}}, err
}

// rows reads incidents.
func (s *Service) rows(ctx context.Context, where string, args ...any) ([]Incident, error) {
	type read struct {
		id, sealed []byte
		clear      inClear
	}
	var found []read
	err := s.cfg.DB.Query(ctx, `SELECT id, revision, state, source, drill, opened, alike, reporter, sealed FROM incidents`+where, args, func(sc store.Scanner) error {
		var r read
		c := &r.clear
		err := sc.Scan(&r.id, &c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &c[6], &r.sealed)
		found = append(found, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	list := make([]Incident, len(found))
	for i, f := range found {
		plain, err := s.cfg.Notes.OpenNote(ctx, tutela.BucketGeneral, subject(f.id, f.clear), f.sealed)
		if err == nil {
			err = json.Unmarshal(plain, &list[i])
		}
		if err != nil {
			return nil, fmt.Errorf("open incident %x: %w", f.id, err)
		}
		list[i].revision, list[i].alike, list[i].reporter = f.clear[0], f.clear[5], f.clear[6]
	}
	return list, nil
}

// find reads one incident.
func (s *Service) find(ctx context.Context, id string) (Incident, error) {
	key, err := hex.DecodeString(id)
	if err != nil || len(key) != 16 {
		return Incident{}, notFound()
	}
	list, err := s.rows(ctx, ` WHERE id = ?`, key)
	if err == nil && len(list) == 0 {
		err = notFound()
	}
	if err != nil {
		return Incident{}, err
	}
	return list[0], nil
}

func notFound() error { return errs.New(errs.NotFound, "no such incident") }

// items reads a timeline. One that has gaps, or not as many items as its incident says, was tampered with.
func (s *Service) items(ctx context.Context, in Incident) ([]Item, error) {
	id, err := hex.DecodeString(in.ID)
	if err != nil {
		return nil, fmt.Errorf("incident %q: %w", in.ID, err)
	}
	var sealed [][]byte
	err = s.cfg.DB.Query(ctx, `SELECT sealed FROM incident_items WHERE incident = ? AND number <= ? ORDER BY number`, []any{id, int64(in.Items)}, func(sc store.Scanner) error {
		var b []byte
		err := sc.Scan(&b)
		sealed = append(sealed, b)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(sealed) != in.Items {
		return nil, errs.New(errs.Internal, "the timeline of incident %s has %d items instead of %d: the database was tampered with", in.ID, len(sealed), in.Items)
	}
	list := make([]Item, len(sealed))
	for i, b := range sealed {
		plain, err := s.cfg.Notes.OpenNote(ctx, tutela.BucketGeneral, itemSubject(id, i+1), b)
		if err == nil {
			err = json.Unmarshal(plain, &list[i])
		}
		if err != nil {
			return nil, fmt.Errorf("open item %d of incident %s: %w", i+1, in.ID, err)
		}
	}
	return list, nil
}

// openAlike gives the real incident that is not over and shares what findings share.
func (s *Service) openAlike(ctx context.Context, alike int64) (Incident, bool, error) {
	list, err := s.rows(ctx, ` WHERE alike = ? AND state <> ? AND drill = 0 ORDER BY opened LIMIT 1`, alike, rowClosed())
	if err != nil || len(list) == 0 {
		return Incident{}, false, err
	}
	return list[0], true, nil
}

func rowClosed() int64 { return int64(slices.Index(rowStates(), Closed)) + 1 }

// foundSince counts the incidents that findings opened since a moment.
func (s *Service) foundSince(ctx context.Context, since time.Time) (n int, err error) {
	source := int64(slices.Index(rowSources(), FromFinding)) + 1
	_, err = s.cfg.DB.QueryRow(ctx, `SELECT count(*) FROM incidents WHERE opened > ? AND source = ?`, []any{since.UnixMilli(), source}, &n)
	return n, err
}

// reportsSince counts what one reporter told since a moment.
func (s *Service) reportsSince(ctx context.Context, reporter int64, since time.Time) (n int, err error) {
	_, err = s.cfg.DB.QueryRow(ctx, `SELECT count(*) FROM incidents WHERE reporter = ? AND opened > ?`, []any{reporter, since.UnixMilli()}, &n)
	return n, err
}
