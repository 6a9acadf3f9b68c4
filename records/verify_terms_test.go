package records_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/store"
)

// Of terms that lie all over the index each that was taken out, put in or moved is named, and no other.
func TestDeepVerificationNamesEachTermThatDiffers(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		for i := range 40 {
			r.Put(t, fmt.Sprintf(`{"resourceType":"Patient","id":"p%d","name":[{"family":"Family%d"}]}`, i, i))
		}
		if got := problems(t, r); got != "" {
			t.Fatalf("before: %s", got)
		}
		rows := allTerms(t, r)
		exec := func(text string, args ...any) {
			t.Helper()
			err := r.DB.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), text, args...); return err })
			if err != nil {
				t.Fatal(err)
			}
		}
		gone, moved, bent := rows[0], rows[len(rows)/2], rows[len(rows)-1]
		exec("DELETE FROM terms0 WHERE token = ? AND bucket = ? AND locator = ?", gone[:]...)
		exec("UPDATE terms0 SET bucket = bucket + 1 WHERE token = ? AND bucket = ? AND locator = ?", moved[:]...)
		exec("UPDATE terms0 SET token = token - 1 WHERE token = ? AND bucket = ? AND locator = ?", bent[:]...)
		where := func(row [3]any, by int64) string {
			return fmt.Sprintf("terms0 token %016x locator %016x", uint64(row[0].(int64)+by), uint64(row[2].(int64)))
		}
		got := problems(t, r)
		for _, want := range []string{
			where(gone, 0) + " is missing", where(moved, 0) + " is missing", where(moved, 0) + " no resource", where(bent, 0) + " is missing", where(bent, -1) + " no resource",
		} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is not named", want)
			}
		}
		if n := strings.Count(got, "\n") + 1; n != 5 {
			t.Errorf("%d are named, want 5: %s", n, got)
		}
	})
}

// However much differs, no more terms are held at a time than the room for them.
func TestDeepVerificationComparesPartByPart(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{Engine: store.SQLite})
	for i := range 40 {
		r.Put(t, fmt.Sprintf(`{"resourceType":"Patient","id":"p%d","name":[{"family":"Family%d"}]}`, i, i))
	}
	rows := allTerms(t, r)
	err := r.DB.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), "UPDATE terms0 SET token = token + 1")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	rowsOf := r.Records.VerifyWithin(20, func(where, _ string) {
		if strings.HasPrefix(where, "terms0") {
			named++
		}
	})
	err = r.DB.Snapshot(t.Context(), func(q store.Querier) error { return rowsOf.Check(t.Context(), q, true) })
	if err != nil || named != 2*len(rows) {
		t.Errorf("%d terms are named, want %d: %v", named, 2*len(rows), err)
	}
	if d := cmp.Diff([]int64{20, 11, 30, 8}, records.GroupsWithin(20, 5, 15, 11, 30, 1, 7)); d != "" {
		t.Error(d)
	}
}

func allTerms(t *testing.T, r *rig.Rig) (rows [][3]any) {
	t.Helper()
	err := r.DB.Query(t.Context(), "SELECT token, bucket, locator FROM terms0 ORDER BY locator, token", nil, func(s store.Scanner) error {
		var a, b, c int64
		err := s.Scan(&a, &b, &c)
		rows = append(rows, [3]any{a, b, c})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
