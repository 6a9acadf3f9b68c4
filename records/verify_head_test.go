package records_test

import (
	"strings"
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/store"
)

// A bit that is changed anywhere in what stands before a ciphertext, or a row that is cut short, is named: the
// verification does not give up on it.
func TestDeepVerificationNamesAChangedHead(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{Engine: store.SQLite})
	two(t, r)
	var locator int64
	var sealed []byte
	if _, err := r.DB.QueryRow(t.Context(), `SELECT locator, sealed FROM versions ORDER BY locator LIMIT 1`, nil, &locator, &sealed); err != nil {
		t.Fatal(err)
	}
	put := func(b []byte) {
		t.Helper()
		err := r.DB.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE versions SET sealed = ? WHERE locator = ?`, b, locator)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	named := func(what string) {
		t.Helper()
		if got := problems(t, r); !strings.Contains(got, "is not what the ledger says was written") || !strings.Contains(got, "versions") {
			t.Errorf("%s: %q", what, got)
		}
	}
	for bit := range 8 * 3 {
		changed := append([]byte{}, sealed...)
		changed[bit/8] ^= 1 << (bit % 8)
		put(changed)
		named("bit")
	}
	for _, short := range [][]byte{{}, sealed[:1], sealed[:2], {sealed[0], 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}} {
		put(short)
		named("cut")
	}
	put(sealed)
	if got := problems(t, r); got != "" {
		t.Errorf("after: %s", got)
	}
}
