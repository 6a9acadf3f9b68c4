package records_test

import (
	"strings"
	"testing"

	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/store"
)

// problems are what a deep verification names.
func problems(t *testing.T, r *rig.Rig) string {
	t.Helper()
	if _, err := r.Audit.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	var list []string
	rows := r.Records.Verify(func(where, what string) { list = append(list, where+" "+what) })
	err := r.DB.Snapshot(t.Context(), func(q store.Querier) error {
		if _, err := r.Audit.VerifyIn(t.Context(), q, audit.VerifyOptions{Deep: true, Write: rows.Write}); err != nil {
			return err
		}
		return rows.Check(t.Context(), q, true)
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(list, "\n")
}

// A tie that whoever can write the database took away, made or changed is named.
func TestDeepVerificationNamesTiesThatDiffer(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		two(t, r)
		r.Treat(t, "a", "physician", "nurse")
		if got := problems(t, r); got != "" {
			t.Fatalf("before: %s", got)
		}
		for _, c := range []struct{ statement, want string }{
			{`UPDATE ties SET until = until - 1`, "does not follow from the resource"},
			{`UPDATE ties SET until = until + 1, mac = mac + 1`, "was tampered with"},
			{`DELETE FROM ties`, "is missing"},
		} {
			err := r.DB.Update(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), c.statement)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := problems(t, r); !strings.Contains(got, c.want) {
				t.Errorf("%s: %q names nothing that %s", c.statement, got, c.want)
			}
		}
	})
}
