package register_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

const thing register.Kind = "thing"

type body struct {
	Name string `json:"name"`
}

// entry is what whoever changes something is written down by.
func entry() tutela.Entry {
	return tutela.Entry{Actor: tutela.Actor{ID: "u-ann", Kind: tutela.ActorPerson}, Action: "thing.change"}
}

func change(id, name string, revision int64, edit ...func(*register.Change)) register.Change {
	text, _ := json.Marshal(body{name})
	c := register.Change{Item: register.Item{Kind: thing, ID: id, Revision: revision, State: "open", Body: text}, What: "changed"}
	for _, f := range edit {
		f(&c)
	}
	return c
}

func put(t *testing.T, r *rig.Rig, list ...register.Change) []register.Item {
	t.Helper()
	items, err := r.Register.Put(t.Context(), entry(), list...)
	must(t, err)
	return items
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ids(list []register.Item) (all []string) {
	for _, it := range list {
		all = append(all, fmt.Sprint(it.ID, " ", it.Revision, " ", it.State))
	}
	return all
}

// An item has a life of revisions, each of which stays, and is found by its state, its owner and what is due.
func TestItemsLiveByRevisions(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		due := time.Date(2027, 1, 2, 3, 4, 5, 678e6, time.UTC)
		put(t, r, change("b", "one", 0), change("a", "two", 0, func(c *register.Change) { c.Owner, c.Due = "u-bob", due }))
		put(t, r, change("b", "three", 1, func(c *register.Change) { c.State = "closed" }))
		for _, c := range []struct {
			filter register.Filter
			want   []string
		}{
			{register.Filter{}, []string{"a 1 open", "b 2 closed"}},
			{register.Filter{Kind: thing, Limit: 1}, []string{"a 1 open"}},
			{register.Filter{State: "closed"}, []string{"b 2 closed"}},
			{register.Filter{Owner: "u-bob"}, []string{"a 1 open"}},
			{register.Filter{Due: due.Add(time.Millisecond)}, []string{"a 1 open"}},
			{register.Filter{Due: due}, nil},
			{register.Filter{Kind: "other"}, nil},
		} {
			list, err := r.Register.List(t.Context(), c.filter)
			must(t, err)
			if d := cmp.Diff(c.want, ids(list)); d != "" {
				t.Errorf("%+v: %s", c.filter, d)
			}
		}
		past, err := r.Register.History(t.Context(), thing, "b")
		must(t, err)
		first, err := register.Decode[body](past[0])
		must(t, err)
		if d := cmp.Diff([]string{"b 1 open", "b 2 closed"}, ids(past)); d != "" || first.Name != "one" || past[0].By.ID != "u-ann" {
			t.Errorf("history: %s, %+v", d, past[0])
		}
		if it, err := r.Register.Get(t.Context(), thing, "a"); err != nil || !it.Due.Equal(due) || it.Owner != "u-bob" {
			t.Errorf("%+v %v", it, err)
		}
		if _, err := r.Register.Get(t.Context(), thing, "c"); !errs.Is(err, errs.NotFound) {
			t.Errorf("one that is not there: %v", err)
		}
	})
}

// Who wrote what he had not read in its newest revision is told so, and nothing of what he wrote at once is kept.
func TestChangesOfOldRevisionsAreRefused(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		put(t, r, change("a", "one", 0))
		put(t, r, change("a", "two", 1))
		for _, stale := range []int64{0, 1, 3} {
			if _, err := r.Register.Put(t.Context(), entry(), change("b", "new", 0), change("a", "mine", stale)); !errs.Is(err, errs.Conflict) {
				t.Errorf("revision %d: %v", stale, err)
			}
		}
		list, err := r.Register.List(t.Context(), register.Filter{Kind: thing})
		must(t, err)
		if d := cmp.Diff([]string{"a 2 open"}, ids(list)); d != "" {
			t.Error(d)
		}
	})
}

// What cannot be an item is refused before anything is written.
func TestWhatCannotBeKeptIsRefused(t *testing.T) {
	r := rig.Open(t, rig.Config{})
	long := strings.Repeat("x", 65)
	for _, edit := range []func(*register.Change){
		func(c *register.Change) { c.Kind = "" }, func(c *register.Change) { c.Kind = "A" }, func(c *register.Change) { c.State = "a b" },
		func(c *register.Change) { c.ID = "" }, func(c *register.Change) { c.ID = "-a" }, func(c *register.Change) { c.ID = "../a" },
		func(c *register.Change) { c.ID = long }, func(c *register.Change) { c.Kind = register.Kind(long) },
		func(c *register.Change) { c.Body = []byte(`"` + strings.Repeat("x", 1<<20) + `"`) },
	} {
		if _, err := r.Register.Put(t.Context(), entry(), change("a", "one", 0, edit)); !errs.Is(err, errs.Invalid) {
			t.Errorf("it said %v", err)
		}
	}
	if _, err := r.Register.Put(t.Context(), entry(), make([]register.Change, register.MaxChanges+1)...); !errs.Is(err, errs.Invalid) {
		t.Errorf("too many: %v", err)
	}
}

// The ledger names each change with the digest of what was written.
func TestLedgerNamesEachChange(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		var want []string
		for n := range 3 {
			for _, it := range put(t, r, change("a", fmt.Sprint(n), int64(n)), change(fmt.Sprint("b", n), "x", 0)) {
				digest, err := it.Digest()
				must(t, err)
				want = append(want, fmt.Sprintf("%s: changed; revision %d; sha256 %s", it.ID, it.Revision, digest))
			}
		}
		var got []string
		must(t, r.Audit.Search(t.Context(), audit.Query{Action: "thing.change"}, func(o audit.Opened) error {
			got = append(got, o.Entry.Subject.ID+": "+o.Entry.Subject.Detail)
			return nil
		}))
		slices.Sort(want)
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		past, err := r.Register.History(t.Context(), thing, "a")
		must(t, err)
		for _, it := range past {
			digest, err := it.Digest()
			must(t, err)
			if !slices.ContainsFunc(got, func(s string) bool { return strings.Contains(s, digest) }) {
				t.Errorf("revision %d as it was read has another digest than the ledger says", it.Revision)
			}
		}
	})
}

// Nothing of what an item says lies in the rows.
func TestItemsLieSealed(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		put(t, r, change("telltale-id", "telltale name", 0, func(c *register.Change) { c.Owner = "u-telltale" }))
		tables, err := r.DB.Tables(t.Context())
		must(t, err)
		seen := 0
		for _, table := range tables {
			if !strings.HasPrefix(table.Name, "assure_") {
				continue
			}
			must(t, r.DB.Query(t.Context(), table.Select("")+table.ByKey(), nil, func(sc store.Scanner) error {
				values, err := table.ScanRow(sc)
				seen++
				if strings.Contains(fmt.Sprintf("%s", values), "telltale") {
					t.Errorf("%s shows %s", table.Name, values)
				}
				return err
			}))
		}
		if seen != 2 {
			t.Errorf("%d rows", seen)
		}
	})
}

// Rows that were edited, swapped or taken out by hand are not believed.
func TestEditedRowsAreNotBelieved(t *testing.T) {
	for name, edit := range map[string]string{
		"state":             `UPDATE assure_items SET state = 'closed'`,
		"due":               `UPDATE assure_items SET due = 99`,
		"owner":             `UPDATE assure_items SET owner = 0`,
		"kind":              `UPDATE assure_items SET kind = 'other'`,
		"an older revision": `UPDATE assure_items SET sealed = (SELECT sealed FROM assure_revisions r WHERE r.name = assure_items.name AND r.revision = 1)`,
		"another's":         `UPDATE assure_items SET sealed = (SELECT sealed FROM assure_revisions r WHERE r.name <> assure_items.name AND r.revision = 2)`,
		"one gone":          `DELETE FROM assure_revisions WHERE revision = 1`,
		"the last gone":     `DELETE FROM assure_revisions WHERE revision = 2`,
	} {
		t.Run(name, func(t *testing.T) {
			rig.Each(t, func(t *testing.T, r *rig.Rig) {
				due := func(c *register.Change) { c.Owner, c.Due = "u-bob", time.Now() }
				put(t, r, change("a", "one", 0, due), change("b", "one", 0, due))
				put(t, r, change("a", "two", 1, due), change("b", "two", 1, due))
				must(t, r.DB.Update(t.Context(), func(tx *store.Tx) error {
					_, err := tx.Exec(t.Context(), edit)
					return err
				}))
				_, listed := r.Register.List(t.Context(), register.Filter{})
				_, past := r.Register.History(t.Context(), thing, "a")
				if listed == nil && past == nil {
					t.Error("believed")
				}
			})
		})
	}
}
