package detect_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/store"
)

func TestFindingsFollowTheLedgerAndAreToldInIt(t *testing.T) {
	each(t, sevenths, func(t *testing.T, h *house) {
		h.happened(t, "u-ann", 6)
		must(t, h.Findings.Work(t.Context()))
		if list := watched(t, h.Findings); len(list) != 0 {
			t.Fatalf("found %s in what is not there yet", summary(list))
		}
		h.happened(t, "u-ann", 1)
		must(t, h.Findings.Work(t.Context()))
		list := watched(t, h.Findings)
		if len(list) != 1 || list[0].Actor != "u-ann" || list[0].Risk == 0 || len(list[0].Entries) != 1 {
			t.Fatalf("found %+v", list)
		}
		opened := h.told(t, tutela.ActionFindingOpen)
		if len(opened) != 1 || opened[0].Subject.ID != list[0].ID || !strings.Contains(opened[0].Subject.Detail, `nth, medium, risk 20, account "u-ann"`) {
			t.Errorf("the ledger tells %+v", opened)
		}
		h.happened(t, "u-ann", 7)
		must(t, h.Findings.Work(t.Context()))
		if list := watched(t, h.Findings); summary(list) != "u-ann open 2 hits 2 entries; " || len(h.told(t, tutela.ActionFindingOpen)) != 1 {
			t.Errorf("alike hits made %s", summary(list))
		}
	})
}

// Findings are entries of the ledger, and must not become findings.
func TestDetectionDoesNotFeedOnItself(t *testing.T) {
	each(t, everything, func(t *testing.T, h *house) {
		h.happened(t, "u-ann", 3)
		must(t, h.Findings.Work(t.Context()))
		before := len(watched(t, h.Findings))
		for range 5 {
			h.sequence(t)
			must(t, h.Findings.Work(t.Context()))
		}
		if after := len(watched(t, h.Findings)); after != before || before < 3 {
			t.Errorf("%d findings became %d", before, after)
		}
	})
}

// However often nodes die, rest and take over: what is found is what one node that never stopped finds.
func TestRestartsLoseAndRepeatNothing(t *testing.T) {
	each(t, sevenths, func(t *testing.T, h *house) {
		rng := rand.New(rand.NewPCG(7, uint64(len(t.Name()))))
		counts := map[tutela.UserID]int{}
		node := h.Findings
		for round := range 40 {
			actor := tutela.UserID(fmt.Sprintf("u-%d", rng.IntN(3)))
			n := rng.IntN(30)
			counts[actor] += n
			h.happened(t, actor, n)
			must(t, node.Work(t.Context()))
			switch rng.IntN(4) {
			case 0: // killed; another node takes over when the lease has ended
				h.Advance(minute)
				node = h.Detection(fmt.Sprint("node-", round), h.config)
			case 1: // stopped
				must(t, node.Rest(t.Context()))
				node = h.Detection(fmt.Sprint("node-", round), h.config)
			case 2: // killed, and started again as the same node
				node = h.Detection("same", h.config)
				h.Advance(minute)
			}
		}
		must(t, node.Work(t.Context()))
		got, want := map[tutela.UserID]int{}, map[tutela.UserID]int{}
		for _, f := range watched(t, node) {
			got[f.Actor] += f.Hits
			if f.Hits != f.Shown {
				t.Errorf("%s: %d hits of %d entries: something was seen twice", f.Actor, f.Hits, f.Shown)
			}
		}
		for actor, n := range counts {
			want[actor] = n / 7
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
		if opened := h.told(t, tutela.ActionFindingOpen); len(opened) != len(watched(t, node)) {
			t.Errorf("%d findings are told as %d", len(watched(t, node)), len(opened))
		}
	})
}

func TestOneNodeWorksAtATime(t *testing.T) {
	each(t, sevenths, func(t *testing.T, h *house) {
		other := h.Detection("other", h.config)
		h.happened(t, "u-ann", 7)
		must(t, h.Findings.Work(t.Context()))
		if err := other.Work(t.Context()); !errs.Is(err, errs.Conflict) {
			t.Fatalf("two nodes work: %v", err)
		}
		h.Advance(minute) // the first node hangs
		h.happened(t, "u-ann", 7)
		must(t, other.Work(t.Context()))
		if err := h.Findings.Work(t.Context()); !errs.Is(err, errs.Conflict) {
			t.Errorf("the node that hung works on: %v", err)
		}
		must(t, other.Rest(t.Context()))
		h.happened(t, "u-ann", 7)
		must(t, h.Findings.Work(t.Context()))
		if got := summary(watched(t, other)); got != "u-ann open 3 hits 3 entries; " {
			t.Error(got)
		}
	})
}

// Memory that other detectors wrote, or that does not open, is learned again from the ledger.
func TestLostMemoryIsLearnedAgain(t *testing.T) {
	each(t, sevenths, func(t *testing.T, h *house) {
		h.happened(t, "u-ann", 10)
		must(t, h.Findings.Work(t.Context()))
		must(t, h.Findings.Rest(t.Context()))
		must(t, h.DB.Update(t.Context(), func(tx *store.Tx) error {
			n, err := tx.Exec(t.Context(), `UPDATE detect_memory SET sealed = ?`, []byte("\x01 not what was written"))
			if err == nil && n == 0 {
				err = fmt.Errorf("nothing was kept")
			}
			return err
		}))
		node := h.Detection("next", h.config)
		h.happened(t, "u-ann", 4)
		must(t, node.Work(t.Context()))
		if got := summary(watched(t, node)); got != "u-ann open 2 hits 2 entries; " {
			t.Error(got)
		}
	})
}

// A rule that takes offence at everything buries nobody else's findings.
func TestFloodsBecomeOneFinding(t *testing.T) {
	each(t, everything, func(t *testing.T, h *house) {
		h.happened(t, "u-ann", 300)
		must(t, h.Findings.Work(t.Context()))
		list := watched(t, h.Findings)
		i := slices.IndexFunc(list, func(f finding.Finding) bool { return strings.HasPrefix(f.Group, "more than") })
		if len(list) != 201 || i < 0 || list[i].Hits < 100 || list[i].Actor != "" {
			t.Errorf("%d findings, the flood's is %d", len(list), i)
		}
	})
}

// Whoever edits the ledger's rows, or takes some out, is noticed; and what comes after is watched.
func TestEditsOfTheLedgerAreFound(t *testing.T) {
	const last = `(SELECT MAX(first_leaf) FROM ledger_batches)`
	for name, edit := range map[string]string{
		"changed":           `UPDATE ledger_batches SET blob = ? WHERE first_leaf = ` + last,
		"last removed":      `DELETE FROM ledger_batches WHERE blob <> ? AND first_leaf = ` + last,
		"last but one gone": `DELETE FROM ledger_batches WHERE blob <> ? AND first_leaf = (SELECT MAX(first_leaf) FROM ledger_batches WHERE first_leaf < ` + last + `)`,
	} {
		t.Run(name, func(t *testing.T) {
			each(t, sevenths, func(t *testing.T, h *house) {
				h.happened(t, "u-ann", 3)
				must(t, h.Findings.Work(t.Context()))
				h.happened(t, "u-bob", 3)
				must(t, h.DB.Update(t.Context(), func(tx *store.Tx) error {
					_, err := tx.Exec(t.Context(), edit, append([]byte{0, 40, 1}, bytes.Repeat([]byte{7}, 39)...))
					return err
				}))
				for range 10 {
					_ = h.Findings.Work(t.Context()) // what is damaged is an error until it is believed
				}
				h.happened(t, "u-cat", 7)
				must(t, h.Findings.Work(t.Context()))
				list := watched(t, h.Findings)
				if len(list) != 2 || list[0].Rule != detect.RuleDamaged || list[0].Level != finding.Critical || list[1].Actor != "u-cat" {
					t.Fatalf("found %+v", list)
				}
			})
		})
	}
}

// Nothing in the rows says whom a finding is about.
func TestFindingsLieSealed(t *testing.T) {
	each(t, sevenths, func(t *testing.T, h *house) {
		h.happened(t, "u-ann", 7)
		must(t, h.Findings.Work(t.Context()))
		must(t, h.Findings.Rest(t.Context()))
		tables, err := h.DB.Tables(t.Context())
		must(t, err)
		seen := 0
		for _, table := range tables {
			if !strings.HasPrefix(table.Name, "detect_") {
				continue
			}
			must(t, h.DB.Query(t.Context(), table.Select("")+table.ByKey(), nil, func(sc store.Scanner) error {
				values, err := table.ScanRow(sc)
				seen++
				if text := fmt.Sprintf("%s", values); strings.Contains(text, "u-ann") || strings.Contains(text, "nth") {
					t.Errorf("%s shows %q", table.Name, text)
				}
				return err
			}))
		}
		if seen < 3 {
			t.Errorf("%d rows", seen)
		}
	})
}

// A row that somebody changed does not open, and its finding is not served as if it was whole.
func TestFindingsCannotBeClosedInTheDatabase(t *testing.T) {
	each(t, sevenths, func(t *testing.T, h *house) {
		h.happened(t, "u-ann", 7)
		must(t, h.Findings.Work(t.Context()))
		must(t, h.DB.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE detect_findings SET closed = 1`)
			return err
		}))
		if page, err := h.Findings.List(t.Context(), tutela.Principal{ID: "auditor"}, detect.Filter{}); err == nil {
			t.Errorf("listed %s", summary(page.Findings))
		}
	})
}

// Run finds what happens while it runs, without anybody telling it, and ends with its context.
func TestRunFollowsByItself(t *testing.T) {
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t, rig.Config{Engine: engine, Watch: sevenths})
			h := &house{Rig: r}
			ctx, stop := context.WithCancel(t.Context())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				r.Findings.Run(ctx)
			}()
			h.happened(t, "u-ann", 7)
			for deadline := time.Now().Add(time.Minute); len(watched(t, r.Findings)) == 0; {
				if time.Now().After(deadline) {
					t.Fatal("nothing is found")
				}
				<-time.After(10 * time.Millisecond)
			}
			stop()
			<-ended
			node := r.Detection("next", rig.Config{Clock: time.Now, Watch: sevenths})
			must(t, node.Work(t.Context())) // the lease was given back
		})
	}
}
