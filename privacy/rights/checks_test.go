package rights_test

import (
	"net/http"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// verdicts runs the checks.
func (o *office) verdicts(t *testing.T) map[string]tutela.Verdict {
	t.Helper()
	got := map[string]tutela.Verdict{}
	for _, c := range o.Rights.Checks() {
		got[c.ID] = c.Try(t.Context()).Verdict
	}
	return got
}

// Whoever deletes the restrictions, or puts back those of an earlier day, is found by the check; the ledger tells of
// every change of them, a granted request's too.
func TestCheckFindsRestrictionsThatWereTakenAway(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		const check = "privacy.restrictions-hold"
		holds := func(name string, want tutela.Verdict) {
			t.Helper()
			if got := o.verdicts(t)[check]; got != want {
				t.Errorf("%s: %v, want %v", name, got, want)
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
	})
}

// A request that is overdue fails its check until it is closed.
func TestCheckFindsOverdueRequests(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		const check = "privacy.requests-in-time"
		r := o.ask(t, "ann", "ann", `{"kind":"access","regulation":"hipaa"}`)
		if got := o.verdicts(t)[check]; got != tutela.Pass {
			t.Errorf("in time: %v", got)
		}
		o.Advance(31 * day)
		if got := o.verdicts(t)[check]; got != tutela.Fail {
			t.Errorf("overdue: %v", got)
		}
		o.post(t, "privacy", "requests/"+r.ID+"/fulfil", `{}`, http.StatusOK)
		if got := o.verdicts(t)[check]; got != tutela.Pass {
			t.Errorf("closed: %v", got)
		}
	})
}
