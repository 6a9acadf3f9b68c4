package rights_test

import (
	"errors"
	"net/http"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/privacy/rights"
	"github.com/tutela-health/tutela/store"
)

// beside is the service as another node has it, which remembers, and hears of changes when told to.
func (o *office) beside(fresh *bool) *rights.Service {
	return rights.New(rights.Config{DB: o.DB, Audit: o.Audit, Clock: o.Now, Notes: o.Records, Fresh: func() bool { return *fresh }})
}

func entry() tutela.Entry {
	return tutela.Entry{Actor: tutela.Actor{ID: "test", Kind: tutela.ActorSystem}, Action: tutela.ActionPatientRestrict}
}

// A node that remembers follows when it hears of a change, and believes nothing that it remembers while it does
// not hear of any.
func TestNodesFollowRestrictions(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		fresh := true
		node := o.beside(&fresh)
		held := func() int {
			t.Helper()
			list, err := node.Restricted(t.Context(), tutela.PurposeTreatment)
			if err != nil {
				t.Fatal(err)
			}
			return len(list)
		}
		if held() != 0 {
			t.Fatal("somebody is restricted")
		}
		o.post(t, "privacy", "patients/ann/restriction", `{"reason":"disputed"}`, http.StatusOK)
		node.Forget(nil)
		if held() != 1 {
			t.Error("a node that was told does not know")
		}
		fresh = false
		o.post(t, "privacy", "patients/bob/restriction", `{"reason":"disputed"}`, http.StatusOK)
		if held() != 2 {
			t.Error("a node that hears of nothing believes what it remembers")
		}
	})
}

// Restrictions that are made at once are all kept.
func TestConcurrentRestrictionsAreAllKept(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		var wait sync.WaitGroup
		failed := make(chan error, 2)
		for _, id := range []tutela.PatientID{"ann", "bob"} {
			wait.Go(func() { failed <- o.Rights.Restrict(t.Context(), entry(), id, nil, "at once") })
		}
		wait.Wait()
		if err := errors.Join(<-failed, <-failed); err != nil {
			t.Fatal(err)
		}
		list, err := o.Rights.Restricted(t.Context(), tutela.PurposePayment)
		if err != nil || len(list) != 2 {
			t.Errorf("%d restricted: %v", len(list), err)
		}
		if err := o.Rights.Restrict(t.Context(), entry(), "absent", nil, "who"); !errs.Is(err, errs.NotFound) {
			t.Errorf("a patient who is not there: %v", err)
		}
	})
}

// Who writes the database opens nobody's records by it: a changed row, or one of another time, closes them all.
func TestTamperedRestrictionsOpenNothing(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.post(t, "privacy", "patients/ann/restriction", `{"reason":"disputed"}`, http.StatusOK)
		set := func(statement string) {
			t.Helper()
			if err := o.DB.Update(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), statement)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			o.Rights.Forget(nil)
		}
		set(`UPDATE rights_restrictions SET revision = revision + 1`)
		for _, path := range []string{"Condition/c-ann", "Condition/c-bob"} {
			if a := o.Get(t, "physician", path); a.Status != http.StatusServiceUnavailable {
				t.Errorf("%s under a row of another revision: %d", path, a.Status)
			}
		}
		set(`UPDATE rights_restrictions SET revision = revision - 1`)
		if diff := cmp.Diff(http.StatusOK, o.Get(t, "physician", "Condition/c-bob").Status); diff != "" {
			t.Errorf("put back: %s", diff)
		}
	})
}
