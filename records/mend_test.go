package records_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/store"
)

// exec does what whoever can write the database can do.
func exec(t *testing.T, r *rig.Rig, statement string, args ...any) {
	t.Helper()
	err := r.DB.Update(t.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(t.Context(), statement, args...)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// until runs what runs in the background until the index has a version, and looks meanwhile at what
// must hold throughout.
func until(t *testing.T, r *rig.Rig, version int64, throughout func()) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	var background sync.WaitGroup
	background.Go(func() { r.Records.Run(ctx, "test", slog.New(slog.DiscardHandler)) })
	defer background.Wait()
	defer stop()
	for state, err := r.Records.IndexState(t.Context()); state.Version < version || state.Building; state, err = r.Records.IndexState(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		throughout()
	}
}

// denial is a consent that denies everything until a date, if there is one.
func denial(patient, until string) string {
	if until != "" {
		until = `,"period":{"end":"` + until + `"}`
	}
	return `{"resourceType":"Consent","id":"of-` + patient + `","status":"active","scope":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}]},
"category":[{"text":"x"}],"patient":{"reference":"Patient/` + patient + `"},"policyRule":{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"OPTIN"}]},"provision":{"type":"deny"` + until + `}}`
}

// TestRebuildMendsTies has somebody who can write the database delete, alter, put back and invent ties,
// and a rebuild, which another node begins and leaves, put right what each does. Whom nobody
// meddled with is treated all along.
func TestRebuildMendsTies(t *testing.T) {
	t.Parallel()
	const patients = 5
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, denial("p4", ""))
		for i := range patients {
			r.Put(t, fmt.Sprintf(`{"resourceType":"Patient","id":"p%d"}`, i))
			r.Put(t, observed(fmt.Sprint("p", i), ""))
		}
		for i := range still {
			r.Put(t, observation(fmt.Sprint("still-", i), "still", "s"))
		}
		r.Treat(t, "p0", "nurse")     // nobody meddles
		r.Treat(t, "p1", "physician") // deleted, with the consent of p4
		r.Treat(t, "p2", "nurse")     // ended, and put back
		r.Treat(t, "p4", "nurse", "physician")
		exec(t, r, `CREATE TABLE before AS SELECT * FROM ties`)
		r.Put(t, rig.CareTeam("team-p2", "p2", "inactive", "nurse"))

		nurse := `(SELECT subject FROM ties WHERE object = ` + fmt.Sprint(int64(r.Records.Bucket("p0"))) + `)`
		exec(t, r, `INSERT INTO ties SELECT * FROM before WHERE object = ?`, int64(r.Records.Bucket("p2")))
		exec(t, r, `DELETE FROM ties WHERE kind = 2`)
		exec(t, r, `DELETE FROM ties WHERE object = ?`, int64(r.Records.Bucket("p1")))
		exec(t, r, `UPDATE ties SET mac = mac + 1 WHERE object = ? AND subject <> `+nurse, int64(r.Records.Bucket("p4")))
		exec(t, r, `INSERT INTO ties SELECT 2, 1, 0, locator + 1, since, until, mac FROM before WHERE kind = 2`)

		found := problems(t, r)
		for what, n := range map[string]int{"is missing": 2, "does not follow from the resource": 2, "was tampered with": 1} {
			if got := strings.Count(found, what); got != n {
				t.Errorf("%d times %q, want %d:\n%s", got, what, n, found)
			}
		}
		want(t, r, "nurse", "Observation/of-p2", http.StatusOK)
		want(t, r, "nurse", "Observation/of-p4", http.StatusOK)
		want(t, r, "physician", "Observation/of-p1", http.StatusServiceUnavailable)

		if err := r.Records.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := r.Records.BeginRebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		until(t, r, 2, func() { want(t, r, "nurse", "Observation/of-p0", http.StatusOK) })
		if got := problems(t, r); got != "" {
			t.Fatalf("after the rebuild: %s", got)
		}
		want(t, r, "nurse", "Observation/of-p2", http.StatusNotFound)
		want(t, r, "nurse", "Observation/of-p4", http.StatusNotFound)
		want(t, r, "physician", "Observation/of-p1", http.StatusOK)
		want(t, r, "physician", "Observation/of-p4", http.StatusNotFound)
	})
}
