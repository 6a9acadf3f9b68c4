package records_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
)

// observation concerns patients: the first as its subject, the others as performers.
func observation(id, note string, patients ...string) string {
	var subject string
	var performers []string
	for i, p := range patients {
		if ref := `{"reference":"Patient/` + p + `"}`; i == 0 {
			subject = `,"subject":` + ref
		} else {
			performers = append(performers, ref)
		}
	}
	if len(performers) > 0 {
		subject += `,"performer":[` + strings.Join(performers, ",") + `]`
	}
	return `{"resourceType":"Observation","id":"` + id + `","status":"final","code":{"coding":[{"code":"` + note + `"}]}` + subject + `}`
}

// ids are what a search finds.
func ids(t *testing.T, r *rig.Rig, path string) []string {
	t.Helper()
	list := []string{}
	for _, e := range r.Get(t, rig.Loader, path).Bundle(t).Entry {
		list = append(list, e.FullURL[strings.LastIndexByte(e.FullURL, '/')+1:])
	}
	return list
}

// story is what the history of a resource says, newest first: version, whether it is a deletion, code.
func story(t *testing.T, r *rig.Rig, path string) []string {
	t.Helper()
	var list []string
	for _, e := range r.Get(t, rig.Loader, path+"/_history").Bundle(t).Entry {
		_, rest, _ := strings.Cut(string(e.Resource), `"coding":[{"code":"`)
		code, _, _ := strings.Cut(rest, `"`)
		list = append(list, e.Response.Etag+" "+e.Request.Method+" "+code)
	}
	return list
}

func TestSubjectMovesFromPatientToPatient(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		moves := [][]string{{"a"}, {"b"}, {}, {"a", "b"}, {"b", "c", "a"}, {"c"}, {"a"}, {"a"}}
		for i, patients := range moves {
			r.Put(t, observation("o", fmt.Sprint("n", i), patients...))
			for _, p := range []string{"a", "b", "c"} {
				want := []string{}
				if len(patients) > 0 && patients[0] == p {
					want = append(want, "o")
				}
				if diff := cmp.Diff(want, ids(t, r, "Observation?subject=Patient/"+p)); diff != "" {
					t.Errorf("version %d, of %v: search by subject %s (-want +got):\n%s", i+1, patients, p, diff)
				}
			}
			if diff := cmp.Diff([]string{"o"}, ids(t, r, fmt.Sprint("Observation?code=n", i))); diff != "" {
				t.Errorf("version %d: search by the new code (-want +got):\n%s", i+1, diff)
			}
			if i > 0 {
				if diff := cmp.Diff([]string{}, ids(t, r, fmt.Sprint("Observation?code=n", i-1))); diff != "" {
					t.Errorf("version %d: search by the old code (-want +got):\n%s", i+1, diff)
				}
			}
		}
		r.Do(t, rig.Call{As: rig.Loader, Method: http.MethodDelete, Path: "Observation/o"})
		r.Put(t, observation("o", "back", "b"))
		want := []string{`W/"10" PUT back`, `W/"9" DELETE `}
		for i := range moves {
			v, method := len(moves)-i, http.MethodPut
			if v == 1 {
				method = http.MethodPost
			}
			want = append(want, fmt.Sprintf(`W/"%d" %s n%d`, v, method, v-1))
		}
		if diff := cmp.Diff(want, story(t, r, "Observation/o")); diff != "" {
			t.Errorf("history (-want +got):\n%s", diff)
		}
		for v := 1; v <= len(moves); v++ {
			a := r.Get(t, rig.Loader, fmt.Sprint("Observation/o/_history/", v))
			if a.Status != http.StatusOK || !strings.Contains(string(a.Body), fmt.Sprintf(`"code":"n%d"`, v-1)) {
				t.Errorf("version %d: %d %s", v, a.Status, a.Body)
			}
		}
		r.Verify(t)
	})
}

// A resource of several patients opens as long as one of their keys is there, and says whom it concerns.
func TestSharedResourceConcernsEachOfItsPatients(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		r.Put(t, observation("o", "shared", "a", "b", "c"))
		for _, path := range []string{"Observation/o", "Observation?subject=a", "Observation?performer=Patient/c", "Observation?code=shared", "Observation?_id=o"} {
			a := r.Get(t, rig.Loader, path)
			if a.Status != http.StatusOK || !strings.Contains(string(a.Body), `"shared"`) {
				t.Errorf("%s: %d %s", path, a.Status, a.Body)
			}
			var seen []tutela.Bucket
			for _, e := range r.Entries(t) {
				if e.Request == a.Header.Get("X-Request-Id") {
					for _, p := range e.Patients {
						seen = append(seen, p.Patient)
					}
				}
			}
			if len(seen) != 3 {
				t.Errorf("%s: the ledger says that %d patients were seen", path, len(seen))
			}
		}
		for _, p := range []string{"a", "b", "c"} {
			r.Ring.Forget(tutela.KeyPatient, int64(r.Records.Bucket(tutela.PatientID(p))))
		}
		if a := r.Get(t, rig.Loader, "Observation/o"); a.Status != http.StatusOK {
			t.Errorf("with keys from the store: %d %s", a.Status, a.Body)
		}
		r.Verify(t)
	})
}

// The id that a new Patient comes with is not its own, and may be another patient's.
func TestNewPatientIsNobodyElse(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{})
	r.Put(t, `{"resourceType":"Patient","id":"other"}`)
	a := r.Do(t, rig.Call{As: rig.Loader, Method: http.MethodPost, Path: "Patient", Body: `{"resourceType":"Patient","id":"other","active":true}`})
	id := strings.Split(strings.TrimPrefix(a.Header.Get("Location"), rig.Base+"/Patient/"), "/")[0]
	for _, e := range r.Entries(t) {
		if e.Request != a.Header.Get("X-Request-Id") {
			continue
		}
		if len(e.Patients) != 1 || e.Patients[0].Patient != r.Records.Bucket(tutela.PatientID(id)) {
			t.Errorf("the create concerns %+v, want the new patient alone", e.Patients)
		}
	}
}

func TestClockGoingBackKeepsVersionsInOrder(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	for _, engine := range rig.Engines() {
		var back atomic.Int64
		r := rig.Open(t, rig.Config{Engine: engine, Clock: func() time.Time { return start.Add(-time.Duration(back.Load()) * time.Second) }})
		r.Token(t, rig.Loader)
		for i := range 5 {
			r.Put(t, observation("o", fmt.Sprint("n", i), "a"))
			back.Add(60)
		}
		var last string
		for v := 1; v <= 5; v++ {
			body := string(r.Get(t, rig.Loader, fmt.Sprint("Observation/o/_history/", v)).Body)
			_, rest, _ := strings.Cut(body, `"lastUpdated":"`)
			updated, _, _ := strings.Cut(rest, `"`)
			if updated <= last {
				t.Errorf("version %d was updated at %s, and the one before at %s", v, updated, last)
			}
			last = updated
		}
		if diff := cmp.Diff([]string{"o"}, ids(t, r, "Observation?_lastUpdated=ge"+last+"&_sort=-_lastUpdated")); diff != "" {
			t.Errorf("%s: search by the time of the last update (-want +got):\n%s", engine, diff)
		}
		r.Verify(t)
	}
}
