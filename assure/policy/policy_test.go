package policy_test

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
	"github.com/tutela-health/tutela/assure/policy"
	"github.com/tutela-health/tutela/assure/register"
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

// house has people and one check, on a clock that a test turns.
type house struct {
	rig *rig.Rig
	*policy.Service
	now      time.Time
	verdict  tutela.Verdict
	assessor *assure.Assessor
}

func opened(t *testing.T, r *rig.Rig) *house {
	t.Helper()
	h := &house{rig: r, now: time.Now().UTC().Truncate(time.Second), verdict: tutela.Pass}
	clock := func() time.Time { return h.now }
	checks := []tutela.Check{{ID: "a.check", Title: "A check", Controls: []string{"S01"}, Fresh: time.Hour, Try: func(context.Context) tutela.Evidence {
		return tutela.Evidence{On: "here", Observed: "seen", Verdict: h.verdict}
	}}}
	h.assessor = assure.New(r.Audit, clock, checks...)
	board := r.Board(t, clock, checks...)
	h.Service = policy.New(policy.Config{
		Register: r.Register, Clock: clock, Board: func() *control.Board { return board }, Checks: func() []tutela.Check { return checks },
		Users: r.Identity.Users, Person: r.Identity.PersonNamed,
	})
	for _, name := range []string{"admin", "privacy", "nurse", "physician", "pat"} {
		r.Token(t, name)
	}
	return h
}

func (h *house) as(t *testing.T, name string) (tutela.Principal, tutela.Entry) {
	t.Helper()
	u, err := h.rig.Identity.User(t.Context(), name)
	must(t, err)
	return tutela.Principal{Tenant: "rig", ID: u.ID, Kind: u.Kind, Username: u.Username, Roles: u.Roles},
		tutela.Entry{Actor: tutela.Actor{ID: u.ID, Kind: u.Kind, Name: u.Username}, Action: tutela.ActionPolicyChange}
}

func file(head, text string) []byte {
	return []byte("---\ntitle: Hands\nreason: They carry germs\nowner: privacy\nevery: 6\n" + head + "---\n" + text)
}

func (h *house) put(t *testing.T, who, head, text string) policy.Kept {
	t.Helper()
	_, entry := h.as(t, who)
	k, err := h.Put(t.Context(), entry, "hands", file(head, text))
	must(t, err)
	return k
}

func (h *house) approve(t *testing.T, who string) policy.Kept {
	t.Helper()
	_, entry := h.as(t, who)
	list, err := h.List(t.Context(), true)
	must(t, err)
	k, err := h.Approve(t.Context(), entry, "hands", list[0].Digest)
	must(t, err)
	return k
}

// acknowledge has somebody read what is in force and say so.
func (h *house) acknowledge(t *testing.T, who string) error {
	t.Helper()
	p, entry := h.as(t, who)
	list, err := h.Mine(t.Context(), p.ID)
	must(t, err)
	if len(list) == 0 {
		return errs.New(errs.NotFound, "none")
	}
	_, err = h.Acknowledge(t.Context(), p, entry, "hands", list[0].Digest)
	return err
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

// A draft is not in force until somebody else approves it; each version is acknowledged anew by everybody whom it concerns.
func TestPoliciesAreApprovedAndAcknowledged(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		h := opened(t, r)
		h.put(t, "privacy", "roles: [nurse, physician]\nchecks: [a.check]\ncontrols: [S01]\n", "Wash them.")
		_, entry := h.as(t, "privacy")
		list, err := h.List(t.Context(), false)
		must(t, err)
		if _, err := h.Approve(t.Context(), entry, "hands", list[0].Digest); !errs.Is(err, errs.Denied) {
			t.Errorf("alone: %v", err)
		}
		h.put(t, "privacy", "roles: [nurse, physician]\n", "Never wash them.")
		_, other := h.as(t, "admin")
		if _, err := h.Approve(t.Context(), other, "hands", list[0].Digest); !errs.Is(err, errs.Conflict) {
			t.Errorf("what was changed after it was read: %v", err)
		}
		h.put(t, "privacy", "roles: [nurse, physician]\nchecks: [a.check]\ncontrols: [S01]\n", "Wash them.")
		if _, err := h.Show(t.Context(), "hands"); !errs.Is(err, errs.NotFound) {
			t.Errorf("a draft is in force: %v", err)
		}
		if k := h.approve(t, "admin"); k.State != policy.Approved || k.Version != 1 || !k.Review.Equal(h.now.AddDate(0, 6, 0)) {
			t.Errorf("%+v", k)
		}
		if got := h.missing(t); got != "nurse physician" {
			t.Errorf("missing: %q", got)
		}
		must(t, h.acknowledge(t, "nurse"))
		must(t, h.acknowledge(t, "nurse"))
		if err := h.acknowledge(t, "pat"); !errs.Is(err, errs.NotFound) {
			t.Errorf("a patient: %v", err)
		}
		nurse, entry := h.as(t, "nurse")
		if _, err := h.Acknowledge(t.Context(), nurse, entry, "hands", "0000"); !errs.Is(err, errs.Conflict) {
			t.Errorf("what was not read: %v", err)
		}
		if got := h.missing(t); got != "physician" {
			t.Errorf("missing: %q", got)
		}
		h.put(t, "admin", "roles: [nurse, physician]\n", "Wash them twice.")
		if v, err := h.Show(t.Context(), "hands"); err != nil || v.Number != 1 || v.Text != "Wash them.\n" {
			t.Errorf("%+v %v", v, err)
		}
		if got := h.missing(t); got != "physician" {
			t.Errorf("while a draft waits: %q", got)
		}
		h.approve(t, "privacy")
		if got := h.missing(t); got != "nurse physician" {
			t.Errorf("of the next version: %q", got)
		}
		_, entry = h.as(t, "admin")
		if _, err := h.Withdraw(t.Context(), entry, "hands", ""); !errs.Is(err, errs.Invalid) {
			t.Errorf("without a word: %v", err)
		}
		_, err = h.Withdraw(t.Context(), entry, "hands", "soap is gone")
		must(t, err)
		if err := h.acknowledge(t, "nurse"); !errs.Is(err, errs.NotFound) {
			t.Errorf("what was withdrawn: %v", err)
		}
		r.Verify(t)
	})
}

// A policy says which of the checks that show that it is lived fail.
func TestPoliciesSayWhetherTheyAreLived(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	h.put(t, "privacy", "checks: [a.check]\n", "Wash them.")
	for _, v := range []tutela.Verdict{tutela.Fail, tutela.Pass} {
		h.verdict, h.now = v, h.now.Add(time.Minute)
		_, err := h.assessor.Run(t.Context())
		must(t, err)
		list, err := h.List(t.Context(), false)
		must(t, err)
		if (len(list[0].Failing) == 1) != (v == tutela.Fail) {
			t.Errorf("%s: %v", v, list[0].Failing)
		}
	}
}

// What a policy asks of people is somebody's duty.
func TestPoliciesAreDuties(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	duties := func() (lines []string) {
		list, err := h.Duties(t.Context())
		must(t, err)
		for _, d := range list {
			lines = append(lines, d.Name+": "+d.What)
		}
		slices.Sort(lines)
		return lines
	}
	h.put(t, "admin", "roles: [nurse]\n", "Wash them.")
	if got := fmt.Sprint(duties()); got != "[privacy: have a second person approve the policy]" {
		t.Error(got)
	}
	h.approve(t, "privacy")
	if got := fmt.Sprint(duties()); got != "[nurse: read and acknowledge the policy privacy: look at the policy again]" {
		t.Error(got)
	}
	must(t, h.acknowledge(t, "nurse"))
	if got := fmt.Sprint(duties()); got != "[privacy: look at the policy again]" {
		t.Error(got)
	}
}

// The check goes red when a policy is not looked at in time, waits for approval, or is not as it was approved.
func TestCheckOfPoliciesSeesWhatNobodyApproved(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	w := testkit.Sabotage(t, "govern.policies-approved")
	try := func() tutela.Evidence { return h.Checks()[0].Try(t.Context()) }
	w.Expect(try(), tutela.NotApplicable)
	h.put(t, "privacy", "", "Wash them.")
	w.Expect(try(), tutela.Pass)
	h.now = h.now.AddDate(0, 0, 31)
	w.Expect(try(), tutela.Fail, "hands, a draft")
	h.approve(t, "admin")
	w.Expect(try(), tutela.Pass)
	h.now = h.now.AddDate(0, 6, 0)
	w.Expect(try(), tutela.Fail, "hands, a approved")
	h.approve(t, "admin")
	w.Expect(try(), tutela.Pass)
	it, err := h.rig.Register.Get(t.Context(), "policy-version", "hands.1")
	must(t, err)
	good := it.Body
	_, entry := h.as(t, "privacy")
	for _, forged := range []string{`Wash them.`, `Lick them.`} {
		it.Body = []byte(strings.Replace(string(good), "Wash them.", forged, 1))
		list, err := h.rig.Register.Put(t.Context(), entry, register.Change{Item: it, What: "slipped in"})
		must(t, err)
		it.Revision = list[0].Revision
		w.Expect(try(), tutela.Fail, "is not what was approved")
	}
	h.put(t, "privacy", "", "Wash them.")
	h.approve(t, "admin")
	w.Expect(try(), tutela.Pass)
}

// The check goes red when somebody has not acknowledged in time; new people have their own month.
func TestCheckOfAcknowledgementsSeesWhoHasNotRead(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	w := testkit.Sabotage(t, "govern.policies-acknowledged")
	try := func() tutela.Evidence { return h.Checks()[1].Try(t.Context()) }
	w.Expect(try(), tutela.NotApplicable)
	h.put(t, "privacy", "roles: [nurse, physician]\n", "Wash them.")
	h.approve(t, "admin")
	w.Expect(try(), tutela.Pass)
	must(t, h.acknowledge(t, "nurse"))
	h.now = h.now.AddDate(0, 0, 31)
	w.Expect(try(), tutela.Fail, "1 of 2 have not acknowledged hands")
	must(t, h.acknowledge(t, "physician"))
	w.Expect(try(), tutela.Pass)
}

// The starter set is drafted once, and overwrites nothing.
func TestTheStarterSetIsDrafted(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	_, entry := h.as(t, "privacy")
	set, err := policy.Starter("privacy")
	must(t, err)
	if len(set) != 8 {
		t.Errorf("%d policies", len(set))
	}
	for id, text := range set {
		head, body, err := policy.Parse(text)
		if err != nil || head.Owner != "privacy" || len(body) < 300 {
			t.Errorf("%s: %+v %v", id, head, err)
		}
	}
	if _, err := h.Begin(t.Context(), entry, "nobody"); !errs.Is(err, errs.Invalid) {
		t.Errorf("nobody's: %v", err)
	}
}

func TestWhatIsNoPolicyIsRefused(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	_, entry := h.as(t, "privacy")
	for name, text := range map[string]string{
		"no head":           "Wash them.",
		"an open head":      "---\ntitle: x\n",
		"no text":           string(file("", " \n")),
		"an unknown key":    string(file("secret: x\n", "Wash them.")),
		"no YAML":           string(file("roles: [\n", "Wash them.")),
		"an unknown check":  string(file("checks: [b.check]\n", "Wash them.")),
		"no requirement":    string(file("controls: [Z99]\n", "Wash them.")),
		"an empty role":     string(file("roles: ['']\n", "Wash them.")),
		"two lines":         strings.Replace(string(file("", "Wash them.")), "title: Hands", "title: \"a\\nb\"", 1),
		"nobody's":          strings.Replace(string(file("", "Wash them.")), "owner: privacy", "owner: nobody", 1),
		"never looked at":   strings.Replace(string(file("", "Wash them.")), "every: 6", "every: 0", 1),
		"in two years":      strings.Replace(string(file("", "Wash them.")), "every: 6", "every: 24", 1),
		"no UTF-8":          string(file("", "\xff")),
		"too long":          string(file("", strings.Repeat("a", 128<<10))),
		"aliases of a bomb": "---\na: &a [x]\ntitle: x\n---\nx",
	} {
		if _, err := h.Put(t.Context(), entry, "hands", []byte(text)); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.Put(t.Context(), entry, "../x", file("", "Wash them.")); !errs.Is(err, errs.Invalid) {
		t.Errorf("a path: %v", err)
	}
}

// Whatever is read has what a policy needs.
func FuzzParse(f *testing.F) {
	f.Add(file("", "Wash them."))
	f.Fuzz(func(t *testing.T, text []byte) {
		head, body, err := policy.Parse(text)
		if err == nil && (head.Title == "" || head.Reason == "" || head.Every < 1 || strings.TrimSpace(body) == "") {
			t.Errorf("%+v %q", head, body)
		}
	})
}
