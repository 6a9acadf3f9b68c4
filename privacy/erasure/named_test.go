package erasure_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/store"
)

// shredded leaves ann's key behind, and takes her out of nothing before: as if all of it had been written in between.
func (h *house) shredded(t *testing.T) {
	t.Helper()
	h.chart(t)
	h.Put(t, `{"resourceType":"Observation","id":"kin2","status":"final","code":{"text":"kin"},"subject":{"reference":"Patient/ben"},"performer":[{"reference":"Patient/ann"}]}`)
	h.Treat(t, "ann", "physician")
	h.Treat(t, "ben", "nurse")
	h.shred(t, "ann")
}

func (h *house) shred(t *testing.T, patient tutela.PatientID) {
	t.Helper()
	entry := h.entry(tutela.ActionPatientErase)
	entry.Outcome = tutela.OutcomeSuccess
	if err := h.Records.Shred(t.Context(), entry, h.Records.Bucket(patient)); err != nil {
		t.Fatal(err)
	}
}

// A current record of somebody else that names an erased patient is read, found, changed and deleted like any other. The
// ledger says that it concerned him, and nothing of what was asked lies readable under his name.
func TestRecordsThatNameTheErasedAreServed(t *testing.T) {
	t.Parallel()
	each(t, nil, func(t *testing.T, h *house) {
		h.shredded(t)
		since := h.Now()
		for _, path := range []string{"Observation/kin", "Observation/kin/_history/1", "Observation/kin/_history", "Observation?patient=ben", "Observation?subject=Patient/ben", "Observation?performer=Patient/ann", "Patient/ben/$everything"} {
			if a := h.Get(t, rig.Loader, path); a.Status != http.StatusOK || !bytes.Contains(a.Body, []byte(`"kin"`)) {
				t.Errorf("%s: %d %s", path, a.Status, a.Body)
			}
		}
		kin := `{"resourceType":"Observation","id":"kin","status":"amended","code":{"text":"kin"},"subject":{"reference":"Patient/ben"}`
		for _, c := range []struct {
			method, path, body string
			want               int
		}{
			{http.MethodPut, "Observation/kin", kin + `,"performer":[{"reference":"Patient/ann"}]}`, http.StatusUnprocessableEntity},
			{http.MethodPut, "Observation/new", strings.Replace(kin, `"kin"`, `"new"`, 1) + `,"performer":[{"reference":"Patient/ann"}]}`, http.StatusUnprocessableEntity},
			{http.MethodPut, "Observation/kin", kin + `}`, http.StatusOK},
			{http.MethodDelete, "Observation/kin2", "", http.StatusNoContent},
			{http.MethodGet, "Observation/kin2", "", http.StatusGone},
			{http.MethodGet, "Observation/kin/_history/1", "", http.StatusOK},
		} {
			if a := h.Do(t, rig.Call{As: rig.Loader, Method: c.method, Path: c.path, Body: c.body}); a.Status != c.want {
				t.Errorf("%s %s: %d %s, want %d", c.method, c.path, a.Status, a.Body, c.want)
			}
		}
		h.Verify(t)
		h.namedWithoutASection(t, h.Records.Bucket("ann"), since)
	})
}

// namedWithoutASection looks for the entries since a moment that name an erased patient: they have no section of his.
func (h *house) namedWithoutASection(t *testing.T, b tutela.Bucket, since time.Time) {
	t.Helper()
	named := 0
	err := h.Audit.Search(t.Context(), audit.Query{Patient: &b, From: since}, func(o audit.Opened) error {
		named++
		sections, err := h.Audit.Sections(t.Context(), o)
		for _, s := range sections {
			if s.Patient == b {
				t.Errorf("%s has a section of the erased", o.Entry.Action)
			}
		}
		return err
	})
	if err != nil || named == 0 {
		t.Errorf("%d entries name the erased: %v", named, err)
	}
}

// Until the index is made anew what it says of an erased patient is no tampering; of anybody else it is, and of the erased
// afterwards.
func TestLeftoverTermsAreOfTheErasedAlone(t *testing.T) {
	t.Parallel()
	each(t, nil, func(t *testing.T, h *house) {
		h.shredded(t)
		h.Verify(t)
		terms := h.termsOf(t, "terms0", h.Records.Bucket("ann"))
		if len(terms) == 0 {
			t.Fatal("no term of the erased is left")
		}
		if err := h.Records.Rebuild(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.Verify(t) // while it is being made
		stop := h.index(t)
		key, err := h.Records.RotateIndex(t.Context())
		for errs.Is(err, errs.Conflict) {
			key, err = h.Records.RotateIndex(t.Context())
		}
		if err == nil {
			err = h.Records.AwaitIndexKey(t.Context(), key)
		}
		if stop(); err != nil {
			t.Fatal(err)
		}
		h.Verify(t)
		h.exec(t, "INSERT INTO terms0 (token, bucket, locator) VALUES (?, ?, ?)", terms[0]...)
		if got := h.problems(t); !names(got, "no resource has this term") {
			t.Errorf("a term of the erased was put back: %q", got)
		}
	})
}

// Whose key was left behind without a word in the ledger is not erased: his terms are named.
func TestLeftoverTermsNeedAnErasureInTheLedger(t *testing.T) {
	t.Parallel()
	each(t, nil, func(t *testing.T, h *house) {
		h.shredded(t)
		ben := int64(h.Records.Bucket("ben"))
		h.exec(t, "DELETE FROM wrapped_keys WHERE kind = 2 AND id = ?", ben)
		h.exec(t, "INSERT INTO shredded_keys (kind, id, version, generation, shredded) VALUES (2, ?, 1, 1, 0)", ben)
		h.Ring.Close() // another process would have nothing in memory
		list := h.problems(t)
		for _, terms := range [][]any{h.termsOf(t, "terms0", h.Records.Bucket("ben"))[0], h.termsOf(t, "terms0", tutela.BucketShared)[0]} {
			if where := fmt.Sprintf("terms0 token %016x locator %016x: no resource", uint64(terms[0].(int64)), uint64(terms[2].(int64))); !names(list, where) {
				t.Errorf("%s is not named in %q", where, list)
			}
		}
		if !names(list, "ties") {
			t.Errorf("no tie of him is named: %q", list)
		}
	})
}

func names(list []string, what string) bool {
	return slices.ContainsFunc(list, func(p string) bool { return strings.Contains(p, what) })
}

func (h *house) exec(t *testing.T, text string, args ...any) {
	t.Helper()
	if err := h.DB.Update(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(t.Context(), text, args...); return err }); err != nil {
		t.Fatal(err)
	}
}

// termsOf are the rows of an index that lie under a bucket.
func (h *house) termsOf(t *testing.T, table string, b tutela.Bucket) (list [][]any) {
	t.Helper()
	err := h.DB.Query(t.Context(), "SELECT token, locator FROM "+table+" WHERE bucket = ? ORDER BY token", []any{int64(b)}, func(s store.Scanner) error {
		var token, locator int64
		err := s.Scan(&token, &locator)
		list = append(list, []any{token, int64(b), locator})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}
