package control_test

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure"
	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// now is a clock that a test turns.
type now struct{ time.Time }

func (n *now) clock() time.Time { return n.Time }

// broken is what a check tries.
type broken struct{ verdict tutela.Verdict }

func (b *broken) check(id string, fresh time.Duration, controls ...string) tutela.Check {
	return tutela.Check{ID: id, Title: "A check", Controls: controls, Fresh: fresh, Try: func(context.Context) tutela.Evidence {
		return tutela.Evidence{Observed: "it was tried", On: "here", Verdict: b.verdict}
	}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func show(t *testing.T, b *control.Board, id string) control.Shown {
	t.Helper()
	s, err := b.Show(t.Context(), id)
	must(t, err)
	return s
}

func entry() tutela.Entry {
	return tutela.Entry{Actor: tutela.Actor{ID: "u-pia", Kind: tutela.ActorPerson}, Action: tutela.ActionControlAttest}
}

// A control is green by fresh evidence alone, red by a failure, and amber when nobody could check or the evidence is old:
// whatever the engine.
func TestControlsStandByFreshEvidence(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		n := &now{time.Now().UTC().Truncate(time.Second)}
		var b broken
		check := b.check("a.check", time.Hour, "P06", "45 CFR 164.312(d)")
		board := r.Board(t, n.clock, check)
		assessor := assure.New(r.Audit, n.clock, check)
		stands := func(id string, known control.Knowledge, want control.Standing) {
			t.Helper()
			if s := show(t, board, id); s.Known != known || s.Standing != want {
				t.Errorf("%s at %v is %s %s, want %s %s: %+v", id, n.Time, s.Known, s.Standing, known, want, s.Ways)
			}
		}
		stands("45 CFR 164.312(d)", control.Probed, control.Amber)
		for _, c := range []struct {
			verdict tutela.Verdict
			want    control.Standing
		}{
			{tutela.Pass, control.Green}, {tutela.Fail, control.Red}, {tutela.CouldNotCheck, control.Amber}, {tutela.NotApplicable, control.NotApplicable}, {tutela.Pass, control.Green},
		} {
			n.Time = n.Add(time.Minute)
			b.verdict = c.verdict
			_, err := assessor.Run(t.Context())
			must(t, err)
			stands("45 CFR 164.312(d)", control.Probed, c.want)
			stands("P06", control.Probed, c.want)
		}
		if s := show(t, board, "45 CFR 164.312(d)"); len(s.History) != 5 || s.History[0].Verdict != tutela.Pass || s.History[3].Verdict != tutela.Fail {
			t.Errorf("history: %+v", s.History)
		}
		n.Time = n.Add(time.Hour)
		stands("45 CFR 164.312(d)", control.Probed, control.Amber)
		tried, err := board.Tried(t.Context())
		must(t, err)
		if tried["a.check"].Verdict != tutela.Pass {
			t.Errorf("tried: %+v", tried)
		}
	})
}

// What asks for the same is known by the same: and how each is known is counted apart.
func TestKnowledgeIsCountedApart(t *testing.T) {
	r := rig.Open(t, rig.Config{})
	n := &now{time.Now().UTC().Truncate(time.Second)}
	b := broken{tutela.Pass}
	check := b.check("a.check", time.Hour, "P06")
	board := r.Board(t, n.clock, check)
	_, err := assure.New(r.Audit, n.clock, check).Run(t.Context())
	must(t, err)
	r.Put(t, `{"resourceType":"Patient","id":"ann"}`)
	until := n.Add(30 * 24 * time.Hour)
	_, err = board.Attest(t.Context(), entry(), "45 CFR 164.310(b)", control.Attestation{Known: control.Attested, Statement: "It is so", Expires: until})
	must(t, err)
	_, err = board.Attest(t.Context(), entry(), "45 CFR 164.310(c)", control.Attestation{Known: control.Inherited, Statement: "It is so", Provider: "A cloud", Expires: until, File: &control.File{Name: "soc2.pdf", Data: []byte("report")}})
	must(t, err)
	for id, want := range map[string]control.Knowledge{
		"HPH-E3": control.Probed, "90 FR 898 164.312(f)(2)(ii)": control.Probed, "45 CFR 164.312(b)": control.Recorded, "45 CFR 164.310(b)": control.Attested,
		"45 CFR 164.310(c)": control.Inherited, "45 CFR 164.310(a)(1)": control.NotCovered,
	} {
		s := show(t, board, id)
		standing := control.Green
		if want == control.NotCovered {
			standing = control.Amber
		}
		if s.Known != want || s.Standing != standing {
			t.Errorf("%s: %s %s: %+v", id, s.Known, s.Standing, s.Ways)
		}
	}
	o, err := board.List(t.Context(), control.Filter{Regulation: "hipaa-security", Known: control.Attested})
	must(t, err)
	if len(o.Controls) != 1 || len(o.Regulations) != 1 {
		t.Fatalf("%d controls of %d regulations", len(o.Controls), len(o.Regulations))
	}
	count := o.Regulations[0]
	if count.Known[control.Attested][control.Green] != 1 || count.Known[control.Inherited][control.Green] != 1 || count.Known[control.Probed] != nil {
		t.Errorf("%+v", count)
	}
	sum := 0
	for _, by := range count.Known {
		for _, k := range by {
			sum += k
		}
	}
	if sum != count.Total {
		t.Errorf("%d of %d are counted", sum, count.Total)
	}
}

// Somebody's word counts until it ends or is withdrawn; it stays in the history, and its file as it was.
func TestAttestationsEnd(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		n := &now{time.Now().UTC().Truncate(time.Second)}
		board := r.Board(t, n.clock)
		const id = "45 CFR 164.310(a)(1)"
		a := control.Attestation{Known: control.Attested, Statement: "Badges at every door", Expires: n.Add(24 * time.Hour), File: &control.File{Name: "doors.pdf", Data: []byte{0, 1, 2}}}
		kept, err := board.Attest(t.Context(), entry(), "45-cfr-164.310-a-1", a)
		must(t, err)
		if kept.Requirement != id || kept.By != "u-pia" || kept.Revision != 1 || kept.File.SHA256 != "ae4b3280e56e2faf83f414a6e3dabe9d5fbe18976544c05fed121accb85b53fc" {
			t.Errorf("%+v", kept)
		}
		said, err := board.Said(t.Context(), id)
		must(t, err)
		kept.File.Data = []byte{0, 1, 2}
		if d := cmp.Diff(kept, said); d != "" {
			t.Error(d)
		}
		s := show(t, board, id)
		if s.Standing != control.Green || s.Attestation.File.Data != nil || s.Revision != 1 {
			t.Errorf("%+v", s)
		}
		if _, err := board.Attest(t.Context(), entry(), id, a); !errs.Is(err, errs.Conflict) {
			t.Errorf("what was not read was replaced: %v", err)
		}
		n.Time = n.Add(24 * time.Hour)
		if s := show(t, board, id); s.Known != control.Attested || s.Standing != control.Amber {
			t.Errorf("after its end: %+v", s)
		}
		must(t, board.Withdraw(t.Context(), entry(), id))
		if s := show(t, board, id); s.Known != control.NotCovered || s.Revision != 2 {
			t.Errorf("withdrawn: %+v", s)
		}
		if _, err := board.Said(t.Context(), id); !errs.Is(err, errs.NotFound) {
			t.Errorf("withdrawn: %v", err)
		}
		if err := board.Withdraw(t.Context(), entry(), id); !errs.Is(err, errs.NotFound) {
			t.Errorf("withdrawn twice: %v", err)
		}
		a.Revision, a.Expires = 2, n.Add(time.Hour)
		_, err = board.Attest(t.Context(), entry(), id, a)
		must(t, err)
	})
}

func TestWhatIsNoAttestationIsRefused(t *testing.T) {
	r := rig.Open(t, rig.Config{})
	n := &now{time.Now().UTC()}
	board := r.Board(t, n.clock)
	good := func() control.Attestation {
		return control.Attestation{Known: control.Inherited, Statement: "It is so", Provider: "A cloud", Expires: n.Add(time.Hour), File: &control.File{Name: "a", Data: []byte("a")}}
	}
	for name, edit := range map[string]func(*control.Attestation){
		"probed by word":    func(a *control.Attestation) { a.Known = control.Probed },
		"known in no way":   func(a *control.Attestation) { a.Known = "" },
		"nothing said":      func(a *control.Attestation) { a.Statement = "" },
		"too much said":     func(a *control.Attestation) { a.Statement = strings.Repeat("a", 4001) },
		"no text":           func(a *control.Attestation) { a.Statement = "\xff" },
		"no provider":       func(a *control.Attestation) { a.Provider = "" },
		"no report":         func(a *control.Attestation) { a.File = nil },
		"an empty report":   func(a *control.Attestation) { a.File.Data = nil },
		"a report too long": func(a *control.Attestation) { a.File.Data = bytes.Repeat([]byte{1}, control.MaxFile+1) },
		"a nameless report": func(a *control.Attestation) { a.File.Name = "" },
		"over already":      func(a *control.Attestation) { a.Expires = n.Time },
		"for ever":          func(a *control.Attestation) { a.Expires = n.Add(367 * 24 * time.Hour) },
	} {
		a := good()
		edit(&a)
		if _, err := board.Attest(t.Context(), entry(), "GDPR 6", a); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := board.Attest(t.Context(), entry(), "GDPR 600", good()); !errs.Is(err, errs.NotFound) {
		t.Errorf("of nothing: %v", err)
	}
	if _, err := board.Attest(t.Context(), entry(), "P16", good()); !errs.Is(err, errs.Unprocessable) {
		t.Errorf("what is not built is said to be: %v", err)
	}
	if _, err := board.Attest(t.Context(), entry(), "GDPR 6", good()); err != nil {
		t.Error(err)
	}
}

// A check bears on what is in the catalogue, and is built: else nobody would see what it finds.
func TestChecksBearOnTheCatalogue(t *testing.T) {
	list, err := catalog.Shipped()
	must(t, err)
	all, err := catalog.New(list...)
	must(t, err)
	var b broken
	for name, controls := range map[string][]string{
		"an unknown section": {"P01", "45 CFR 164.999"}, "a short form": {"p01"}, "what is not built": {"P16"}, "a regulation alone": {"GDPR 17"}, "nothing": nil,
	} {
		if _, err := control.New(control.Config{Catalog: all, Checks: []tutela.Check{b.check("a.check", time.Hour, controls...)}}); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Evidence that somebody else writes down under the name of the system is none.
func TestEvidenceIsTheSystemsOwn(t *testing.T) {
	r := rig.Open(t, rig.Config{})
	n := &now{time.Now().UTC().Truncate(time.Second)}
	var b broken
	board := r.Board(t, n.clock, b.check("a.check", time.Hour, "P06"))
	_, err := r.Audit.Append(t.Context(), tutela.Entry{
		Actor: tutela.Actor{ID: assure.ActorID, Kind: tutela.ActorService}, Action: tutela.ActionEvidence, Outcome: tutela.OutcomeSuccess,
		Evidence: &tutela.Evidence{Check: "a.check", Verdict: tutela.Pass, At: n.Time, Expires: n.Add(time.Hour)},
	}, nil)
	must(t, err)
	if s := show(t, board, "P06"); s.Standing != control.Amber {
		t.Errorf("%+v", s)
	}
}

// Populations are seen from the end of the ledger, each entry once, and for a month.
func TestPopulationsAreSeenForAMonth(t *testing.T) {
	r := rig.Open(t, rig.Config{})
	n := &now{time.Now().UTC()}
	board := r.Board(t, n.clock)
	if s := show(t, board, "P17"); s.Known != control.Recorded || s.Standing != control.Amber {
		t.Errorf("%+v", s.Ways)
	}
	_, err := r.Audit.Append(t.Context(), tutela.Entry{Actor: tutela.Actor{ID: "u-ann", Kind: tutela.ActorPerson}, Action: tutela.ActionBreakGlassOpen, Outcome: tutela.OutcomeSuccess}, nil)
	must(t, err)
	for range 2 {
		if s := show(t, board, "P17"); s.Standing != control.Green || s.Ways[0].At.IsZero() {
			t.Errorf("%+v", s.Ways)
		}
		_, err := r.Audit.Sequence(t.Context())
		must(t, err)
	}
	n.Time = n.Add(32 * 24 * time.Hour)
	if s := show(t, board, "P17"); s.Standing != control.Amber {
		t.Errorf("a month later: %+v", s.Ways)
	}
}

// Every population that the catalogue names is of actions, and every one that is known is named.
func TestPopulationsOfTheCatalogueAreKnown(t *testing.T) {
	list, err := catalog.Shipped()
	must(t, err)
	known := catalog.Populations()
	named := map[catalog.Population]bool{}
	for _, reg := range list {
		for _, req := range reg.Requirements {
			for _, p := range req.Recorded {
				named[p] = true
				if len(known[p]) == 0 {
					t.Errorf("%s names population %s, of which nobody knows what it is", req.ID, p)
				}
			}
		}
	}
	for p := range known {
		if !named[p] {
			t.Errorf("population %s shows nothing", p)
		}
	}
}

// Overviews are the same for whoever reads them: they hold no key that JSON drops.
func TestOverviewsSurviveJSON(t *testing.T) {
	r := rig.Open(t, rig.Config{})
	n := &now{time.Now().UTC().Truncate(time.Second)}
	b := broken{tutela.Pass}
	o, err := r.Board(t, n.clock, b.check("a.check", time.Hour, "P06")).List(t.Context(), control.Filter{})
	must(t, err)
	text, err := json.Marshal(o)
	must(t, err)
	var back control.Overview
	must(t, json.Unmarshal(text, &back))
	if d := cmp.Diff(o, back); d != "" {
		t.Error(d)
	}
}
