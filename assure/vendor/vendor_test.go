package vendor_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/assure/dossier/binder"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/assure/vendor"
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

// house is one that keeps vendors, on a clock that a test turns.
type house struct {
	rig *rig.Rig
	*vendor.Service
	now  time.Time
	seal func(ctx context.Context, kind, text string) (dossier.Statement, error)
}

func opened(t *testing.T, r *rig.Rig) *house {
	t.Helper()
	h := &house{rig: r, now: time.Now().UTC().Truncate(24 * time.Hour)}
	clock := func() time.Time { return h.now }
	h.seal = binder.New(binder.Config{Audit: r.Audit, Clock: clock, Tenant: "rig"}).State
	var err error
	h.Service, err = vendor.New(vendor.Config{Register: r.Register, Clock: clock, Seal: h.seal, Person: func(_ context.Context, name string) (tutela.UserID, string, error) {
		if name != "pia" && name != "u-pia" {
			return "", "", errs.New(errs.NotFound, "no such person")
		}
		return "u-pia", "pia", nil
	}})
	must(t, err)
	return h
}

func by(id tutela.UserID) tutela.Entry {
	return tutela.Entry{Actor: tutela.Actor{ID: id, Kind: tutela.ActorPerson, Name: string(id)}, Action: tutela.ActionVendorChange}
}

// days from now.
func (h *house) in(days int) time.Time { return h.now.AddDate(0, 0, days) }

// some is a vendor that gets health data under an agreement of so many days.
func (h *house) some(days int, edit ...func(*vendor.Details)) vendor.Details {
	d := vendor.Details{
		Name: "Acme", Service: "reads X-rays", Contact: "privacy@acme.example", Owner: "pia", Data: vendor.Health, Critical: 3,
		Agreement: vendor.Agreement{Kind: vendor.BAA, Signed: h.in(-10), Ends: h.in(days)}, Assess: h.in(300),
	}
	for _, f := range edit {
		f(&d)
	}
	return d
}

func (h *house) keep(t *testing.T, id string, d vendor.Details) vendor.Kept {
	t.Helper()
	list, err := h.Put(t.Context(), by("u-ann"), vendor.Written{ID: id, Details: d})
	must(t, err)
	return list[0]
}

// asked is an assessment in which all is well but what is said.
func (h *house) asked(k vendor.Kept, not map[string]vendor.Word, edit ...func(*vendor.Assessment)) vendor.Assessment {
	a := vendor.Assessment{ID: k.ID, Revision: k.Revision, Answers: map[string]vendor.Answer{}, Next: h.in(360), Until: h.in(60)}
	for _, q := range h.Questionnaire().Questions {
		a.Answers[q.ID] = vendor.Answer{Is: vendor.Yes}
	}
	for id, is := range not {
		a.Answers[id] = vendor.Answer{Is: is, Text: "so"}
	}
	for _, f := range edit {
		f(&a)
	}
	return a
}

func (h *house) assess(t *testing.T, a vendor.Assessment) vendor.Kept {
	t.Helper()
	list, err := h.Assess(t.Context(), by("u-ann"), a)
	must(t, err)
	return list[0]
}

// actions are corrective actions in short.
func actions(k vendor.Kept) (list []string) {
	for _, a := range k.Actions {
		state := "until " + a.Until.Format(time.DateOnly)
		switch {
		case a.Waived != "":
			state = "waived: " + a.Waived
		case !a.Open():
			state = "done: " + a.How
		}
		list = append(list, fmt.Sprint(a.Number, " ", a.Question, " ", state))
	}
	return list
}

// Every question has a weight and an id of its own, and is asked for by requirements that are in the catalogue.
func TestQuestionsAreAskedForBySomething(t *testing.T) {
	q, err := vendor.Shipped()
	must(t, err)
	list, err := catalog.Shipped()
	must(t, err)
	all, err := catalog.New(list...)
	must(t, err)
	seen := map[string]bool{}
	for _, one := range q.Questions {
		if seen[one.ID] || !register.Named(one.ID) || one.Weight < 1 || one.Weight > 3 || len(one.As) == 0 || !strings.HasSuffix(one.Asks, "?") {
			t.Errorf("%+v", one)
		}
		seen[one.ID] = true
		for _, id := range one.As {
			if _, _, found := all.Find(id); !found {
				t.Errorf("%s: %q is not in the catalogue", one.ID, id)
			}
		}
	}
	if len(seen) != 20 {
		t.Errorf("%d questions", len(seen))
	}
}

// A vendor is written down, assessed, puts things right and is closed; each revision stays, and who read an older one is told.
func TestVendorsAreKept(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		h := opened(t, r)
		k := h.keep(t, "acme", h.some(400))
		if k.Owner != "u-pia" || k.OwnerName != "pia" || k.Score != 0 || k.Wrong() {
			t.Errorf("%+v", k)
		}
		k = h.assess(t, h.asked(k, map[string]vendor.Word{"tests": vendor.No, "logs": vendor.Partly}))
		if d := cmp.Diff([]string{"1 logs until " + h.in(60).Format(time.DateOnly), "2 tests until " + h.in(60).Format(time.DateOnly)}, actions(k)); d != "" || k.Score != 100*(2*46-2-4)/(2*46) {
			t.Errorf("score %d, %s", k.Score, d)
		}
		k, err := h.Act(t.Context(), by("u-ann"), "acme", vendor.Deed{Number: 1, Done: "saw it"})
		must(t, err)
		if k.Actions[0].By != "u-ann" || k.Actions[0].Open() {
			t.Errorf("%+v", k.Actions)
		}
		if _, err := h.Put(t.Context(), by("u-ann"), vendor.Written{ID: "acme", Revision: 1, Details: h.some(400)}); !errs.Is(err, errs.Conflict) {
			t.Errorf("what was not read was replaced: %v", err)
		}
		list, err := h.Put(t.Context(), by("u-ann"), vendor.Written{ID: "acme", Revision: k.Revision, Details: h.some(500, func(d *vendor.Details) { d.Assess = time.Time{} })})
		must(t, err)
		if k := list[0]; len(k.Actions) != 2 || len(k.Answers) != 20 || !k.Assess.Equal(h.in(360)) {
			t.Errorf("what followed from the assessment is gone: %+v", k)
		}
		k, err = h.Close(t.Context(), by("u-ann"), "acme", "contract ended")
		must(t, err)
		open, err := h.List(t.Context(), false)
		must(t, err)
		history, err := h.History(t.Context(), "acme")
		must(t, err)
		if len(open) != 0 || len(history) != 5 || history[1].Score == 0 || k.State != vendor.Closed {
			t.Errorf("%d open, %d revisions", len(open), len(history))
		}
		list, err = h.Put(t.Context(), by("u-ann"), vendor.Written{ID: "acme", Revision: k.Revision, Details: h.some(500)})
		must(t, err)
		if k := list[0]; k.State != vendor.Open || k.Closed != "" || !k.Assess.Equal(h.in(30)) {
			t.Errorf("one that comes again is assessed like a new one: %+v", k)
		}
	})
}

// Dates move by what they are about, and by nothing else: an assessment by assessing, a corrective action not at all.
func TestDeadlinesDoNotMove(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	k := h.keep(t, "acme", h.some(400))
	if _, err := h.Put(t.Context(), by("u-ann"), vendor.Written{ID: "acme", Revision: 1, Details: h.some(400, func(d *vendor.Details) { d.Assess = h.in(350) })}); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "alone moves") {
		t.Errorf("the assessment was put off: %v", err)
	}
	no := map[string]vendor.Word{"tests": vendor.No, "logs": vendor.No, "leavers": vendor.No}
	k = h.assess(t, h.asked(k, no))
	first := h.in(60).Format(time.DateOnly)
	h.now = h.in(50)
	delete(no, "leavers")
	k = h.assess(t, h.asked(k, no, func(a *vendor.Assessment) { a.Waive = map[string]string{"logs": "no data of ours"} }))
	if d := cmp.Diff([]string{"1 leavers done: answered yes in an assessment", "2 logs waived: no data of ours", "3 tests until " + first}, actions(k)); d != "" {
		t.Error(d)
	}
	k = h.assess(t, h.asked(k, map[string]vendor.Word{"tests": vendor.Partly, "logs": vendor.No}))
	if d := cmp.Diff([]string{"3 tests until " + first, "4 logs until " + h.in(60).Format(time.DateOnly)}, actions(k)); d != "" {
		t.Errorf("a waiver holds until the next assessment, and numbers are not used again: %s", d)
	}
	for name, d := range map[string]vendor.Deed{
		"a later deadline":    {Number: 3, Until: h.in(300)},
		"nothing":             {Number: 3},
		"two things":          {Number: 3, Done: "yes", Waive: "no"},
		"done and later":      {Number: 3, Done: "yes", Until: h.in(300)},
		"no number":           {Done: "yes"},
		"a number of new":     {Number: 3, What: "more", Until: h.in(10)},
		"new without a day":   {What: "more"},
		"new in two years":    {What: "more", Until: h.in(700)},
		"new of the past":     {What: "more", Until: h.in(-1)},
		"what moves a cursor": {Number: 3, Done: "\x1b[2J"},
	} {
		if _, err := h.Act(t.Context(), by("u-ann"), "acme", d); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Act(t.Context(), by("u-ann"), "acme", vendor.Deed{Number: 9, Done: "yes"}); !errs.Is(err, errs.NotFound) {
		t.Errorf("one that is not there: %v", err)
	}
}

func TestWhatIsNoVendorIsRefused(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	for name, edit := range map[string]func(*vendor.Details){
		"no name":              func(d *vendor.Details) { d.Name = "" },
		"no text":              func(d *vendor.Details) { d.Service = "\xff" },
		"two lines":            func(d *vendor.Details) { d.Contact = "a\nb" },
		"text turned around":   func(d *vendor.Details) { d.Contact = "a\u202eb" },
		"too much text":        func(d *vendor.Details) { d.Name = strings.Repeat("a", 2001) },
		"nobody's":             func(d *vendor.Details) { d.Owner = "nobody" },
		"other data":           func(d *vendor.Details) { d.Data = "some" },
		"a four":               func(d *vendor.Details) { d.Critical = 4 },
		"a nought":             func(d *vendor.Details) { d.Critical = 0 },
		"another agreement":    func(d *vendor.Details) { d.Agreement.Kind = "handshake" },
		"no day of signing":    func(d *vendor.Details) { d.Agreement.Signed = time.Time{} },
		"signed tomorrow":      func(d *vendor.Details) { d.Agreement.Signed = h.in(2) },
		"ended before":         func(d *vendor.Details) { d.Agreement.Ends = h.in(-20) },
		"none with dates":      func(d *vendor.Details) { d.Agreement.Kind = vendor.None },
		"no digest":            func(d *vendor.Details) { d.Agreement.SHA256 = "abc" },
		"assessed in two year": func(d *vendor.Details) { d.Assess = h.in(700) },
		"assessed yesterday":   func(d *vendor.Details) { d.Assess = h.in(-1) },
	} {
		if _, err := h.Put(t.Context(), by("u-ann"), vendor.Written{ID: "a", Details: h.some(10, edit)}); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Put(t.Context(), by("u-ann"), vendor.Written{ID: "../a", Details: h.some(10)}); !errs.Is(err, errs.Invalid) {
		t.Errorf("a path for an id: %v", err)
	}
	k := h.keep(t, "a", h.some(10))
	for name, edit := range map[string]func(*vendor.Assessment){
		"a question left open": func(a *vendor.Assessment) { delete(a.Answers, "tests") },
		"what nobody asked":    func(a *vendor.Assessment) { a.Answers["else"] = vendor.Answer{Is: vendor.Yes} },
		"another word":         func(a *vendor.Assessment) { a.Answers["tests"] = vendor.Answer{Is: "perhaps"} },
		"no without how":       func(a *vendor.Assessment) { a.Answers["tests"] = vendor.Answer{Is: vendor.No} },
		"an answer of old":     func(a *vendor.Assessment) { a.Answers["tests"] = vendor.Answer{Is: vendor.Yes, Until: h.in(-1)} },
		"no deadline": func(a *vendor.Assessment) {
			a.Answers["tests"], a.Until = vendor.Answer{Is: vendor.No, Text: "so"}, time.Time{}
		},
		"a waiver of a yes": func(a *vendor.Assessment) { a.Waive = map[string]string{"tests": "why"} },
		"never again":       func(a *vendor.Assessment) { a.Next = time.Time{} },
		"in two years":      func(a *vendor.Assessment) { a.Next = h.in(700) },
	} {
		if _, err := h.Assess(t.Context(), by("u-ann"), h.asked(k, nil, edit)); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Close(t.Context(), by("u-ann"), "a", ""); !errs.Is(err, errs.Invalid) {
		t.Errorf("closed without a reason: %v", err)
	}
	if _, err := h.Assess(t.Context(), by("u-ann"), h.asked(vendor.Kept{ID: "b"}, nil)); !errs.Is(err, errs.NotFound) {
		t.Errorf("one that is not there: %v", err)
	}
}

// Hundreds are kept at once or not at all, and each bad one is named by its line.
func TestManyVendorsAreKeptOrNone(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		h := opened(t, r)
		var list []vendor.Written
		for i := range 300 {
			list = append(list, vendor.Written{ID: fmt.Sprint("v", i), Line: i + 2, Details: h.some(100)})
		}
		bad := slices.Clone(list)
		bad[7].Owner, bad[9].ID, bad[200].Critical = "nobody", "v0", 7
		_, err := h.Put(t.Context(), by("u-ann"), bad...)
		for _, want := range []string{"line 9 (v7): the owner", "line 11 (v0): it is there twice", "line 202 (v200): how critical", "Nothing was written"} {
			if err == nil || !strings.Contains(errs.Public(err), want) {
				t.Errorf("%v does not say %q", err, want)
			}
		}
		if kept, err := h.List(t.Context(), true); err != nil || len(kept) != 0 {
			t.Errorf("%d are half written, %v", len(kept), err)
		}
		if _, err := h.Put(t.Context(), by("u-ann"), list...); err != nil {
			t.Fatal(err)
		}
		kept, err := h.List(t.Context(), false)
		must(t, err)
		var all []vendor.Assessment
		for _, k := range kept {
			all = append(all, h.asked(k, nil))
		}
		delete(all[5].Answers, "tests")
		if _, err := h.Assess(t.Context(), by("u-ann"), all...); err == nil || !strings.Contains(errs.Public(err), all[5].ID+": an assessment answers every question") {
			t.Errorf("it said %v", err)
		}
		all[5].Answers["tests"] = vendor.Answer{Is: vendor.Yes}
		done, err := h.Assess(t.Context(), by("u-ann"), all...)
		must(t, err)
		if len(done) != 300 || done[5].Score != 100 || done[5].Revision != 2 {
			t.Errorf("%d, %+v", len(done), done[5])
		}
	})
}

// The check goes red when an agreement is missing or has ended, and not for vendors that get no health data.
func TestCheckOfAgreementsSeesWhoHasNone(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	w := testkit.Sabotage(t, "govern.vendors-agreed")
	try := func() tutela.Evidence { return h.Checks()[0].Try(t.Context()) }
	w.Expect(try(), tutela.NotApplicable)
	none := func(d *vendor.Details) { d.Agreement = vendor.Agreement{Kind: vendor.None} }
	h.keep(t, "b", h.some(0, none, func(d *vendor.Details) { d.Data = vendor.Personal }))
	w.Expect(try(), tutela.Pass, "1 vendors")
	k := h.keep(t, "a", h.some(0, none))
	w.Expect(try(), tutela.Fail, "1 of 2: a gets health data without an agreement")
	list, err := h.Put(t.Context(), by("u-ann"), vendor.Written{ID: "a", Revision: k.Revision, Details: h.some(10)})
	must(t, err)
	w.Expect(try(), tutela.Pass, "2 vendors")
	h.now = h.in(9)
	w.Expect(try(), tutela.Pass)
	h.now = h.in(1)
	w.Expect(try(), tutela.Fail, "its agreement ended on "+h.now.Format(time.DateOnly))
	list, err = h.Put(t.Context(), by("u-ann"), vendor.Written{ID: "a", Revision: list[0].Revision, Details: h.some(0, func(d *vendor.Details) { d.Agreement.Ends, d.Assess = time.Time{}, time.Time{} })})
	must(t, err)
	w.Expect(try(), tutela.Pass)
	it, err := h.rig.Register.Get(t.Context(), "vendor", "a")
	must(t, err)
	it.Body = []byte(strings.Replace(string(it.Body), `"kind":"baa"`, `"kind":""`, 1))
	_, err = h.rig.Register.Put(t.Context(), by("u-eve"), register.Change{Item: it, What: "slipped in"})
	must(t, err)
	w.Expect(try(), tutela.Fail, "a gets health data")
	_, err = h.Close(t.Context(), by("u-ann"), "a", "gone")
	must(t, err)
	w.Expect(try(), tutela.Pass, "1 vendors")
	if k := list[0]; k.Bare {
		t.Errorf("%+v", k)
	}
}

// The check goes red when an assessment is overdue, when an answer has ended, and when something is not put right in time.
func TestCheckOfAssessmentsSeesWhatIsLate(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	w := testkit.Sabotage(t, "govern.vendors-assessed")
	try := func() tutela.Evidence { return h.Checks()[1].Try(t.Context()) }
	w.Expect(try(), tutela.NotApplicable)
	k := h.keep(t, "a", h.some(4000, func(d *vendor.Details) { d.Assess = time.Time{} }))
	w.Expect(try(), tutela.Pass)
	h.now = h.in(30)
	w.Expect(try(), tutela.Fail, "a was to be assessed by "+h.now.Format(time.DateOnly))
	h.assess(t, h.asked(k, map[string]vendor.Word{"tests": vendor.No}))
	w.Expect(try(), tutela.Pass, "1 vendors")
	h.now = h.in(60)
	w.Expect(try(), tutela.Fail, "a is late with 1 corrective actions")
	k, err := h.Act(t.Context(), by("u-ann"), "a", vendor.Deed{Number: 1, Waive: "it is shut down in May"})
	must(t, err)
	w.Expect(try(), tutela.Pass)
	k = h.assess(t, h.asked(k, nil, func(a *vendor.Assessment) { a.Answers["tests"] = vendor.Answer{Is: vendor.Yes, Until: h.in(20)} }))
	if k.Score != 100 {
		t.Errorf("score %d", k.Score)
	}
	h.now = h.in(20)
	w.Expect(try(), tutela.Fail, "a was to be assessed by "+h.now.Format(time.DateOnly))
	if list, err := h.List(t.Context(), false); err != nil || list[0].Score != 100*(46-2)/46 {
		t.Errorf("an answer that has ended counts: %+v %v", list, err)
	}
	_, err = h.Close(t.Context(), by("u-ann"), "a", "gone")
	must(t, err)
	w.Expect(try(), tutela.NotApplicable)
}

// The owner is to renew agreements in time, to have vendors assessed, and to have them put things right.
func TestVendorsAreSomebodysDuty(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	k := h.keep(t, "a", h.some(90))
	h.assess(t, h.asked(k, map[string]vendor.Word{"tests": vendor.No}))
	h.keep(t, "b", h.some(0, func(d *vendor.Details) { d.Agreement = vendor.Agreement{Kind: vendor.None} }))
	h.keep(t, "c", h.some(90))
	_, err := h.Close(t.Context(), by("u-ann"), "c", "gone")
	must(t, err)
	for days, want := range map[int][]string{
		0:  {"a assess the vendor 360", "a have the vendor put right 60", "b make an agreement 0", "b assess the vendor 300"},
		31: {"a renew the agreement 90", "a assess the vendor 360", "a have the vendor put right 60", "b make an agreement 0", "b assess the vendor 300"},
	} {
		began := h.now
		h.now = h.in(days)
		list, err := h.Duties(t.Context())
		must(t, err)
		var got []string
		for _, d := range list {
			what, _, _ := strings.Cut(d.What, ":")
			got = append(got, fmt.Sprint(d.ID, " ", what, " ", int(d.Due.Sub(began).Hours()/24)))
			if d.Owner != "u-pia" || !strings.HasPrefix(d.Do, "tutela vendors ") {
				t.Errorf("%+v", d)
			}
		}
		h.now = began
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("after %d days: %s", days, d)
		}
	}
}
