package training_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/dossier/binder"
	"github.com/tutela-health/tutela/assure/training"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/trial"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

type house struct {
	rig *rig.Rig
	*training.Service
	now time.Time
}

func opened(t *testing.T, r *rig.Rig) *house {
	t.Helper()
	h := &house{rig: r, now: time.Now().UTC().Truncate(time.Second)}
	h.Service = training.New(training.Config{Register: r.Register, Clock: func() time.Time { return h.now }, Users: r.Identity.Users,
		Seal: binder.New(binder.Config{Audit: r.Audit, Clock: func() time.Time { return h.now }, Tenant: "rig"}).State,
		Scan: func(ctx context.Context, files map[string]string) ([]supply.Finding, error) {
			return trial.Look(ctx, func() time.Time { return h.now }, files)
		},
	})
	for _, name := range []string{"privacy", "nurse", "physician", "pat"} {
		r.Token(t, name)
	}
	return h
}

func (h *house) as(t *testing.T, name string) (tutela.Principal, tutela.Entry) {
	t.Helper()
	u, err := h.rig.Identity.User(t.Context(), name)
	must(t, err)
	return tutela.Principal{Tenant: "rig", ID: u.ID, Kind: u.Kind, Username: u.Username, Roles: u.Roles},
		tutela.Entry{Actor: tutela.Actor{ID: u.ID, Kind: u.Kind, Name: u.Username}, Action: tutela.ActionTrainingTake}
}

const quiz = "---\ntitle: Hands\nroles: [nurse, physician]\nevery: 12\npass: 60\nquestions:\n" +
	"  - {ask: 'When?', answers: [before, never], right: 1}\n  - {ask: 'How?', answers: [dry, wet, soap], right: 3}\n---\nWash them.\n"

const course = "---\ntitle: Course\nroles: [nurse, physician]\nevery: 12\noutside: true\n---\nHeld in May.\n"

func (h *house) put(t *testing.T, id, text string) training.Kept {
	t.Helper()
	_, entry := h.as(t, "privacy")
	k, err := h.Put(t.Context(), entry, id, []byte(text))
	must(t, err)
	return k
}

func (h *house) take(t *testing.T, who string, answers ...int) (training.Result, error) {
	t.Helper()
	p, entry := h.as(t, who)
	list, err := h.Mine(t.Context(), p.ID)
	must(t, err)
	digest := ""
	if len(list) > 0 {
		digest = list[0].Digest
	}
	return h.Take(t.Context(), p, entry, "hands", digest, answers)
}

func (h *house) missing(t *testing.T) (names string) {
	t.Helper()
	list, err := h.List(t.Context(), false)
	must(t, err)
	for _, m := range list[0].Missing {
		names += m.Name + " "
	}
	return strings.TrimSpace(names)
}

// The server marks; what is right is told to nobody; a pass counts until its time is over, also after a failed try.
func TestModulesAreTaken(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		h := opened(t, r)
		h.put(t, "hands", quiz)
		if got := h.missing(t); got != "nurse physician" {
			t.Errorf("missing: %q", got)
		}
		nurse, entry := h.as(t, "nurse")
		mine, err := h.Mine(t.Context(), nurse.ID)
		must(t, err)
		if len(mine) != 1 || slices.ContainsFunc(mine[0].Questions, func(q training.Question) bool { return q.Right != 0 }) || mine[0].Until.IsZero() {
			t.Fatalf("%+v", mine)
		}
		got, err := h.take(t, "nurse", 1, 1)
		must(t, err)
		if got.Pass || got.Score != 50 || h.missing(t) != "nurse physician" {
			t.Errorf("%+v", got)
		}
		if got, err = h.take(t, "nurse", 1, 3); err != nil || !got.Pass || got.Score != 100 {
			t.Errorf("%+v %v", got, err)
		}
		if _, err = h.take(t, "nurse", 2, 1); err != nil || h.missing(t) != "physician" {
			t.Errorf("a failed try took a pass away: %v", err)
		}
		mine, err = h.Mine(t.Context(), nurse.ID)
		must(t, err)
		if mine[0].Tries != 3 || mine[0].Result.Pass || !mine[0].Until.IsZero() {
			t.Errorf("%+v", mine)
		}
		h.now = h.now.AddDate(1, 0, 1)
		if got := h.missing(t); got != "nurse physician" {
			t.Errorf("after a year: %q", got)
		}
		if _, err := h.take(t, "nurse", 1); !errs.Is(err, errs.Invalid) {
			t.Errorf("one answer to two questions: %v", err)
		}
		if _, err := h.Take(t.Context(), nurse, entry, "hands", "0000", []int{1, 3}); !errs.Is(err, errs.Conflict) {
			t.Errorf("what was not read: %v", err)
		}
		h.put(t, "course", course)
		if _, err := h.Take(t.Context(), nurse, entry, "course", "", nil); !errs.Is(err, errs.Conflict) {
			t.Errorf("what is taken elsewhere: %v", err)
		}
		r.Verify(t)
	})
}

// What people showed elsewhere comes in as a whole; an older result does not undo a newer one.
func TestResultsAreBroughtIn(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	h.put(t, "course", course)
	_, entry := h.as(t, "privacy")
	day := func(n int) string { return h.now.AddDate(0, 0, n).Format(time.DateOnly) }
	bring := func(list ...training.Brought) (int, error) { return h.Bring(t.Context(), entry, "course", list) }
	for name, b := range map[string]training.Brought{
		"nobody":       {Person: "nobody", Date: day(-1), Pass: true},
		"of tomorrow":  {Person: "nurse", Date: day(1), Pass: true},
		"of no day":    {Person: "nurse", Date: "May", Pass: true},
		"of no score":  {Person: "nurse", Date: day(-1), Score: 101},
		"of two names": {Person: "NURSE", Date: day(-1), Pass: true},
	} {
		if n, err := bring(training.Brought{Person: "nurse", Date: day(-1), Pass: true}, b); !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Public(err), "result 2") {
			t.Errorf("%s: %d %v", name, n, err)
		}
	}
	if got := h.missing(t); got != "nurse physician" {
		t.Errorf("half of it came in: %q", got)
	}
	for _, step := range []struct {
		n       int
		b       training.Brought
		missing string
	}{
		{1, training.Brought{Person: "nurse", Date: day(-5), Pass: true, Score: 90}, "physician"},
		{0, training.Brought{Person: "nurse", Date: day(-9), Pass: false}, "physician"},
		{1, training.Brought{Person: "physician", Date: day(-400), Pass: true}, "physician"},
		{1, training.Brought{Person: "physician", Date: day(-2), Pass: true}, ""},
	} {
		n, err := bring(step.b)
		if got := h.missing(t); n != step.n || err != nil || got != step.missing {
			t.Errorf("%+v: %d %v, missing %q", step.b, n, err, got)
		}
	}
	h.put(t, "hands", quiz)
	if _, err := h.Bring(t.Context(), entry, "hands", nil); !errs.Is(err, errs.Conflict) {
		t.Errorf("brought in what is taken here: %v", err)
	}
}

// The check goes red when somebody has not passed in time.
func TestCheckOfTrainingSeesWhoHasNotPassed(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	w := testkit.Sabotage(t, "govern.training-current")
	try := func() tutela.Evidence { return h.Checks()[0].Try(t.Context()) }
	w.Expect(try(), tutela.NotApplicable)
	h.put(t, "hands", quiz)
	w.Expect(try(), tutela.Pass)
	_, err := h.take(t, "nurse", 1, 3)
	must(t, err)
	h.now = h.now.AddDate(0, 0, 31)
	w.Expect(try(), tutela.Fail, "1 of 2 have not passed hands")
	_, err = h.take(t, "physician", 1, 3)
	must(t, err)
	w.Expect(try(), tutela.Pass)
	h.now = h.now.AddDate(1, 0, 0)
	w.Expect(try(), tutela.Fail, "2 of 2")
	duties, err := h.Duties(t.Context())
	must(t, err)
	if len(duties) != 2 || duties[0].Name != "nurse" || !duties[0].Overdue(h.now) {
		t.Errorf("%+v", duties)
	}
	_, entry := h.as(t, "privacy")
	_, err = h.Withdraw(t.Context(), entry, "hands")
	must(t, err)
	w.Expect(try(), tutela.NotApplicable)
	h.put(t, "hands", quiz)
	w.Expect(try(), tutela.Fail, "2 of 2") // their year is over, and coming back gives nobody another month
	for _, who := range []string{"nurse", "physician"} {
		_, err := h.take(t, who, 1, 3)
		must(t, err)
	}
	w.Expect(try(), tutela.Pass)
}

func TestTheStarterSetIsKept(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	_, entry := h.as(t, "privacy")
	for _, want := range []int{3, 0} {
		if list, err := h.Begin(t.Context(), entry); err != nil || len(list) != want {
			t.Errorf("%d %v", len(list), err)
		}
	}
}

func TestWhatIsNoModuleIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"no head": "x", "no text": strings.TrimSuffix(quiz, "Wash them.\n"), "no questions": "---\ntitle: x\nevery: 1\npass: 1\n---\nx\n",
		"no pass": strings.Replace(quiz, "pass: 60", "pass: 0", 1), "too much of it": strings.Replace(quiz, "pass: 60", "pass: 101", 1),
		"no cycle": strings.Replace(quiz, "every: 12", "every: 0", 1), "no right answer": strings.Replace(quiz, "right: 3", "right: 4", 1),
		"one answer": strings.Replace(quiz, "[before, never]", "[before]", 1), "an unknown key": strings.Replace(quiz, "title:", "secret: x\ntitle:", 1),
		"questions of what is elsewhere": strings.Replace(quiz, "title:", "outside: true\ntitle:", 1), "no UTF-8": quiz + "\xff",
	} {
		if m, err := training.Parse([]byte(text)); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %+v %v", name, m, err)
		}
	}
}

// Whatever is read can be taken and marked.
func FuzzParse(f *testing.F) {
	f.Add([]byte(quiz))
	f.Add([]byte(course))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := training.Parse(text)
		if err != nil {
			return
		}
		for i, q := range m.Questions {
			if q.Right < 1 || q.Right > len(q.Answers) {
				t.Error(fmt.Sprint(i, q))
			}
		}
		if m.Outside == (len(m.Questions) > 0) {
			t.Errorf("%+v", m)
		}
	})
}
