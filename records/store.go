package records

import (
	"context"
	"fmt"
	"math/bits"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// Migrations make this plane's tables.
//
// versions is clustered by patient, so that a chart lies together and an erasure finds it.
// moved names the bucket of the version before, where that was another. locators.kind is a
// keyed hash of the type, 0 for a deleted resource. The two tables of terms are the slots of
// the blind index: one serves while the other is rebuilt. On PostgreSQL terms have no
// primary key: a plain index over (token, bucket) deduplicates, and takes a third of the room.
func Migrations() []store.Migration {
	return []store.Migration{{
		ID: "0200_records",
		SQL: `
CREATE TABLE versions (
	bucket {{int}} NOT NULL, locator {{int}} NOT NULL, version {{int}} NOT NULL,
	moved {{int}}, sealed {{bytes}} NOT NULL,
	PRIMARY KEY (bucket, locator, version)
) {{clustered}};
CREATE TABLE locators (
	locator {{int}} NOT NULL PRIMARY KEY, bucket {{int}} NOT NULL, version {{int}} NOT NULL,
	kind {{int}} NOT NULL, updated {{int}} NOT NULL
) {{clustered}};
CREATE INDEX locators_kind ON locators (kind, bucket, updated);
CREATE TABLE shared_keys (
	locator {{int}} NOT NULL, version {{int}} NOT NULL, bucket {{int}} NOT NULL,
	key_version {{int}} NOT NULL, wrapped {{bytes}} NOT NULL,
	PRIMARY KEY (locator, version, bucket)
) {{clustered}};
CREATE TABLE index_state (
	id {{int}} NOT NULL PRIMARY KEY, version {{int}} NOT NULL, slot {{int}} NOT NULL, phase {{int}} NOT NULL
) {{clustered}};
INSERT INTO index_state (id, version, slot, phase) VALUES (1, 1, 0, 0);
CREATE TABLE guards (
	id {{int}} NOT NULL PRIMARY KEY, turn {{int}} NOT NULL
) {{clustered}};
`,
	}, {
		ID:     "0201_terms",
		SQLite: termsDDL(`CREATE TABLE %[1]s (token INTEGER NOT NULL, bucket INTEGER NOT NULL, locator INTEGER NOT NULL, PRIMARY KEY (token, bucket, locator)) WITHOUT ROWID;`),
		Postgres: termsDDL(`CREATE TABLE %[1]s (token bigint NOT NULL, bucket bigint NOT NULL, locator bigint NOT NULL);
CREATE INDEX %[1]s_token ON %[1]s (token, bucket);`),
	}, tiesMigration(), tiesByResourceMigration(), layoutMigration(), indexKeysMigration(), sharedByPatientMigration(), sharedOuterMigration()}
}

func termsDDL(format string) string {
	return fmt.Sprintf(format, "terms0") + "\n" + fmt.Sprintf(format, "terms1")
}

func versionsTable() *store.Table {
	return &store.Table{Name: "versions", Key: 3, Columns: []store.Column{
		{Name: "bucket"}, {Name: "locator"}, {Name: "version"}, {Name: "moved"}, {Name: "sealed", Kind: store.Bytes},
	}}
}

func locatorsTable() *store.Table {
	return &store.Table{Name: "locators", Key: 1, Columns: []store.Column{
		{Name: "locator"}, {Name: "bucket"}, {Name: "version"}, {Name: "kind"}, {Name: "updated"},
	}}
}

func sharedKeysTable() *store.Table {
	return &store.Table{Name: "shared_keys", Key: 3, Columns: []store.Column{
		{Name: "locator"}, {Name: "version"}, {Name: "bucket"}, {Name: "key_version"}, {Name: "wrapped", Kind: store.Bytes},
		{Name: "outer_version"},
	}}
}

func termsTable(slot int) *store.Table {
	return &store.Table{Name: fmt.Sprintf("terms%d", slot), Key: 3, Columns: []store.Column{
		{Name: "token"}, {Name: "bucket"}, {Name: "locator"},
	}}
}

func indexStateTable() *store.Table {
	return &store.Table{Name: "index_state", Key: 1, Columns: []store.Column{{Name: "id"}, {Name: "version"}, {Name: "slot"}, {Name: "phase"}}}
}

// row is a current or older version as the store keeps it.
type row struct {
	locator int64
	bucket  int64
	version int64
	kind    int64
	updated int64 // milliseconds since 1970
	moved   *int64
	sealed  []byte
}

func (r *row) deleted() bool { return r.kind == 0 }

const currentColumns = `SELECT l.locator, l.bucket, l.version, l.kind, l.updated, v.moved, v.sealed
FROM locators l JOIN versions v ON v.bucket = l.bucket AND v.locator = l.locator AND v.version = l.version`

func (r *row) scan(s store.Scanner) error {
	return s.Scan(&r.locator, &r.bucket, &r.version, &r.kind, &r.updated, &r.moved, &r.sealed)
}

// current reads the newest version of one resource.
func current(ctx context.Context, q store.Querier, l tutela.Locator) (*row, bool, error) {
	var r row
	found, err := q.QueryRow(ctx, currentColumns+` WHERE l.locator = ?`, []any{int64(l)},
		&r.locator, &r.bucket, &r.version, &r.kind, &r.updated, &r.moved, &r.sealed)
	if err != nil || !found {
		return nil, false, err
	}
	return &r, true, nil
}

// currents reads the newest versions of several resources, in no order.
func currents(ctx context.Context, q store.Querier, locators []int64) (map[int64]*row, error) {
	rows := make(map[int64]*row, len(locators))
	for len(locators) > 0 {
		n := min(len(locators), 64)
		args := padded(locators[:n], 1<<bits.Len(uint(n-1)))
		locators = locators[n:]
		err := q.Query(ctx, currentColumns+` WHERE l.locator IN (`+marks(len(args))+`)`, args, func(s store.Scanner) error {
			r := &row{}
			if err := r.scan(s); err != nil {
				return err
			}
			rows[r.locator] = r
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// inBucket reads the versions of a resource that lie in one bucket, newest first, at or below a version.
func inBucket(ctx context.Context, q store.Querier, bucket, locator, atMost int64) ([]*row, error) {
	var rows []*row
	err := q.Query(ctx, `SELECT version, moved, sealed FROM versions WHERE bucket = ? AND locator = ? AND version <= ? ORDER BY version DESC`,
		[]any{bucket, locator, atMost}, func(s store.Scanner) error {
			r := &row{locator: locator, bucket: bucket}
			if err := s.Scan(&r.version, &r.moved, &r.sealed); err != nil {
				return err
			}
			rows = append(rows, r)
			return nil
		})
	return rows, err
}

// wrap is a shared resource's key as wrapped for one of its patients.
type wrap struct {
	bucket     int64
	keyVersion int64
	wrapped    []byte
	outer      int64 // version of the key that it is sealed under once more; 0 in rows of old
}

func sharedWraps(ctx context.Context, q store.Querier, locator, version int64) ([]wrap, error) {
	var wraps []wrap
	err := q.Query(ctx, `SELECT bucket, key_version, wrapped, outer_version FROM shared_keys WHERE locator = ? AND version = ? ORDER BY bucket`,
		[]any{locator, version}, func(s store.Scanner) error {
			var w wrap
			if err := s.Scan(&w.bucket, &w.keyVersion, &w.wrapped, &w.outer); err != nil {
				return err
			}
			wraps = append(wraps, w)
			return nil
		})
	return wraps, err
}

// indexState is which slot serves, and what goes on in the other.
type indexState struct {
	version int64
	slot    int64
	phase   int64
	made    [2]making // how each slot is made
}

// The phases of the idle slot. In all but the first, writes go into both slots.
const (
	phaseIdle     = 0 // it is empty, or will be
	phaseBuilding = 1 // it is being filled
	phaseDraining = 2 // it served until a moment ago, and nodes that have not heard may still search it
)

// newest is the last version that has terms of what is there now: that which is being built, if one is.
func (st indexState) newest() int64 {
	if st.phase == phaseBuilding {
		return st.version + 1
	}
	return st.version
}

// unchanged makes an Op conditional on this state.
func (st indexState) unchanged(t *store.Table) store.Claim {
	now := []any{st.version, st.slot, st.phase}
	return store.Claim{Table: t, Key: []any{int64(1)}, Expect: now, Set: append([]any{int64(1)}, now...)}
}

func readIndexState(ctx context.Context, q store.Querier) (indexState, error) {
	var s indexState
	found, err := q.QueryRow(ctx, `SELECT version, slot, phase, made0, made1, key0, key1 FROM index_state WHERE id = 1`, nil,
		&s.version, &s.slot, &s.phase, (*int64)(&s.made[0].layout), (*int64)(&s.made[1].layout), &s.made[0].key, &s.made[1].key)
	if err == nil && !found {
		err = fmt.Errorf("index state is missing")
	}
	return s, err
}

func writeIndexState(ctx context.Context, tx *store.Tx, s indexState) error {
	_, err := tx.Exec(ctx, `UPDATE index_state SET version = ?, slot = ?, phase = ?, made0 = ?, made1 = ?, key0 = ?, key1 = ? WHERE id = 1`,
		s.version, s.slot, s.phase, int64(s.made[0].layout), int64(s.made[1].layout), s.made[0].key, s.made[1].key)
	return err
}

// marks is n placeholders.
func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

// width rounds up to one of a few sizes, so that few statements are prepared.
func width(n int) int {
	w := 1
	for w < n {
		w *= 4
	}
	return w
}

// padded gives values as arguments, the last one repeated up to n.
func padded(values []int64, n int) []any {
	args := make([]any, n)
	for i := range args {
		args[i] = values[min(i, len(values)-1)]
	}
	return args
}
