package risk_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/assure/risk"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// house is one that keeps risks, on a clock that a test turns, with one check whose verdict it sets.
type house struct {
	rig *rig.Rig
	*risk.Service
	now      time.Time
	verdict  tutela.Verdict
	assessor *assure.Assessor
	vendors  map[string]string
	gaps     map[string]bool
}

func opened(t *testing.T, r *rig.Rig) *house {
	t.Helper()
	h := &house{rig: r, now: time.Now().UTC().Truncate(time.Second), verdict: tutela.Pass}
	clock := func() time.Time { return h.now }
	check := tutela.Check{ID: "a.check", Title: "A check", Controls: []string{"S01"}, Fresh: time.Hour, Try: func(context.Context) tutela.Evidence {
		return tutela.Evidence{On: "here", Observed: "seen", Verdict: h.verdict}
	}}
	h.assessor = assure.New(r.Audit, clock, check)
	board := r.Board(t, clock, check)
	h.vendors, h.gaps = map[string]string{"acme": ""}, map[string]bool{"scan.1": true}
	h.Service = risk.New(risk.Config{
		Checks:   func() []tutela.Check { return []tutela.Check{check} },
		Vendors:  func(context.Context) (map[string]string, error) { return h.vendors, nil },
		Gaps:     func(context.Context) (map[string]bool, error) { return h.gaps, nil },
		Register: r.Register, Clock: clock, Board: func() *control.Board { return board }, Person: func(_ context.Context, name string) (tutela.UserID, string, error) {
			if name != "pia" && name != "u-pia" {
				return "", "", errs.New(errs.NotFound, "no such person")
			}
			return "u-pia", "pia", nil
		}})
	return h
}

func by(id tutela.UserID) tutela.Entry {
	return tutela.Entry{Actor: tutela.Actor{ID: id, Kind: tutela.ActorPerson, Name: string(id)}, Action: tutela.ActionRiskChange}
}

// some is a risk of which so much is left.
func (h *house) some(left risk.Rating, edit ...func(*risk.Risk)) risk.Risk {
	r := risk.Risk{
		Title: "Ransomware", Asset: "the record", Threat: "it is encrypted", Inherent: risk.Rating{Likelihood: 4, Safety: 5, Data: 5}, Residual: left,
		Treatment: risk.Mitigate, Reason: "backups", Owner: "pia", Review: h.now.Add(30 * 24 * time.Hour), Controls: []string{"S01"},
	}
	for _, f := range edit {
		f(&r)
	}
	return r
}

func low() risk.Rating  { return risk.Rating{Likelihood: 2, Safety: 3, Data: 1} }
func high() risk.Rating { return risk.Rating{Likelihood: 2, Safety: 5, Data: 1} }

// Risks are ranked by what is left of them, of equals those that endanger patients; each revision stays.
func TestRisksAreRankedByWhatIsLeft(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		h := opened(t, r)
		for id, left := range map[string]risk.Rating{"data": {Likelihood: 2, Safety: 1, Data: 3}, "harm": {Likelihood: 2, Safety: 3, Data: 1}, "worst": {Likelihood: 3, Safety: 3, Data: 3}} {
			_, err := h.Put(t.Context(), by("u-ann"), id, 0, h.some(left))
			must(t, err)
		}
		k, err := h.Put(t.Context(), by("u-ann"), "worst", 1, h.some(risk.Rating{Likelihood: 1, Safety: 1, Data: 1}))
		must(t, err)
		if k.Owner != "u-pia" || k.OwnerName != "pia" || k.Revision != 2 || k.Score != 1 {
			t.Errorf("%+v", k)
		}
		_, err = h.Close(t.Context(), by("u-ann"), "data", "the database is gone")
		must(t, err)
		for all, want := range map[bool]string{false: "[harm 6 worst 1]", true: "[data 6 harm 6 worst 1]"} {
			list, err := h.List(t.Context(), all)
			must(t, err)
			var got []string
			for _, k := range list {
				got = append(got, fmt.Sprint(k.ID, " ", k.Score))
			}
			if all {
				slices.Sort(got)
			}
			if fmt.Sprint(got) != want {
				t.Errorf("%v, want %s", got, want)
			}
		}
		history, err := h.History(t.Context(), "worst")
		must(t, err)
		if len(history) != 2 || history[0].Score != 9 || history[1].Score != 1 {
			t.Errorf("%+v", history)
		}
		if _, err := h.Put(t.Context(), by("u-ann"), "worst", 1, h.some(low())); !errs.Is(err, errs.Conflict) {
			t.Errorf("what was not read was replaced: %v", err)
		}
	})
}

// Who proposes to live with a high risk does not agree to it himself, and a change waits anew.
func TestHighRisksWaitForASecondPerson(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	k, err := h.Put(t.Context(), by("u-ann"), "a", 0, h.some(high()))
	must(t, err)
	if k.State != risk.Waiting || k.Proposed != "u-ann" {
		t.Errorf("%+v", k)
	}
	if _, err := h.Agree(t.Context(), by("u-ann"), "a", 1); !errs.Is(err, errs.Denied) {
		t.Errorf("alone: %v", err)
	}
	k, err = h.Put(t.Context(), by("u-ann"), "a", 1, h.some(high(), func(r *risk.Risk) { r.Reason = "another" }))
	must(t, err)
	if _, err := h.Agree(t.Context(), by("u-bob"), "a", 1); !errs.Is(err, errs.Conflict) {
		t.Errorf("what was not read was agreed to: %v", err)
	}
	k, err = h.Agree(t.Context(), by("u-bob"), "a", k.Revision)
	must(t, err)
	if k.State != risk.Open || k.Agreed != "u-bob" {
		t.Errorf("%+v", k)
	}
	if _, err := h.Agree(t.Context(), by("u-eve"), "a", 2); !errs.Is(err, errs.Conflict) {
		t.Errorf("twice: %v", err)
	}
	k, err = h.Put(t.Context(), by("u-bob"), "a", k.Revision, h.some(high(), func(r *risk.Risk) { r.Agreed, r.Proposed = "u-x", "u-y" }))
	must(t, err)
	if k.State != risk.Waiting || k.Agreed != "" || k.Proposed != "u-bob" {
		t.Errorf("a change brought its own agreement: %+v", k)
	}
	if k, err := h.Put(t.Context(), by("u-ann"), "b", 0, h.some(low())); err != nil || k.State != risk.Open {
		t.Errorf("a low one: %+v %v", k, err)
	}
}

// A risk says when a control that holds it down fails.
func TestRisksAreHeldDownByLivingControls(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	_, err := h.Put(t.Context(), by("u-ann"), "a", 0, h.some(low()))
	must(t, err)
	for verdict, want := range map[tutela.Verdict]int{tutela.Pass: 0, tutela.Fail: 1, tutela.CouldNotCheck: 0} {
		h.now = h.now.Add(time.Minute)
		h.verdict = verdict
		_, err := h.assessor.Run(t.Context())
		must(t, err)
		list, err := h.List(t.Context(), false)
		must(t, err)
		if len(list[0].Failing) != want {
			t.Errorf("%s: %v", verdict, list[0].Failing)
		}
	}
}

func TestWhatIsNoRiskIsRefused(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	for name, edit := range map[string]func(*risk.Risk){
		"no title":              func(r *risk.Risk) { r.Title = "" },
		"no reason":             func(r *risk.Risk) { r.Reason = "" },
		"no text":               func(r *risk.Risk) { r.Threat = "\xff" },
		"too much text":         func(r *risk.Risk) { r.Asset = strings.Repeat("a", 2001) },
		"a six":                 func(r *risk.Risk) { r.Inherent.Data = 6 },
		"a nought":              func(r *risk.Risk) { r.Residual.Safety = 0 },
		"more than there was":   func(r *risk.Risk) { r.Inherent = risk.Rating{Likelihood: 1, Safety: 1, Data: 1} },
		"another treatment":     func(r *risk.Risk) { r.Treatment = "ignore" },
		"accepted and lessened": func(r *risk.Risk) { r.Treatment = risk.Accept },
		"never again":           func(r *risk.Risk) { r.Review = time.Time{} },
		"in two years":          func(r *risk.Risk) { r.Review = h.now.AddDate(2, 0, 0) },
		"nobody's":              func(r *risk.Risk) { r.Owner = "nobody" },
		"an unknown control":    func(r *risk.Risk) { r.Controls = []string{"45 CFR 1"} },
		"an unknown check":      func(r *risk.Risk) { r.Checks = []string{"a.none"} },
		"an unknown vendor":     func(r *risk.Risk) { r.Vendors = []string{"nobody"} },
		"an unknown gap":        func(r *risk.Risk) { r.Gaps = []string{"scan.2"} },
		"too many gaps":         func(r *risk.Risk) { r.Gaps = make([]string, 51) },
		"too many controls":     func(r *risk.Risk) { r.Controls = make([]string, 51) },
	} {
		if _, err := h.Put(t.Context(), by("u-ann"), "a", 0, h.some(low(), edit)); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Put(t.Context(), by("u-ann"), "../a", 0, h.some(low())); !errs.Is(err, errs.Invalid) {
		t.Errorf("a path for an id: %v", err)
	}
	if _, err := h.Close(t.Context(), by("u-ann"), "a", "so"); !errs.Is(err, errs.NotFound) {
		t.Errorf("one that is not there: %v", err)
	}
	_, err := h.Put(t.Context(), by("u-ann"), "a", 0, h.some(low()))
	must(t, err)
	if _, err := h.Close(t.Context(), by("u-ann"), "a", ""); !errs.Is(err, errs.Invalid) {
		t.Errorf("without a reason: %v", err)
	}
}

// The check goes red when a review is overdue, when a high risk waits too long and when somebody wrote an agreement past it.
func TestCheckOfRisksSeesWhatIsLeftAlone(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	w := testkit.Sabotage(t, "govern.risks-reviewed")
	try := func() tutela.Evidence { return h.Checks()[0].Try(t.Context()) }
	w.Expect(try(), tutela.NotApplicable)
	k, err := h.Put(t.Context(), by("u-ann"), "a", 0, h.some(high(), func(r *risk.Risk) { r.Review = h.now.AddDate(0, 6, 0) }))
	must(t, err)
	w.Expect(try(), tutela.Pass)
	h.now = h.now.AddDate(0, 0, 31)
	w.Expect(try(), tutela.Fail, "a waits for a second person")
	k, err = h.Agree(t.Context(), by("u-bob"), "a", k.Revision)
	must(t, err)
	w.Expect(try(), tutela.Pass)
	h.now = h.now.AddDate(0, 6, 0)
	w.Expect(try(), tutela.Fail, "a was to be looked at by")
	_, err = h.Put(t.Context(), by("u-ann"), "a", k.Revision, h.some(low()))
	must(t, err)
	w.Expect(try(), tutela.Pass, "1 risks")
	it, err := h.rig.Register.Get(t.Context(), "risk", "a")
	must(t, err)
	it.Body = []byte(strings.Replace(string(it.Body), `"residual":{"likelihood":2`, `"residual":{"likelihood":5`, 1))
	_, err = h.rig.Register.Put(t.Context(), by("u-eve"), register.Change{Item: it, What: "slipped in"})
	must(t, err)
	w.Expect(try(), tutela.Fail, "nobody else agreed")
	_, err = h.Close(t.Context(), by("u-ann"), "a", "gone")
	must(t, err)
	w.Expect(try(), tutela.NotApplicable)
}

// A risk is its owner's to look at again, and to have agreed to where it is high.
func TestRisksAreSomebodysDuty(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	for id, left := range map[string]risk.Rating{"a-high": high(), "b-low": low(), "c-gone": low()} {
		_, err := h.Put(t.Context(), by("u-ann"), id, 0, h.some(left))
		must(t, err)
	}
	_, err := h.Close(t.Context(), by("u-ann"), "c-gone", "gone")
	must(t, err)
	if left, err := h.Left(t.Context()); err != nil || left["S01"] != 16 {
		t.Errorf("left %v %v", left, err)
	}
	list, err := h.Duties(t.Context())
	must(t, err)
	if len(list) != 2 || list[0].ID != "a-high" || list[0].What != "have a second person agree to what is left" || list[1].What != "look at the risk again" || list[1].Owner != "u-pia" {
		t.Fatalf("%+v", list)
	}
	for _, d := range list {
		if due := h.now.AddDate(0, 0, 30); d.Overdue(due.Add(-time.Minute)) || !d.Overdue(due.Add(time.Minute)) {
			t.Errorf("%s is due %s", d.ID, d.Due)
		}
	}
}

// A risk says what is wrong now with what it is linked to: a check that fails, a gap that is open, a vendor with whom something
// is wrong; and nothing once that is put right.
func TestRisksAreLinked(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	_, err := h.Put(t.Context(), by("u-ann"), "a", 0, h.some(low(), func(r *risk.Risk) {
		r.Controls, r.Checks, r.Gaps, r.Vendors = nil, []string{"a.check"}, []string{"scan.1"}, []string{"acme"}
	}))
	must(t, err)
	said := func(want string) {
		t.Helper()
		list, err := h.List(t.Context(), true)
		must(t, err)
		if got := strings.Join(list[0].Failing, "; "); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	said("gap scan.1")
	h.verdict, h.gaps["scan.1"], h.vendors["acme"] = tutela.Fail, false, "has no agreement that holds"
	_, err = h.assessor.Run(t.Context())
	must(t, err)
	said("check a.check; vendor acme has no agreement that holds")
	h.verdict, h.vendors["acme"], h.now = tutela.Pass, "", h.now.Add(time.Minute)
	_, err = h.assessor.Run(t.Context())
	must(t, err)
	said("")
	h.gaps["scan.1"] = true
	_, err = h.Close(t.Context(), by("u-ann"), "a", "gone")
	must(t, err)
	said("")
}

// The starter's risks are somebody's to rate, and leave as much as there was until then; what is there already stays.
func TestAStarterIsThereToBeRated(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	_, err := h.Put(t.Context(), by("u-ann"), "outage", 0, h.some(low()))
	must(t, err)
	if _, err := h.Begin(t.Context(), by("u-ann"), "nobody"); !errs.Is(err, errs.Invalid) {
		t.Errorf("nobody's: %v", err)
	}
	list, err := h.Begin(t.Context(), by("u-ann"), "pia")
	must(t, err)
	if len(list) != 8 {
		t.Errorf("%d were kept", len(list))
	}
	for _, k := range list {
		if k.ID == "outage" || k.Residual != k.Inherent || k.Owner != "u-pia" || len(k.Controls) == 0 || k.Review.Sub(h.now) != 30*24*time.Hour || k.State != risk.Waiting {
			t.Errorf("%+v", k)
		}
	}
	if again, err := h.Begin(t.Context(), by("u-ann"), "pia"); err != nil || len(again) != 0 {
		t.Errorf("twice: %v %v", again, err)
	}
}
