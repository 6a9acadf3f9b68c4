package remedy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/assure/remedy"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/attest"
)

const portal = "git.example/clinic/portal"

// found is a finding of a source scanner.
func found(rule string, severity supply.Severity, file string, line int) attest.Finding {
	return attest.Finding{Class: supply.Source, Rule: rule, Severity: severity, Place: supply.Place{Path: file, Line: line}}
}

// scan has a pipeline report findings of a scan that looked at source alone, and could not look at some.
func (h *house) scan(t *testing.T, failed []string, findings ...attest.Finding) {
	t.Helper()
	h.now = h.now.Add(time.Hour)
	by := tutela.Entry{Actor: tutela.Actor{ID: "pipeline-1", Kind: tutela.ActorSystem, Name: "portal"}, Action: tutela.ActionPipelineReport}
	must(t, h.Scanned(t.Context(), by, portal, attest.Scan{Finished: h.now, Checked: []supply.Checked{{Class: supply.Source, Failed: failed}, {Class: supply.Secrets, Blind: "no time"}}, Findings: findings}))
}

// board is what is open, as title, severity and places.
func (h *house) board(t *testing.T) []string {
	t.Helper()
	list, err := h.List(t.Context(), false)
	must(t, err)
	out := []string{}
	for _, k := range list {
		if k.Where != portal || k.Repository != portal {
			t.Errorf("%+v", k)
		}
		out = append(out, k.Title+" "+string(k.Severity)+" "+k.Seen)
	}
	slices.Sort(out)
	return out
}

// What a pipeline's scan finds is a gap for each rule until a scan that could look there does not find it.
func TestScansOpenAndCloseGaps(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		h := opened(t, r)
		secret := attest.Finding{Class: supply.Secrets, Rule: "secret.key", Severity: supply.Critical, Place: supply.Place{Path: "a.env", Line: 1}}
		excused := found("code.excused", supply.High, "a.js", 1)
		excused.Waiver = &supply.Waiver{Reason: "a sample"}
		said := func(when string, want ...string) {
			t.Helper()
			if d := cmp.Diff(want, h.board(t)); d != "" {
				t.Errorf("%s (-want +got):\n%s", when, d)
			}
		}
		h.scan(t, nil, found("code.xss", supply.Medium, "b.js", 3), found("code.xss", supply.High, "a.js", 7), secret, excused, found("code.hint", supply.Info, "a.js", 2))
		said("at first", "code.xss high sast: a.js:7, b.js:3", "secret.key critical secrets: a.env:1")
		list, err := h.List(t.Context(), false)
		must(t, err)
		if list[0].Title != "secret.key" || !list[0].Until.Equal(h.now.AddDate(0, 0, 7)) {
			t.Errorf("first is %+v", list[0])
		}
		h.scan(t, []string{"a.js: cannot be read"}) // the secrets could not be looked at, nor a.js
		said("unseen", "code.xss high sast: a.js:7, b.js:3", "secret.key critical secrets: a.env:1")
		h.scan(t, []string{"c.js: cannot be read"})
		said("looked elsewhere", "secret.key critical secrets: a.env:1")
		h.scan(t, nil, found("code.xss", supply.High, "z.js", 1))
		said("found again", "code.xss high sast: z.js:1", "secret.key critical secrets: a.env:1")

		i := slices.IndexFunc(mustList(t, h), func(k remedy.Kept) bool { return k.Title == "code.xss" })
		id := mustList(t, h)[i].ID
		if _, err := h.Dispute(t.Context(), tutela.Entry{Actor: tutela.Actor{ID: "u-pia"}, Action: tutela.ActionGapChange}, id, "wrong"); !errs.Is(err, errs.Conflict) || !strings.Contains(errs.Public(err), ".tutela.yaml") {
			t.Errorf("disputed: %v", err)
		}
		// What comes again, or is older, changes nothing.
		before := h.now
		by := tutela.Entry{Actor: tutela.Actor{ID: "pipeline-1", Kind: tutela.ActorSystem}, Action: tutela.ActionPipelineReport}
		for _, at := range []time.Time{before, before.Add(-time.Minute)} {
			must(t, h.Scanned(t.Context(), by, portal, attest.Scan{Finished: at, Checked: []supply.Checked{{Class: supply.Source}, {Class: supply.Secrets}}}))
		}
		said("replayed", "code.xss high sast: z.js:1", "secret.key critical secrets: a.env:1")
		// Another repository's scan is none of this one's affair.
		must(t, h.Scanned(t.Context(), by, "git.example/clinic/billing", attest.Scan{Finished: before.Add(time.Minute), Checked: []supply.Checked{{Class: supply.Source}, {Class: supply.Secrets}}}))
		said("elsewhere", "code.xss high sast: z.js:1", "secret.key critical secrets: a.env:1")
	})
}

// A scan that lists only the worst of what it found closes nothing, and one of many rules is taken as far as it goes.
func TestScansOfVeryMuchAreTakenAsFarAsTheyGo(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	many := make([]attest.Finding, 1000)
	for i := range many {
		many[i] = found("code.rule-"+strings.Repeat("x", i%40)+string(rune('a'+i/40)), supply.Low+supply.Severity(i%3), "a.js", i+1)
	}
	many[999].Severity = supply.Critical
	h.scan(t, nil, many...)
	list := mustList(t, h)
	if len(list) != 900 || list[0].Severity != remedy.Critical {
		t.Fatalf("%d gaps, the first %s", len(list), list[0].Severity)
	}
	h.now = h.now.Add(time.Hour)
	by := tutela.Entry{Actor: tutela.Actor{ID: "pipeline-1", Kind: tutela.ActorSystem}, Action: tutela.ActionPipelineReport}
	must(t, h.Scanned(t.Context(), by, portal, attest.Scan{Finished: h.now, Checked: []supply.Checked{{Class: supply.Source}}, Omitted: 1}))
	if n := len(mustList(t, h)); n != 900 {
		t.Errorf("%d are left", n)
	}
	h.scan(t, nil)
	if n := len(mustList(t, h)); n != 0 {
		t.Errorf("%d are left in the end", n)
	}
}

// What a review decided to be done is on the board until it is done; it is the review's to give to somebody and to remind of.
func TestFollowUpsOfReviewsAreOnTheBoard(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	h.due = []register.Duty{{Kind: "follow-up", ID: "r1", Title: "ann", What: "follow up", Owner: "u-pia", Name: "pia", Due: h.now.AddDate(0, 0, 9).Truncate(time.Millisecond)}}
	must(t, h.Work(t.Context()))
	must(t, h.Work(t.Context()))
	list := mustList(t, h)
	if len(list) != 1 || list[0].Title != "ann" || !list[0].Until.Equal(h.due[0].Due) || list[0].OwnerName != "pia" || list[0].Revision != 1 {
		t.Fatalf("%+v", list)
	}
	pia := tutela.Entry{Actor: tutela.Actor{ID: "u-pia"}, Action: tutela.ActionGapChange}
	if _, err := h.Assign(t.Context(), pia, list[0].ID, remedy.Assignment{Owner: "pia", Until: h.now.AddDate(0, 1, 0).Format(time.DateOnly)}); !errs.Is(err, errs.Conflict) {
		t.Errorf("assigned: %v", err)
	}
	if _, err := h.Dispute(t.Context(), pia, list[0].ID, "no"); !errs.Is(err, errs.Conflict) {
		t.Errorf("disputed: %v", err)
	}
	if duties, err := h.Duties(t.Context()); err != nil || len(duties) != 0 {
		t.Errorf("it is a duty twice: %v %v", duties, err)
	}
	h.due = nil
	must(t, h.Work(t.Context()))
	if list := mustList(t, h); len(list) != 0 {
		t.Errorf("it is done: %+v", list)
	}
	h.due = []register.Duty{{Kind: "follow-up", ID: "r1", Title: "ann", Due: h.now.AddDate(0, 0, 9)}}
	must(t, h.Work(t.Context()))
	if list := mustList(t, h); len(list) != 1 || list[0].Revision != 3 || !list[0].Closed.IsZero() {
		t.Errorf("it is open again: %+v", list)
	}
}

func mustList(t *testing.T, h *house) []remedy.Kept {
	t.Helper()
	list, err := h.List(t.Context(), false)
	must(t, err)
	return list
}
