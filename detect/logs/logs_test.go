package logs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/logs"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// ground is a store of logs in a rigged system, on a clock that tests move.
type ground struct {
	*rig.Rig
	testkit.Clock

	logs *logs.Store
}

func each(t *testing.T, f func(t *testing.T, g *ground)) {
	t.Helper()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			g := &ground{}
			g.Rig = rig.Open(t, rig.Config{Engine: engine, Clock: g.Now})
			g.logs = g.open(t)
			f(t, g)
		})
	}
}

// open is the store as a node opens it.
func (g *ground) open(t *testing.T) *logs.Store {
	t.Helper()
	s, err := logs.New(logs.Config{DB: g.DB, Audit: g.Audit, Notes: g.Records, Alias: g.Identity.Alias, Clock: g.Now, Keep: 30 * 24 * time.Hour})
	must(t, err)
	return s
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// at is a time of the story.
func at(minute int) time.Time { return time.Date(2026, 11, 22, 9, minute, 0, 0, time.UTC) }

func said(source string, minute int, format string, args ...any) logs.Event {
	text := fmt.Sprintf(format, args...)
	return logs.Event{Source: source, At: at(minute), Line: fmt.Appendf(nil, `{"message":%q,"time":%q}`, text, at(minute).Format(time.RFC3339))}
}

// story are lines of two sources.
func story() []logs.Event {
	return []logs.Event{
		said("web", 0, "started worker"),
		{Source: "web", At: at(1), Line: []byte(`{"class_uid":4002,"time":"2026-11-22T09:01:00Z","message":"GET /orders","src_endpoint":{"ip":"192.0.2.7"},"user":{"uid":"Anna"}}`)},
		said("db", 2, "opened Patient/p-1b3c9d02e4f5a687 slowly"),
		said("db", 3, "checkpoint complete"),
	}
}

// TestEventsAreFoundByWhatIsAsked asks by each of the things that one may ask by, and by several.
func TestEventsAreFoundByWhatIsAsked(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, g *ground) {
		all := story()
		must(t, g.logs.Take(t.Context(), all[:2], store.Op{}))
		must(t, g.open(t).Take(t.Context(), all[2:], store.Op{}))
		both := []string{"db", "web"}
		for name, c := range map[string]struct {
			ask  logs.Query
			want []int
		}{
			"everything":           {logs.Query{Sources: both}, []int{3, 2, 1, 0}},
			"by time":              {logs.Query{Sources: both, From: at(1), To: at(3)}, []int{2, 1}},
			"by actor":             {logs.Query{Sources: both, Actor: "anna"}, []int{1}},
			"by address":           {logs.Query{Sources: both, Address: "192.0.2.7"}, []int{1}},
			"by patient":           {logs.Query{Sources: both, Patient: tutela.Bucket(0x1b3c9d02e4f5a687)}, []int{2}},
			"by source":            {logs.Query{Sources: both, Source: "db"}, []int{3, 2}},
			"by words":             {logs.Query{Sources: both, Text: "Complete checkpoint"}, []int{3}},
			"by words not there":   {logs.Query{Sources: both, Text: "checkpoint started"}, nil},
			"by part of a word":    {logs.Query{Sources: both, Text: "check"}, nil},
			"by id":                {logs.Query{Sources: both, ID: "log-1-1"}, []int{1}},
			"of another's sources": {logs.Query{Sources: []string{"web"}}, []int{1, 0}},
			"a source not his":     {logs.Query{Sources: []string{"web"}, Source: "db"}, nil},
			"an id not his":        {logs.Query{Sources: []string{"web"}, ID: "log-2-0"}, nil},
			"of no source":         {logs.Query{}, nil},
		} {
			page, err := g.logs.Search(t.Context(), c.ask)
			must(t, err)
			var got []int
			for _, f := range page.Events {
				got = append(got, slices.IndexFunc(all, func(e logs.Event) bool { return string(e.Line) == string(f.Event) }))
			}
			if d := cmp.Diff(c.want, got); d != "" || page.Next != "" {
				t.Errorf("%s, next %q: %s", name, page.Next, d)
			}
		}
	})
}

// TestPagesGoThroughEverythingOnce asks for pages of every size.
func TestPagesGoThroughEverythingOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, g *ground) {
		for b := range 3 {
			var batch []logs.Event
			for i := range 5 {
				batch = append(batch, said("web", b, "line %d", b*5+i))
			}
			must(t, g.logs.Take(t.Context(), batch, store.Op{}))
		}
		for limit := 1; limit <= 16; limit++ {
			var got []string
			for before, n := "", 0; n < 20; n++ {
				page, err := g.logs.Search(t.Context(), logs.Query{Sources: []string{"web"}, Limit: limit, Before: before})
				must(t, err)
				for _, f := range page.Events {
					got = append(got, f.ID)
				}
				if before = page.Next; before == "" {
					break
				}
			}
			var want []string
			for b := int64(3); b >= 1; b-- {
				for i := 4; i >= 0; i-- {
					want = append(want, logs.ID(b, i))
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("pages of %d: %s", limit, d)
			}
		}
	})
}

// TestNothingOfALineLiesInTheStore looks for words of lines in every column.
func TestNothingOfALineLiesInTheStore(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, g *ground) {
		must(t, g.logs.Take(t.Context(), story(), g.logs.Delivery("web", "delivery-seventeen", 4, 0)))
		tables, err := g.DB.Tables(t.Context())
		must(t, err)
		for _, table := range tables {
			if !strings.HasPrefix(table.Name, "log_") {
				continue
			}
			for _, column := range table.Columns {
				if column.Kind == store.Int {
					continue
				}
				must(t, g.DB.Query(t.Context(), "SELECT "+column.Name+" FROM "+table.Name, nil, func(sc store.Scanner) error {
					var b []byte
					err := sc.Scan(&b)
					for _, word := range []string{"checkpoint", "web", "Anna", "192.0.2.7", "1b3c9d02e4f5a687", "seventeen"} {
						if strings.Contains(string(b), word) {
							t.Errorf("%s.%s shows %s", table.Name, column.Name, word)
						}
					}
					return err
				}))
			}
		}
	})
}

// TestADeliveryCountsOnce sends one twice, also at once.
func TestADeliveryCountsOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, g *ground) {
		must(t, g.logs.Take(t.Context(), story(), g.logs.Delivery("web", "d-1", 4, 1)))
		err := g.logs.Take(t.Context(), story(), g.open(t).Delivery("web", "d-1", 4, 1))
		if !errs.Is(err, errs.Conflict) {
			t.Errorf("the second: %v", err)
		}
		must(t, g.logs.Take(t.Context(), story(), g.logs.Delivery("db", "d-1", 4, 1)))
		taken, refused, before, err := g.logs.Delivered(t.Context(), "web", "d-1")
		if err != nil || taken != 4 || refused != 1 || !before {
			t.Errorf("%d %d %v %v", taken, refused, before, err)
		}
		if n := count(t, g.logs); n != 8 {
			t.Errorf("%d events are kept", n)
		}
	})
}

// count is how many events there are.
func count(t *testing.T, s *logs.Store) int {
	t.Helper()
	n := 0
	_, err := s.Stream().Follow(t.Context(), 0, func(int64, event.Line) error {
		n++
		return nil
	})
	must(t, err)
	return n
}

// TestDetectionFollowsEveryLineOnce stops at every line, and goes on. A line about a login is told as one, too.
func TestDetectionFollowsEveryLineOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, g *ground) {
		login := logs.Event{Source: "db", At: at(4), Line: []byte(`{"class_uid":3002,"status_id":2,"time":"2026-11-22T09:04:00Z","message":"Failed password","user":{"uid":"root"}}`)}
		must(t, g.logs.Take(t.Context(), append(story(), login), store.Op{}))
		enough := errors.New("enough")
		var ids []string
		var from int64
		for range 20 {
			n := 0
			next, err := g.logs.Stream().Follow(t.Context(), from, func(_ int64, l event.Line) error {
				if n++; n > 1 {
					return enough
				}
				side := "line"
				if l.Event.Log == nil {
					side = string(l.Event.Action)
				}
				ids = append(ids, l.Event.ID+" "+l.Event.Source+" "+side)
				return nil
			})
			if from = next; err == nil {
				break
			}
		}
		want := []string{"log-1-0 web line", "log-1-1 web line", "log-1-2 db line", "log-1-3 db line", "log-1-4 db line", "log-1-4 db authenticate"}
		if d := cmp.Diff(want, ids); d != "" {
			t.Error(d)
		}
		head, err := g.logs.Stream().Head(t.Context())
		if err != nil || head != from {
			t.Errorf("the head is %d, behind the last line is %d: %v", head, from, err)
		}
	})
}

// TestABatchThatWasChangedIsDamage is told, and passed over by whoever goes on behind it.
func TestABatchThatWasChangedIsDamage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, g *ground) {
		must(t, g.logs.Take(t.Context(), story(), store.Op{}))
		must(t, g.logs.Take(t.Context(), story(), store.Op{}))
		must(t, g.DB.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE log_batches SET earliest = earliest + 1 WHERE seq = 1`)
			return err
		}))
		nothing := func(int64, event.Line) error { return nil }
		next, err := g.logs.Stream().Follow(t.Context(), 0, nothing)
		if !errors.Is(err, detect.ErrDamaged) {
			t.Fatalf("%d %v", next, err)
		}
		if _, err := g.logs.Stream().Follow(t.Context(), next+1, nothing); err != nil {
			t.Errorf("behind it: %v", err)
		}
	})
}

// TestRetentionTakesAwayWhatIsOld and the ledger tells of it; what is younger stays, and can be followed.
func TestRetentionTakesAwayWhatIsOld(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, g *ground) {
		must(t, g.logs.Take(t.Context(), story(), g.logs.Delivery("web", "d-1", 4, 0)))
		g.Advance(29 * 24 * time.Hour)
		must(t, g.logs.Take(t.Context(), story()[:1], store.Op{}))
		must(t, g.logs.Forget(t.Context()))
		if n := count(t, g.logs); n != 5 {
			t.Errorf("%d events before their time", n)
		}
		g.Advance(2 * 24 * time.Hour)
		must(t, g.logs.Forget(t.Context()))
		if n := count(t, g.logs); n != 1 {
			t.Errorf("%d events are left", n)
		}
		if _, _, before, err := g.logs.Delivered(t.Context(), "web", "d-1"); before || err != nil {
			t.Errorf("the delivery is still known: %v", err)
		}
		if d := cmp.Diff([]string{"1-1 4"}, expiries(t, g)); d != "" {
			t.Error(d)
		}
	})
}

// expiries are the ledger's entries about what retention took away.
func expiries(t *testing.T, g *ground) []string {
	t.Helper()
	var list []string
	must(t, g.Audit.Search(context.WithoutCancel(t.Context()), audit.Query{Action: tutela.ActionEventsExpire}, func(o audit.Opened) error {
		list = append(list, fmt.Sprintf("%s %d", o.Entry.Subject.ID, o.Entry.Count))
		return nil
	}))
	return list
}
