package review_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/assure/review"
	"github.com/tutela-health/tutela/identity"
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

// house is one with people, on a clock that a test turns.
type house struct {
	rig *rig.Rig
	*review.Service
	now   time.Time
	tried map[string]tutela.Evidence
}

func opened(t *testing.T, r *rig.Rig) *house {
	t.Helper()
	h := &house{rig: r, now: time.Now().UTC().Truncate(time.Second), tried: map[string]tutela.Evidence{}}
	regulations, err := catalog.Shipped()
	must(t, err)
	h.Service = review.New(review.Config{
		Register: r.Register, Ledger: r.Audit, Accounts: r.Identity, Users: r.Identity.Users, Person: r.Identity.PersonNamed,
		Tried:       func(context.Context) (map[string]tutela.Evidence, error) { return h.tried, nil },
		Regulations: func() []catalog.Regulation { return regulations }, Clock: func() time.Time { return h.now },
	})
	for _, name := range []string{"admin", "privacy", "nurse", "physician"} {
		r.Token(t, name)
	}
	return h
}

// as gives a person of the rig, and the entry of what he does.
func (h *house) as(t *testing.T, name string) (tutela.Principal, tutela.Entry) {
	t.Helper()
	u, err := h.rig.Identity.User(t.Context(), name)
	must(t, err)
	p := tutela.Principal{Tenant: "rig", ID: u.ID, Kind: u.Kind, Username: u.Username, Roles: u.Roles, Assurance: identity.ACRTwoFactors}
	return p, tutela.Entry{Actor: tutela.Actor{ID: u.ID, Kind: u.Kind, Name: u.Username}, Action: tutela.ActionReviewChange}
}

func (h *house) plan(t *testing.T, sorts ...review.Sort) {
	t.Helper()
	_, entry := h.as(t, "privacy")
	for _, sort := range sorts {
		_, err := h.SetPlan(t.Context(), entry, review.Plan{Sort: sort, Owner: "privacy"})
		must(t, err)
	}
}

func (h *house) start(t *testing.T, sort review.Sort) review.KeptRound {
	t.Helper()
	_, entry := h.as(t, "privacy")
	r, err := h.Start(t.Context(), entry, sort)
	must(t, err)
	return r
}

func (h *house) decide(t *testing.T, who string, sort review.Sort, list ...review.Decision) (review.KeptRound, error) {
	t.Helper()
	p, entry := h.as(t, who)
	return h.Decide(t.Context(), p, entry, sort, list)
}

func key(t *testing.T, r review.KeptRound, title string) string {
	t.Helper()
	i := slices.IndexFunc(r.Items, func(it review.Item) bool { return it.Title == title })
	if i < 0 {
		t.Fatalf("no %s in %+v", title, r.Items)
	}
	return r.Items[i].Key
}

// Who is to go is gone at once where an administrator decides, and waits for one where the privacy officer does; the round
// ends when all is decided and carried out, and the next one is due from then on.
func TestRemovalsAreCarriedOut(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		h := opened(t, r)
		h.plan(t, review.AccessRights)
		round := h.start(t, review.AccessRights)
		if len(round.Items) != 4 || round.Number != 1 {
			t.Fatalf("%+v", round)
		}
		nurse, physician := key(t, round, "nurse"), key(t, round, "physician")
		round, err := h.decide(t, "privacy", review.AccessRights,
			review.Decision{Key: nurse, Choice: review.Disable, Reason: "she left"},
			review.Decision{Key: physician, Choice: review.Roles, Roles: []string{"billing"}, Reason: "he moved"},
			review.Decision{Key: key(t, round, "admin"), Choice: review.Keep, Reason: "it is needed"})
		must(t, err)
		if round.Open() != 1 || round.Waiting() != 2 || round.State != "open" {
			t.Fatalf("%d open, %d waiting: %+v", round.Open(), round.Waiting(), round)
		}
		if u, err := r.Identity.User(t.Context(), "nurse"); err != nil || u.Disabled {
			t.Errorf("the privacy officer ended an account: %+v %v", u, err)
		}
		admin, entry := h.as(t, "admin")
		round, err = h.Carry(t.Context(), admin, entry, review.AccessRights)
		must(t, err)
		if u, err := r.Identity.User(t.Context(), "nurse"); err != nil || !u.Disabled {
			t.Errorf("%+v %v", u, err)
		}
		if u, err := r.Identity.User(t.Context(), "physician"); err != nil || !slices.Equal(u.Roles, []string{"billing"}) {
			t.Errorf("%+v %v", u, err)
		}
		if _, err := h.decide(t, "privacy", review.AccessRights, review.Decision{Key: key(t, round, "privacy"), Choice: review.Keep}); !errs.Is(err, errs.Denied) {
			t.Errorf("about his own account: %v", err)
		}
		h.now = h.now.Add(time.Hour)
		round, err = h.decide(t, "admin", review.AccessRights, review.Decision{Key: key(t, round, "privacy"), Choice: review.Keep})
		must(t, err)
		if round.State != "done" {
			t.Fatalf("%+v", round)
		}
		list, err := h.List(t.Context())
		must(t, err)
		if k := list[0]; k.State != "planned" || !k.Due.Equal(h.now.AddDate(0, 3, 0)) || k.Overdue {
			t.Errorf("%+v", k)
		}
		next := h.start(t, review.AccessRights)
		if next.Number != 2 || !next.From.Equal(round.Until) || len(next.Items) != 3 {
			t.Errorf("%+v", next)
		}
		if past, err := h.Round(t.Context(), review.AccessRights, 1); err != nil || past.Items[0].Decided == nil {
			t.Errorf("%+v %v", past, err)
		}
	})
}

// What wants a closer look says why, and is not kept without a reason.
func TestRoundsArePrefilled(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	h.plan(t, review.Sorts()...)
	h.rig.Token(t, "pat") // a patient's account is the patient's affair
	person := h.rig.Person(t, time.Now, identity.NewUser{Username: "ida", Kind: tutela.ActorPerson, Roles: []string{"nurse"}})
	for range 3 {
		person.Guess(t, "192.0.2.7")
	}
	h.tried["build.secrets"] = tutela.Evidence{Check: "build.secrets", Verdict: tutela.Pass, Observed: "none", At: h.now, Expires: h.now.Add(time.Hour)}
	h.tried["protect.a"] = tutela.Evidence{Check: "protect.a", Verdict: tutela.Fail, Observed: "open", At: h.now, Expires: h.now.Add(time.Hour)}
	h.tried["protect.b"] = tutela.Evidence{Check: "protect.b", Verdict: tutela.Pass, Observed: "shut", At: h.now, Expires: h.now.Add(time.Hour)}
	h.now = h.now.Add(100*24*time.Hour + time.Minute) // all evidence is stale by then
	for sort, want := range map[review.Sort][]string{
		review.AccessRights:  {"ida|nobody ever came in, in 100 days", "admin|nobody ever came in, in 100 days; it administers"},
		review.Logins:        {"ida|nobody came in after the last one", "all failed logins|"},
		review.Configuration: {"protect.a|fail; no fresh evidence", "protect.b|no fresh evidence"},
		review.SecurityTests: {"build.secrets|no fresh evidence"},
		review.Policies:      {"no policy is written down|there is none"},
	} {
		from := h.now
		if sort == review.Logins {
			h.now = time.Now().UTC().Add(time.Minute)
		}
		r := h.start(t, sort)
		h.now = from
		var got []string
		for _, it := range r.Items {
			got = append(got, it.Title+"|"+strings.Join(it.Flags, "; "))
		}
		for _, line := range want {
			if !slices.Contains(got, line) {
				t.Errorf("%s: no %q in %q", sort, line, got)
			}
		}
		if slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "pat|") }) {
			t.Errorf("%s has a patient", sort)
		}
	}
	logins, err := h.Round(t.Context(), review.Logins, 0)
	must(t, err)
	if f := logins.Items[0].Facts[0]; f.Value != "3" {
		t.Errorf("%+v", logins.Items[0])
	}
	laws := h.start(t, review.Laws)
	if len(laws.Items) < 8 {
		t.Errorf("%d laws", len(laws.Items))
	}
	if _, err := h.decide(t, "admin", review.Configuration, review.Decision{Key: "protect.a", Choice: review.Keep}); !errs.Is(err, errs.Invalid) {
		t.Errorf("kept what fails without a word: %v", err)
	}
}

// What is to be done later is somebody's, by a day, until he says how it was done.
func TestFollowUpsAreDuties(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	h.plan(t, review.Policies)
	h.start(t, review.Policies)
	until := h.now.AddDate(0, 1, 0).Format(time.DateOnly)
	later := review.Decision{Key: "nothing", Choice: review.FollowUp, Reason: "write some", Owner: "admin", Until: until}
	round, err := h.decide(t, "privacy", review.Policies, later)
	must(t, err)
	if round.State != "done" {
		t.Errorf("%+v", round)
	}
	list, err := h.Duties(t.Context())
	must(t, err)
	i := slices.IndexFunc(list, func(d register.Duty) bool { return d.Kind == "follow-up" })
	if len(list) != 2 || i < 0 || list[i].Name != "admin" || list[i].Due.Format(time.DateOnly) != until {
		t.Fatalf("%+v", list)
	}
	_, entry := h.as(t, "admin")
	if _, err := h.Finish(t.Context(), entry, list[i].ID, ""); !errs.Is(err, errs.Invalid) {
		t.Errorf("without a word: %v", err)
	}
	_, err = h.Finish(t.Context(), entry, list[i].ID, "eight are written")
	must(t, err)
	if _, err := h.Finish(t.Context(), entry, list[i].ID, "again"); !errs.Is(err, errs.Conflict) {
		t.Errorf("twice: %v", err)
	}
	if list, err = h.Duties(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("%+v %v", list, err)
	}
}

func TestWhatIsNoDecisionIsRefused(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	h.plan(t, review.AccessRights)
	if _, err := h.decide(t, "admin", review.AccessRights); !errs.Is(err, errs.Conflict) {
		t.Errorf("no round is open: %v", err)
	}
	round := h.start(t, review.AccessRights)
	nurse := key(t, round, "nurse")
	for name, d := range map[string]review.Decision{
		"no item":                    {Key: "nobody", Choice: review.Keep},
		"no choice":                  {Key: nurse, Choice: "shrug"},
		"ended without a word":       {Key: nurse, Choice: review.Disable},
		"other roles, and none":      {Key: nurse, Choice: review.Roles, Reason: "so"},
		"roles of somebody kept":     {Key: nurse, Choice: review.Keep, Roles: []string{"nurse"}},
		"nobody's follow-up":         {Key: nurse, Choice: review.FollowUp, Reason: "so", Until: h.now.AddDate(0, 1, 0).Format(time.DateOnly)},
		"an unknown one's":           {Key: nurse, Choice: review.FollowUp, Reason: "so", Owner: "nobody", Until: h.now.AddDate(0, 1, 0).Format(time.DateOnly)},
		"a follow-up of yesterday":   {Key: nurse, Choice: review.FollowUp, Reason: "so", Owner: "admin", Until: h.now.AddDate(0, 0, -1).Format(time.DateOnly)},
		"a follow-up in two years":   {Key: nurse, Choice: review.FollowUp, Reason: "so", Owner: "admin", Until: h.now.AddDate(2, 0, 0).Format(time.DateOnly)},
		"a reason without end":       {Key: nurse, Choice: review.Keep, Reason: strings.Repeat("a", 2001)},
		"a role twice":               {Key: nurse, Choice: review.Roles, Reason: "so", Roles: []string{"billing", "billing"}},
		"a follow-up of what is not": {Key: nurse, Choice: review.Keep, Owner: "admin", Until: "2027-01-01"},
	} {
		got, err := h.decide(t, "admin", review.AccessRights, d)
		if err == nil {
			t.Errorf("%s: %+v", name, got)
		}
	}
	u, err := h.rig.Identity.User(t.Context(), "nurse")
	must(t, err)
	if u.Disabled || fmt.Sprint(u.Roles) != "[nurse]" {
		t.Errorf("%+v", u)
	}
	_, entry := h.as(t, "admin")
	for name, p := range map[string]review.Plan{
		"an unknown sort": {Sort: "weather", Owner: "admin"}, "every second year": {Sort: review.Laws, Owner: "admin", Every: 24}, "nobody's": {Sort: review.Laws, Owner: "nobody"},
	} {
		if _, err := h.SetPlan(t.Context(), entry, p); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The check goes red when a review is not planned or overdue, when a removal is not carried out, and when a follow-up waits too long.
func TestCheckOfReviewsSeesWhatIsLeftAlone(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	w := testkit.Sabotage(t, "govern.reviews-held")
	try := func() tutela.Evidence { return h.Checks()[0].Try(t.Context()) }
	w.Expect(try(), tutela.NotApplicable)
	h.plan(t, review.AccessRights)
	w.Expect(try(), tutela.Fail, "nobody reviews laws")
	h.plan(t, review.Sorts()...)
	w.Expect(try(), tutela.Pass, "6 reviews")
	h.now = h.now.AddDate(0, 1, 0)
	w.Expect(try(), tutela.Fail, "authentication-logs was to be reviewed by")
	h.start(t, review.Logins)
	_, err := h.decide(t, "admin", review.Logins, review.Decision{Key: "all", Choice: review.FollowUp, Reason: "look again", Owner: "admin", Until: h.now.AddDate(0, 0, 7).Format(time.DateOnly)})
	must(t, err)
	w.Expect(try(), tutela.Pass)
	round := h.start(t, review.AccessRights)
	_, err = h.decide(t, "privacy", review.AccessRights, review.Decision{Key: key(t, round, "nurse"), Choice: review.Disable, Reason: "she left"})
	must(t, err)
	w.Expect(try(), tutela.Pass)
	h.now = h.now.AddDate(0, 0, 4)
	w.Expect(try(), tutela.Fail, "1 decisions of access-rights are not carried out")
	admin, entry := h.as(t, "admin")
	_, err = h.Carry(t.Context(), admin, entry, review.AccessRights)
	must(t, err)
	w.Expect(try(), tutela.Pass)
	h.now = h.now.AddDate(0, 0, 4)
	w.Expect(try(), tutela.Fail, "authentication-logs.1.1 was to be done by")
	_, err = h.Finish(t.Context(), entry, "authentication-logs.1.1", "looked")
	must(t, err)
	w.Expect(try(), tutela.Pass)
}
