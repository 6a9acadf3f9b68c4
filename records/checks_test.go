package records_test

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/store"
)

// assessment runs the check on a rig. written is called with the canary's name and identifier
// as soon as they are stored; it may replace the answer of any call.
type assessment struct {
	*rig.Rig
	dir     string
	written func(family, identifier string)
	answer  func(method string) ([]byte, error)
}

func (a *assessment) try(t *testing.T) tutela.Evidence {
	t.Helper()
	call := func(_ context.Context, method, path string, body []byte) ([]byte, error) {
		if a.answer != nil {
			if b, err := a.answer(method); b != nil || err != nil {
				return b, err
			}
		}
		got := a.Do(t, rig.Call{As: rig.Loader, Method: method, Path: path, Body: string(body)})
		if got.Status >= http.StatusBadRequest {
			return nil, fmt.Errorf("answered %d: %s", got.Status, got.Body)
		}
		if method == http.MethodPut && a.written != nil {
			a.written(values(t, body))
		}
		return got.Body, nil
	}
	return a.Records.Checks(records.CheckConfig{Call: call, Dir: a.dir})[0].Try(t.Context())
}

func values(t *testing.T, patient []byte) (family, identifier string) {
	t.Helper()
	var p struct {
		Name       []struct{ Family string }
		Identifier []struct{ Value string }
	}
	if err := json.Unmarshal(patient, &p); err != nil {
		t.Fatal(err)
	}
	return p.Name[0].Family, p.Identifier[0].Value
}

func newAssessment(t *testing.T, r *rig.Rig) *assessment {
	t.Helper()
	a := &assessment{Rig: r, dir: t.TempDir()}
	if r.DB.Engine() == store.SQLite {
		a.dir = filepath.Dir(r.DB.Path())
	}
	if err := os.WriteFile(filepath.Join(a.dir, "notes.txt"), []byte("nothing of note"), 0o600); err != nil {
		t.Fatal(err)
	}
	return a
}

func verdict(t *testing.T, e tutela.Evidence, want tutela.Verdict, say string) {
	t.Helper()
	if e.Verdict != want || !strings.Contains(e.Observed, say) {
		t.Errorf("verdict %v (%s), want %v with %q", e.Verdict, e.Observed, want, say)
	}
}

func TestPlaintextInAnyFileIsFound(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		a, seen := newAssessment(t, r), testkit.Sabotage(t, "protect.no-plaintext-on-disk")
		seen.Expect(a.try(t), tutela.Pass, "neither occurs")
		path := filepath.Join(a.dir, "sub", "trace.log")
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		for form, text := range map[string]func(family, identifier string) string{
			"UTF-8":       func(f, _ string) string { return "GET /fhir/r4/Patient?family=" + f },
			"hexadecimal": func(_, i string) string { return hex.EncodeToString([]byte(i)) },
			"base64":      func(_, i string) string { return base64.StdEncoding.EncodeToString([]byte("id:" + i)) },
		} {
			a.written = func(f, i string) {
				if err := os.WriteFile(path, []byte(strings.Repeat("line\n", 3000)+text(f, i)), 0o600); err != nil {
					t.Error(err)
				}
			}
			seen.Expect(a.try(t), tutela.Fail, path+" as "+form)
		}
		a.written = nil
		seen.Expect(a.try(t), tutela.Pass, "neither occurs")
	})
}

func TestPlaintextInTheDatabaseIsFound(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		a := newAssessment(t, r)
		sql := func(statement string, args ...any) {
			err := r.DB.Update(t.Context(), func(tx *store.Tx) error {
				_, err := tx.Exec(t.Context(), statement, args...)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		sql(`CREATE TABLE "debug notes" (id bigint, note text, empty text)`)
		a.written = func(f, _ string) { sql(`INSERT INTO "debug notes" (id, note) VALUES (1, ?)`, "written "+f) }
		want := map[store.Engine]string{store.SQLite: filepath.Base(r.DB.Path()), store.Postgres: "table debug notes as UTF-8"}[r.DB.Engine()]
		verdict(t, a.try(t), tutela.Fail, want)
		a.written = func(string, string) { sql(`DELETE FROM "debug notes"`) }
		verdict(t, a.try(t), tutela.Pass, "neither occurs")
	})
}

// The canary leaves as it came: it is deleted, and every step is in the ledger.
func TestTheCanaryIsDeletedAndRecorded(t *testing.T) {
	r := rig.Open(t, rig.Config{})
	a := newAssessment(t, r)
	for range 2 {
		verdict(t, a.try(t), tutela.Pass, "")
		if got := r.Get(t, rig.Loader, "Patient/"+records.CanaryID); got.Status != http.StatusGone {
			t.Errorf("afterwards: %d", got.Status)
		}
	}
	got := map[tutela.Action]int{}
	for _, e := range r.Entries(t) {
		got[e.Action]++
	}
	if got[tutela.ActionUpdate] != 2 || got[tutela.ActionSearch] != 2 || got[tutela.ActionDelete] != 2 {
		t.Errorf("entries %v", got)
	}
	r.Verify(t)
}

func TestWithoutACanaryAbsenceProvesNothing(t *testing.T) {
	r := rig.Open(t, rig.Config{})
	a := newAssessment(t, r)
	down := errors.New("database is down")
	for method, say := range map[string]string{http.MethodPut: "could not be written", http.MethodGet: "could not be searched for"} {
		a.answer = func(m string) ([]byte, error) {
			if m == method {
				return nil, down
			}
			return nil, nil
		}
		verdict(t, a.try(t), tutela.CouldNotCheck, say)
	}
	a.answer = func(m string) ([]byte, error) {
		if m == http.MethodGet {
			return []byte(`{"resourceType":"Bundle","type":"searchset"}`), nil
		}
		return nil, nil
	}
	verdict(t, a.try(t), tutela.CouldNotCheck, "is not found")
	a.answer = func(m string) ([]byte, error) {
		if m == http.MethodDelete {
			return nil, down
		}
		return nil, nil
	}
	verdict(t, a.try(t), tutela.Pass, "could not be deleted")
	a.answer, a.dir = nil, filepath.Join(a.dir, "notes.txt", "below a file")
	verdict(t, a.try(t), tutela.CouldNotCheck, "search files")
	a.dir = filepath.Join(t.TempDir(), "gone")
	verdict(t, a.try(t), tutela.CouldNotCheck, "no file")
}
