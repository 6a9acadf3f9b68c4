package server_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
	"github.com/tutela-health/tutela/supply/attest"
	"github.com/tutela-health/tutela/supply/gate"
)

// tried runs a check of what pipelines told.
func (s *site) tried(t *testing.T, id string) tutela.Evidence {
	t.Helper()
	list := s.Supply.Checks()
	return list[slices.IndexFunc(list, func(c tutela.Check) bool { return c.ID == id })].Try(t.Context())
}

// letThrough is a gate's verdict over a tree of its own.
func letThrough(t *testing.T, passed bool, commit string) attest.Statement {
	t.Helper()
	subject := tree(portal)
	subject.Digest["gitCommit"] = commit
	v := gate.Verdict{Passed: passed}
	if !passed {
		v.Reasons = []string{"1 findings fail"}
	}
	r := found()
	r.Checked = r.Checked[:2]
	st, err := attest.OfVerdict(r, v, attest.Resource{Name: gate.File}, "https://ci.example/7", subject)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// A pipeline that has never told, whose gate held something back, or that fell silent, is found.
func TestPipelinesThatTellNothingAreFound(t *testing.T) {
	for _, engine := range []store.Engine{store.SQLite, store.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			const id = "build.pipelines-report"
			seen := testkit.Sabotage(t, id)
			var clock testkit.Clock
			s := newRigged(t, rig.Config{Engine: engine, Clock: clock.Now}, nil)
			seen.Expect(s.tried(t, id), tutela.NotApplicable, "no pipeline")
			p := newPipe(t, s, portal)
			seen.Expect(s.tried(t, id), tutela.Fail, "portal has never told")
			expect(t, p.report(t, p.key, letThrough(t, false, "11aa11aa11aa11aa11aa11aa11aa11aa11aa11aa")), http.StatusOK)
			seen.Expect(s.tried(t, id), tutela.Fail, "portal told of its gate: fail")
			expect(t, p.report(t, p.key, letThrough(t, true, "22aa22aa22aa22aa22aa22aa22aa22aa22aa22aa")), http.StatusOK)
			seen.Expect(s.tried(t, id), tutela.Pass, "1 pipelines")
			clock.Advance(8 * 24 * time.Hour)
			seen.Expect(s.tried(t, id), tutela.Fail, "told of its gate last on")
		})
	}
}

// A pipeline without a bill of materials, with an old one, and with one that does not open, is found.
func TestMissingBillsAreFound(t *testing.T) {
	for _, engine := range []store.Engine{store.SQLite, store.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			const id = "build.bills-kept"
			seen := testkit.Sabotage(t, id)
			var clock testkit.Clock
			s := newRigged(t, rig.Config{Engine: engine, Clock: clock.Now}, nil)
			p := newPipe(t, s, portal)
			seen.Expect(s.tried(t, id), tutela.Fail, "has never sent")
			expect(t, p.report(t, p.key, bill(t, tree(portal))), http.StatusOK)
			seen.Expect(s.tried(t, id), tutela.Pass, "1 pipelines")
			spoil := func(statement string) {
				t.Helper()
				err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
					_, err := tx.Exec(t.Context(), statement)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			var sealed []byte
			if _, err := s.DB.QueryRow(t.Context(), "SELECT bill FROM supply_bills", nil, &sealed); err != nil {
				t.Fatal(err)
			}
			spoil("UPDATE supply_bills SET bill = about")
			seen.Expect(s.tried(t, id), tutela.Fail, "does not open")
			clock.Advance(31 * 24 * time.Hour)
			seen.Expect(s.tried(t, id), tutela.Fail, "sent its last bill")
		})
	}
}
