package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// reckoning holds what is there against what clients were told.
type reckoning struct {
	loader, auditor *client
	since           time.Time // when the round began
	complain        func(format string, args ...any)
}

func (k *reckoning) tally(t *testing.T, y *tally) {
	t.Helper()
	inParallel(y.resources, func(r *resource) { k.resource(t, r) })
	inParallel(y.bundles, func(b *bundle) { k.bundle(t, b) })
	pairs := map[[2]string]bool{}
	for _, b := range y.bundles {
		if !pairs[b.pair] {
			pairs[b.pair] = true
			k.pair(t, b.pair)
		}
	}
	k.receipts(t, y.receipts)
}

// inParallel calls f for each of a list, several at a time.
func inParallel[T any](list []T, f func(T)) {
	next := make(chan T)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for v := range next {
				f(v)
			}
		})
	}
	for _, v := range list {
		next <- v
	}
	close(next)
	all.Wait()
}

// history reads every version of a resource, the oldest first; none when it is not there.
func (k *reckoning) history(t *testing.T, ref string) []version {
	t.Helper()
	a, err := k.loader.send(t.Context(), http.MethodGet, "/fhir/r4/"+ref+"/_history", "")
	if err != nil || a.status != http.StatusOK && a.status != http.StatusNotFound {
		k.complain("history of %s: status %d, %v: %s", ref, a.status, err, a.body)
	}
	if a.status != http.StatusOK {
		return nil
	}
	var answer document
	if err := json.Unmarshal(a.body, &answer); err != nil {
		k.complain("history of %s: %v", ref, err)
	}
	var list []version
	entries := answer.Entry
	for n, e := range slices.Backward(entries) {
		v := version{deleted: e.Resource == nil}
		if e.Resource != nil {
			v.content = e.Resource.ValueString
		}
		if want := fmt.Sprintf(`W/"%d"`, len(entries)-n); e.Response.ETag != want {
			k.complain("%s: version tag %s, want %s", ref, e.Response.ETag, want)
		}
		list = append(list, v)
	}
	return list
}

// resource finds every acknowledged version, in order, and after them at most the one in doubt.
func (k *reckoning) resource(t *testing.T, r *resource) {
	t.Helper()
	want := slices.Clone(r.versions)
	for i := range want {
		if want[i].deleted {
			want[i].content = ""
		}
	}
	got := k.history(t, r.ref)
	if r.unsure != nil && len(got) == len(want)+1 {
		last := *r.unsure
		if last.deleted {
			last.content = ""
		}
		want = append(want, last)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(version{})); diff != "" && len(want)+len(got) > 0 {
		k.complain("%s after the crash (-told +there):\n%s", r.ref, diff)
	}
}

// bundle finds all of a transaction or nothing of it.
func (k *reckoning) bundle(t *testing.T, b *bundle) {
	t.Helper()
	there := make([]bool, 0, len(b.made)+1)
	for _, ref := range b.made {
		there = append(there, len(k.history(t, ref)) > 0)
	}
	if b.removed != "" {
		there = append(there, len(k.history(t, b.removed)) == 2)
	}
	whole, none := !slices.Contains(there, false), !slices.Contains(there, true)
	if b.acked && !whole || !whole && !none {
		k.complain("transaction %s (acknowledged: %v): made and removed %v", b.turn, b.acked, there)
	}
	if turned := slices.Contains(k.history(t, b.pair[0]), version{content: b.turn}); turned != whole {
		k.complain("transaction %s: it made its resources: %v, it turned its pair: %v", b.turn, whole, turned)
	}
}

// pair finds the two resources that one client's transactions change together in step.
func (k *reckoning) pair(t *testing.T, pair [2]string) {
	t.Helper()
	if diff := cmp.Diff(k.history(t, pair[0]), k.history(t, pair[1]), cmp.AllowUnexported(version{})); diff != "" {
		k.complain("%v are out of step:\n%s", pair, diff)
	}
}

// ledgerEntry is what the ledger tells about a request.
type ledgerEntry struct {
	Writes int `json:"writes"`
	Entry  struct {
		Request string `json:"request"`
		Action  string `json:"action"`
		Outcome string `json:"outcome"`
	} `json:"entry"`
}

// receipts finds the entry of everything that was answered.
func (k *reckoning) receipts(t *testing.T, receipts []receipt) {
	t.Helper()
	query := fmt.Sprintf("/api/v1/ledger/entries?limit=10000&from=%s", k.since.UTC().Format(time.RFC3339Nano))
	a := k.auditor.want(t, http.StatusOK, http.MethodGet, query, "")
	var list []ledgerEntry
	must(t, json.Unmarshal(a.body, &list))
	found := map[string]receipt{}
	for _, e := range list {
		if e.Entry.Request != "" {
			found[e.Entry.Request] = receipt{e.Entry.Request, e.Entry.Action, e.Writes, e.Entry.Outcome}
		}
	}
	for _, want := range receipts {
		if diff := cmp.Diff(want, found[want.request], cmp.AllowUnexported(receipt{})); diff != "" {
			k.complain("entry of an answered %s (-told +in the ledger, of %d):\n%s", want.action, len(list), diff)
		}
	}
}

// The reckoning itself must find what is not as clients were told.
func TestReckoningFindsFalseReports(t *testing.T) {
	s := newSystem(t, "")
	s.start(t)
	prepareSubjects(t, s)
	loader, since := s.as(t, "loader"), time.Now()
	put := func(id, content string) reply {
		return loader.want(t, http.StatusCreated, http.MethodPut, "/fhir/r4/Observation/"+id, observation(id, content, 0))
	}
	written := put("there", "first")
	put("pair-0", "turn")
	put("pair-1", "turn")
	put("half-0", "turn")
	true1 := receipt{written.request, "update", 1, "success"}
	pair := [2]string{"Observation/pair-0", "Observation/pair-1"}
	for name, tc := range map[string]struct {
		tally *tally
		want  int // complaints
	}{
		"the truth": {&tally{resources: []*resource{{ref: "Observation/there", versions: []version{{content: "first"}}},
			{ref: "Observation/never", unsure: &version{content: "x"}}}, receipts: []receipt{true1}}, 0},
		"a version in doubt that is there": {&tally{resources: []*resource{{ref: "Observation/there", unsure: &version{content: "first"}}}}, 0},
		"a lost resource":                  {&tally{resources: []*resource{{ref: "Observation/lost", versions: []version{{content: "x"}}}}}, 1},
		"a lost version":                   {&tally{resources: []*resource{{ref: "Observation/there", versions: []version{{content: "first"}, {content: "second"}}}}}, 1},
		"other content":                    {&tally{resources: []*resource{{ref: "Observation/there", versions: []version{{content: "other"}}}}}, 1},
		"a version nobody wrote":           {&tally{resources: []*resource{{ref: "Observation/there"}}}, 1},
		"a lost deletion":                  {&tally{resources: []*resource{{ref: "Observation/there", versions: []version{{content: "first"}, {deleted: true}}}}}, 1},
		"a lost transaction":               {&tally{bundles: []*bundle{{made: [2]string{"Observation/lost-0", "Observation/lost-1"}, pair: pair, turn: "later", acked: true}}}, 1},
		"half a transaction":               {&tally{bundles: []*bundle{{made: [2]string{"Observation/half-0", "Observation/half-1"}, pair: pair, turn: "later"}}}, 1},
		"a turn without its resources":     {&tally{bundles: []*bundle{{made: [2]string{"Observation/lost-0", "Observation/lost-1"}, pair: pair, turn: "turn"}}}, 1},
		"a pair out of step":               {&tally{bundles: []*bundle{{made: [2]string{"Observation/lost-0", "Observation/lost-1"}, pair: [2]string{"Observation/pair-0", "Observation/there"}, turn: "later"}}}, 1},
		"no entry":                         {&tally{receipts: []receipt{{"0123", "read", 0, "success"}}}, 1},
		"an entry of another action":       {&tally{receipts: []receipt{{written.request, "read", 1, "success"}}}, 1},
		"an entry of fewer writes":         {&tally{receipts: []receipt{{written.request, "update", 2, "success"}}}, 1},
	} {
		var mu sync.Mutex
		var complaints []string
		k := &reckoning{loader, s.as(t, "auditor"), since, func(format string, args ...any) {
			mu.Lock()
			defer mu.Unlock()
			complaints = append(complaints, fmt.Sprintf(format, args...))
		}}
		k.tally(t, tc.tally)
		if len(complaints) != tc.want {
			t.Errorf("%s: %d complaints, want %d: %v", name, len(complaints), tc.want, complaints)
		}
	}
	s.stop(t)
}
