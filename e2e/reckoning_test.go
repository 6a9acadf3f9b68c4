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

// reckon holds what is there against what clients were told.
func (y *tally) reckon(t *testing.T, c *client, auditor *client, since time.Time) {
	t.Helper()
	inParallel(y.resources, func(r *resource) { r.check(t, c) })
	inParallel(y.bundles, func(b *bundle) { b.check(t, c) })
	pairs := map[string]bool{}
	for _, b := range y.bundles {
		if !pairs[b.pair[0]] {
			pairs[b.pair[0]] = true
			y.checkPair(t, c, b.pair)
		}
	}
	y.checkReceipts(t, auditor, since)
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
func history(t *testing.T, c *client, ref string) []version {
	t.Helper()
	a, err := c.send(t.Context(), http.MethodGet, "/fhir/r4/"+ref+"/_history", "")
	if err != nil || a.status != http.StatusOK && a.status != http.StatusNotFound {
		t.Errorf("history of %s: status %d, %v: %s", ref, a.status, err, a.body)
	}
	if a.status != http.StatusOK {
		return nil
	}
	var list []version
	entries := a.document(t).Entry
	for n, e := range slices.Backward(entries) {
		v := version{deleted: e.Resource == nil}
		if e.Resource != nil {
			v.content = e.Resource.ValueString
		}
		if want := fmt.Sprintf(`W/"%d"`, len(entries)-n); e.Response.ETag != want {
			t.Errorf("%s: version tag %s, want %s", ref, e.Response.ETag, want)
		}
		list = append(list, v)
	}
	return list
}

// check finds every acknowledged version, in order, and after them at most the one in doubt.
func (r *resource) check(t *testing.T, c *client) {
	t.Helper()
	want := slices.Clone(r.versions)
	for i := range want {
		if want[i].deleted {
			want[i].content = ""
		}
	}
	got := history(t, c, r.ref)
	if r.unsure != nil && len(got) == len(want)+1 {
		last := *r.unsure
		if last.deleted {
			last.content = ""
		}
		want = append(want, last)
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(version{})); diff != "" && len(want)+len(got) > 0 {
		t.Errorf("%s after the crash (-told +there):\n%s", r.ref, diff)
	}
}

// check finds all of a transaction or nothing of it.
func (b *bundle) check(t *testing.T, c *client) {
	t.Helper()
	there := make([]bool, 0, len(b.made)+1)
	for _, ref := range b.made {
		there = append(there, len(history(t, c, ref)) > 0)
	}
	if b.removed != "" {
		there = append(there, len(history(t, c, b.removed)) == 2)
	}
	whole, none := !slices.Contains(there, false), !slices.Contains(there, true)
	if b.acked && !whole || !whole && !none {
		t.Errorf("transaction %s (acknowledged: %v): made and removed %v", b.turn, b.acked, there)
	}
	if turned := slices.Contains(history(t, c, b.pair[0]), version{content: b.turn}); turned != whole {
		t.Errorf("transaction %s: it made its resources: %v, it turned its pair: %v", b.turn, whole, turned)
	}
}

// checkPair finds the two resources that one client's transactions change together in step.
func (y *tally) checkPair(t *testing.T, c *client, pair [2]string) {
	t.Helper()
	if diff := cmp.Diff(history(t, c, pair[0]), history(t, c, pair[1]), cmp.AllowUnexported(version{})); diff != "" {
		t.Errorf("%v are out of step:\n%s", pair, diff)
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

// checkReceipts finds the entry of everything that was answered.
func (y *tally) checkReceipts(t *testing.T, auditor *client, since time.Time) {
	t.Helper()
	query := fmt.Sprintf("/api/v1/ledger/entries?limit=10000&from=%s", since.UTC().Format(time.RFC3339Nano))
	a := auditor.want(t, http.StatusOK, http.MethodGet, query, "")
	var list []ledgerEntry
	must(t, json.Unmarshal(a.body, &list))
	found := map[string]receipt{}
	for _, e := range list {
		if e.Entry.Request != "" {
			found[e.Entry.Request] = receipt{e.Entry.Request, e.Entry.Action, e.Writes, e.Entry.Outcome}
		}
	}
	for _, want := range y.receipts {
		if diff := cmp.Diff(want, found[want.request], cmp.AllowUnexported(receipt{})); diff != "" {
			t.Errorf("entry of an answered %s (-told +in the ledger, of %d):\n%s", want.action, len(list), diff)
		}
	}
}
