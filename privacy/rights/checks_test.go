package rights_test

import (
	"net/http"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

// evidence runs a check.
func (o *office) evidence(t *testing.T, id string) tutela.Evidence {
	t.Helper()
	for _, c := range o.Rights.Checks() {
		if c.ID == id {
			return c.Try(t.Context())
		}
	}
	t.Fatalf("no check %s", id)
	return tutela.Evidence{}
}

// Whoever deletes the restrictions, or puts back those of an earlier day, is found by the check; the ledger tells of
// every change of them, a granted request's too.
func TestCheckFindsRestrictionsThatWereTakenAway(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		const check = "privacy.restrictions-hold"
		seen := testkit.Sabotage(t, check)
		holds := func(name string, want tutela.Verdict) {
			t.Helper()
			if e := seen.Saw(o.evidence(t, check)); e.Verdict != want {
				t.Errorf("%s: %v %s, want %v", name, e.Verdict, e.Observed, want)
			}
		}
		holds("nothing is restricted", tutela.Pass)
		o.post(t, "privacy", "patients/ann/restriction", `{"reason":"disputed"}`, http.StatusOK)
		holds("one is", tutela.Pass)
		var revision int64
		var sealed []byte
		if _, err := o.DB.QueryRow(t.Context(), `SELECT revision, sealed FROM rights_restrictions`, nil, &revision, &sealed); err != nil {
			t.Fatal(err)
		}
		r := o.ask(t, "bob", "bob", `{"kind":"restriction","regulation":"gdpr"}`)
		o.post(t, "privacy", "requests/"+r.ID+"/grant", `{}`, http.StatusOK)
		holds("two are", tutela.Pass)
		var revisionNow int64
		var sealedNow []byte
		if _, err := o.DB.QueryRow(t.Context(), `SELECT revision, sealed FROM rights_restrictions`, nil, &revisionNow, &sealedNow); err != nil {
			t.Fatal(err)
		}
		change := func(statement string, args ...any) {
			t.Helper()
			if err := o.DB.Update(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), statement, args...)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		change(`UPDATE rights_restrictions SET revision = ?, sealed = ?`, revision, sealed)
		holds("an earlier day's are back", tutela.Fail)
		change(`DELETE FROM rights_restrictions`)
		holds("all are gone", tutela.Fail)
		change(`INSERT INTO rights_restrictions (id, revision, sealed) VALUES (1, 9, ?)`, sealed)
		holds("they are another revision's", tutela.Fail)
		change(`UPDATE rights_restrictions SET revision = ?, sealed = ?`, revisionNow, sealedNow)
		holds("today's are back", tutela.Pass)
	})
}

// A request that is overdue fails its check until it is closed.
func TestCheckFindsOverdueRequests(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		const check = "privacy.requests-in-time"
		seen := testkit.Sabotage(t, check)
		r := o.ask(t, "ann", "ann", `{"kind":"access","regulation":"hipaa"}`)
		seen.Expect(o.evidence(t, check), tutela.Pass)
		o.Advance(31 * day)
		seen.Expect(o.evidence(t, check), tutela.Fail)
		o.post(t, "privacy", "requests/"+r.ID+"/fulfil", `{}`, http.StatusOK)
		seen.Expect(o.evidence(t, check), tutela.Pass)
	})
}
