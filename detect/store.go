package detect

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Migrations make this plane's tables. Rows show times, whether a finding is open, its rank (100 less
// the risk) and keyed hashes of whom and what it is about; all else lies under the general key.
// detect_state is one row: how far streams were followed. detect_memory is what detectors remember.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0700_detect", SQL: `
CREATE TABLE detect_state (
	id {{int}} NOT NULL PRIMARY KEY, revision {{int}} NOT NULL, at {{int}} NOT NULL, sealed {{bytes}} NOT NULL
) {{clustered}};
CREATE TABLE detect_memory (
	generation {{int}} NOT NULL, part {{int}} NOT NULL, sealed {{bytes}} NOT NULL, PRIMARY KEY (generation, part)
) {{clustered}};
CREATE TABLE detect_findings (
	id {{bytes}} NOT NULL PRIMARY KEY, revision {{int}} NOT NULL, alike {{int}} NOT NULL, kin {{int}} NOT NULL, closed {{int}} NOT NULL,
	rank {{int}} NOT NULL, opened {{int}} NOT NULL, judged {{int}} NOT NULL, verdict {{int}} NOT NULL, sealed {{bytes}} NOT NULL
) {{clustered}};
CREATE INDEX detect_findings_alike ON detect_findings (alike, opened);
CREATE INDEX detect_findings_kin ON detect_findings (kin, judged);
CREATE INDEX detect_findings_rank ON detect_findings (closed, rank, id);
`}}
}

func stateTable() *store.Table {
	return &store.Table{Name: "detect_state", Key: 1, Columns: []store.Column{
		{Name: "id"}, {Name: "revision"}, {Name: "at"}, {Name: "sealed", Kind: store.Bytes},
	}}
}

func memoryTable() *store.Table {
	return &store.Table{Name: "detect_memory", Key: 2, Columns: []store.Column{
		{Name: "generation"}, {Name: "part"}, {Name: "sealed", Kind: store.Bytes},
	}}
}

func findingsTable() *store.Table {
	return &store.Table{Name: "detect_findings", Key: 1, Columns: []store.Column{
		{Name: "id", Kind: store.Bytes}, {Name: "revision"}, {Name: "alike"}, {Name: "kin"}, {Name: "closed"}, {Name: "rank"},
		{Name: "opened"}, {Name: "judged"}, {Name: "verdict"}, {Name: "sealed", Kind: store.Bytes},
	}}
}

// progress is how far streams were followed.
type progress struct {
	Places   map[string]int64 `json:"places"`           // by stream: all before it is done, its findings written
	Saved    map[string]int64 `json:"saved,omitempty"`  // by stream: what the kept memory has seen
	Memory   int64            `json:"memory,omitzero"`  // generation of the kept memory, 0 for none
	Opened   map[string]int   `json:"opened,omitempty"` // findings opened by rule on Day
	Day      string           `json:"day,omitempty"`
	revision int64
	at       time.Time
	levels   map[finding.Level]int64 // of the findings that the next commit opens
}

// readProgress reads the state; its zero value when there is none yet.
func (s *Service) readProgress(ctx context.Context) (progress, error) {
	p := progress{Places: map[string]int64{}, Saved: map[string]int64{}}
	var revision, at int64
	var sealed []byte
	found, err := s.cfg.DB.QueryRow(ctx, `SELECT revision, at, sealed FROM detect_state WHERE id = 1`, nil, &revision, &at, &sealed)
	if err != nil || !found {
		return p, err
	}
	plain, err := s.cfg.Notes.OpenNote(ctx, tutela.BucketGeneral, stateSubject(revision, at), sealed)
	if err == nil {
		err = json.Unmarshal(plain, &p)
	}
	if err != nil {
		return p, fmt.Errorf("open the state of detection: %w", err)
	}
	p.revision, p.at = revision, time.UnixMilli(at).UTC()
	return p, nil
}

func stateSubject(revision, at int64) []byte {
	return fmt.Appendf(nil, "detect state %d %d", revision, at)
}

// claim writes the state in place of the one that was read.
func (s *Service) claim(ctx context.Context, p progress, now time.Time) (store.Claim, error) {
	plain, err := json.Marshal(p, json.Deterministic(true))
	if err != nil {
		return store.Claim{}, fmt.Errorf("encode the state of detection: %w", err)
	}
	at := now.UnixMilli()
	sealed, err := s.cfg.Notes.SealNote(ctx, tutela.BucketGeneral, stateSubject(p.revision+1, at), plain)
	if err != nil {
		return store.Claim{}, err
	}
	c := store.Claim{Table: stateTable(), Key: []any{int64(1)}, Set: []any{int64(1), p.revision + 1, at, sealed}}
	if p.revision > 0 {
		c.Expect = []any{p.revision}
	}
	return c, nil
}

// row is a finding with its place in the store.
type row struct {
	*finding.Case

	revision   int64
	alike, kin int64
}

// columns are what a row shows without a key.
func (r row) columns() (closed, rank, opened, judged, verdict int64) {
	if r.State == finding.Closed {
		closed = 1
	}
	if !r.Judged.IsZero() {
		judged = r.Judged.UnixMilli()
	}
	return closed, int64(100 - r.Risk), r.Opened.UnixMilli(), judged, verdictNumber(r.Verdict)
}

func verdictNumber(v finding.Verdict) int64 {
	for n, known := range verdicts() {
		if v == known {
			return int64(n)
		}
	}
	return 0
}

// verdicts are the verdicts by the number under which rows keep them.
func verdicts() []finding.Verdict {
	return []finding.Verdict{"", finding.True, finding.Benign, finding.Expected}
}

// save claims a finding's row in place of the revision that was read.
func (s *Service) save(ctx context.Context, r row) (store.Claim, error) {
	id, err := hex.DecodeString(r.ID)
	if err != nil {
		return store.Claim{}, fmt.Errorf("finding %q: %w", r.ID, err)
	}
	plain, err := json.Marshal(r.Case)
	if err != nil {
		return store.Claim{}, fmt.Errorf("encode finding: %w", err)
	}
	closed, rank, opened, judged, verdict := r.columns()
	values := []int64{r.revision + 1, r.alike, r.kin, closed, rank, opened, judged, verdict}
	sealed, err := s.cfg.Notes.SealNote(ctx, tutela.BucketGeneral, findingSubject(id, values), plain)
	if err != nil {
		return store.Claim{}, err
	}
	c := store.Claim{Table: findingsTable(), Key: []any{id}, Set: []any{id}}
	for _, v := range values {
		c.Set = append(c.Set, v)
	}
	c.Set = append(c.Set, sealed)
	if r.revision > 0 {
		c.Expect = []any{r.revision}
	}
	return c, nil
}

// findingSubject binds the sealed part to the rest of its row.
func findingSubject(id []byte, values []int64) []byte {
	return fmt.Appendf(nil, "finding %x %d", id, values)
}

const selectFinding = `SELECT id, revision, alike, kin, closed, rank, opened, judged, verdict, sealed FROM detect_findings`

// rows reads findings.
func (s *Service) rows(ctx context.Context, where string, args ...any) ([]row, error) {
	type read struct {
		id, sealed []byte
		values     [8]int64
	}
	var found []read
	err := s.cfg.DB.Query(ctx, selectFinding+where, args, func(sc store.Scanner) error {
		var r read
		v := &r.values
		if err := sc.Scan(&r.id, &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7], &r.sealed); err != nil {
			return err
		}
		found = append(found, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	list := make([]row, len(found))
	for i, f := range found {
		list[i] = row{Case: &finding.Case{}, revision: f.values[0], alike: f.values[1], kin: f.values[2]}
		plain, err := s.cfg.Notes.OpenNote(ctx, tutela.BucketGeneral, findingSubject(f.id, f.values[:]), f.sealed)
		if err == nil {
			err = json.Unmarshal(plain, list[i].Case)
		}
		if err != nil {
			return nil, fmt.Errorf("open finding %x: %w", f.id, err)
		}
	}
	return list, nil
}

// find reads one finding.
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

func notFound() error { return errs.New(errs.NotFound, "no such finding") }

// newest gives the newest finding of a rule, actor and group; found is false when there was none.
func (s *Service) newest(ctx context.Context, alike int64) (r row, found bool, err error) {
	list, err := s.rows(ctx, ` WHERE alike = ? ORDER BY opened DESC, id LIMIT 1`, alike)
	if err != nil || len(list) == 0 {
		return row{}, false, err
	}
	return list[0], true, nil
}

// favour counts the verdicts of late on findings of a rule and actor.
func (s *Service) favour(ctx context.Context, kin int64, now time.Time) (finding.Favour, error) {
	var f finding.Favour
	err := s.cfg.DB.Query(ctx, `SELECT verdict, judged FROM detect_findings WHERE kin = ? AND judged > ? ORDER BY judged DESC LIMIT 32`,
		[]any{kin, now.Add(-finding.Lookback).UnixMilli()}, func(sc store.Scanner) error {
			var verdict, judged int64
			if err := sc.Scan(&verdict, &judged); err != nil {
				return err
			}
			if known := verdicts(); verdict > 0 && verdict < int64(len(known)) {
				f.Count(known[verdict], time.UnixMilli(judged), now)
			}
			return nil
		})
	return f, err
}

// place is where a list goes on.
type place struct {
	closed, rank int64
	id           []byte
}

// ranked gives findings behind a place: open ones first, and the riskiest of them.
func (s *Service) ranked(ctx context.Context, after place, only finding.State, limit int) ([]row, error) {
	where, args := ` WHERE (closed, rank, id) > (?, ?, ?)`, []any{after.closed, after.rank, after.id}
	switch only {
	case finding.Open:
		where += ` AND closed = 0`
	case finding.Closed:
		where += ` AND closed = 1`
	}
	return s.rows(ctx, where+` ORDER BY closed, rank, id LIMIT ?`, append(args, int64(limit))...)
}

// parts reads the sealed parts of a generation of memory, in order.
func (s *Service) parts(ctx context.Context, generation int64) ([][]byte, error) {
	var list [][]byte
	err := s.cfg.DB.Query(ctx, `SELECT sealed FROM detect_memory WHERE generation = ? ORDER BY part`, []any{generation}, func(sc store.Scanner) error {
		var b []byte
		err := sc.Scan(&b)
		list = append(list, b)
		return err
	})
	return list, err
}
