package duty_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/duty"
	"github.com/tutela-health/tutela/assure/policy"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/assure/remedy"
	"github.com/tutela-health/tutela/assure/review"
	"github.com/tutela-health/tutela/assure/risk"
	"github.com/tutela-health/tutela/assure/training"
	"github.com/tutela-health/tutela/assure/vendor"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/trial"
)

// A year of a company of 20: reviews, training, acknowledgements, agreements and tests fall due, people are reminded, what
// somebody leaves lying is escalated, and everything is closed in the end. What it costs a person is counted.
func TestAYearOfACompanyOfTwenty(t *testing.T) {
	c := found(t)
	for day := 1; day <= 365; day++ {
		c.now = c.now.AddDate(0, 0, 1)
		c.happens(t, day)
		c.look(t)
		c.work(t, day)
	}
	c.settle(t)
	c.judge(t)
}

// minutes are what a deed costs, as we would guess for ourselves.
var minutes = map[string]float64{
	"acknowledge": 10, "approve": 5, "look at policy": 15, "take training": 30, "mend lab": 30, "bring result": 2, "assess vendor": 30, "renew agreement": 45,
	"put right": 15, "look at risk": 15, "hold review": 20, "item of review": 0.5, "item to look closer": 3, "follow up": 20, "mend": 60, "have tested": 60,
}

// lazy never does anything until he is escalated.
const lazy = "nurse-4"

type company struct {
	rig      *rig.Rig
	now      time.Time
	began    time.Time
	broken   bool // the one check of the running system
	assessor *assure.Assessor
	told     []duty.Telling

	risks    *risk.Service
	vendors  *vendor.Service
	policies *policy.Service
	training *training.Service
	reviews  *review.Service
	gaps     *remedy.Service
	duties   *duty.Service

	people  []string
	spent   map[string]map[string]float64 // minutes by person and month
	deeds   map[string]int
	red     map[string]int // days by check
	overdue map[string]int // days of each person's overdue duties
}

// found makes the company on its first day: everything is planned, nothing is read.
func found(t *testing.T) *company {
	t.Helper()
	c := &company{
		now: time.Date(2027, 1, 4, 9, 0, 0, 0, time.UTC), spent: map[string]map[string]float64{}, deeds: map[string]int{}, red: map[string]int{}, overdue: map[string]int{},
	}
	c.began = c.now
	clock := func() time.Time { return c.now }
	c.rig = rig.Open(t, rig.Config{Clock: clock})
	r := c.rig
	var board *control.Board
	var checks []tutela.Check
	at := func() *control.Board { return board }
	all := func() []tutela.Check { return checks }
	regulations := r.Board(t, clock).Regulations
	c.risks = risk.New(risk.Config{
		Register: r.Register, Board: at, Clock: clock, Person: r.Identity.PersonNamed, Checks: func() []tutela.Check { return checks },
		Vendors: func(ctx context.Context) (map[string]string, error) { return c.vendors.Troubles(ctx) },
		Gaps:    func(ctx context.Context) (map[string]bool, error) { return c.gaps.Open(ctx) },
	})
	var err error
	c.vendors, err = vendor.New(vendor.Config{Register: r.Register, Clock: clock, Person: r.Identity.PersonNamed})
	must(t, err)
	c.policies = policy.New(policy.Config{Register: r.Register, Clock: clock, Board: at, Checks: all, Users: r.Identity.Users, Person: r.Identity.PersonNamed})
	c.training = training.New(training.Config{
		Register: r.Register, Clock: clock, Users: r.Identity.Users,
		Scan: func(ctx context.Context, files map[string]string) ([]supply.Finding, error) {
			return trial.Look(ctx, clock, files)
		},
	})
	c.reviews = review.New(review.Config{
		Register: r.Register, Ledger: r.Audit, Accounts: r.Identity, Users: r.Identity.Users, Person: r.Identity.PersonNamed, Clock: clock, Regulations: regulations,
		Tried: func(ctx context.Context) (map[string]tutela.Evidence, error) { return board.Tried(ctx) },
	})
	c.gaps = remedy.New(remedy.Config{Register: r.Register, Clock: clock, Board: at, Checks: all, Risks: c.risks.Left, Person: r.Identity.PersonNamed})
	c.duties = duty.New(duty.Config{
		Register: r.Register, Clock: clock, Tell: func(_ context.Context, tell duty.Telling) error { c.told = append(c.told, tell); return nil },
		Sources: []duty.Source{c.risks.Duties, c.vendors.Duties, c.policies.Duties, c.training.Duties, c.reviews.Duties, c.gaps.Duties},
	})
	checks = slices.Concat(c.risks.Checks(), c.vendors.Checks(), c.policies.Checks(), c.training.Checks(), c.reviews.Checks(), c.gaps.Checks(), []tutela.Check{c.system()})
	for _, id := range []string{"identity.second-factor", "identity.idle-session", "respond.drilled", "recover.copies", "recover.backup-restores", "build.pipelines-report", "build.bills-kept"} {
		checks = append(checks, steady(id)) // those that the starter policies name
	}
	board = r.Board(t, clock, checks...)
	c.assessor = assure.New(r.Audit, clock, checks...)
	c.staff(t)
	c.plan(t)
	return c
}

// system is a check of the running system, which breaks for a while.
func (c *company) system() tutela.Check {
	return tutela.Check{ID: "a.system", Title: "The system holds", Controls: []string{"S01"}, Fresh: 36 * time.Hour, Try: func(context.Context) tutela.Evidence {
		e := tutela.Evidence{On: "the system", Observed: "it holds", Verdict: tutela.Pass}
		if c.broken {
			e.Verdict, e.Observed = tutela.Fail, "it does not hold"
		}
		return e
	}}
}

func steady(id string) tutela.Check {
	return tutela.Check{ID: id, Title: id, Controls: []string{"S01"}, Fresh: 36 * time.Hour, Try: func(context.Context) tutela.Evidence {
		return tutela.Evidence{On: "elsewhere", Observed: "seen", Verdict: tutela.Pass}
	}}
}

func (c *company) staff(t *testing.T) {
	t.Helper()
	for role, n := range map[string]int{"admin": 1, "privacy": 1, "auditor": 1, "developer": 6, "nurse": 4, "physician": 4, "billing": 2, "researcher": 1} {
		for i := range n {
			name := role
			if n > 1 {
				name = fmt.Sprint(role, "-", i+1)
			}
			c.join(t, name, role)
		}
	}
	slices.Sort(c.people)
}

func (c *company) join(t *testing.T, name, role string) {
	t.Helper()
	_, _, err := c.rig.Identity.CreateUser(t.Context(), tutela.Actor{ID: "rig", Kind: tutela.ActorSystem}, identity.NewUser{Username: name, Kind: tutela.ActorPerson, Roles: []string{role}, Client: "rig"})
	must(t, err)
	c.people = append(c.people, name)
}

func (c *company) as(t *testing.T, name string, action tutela.Action) (tutela.Principal, tutela.Entry) {
	t.Helper()
	u, err := c.rig.Identity.User(t.Context(), name)
	must(t, err)
	return tutela.Principal{Tenant: "rig", ID: u.ID, Kind: u.Kind, Username: u.Username, Roles: u.Roles, Assurance: identity.ACRTwoFactors},
		tutela.Entry{Actor: tutela.Actor{ID: u.ID, Kind: u.Kind, Name: u.Username}, Action: action}
}

// costs writes down what a deed took of somebody's time.
func (c *company) costs(name, deed string) {
	month := c.now.Format("2006-01")
	if c.spent[name] == nil {
		c.spent[name] = map[string]float64{}
	}
	c.spent[name][month] += minutes[deed]
	c.deeds[deed]++
}

const phishing = "---\ntitle: Phishing\nevery: 6\noutside: true\n---\nA mail that is none comes twice a year.\n"

// plan is what the privacy officer sets up, and the administrator approves.
func (c *company) plan(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	_, entry := c.as(t, "privacy", tutela.ActionPolicyChange)
	_, approves := c.as(t, "admin", tutela.ActionPolicyChange)
	drafted, err := c.policies.Begin(ctx, entry, "privacy")
	must(t, err)
	for _, k := range drafted {
		_, err := c.policies.Approve(ctx, approves, k.ID, k.Digest)
		must(t, err)
	}
	_, err = c.training.Begin(ctx, entry)
	must(t, err)
	_, err = c.training.Put(ctx, entry, "phishing", []byte(phishing))
	must(t, err)
	for _, sort := range review.Sorts() {
		_, err := c.reviews.SetPlan(ctx, entry, review.Plan{Sort: sort, Owner: "privacy"})
		must(t, err)
	}
	for i := range 10 {
		_, err := c.risks.Put(ctx, entry, fmt.Sprint("risk-", i), 0, risk.Risk{
			Title: "A risk", Asset: "the record", Threat: "it is lost", Inherent: risk.Rating{Likelihood: 4, Safety: 5, Data: 5}, Residual: risk.Rating{Likelihood: 1, Safety: 3, Data: 2},
			Treatment: risk.Mitigate, Reason: "backups", Owner: "admin", Review: c.now.AddDate(0, 5, i), Controls: []string{"S01"},
		})
		must(t, err)
	}
	var vendors []vendor.Written
	for i := range 12 {
		vendors = append(vendors, vendor.Written{ID: fmt.Sprint("vendor-", i), Details: vendor.Details{
			Name: "Vendor", Service: "work", Contact: "a@vendor.example", Owner: "privacy", Data: vendor.Health, Critical: 2, Assess: c.now.AddDate(0, 1, 7*i),
			Agreement: vendor.Agreement{Kind: vendor.BAA, Signed: c.now.AddDate(-1, 0, 0), Ends: c.now.AddDate(0, 3, 20*i)},
		}})
	}
	_, err = c.vendors.Put(ctx, entry, vendors...)
	must(t, err)
	for id, every := range map[string]int{"pentest": 12, "scan": 3} {
		_, err := c.gaps.Plan(ctx, entry, id, "A test", "admin", every)
		must(t, err)
	}
}

// happens are the things that nobody planned.
func (c *company) happens(t *testing.T, day int) {
	t.Helper()
	switch day {
	case 100:
		c.broken = true
	case 150:
		c.join(t, "nurse-5", "nurse")
	case 200:
		admin, _ := c.as(t, "admin", tutela.ActionUserDisable)
		u, err := c.rig.Identity.User(t.Context(), "developer-6")
		must(t, err)
		must(t, c.rig.Identity.Disable(t.Context(), admin, u.ID))
		c.people = slices.DeleteFunc(c.people, func(p string) bool { return p == "developer-6" })
	}
}

// look is what the machine does every day.
func (c *company) look(t *testing.T) {
	t.Helper()
	results, err := c.assessor.Run(t.Context())
	must(t, err)
	for _, r := range results {
		if r.Verdict == tutela.Fail {
			c.red[r.Check]++
		}
		if r.Verdict == tutela.CouldNotCheck {
			t.Fatalf("%s on %s: %s", r.Check, c.now.Format(time.DateOnly), r.Observed)
		}
	}
	must(t, c.gaps.Work(t.Context()))
	must(t, c.duties.Work(t.Context()))
	c.rig.Sequence(t)
}

// work has everybody do, on his day of the week, what he was reminded of.
func (c *company) work(t *testing.T, day int) {
	t.Helper()
	all, err := c.duties.List(t.Context(), "")
	must(t, err)
	for _, k := range all {
		if k.Stage == duty.Due || k.Stage == duty.Escalated {
			c.overdue[k.Name]++
		}
		i, there := slices.BinarySearch(c.people, k.Name)
		switch {
		case !there && !slices.Contains(c.people, k.Name):
			t.Errorf("%s is to %s, and is not here any more", k.Name, k.What)
		case k.Name == lazy && k.Stage == duty.Escalated, k.Name != lazy && k.Stage != duty.Later && day%7 == i%7:
			c.do(t, k)
		}
	}
	list, err := c.gaps.List(t.Context(), false)
	must(t, err)
	for _, g := range list { // the privacy officer gives what is nobody's to the administrator
		if g.Owner == "" {
			_, entry := c.as(t, "privacy", tutela.ActionGapChange)
			_, err := c.gaps.Assign(t.Context(), entry, g.ID, remedy.Assignment{Owner: "admin", Until: c.now.AddDate(0, 0, 20).Format(time.DateOnly), Effort: 1})
			must(t, err)
			c.costs("privacy", "approve")
		}
	}
}

// do does one duty.
func (c *company) do(t *testing.T, k duty.Kept) {
	t.Helper()
	ctx := t.Context()
	p, entry := c.as(t, k.Name, tutela.ActionPolicyChange)
	_, second := c.as(t, "admin", tutela.ActionPolicyChange)
	day := c.now.Format(time.DateOnly)
	switch k.Kind {
	case "policy":
		if k.What == "read and acknowledge the policy" {
			v, err := c.policies.Show(ctx, k.ID)
			must(t, err)
			_, err = c.policies.Acknowledge(ctx, p, entry, k.ID, v.Digest)
			must(t, err)
			c.costs(k.Name, "acknowledge")
			return
		}
		list, err := c.policies.List(ctx, false)
		must(t, err)
		read := list[slices.IndexFunc(list, func(p policy.Kept) bool { return p.ID == k.ID })]
		_, err = c.policies.Approve(ctx, second, k.ID, read.Digest)
		must(t, err)
		c.costs(k.Name, "look at policy")
		c.costs("admin", "approve")
	case "module":
		c.learn(t, p, entry, k.ID)
	case "vendor":
		c.see(t, entry, k)
	case "risk":
		list, err := c.risks.History(ctx, k.ID)
		must(t, err)
		r := list[len(list)-1]
		r.Review = c.now.AddDate(0, 6, 0)
		_, err = c.risks.Put(ctx, entry, k.ID, r.Revision, r.Risk)
		must(t, err)
		c.costs(k.Name, "look at risk")
	case "review":
		c.review(t, review.Sort(k.ID))
	case "follow-up":
		_, err := c.reviews.Finish(ctx, entry, k.ID, "done")
		must(t, err)
		c.costs(k.Name, "follow up")
	case "gap":
		if strings.HasPrefix(k.ID, "check.a.system") {
			c.broken = false
			c.costs(k.Name, "mend")
			return
		}
		if strings.HasPrefix(k.ID, "test.") { // mended, and tested again
			_, err := c.gaps.Record(ctx, entry, "scan", day, "Testers Ltd", nil)
			must(t, err)
			c.costs(k.Name, "mend")
		}
	case "test":
		var found []remedy.Finding
		if k.ID == "scan" && c.now.Month() == time.June {
			found = []remedy.Finding{{Rule: "old-tls", Title: "Old TLS", Where: "host", Severity: remedy.Medium}}
		}
		_, err := c.gaps.Record(ctx, entry, k.ID, day, "Testers Ltd", found)
		must(t, err)
		c.costs(k.Name, "have tested")
	default:
		t.Fatalf("nobody knows how to do %+v", k)
	}
}

// learn takes a module, by who has read it.
func (c *company) learn(t *testing.T, p tutela.Principal, entry tutela.Entry, id string) {
	t.Helper()
	list, err := c.training.List(t.Context(), false)
	must(t, err)
	m := list[slices.IndexFunc(list, func(k training.Kept) bool { return k.ID == id })]
	if m.Outside {
		_, brings := c.as(t, "privacy", tutela.ActionTrainingChange)
		_, err := c.training.Bring(t.Context(), brings, id, []training.Brought{{Person: p.Username, Date: c.now.Format(time.DateOnly), Pass: true}})
		must(t, err)
		c.costs("privacy", "bring result")
		return
	}
	var answers []int
	for _, q := range m.Questions {
		answers = append(answers, q.Right)
	}
	r, err := c.training.Take(t.Context(), p, entry, id, m.Digest, answers)
	must(t, err)
	if !r.Pass {
		t.Errorf("%+v", r)
	}
	c.costs(p.Username, "take training")
	if m.Lab != nil {
		mended := map[string]string{}
		for name := range m.Lab.Files {
			text, err := os.ReadFile(filepath.Join("..", "training", "testdata", "lab", name))
			must(t, err)
			mended[name] = string(text)
		}
		h, err := c.training.HandIn(t.Context(), p, entry, id, m.Digest, mended)
		must(t, err)
		if !h.Mended {
			t.Errorf("%+v", h)
		}
		c.costs(p.Username, "mend lab")
	}
}

// see does what is to be done about a vendor.
func (c *company) see(t *testing.T, entry tutela.Entry, k duty.Kept) {
	t.Helper()
	ctx := t.Context()
	list, err := c.vendors.List(ctx, false)
	must(t, err)
	v := list[slices.IndexFunc(list, func(v vendor.Kept) bool { return v.ID == k.ID })]
	switch {
	case k.What == "renew the agreement":
		v.Agreement.Signed, v.Agreement.Ends = c.now, v.Agreement.Ends.AddDate(1, 0, 0)
		_, err = c.vendors.Put(ctx, entry, vendor.Written{ID: k.ID, Revision: v.Revision, Details: v.Details})
		c.costs(k.Name, "renew agreement")
	case k.What == "assess the vendor":
		answers := map[string]vendor.Answer{}
		for i, q := range c.vendors.Questionnaire().Questions {
			answers[q.ID] = vendor.Answer{Is: vendor.Yes}
			if i == 0 && strings.HasSuffix(k.ID, "3") {
				answers[q.ID] = vendor.Answer{Is: vendor.No, Text: "nobody yet"}
			}
		}
		_, err = c.vendors.Assess(ctx, entry, vendor.Assessment{ID: k.ID, Revision: v.Revision, Answers: answers, Next: c.now.AddDate(1, 0, 0), Until: c.now.AddDate(0, 1, 0)})
		c.costs(k.Name, "assess vendor")
	default:
		for _, a := range v.Actions {
			if a.Open() {
				_, err = c.vendors.Act(ctx, entry, k.ID, vendor.Deed{Number: a.Number, Done: "shown"})
			}
		}
		c.costs(k.Name, "put right")
	}
	must(t, err)
}

// review holds a round: what wants no closer look is kept, the rest is kept with a reason, and one item is followed up.
func (c *company) review(t *testing.T, sort review.Sort) {
	t.Helper()
	ctx := t.Context()
	officer, entry := c.as(t, "privacy", tutela.ActionReviewChange)
	r, err := c.reviews.Start(ctx, entry, sort)
	must(t, err)
	c.costs("privacy", "hold review")
	var list, other []review.Decision
	for i, it := range r.Items {
		d := review.Decision{Key: it.Key, Choice: review.Keep, Reason: "looked at"}
		switch {
		case sort == review.Laws && i == 0:
			d = review.Decision{Key: it.Key, Choice: review.FollowUp, Reason: "read the guidance", Owner: "privacy", Until: c.now.AddDate(0, 1, 0).Format(time.DateOnly)}
		case it.Account == officer.ID:
			other = append(other, d)
			continue
		}
		list = append(list, d)
		if len(it.Flags) > 0 {
			c.costs("privacy", "item to look closer")
		} else {
			c.costs("privacy", "item of review")
		}
	}
	done, err := c.reviews.Decide(ctx, officer, entry, sort, list)
	must(t, err)
	if len(other) > 0 {
		admin, entry := c.as(t, "admin", tutela.ActionReviewChange)
		done, err = c.reviews.Decide(ctx, admin, entry, sort, other)
		must(t, err)
		c.costs("admin", "approve")
	}
	if done.State != "done" {
		t.Errorf("%s on %s: %d open, %d waiting", sort, c.now.Format(time.DateOnly), done.Open(), done.Waiting())
	}
}

// settle lets the last fortnight's reminders be done.
func (c *company) settle(t *testing.T) {
	t.Helper()
	for day := 366; day <= 380; day++ {
		c.now = c.now.AddDate(0, 0, 1)
		c.look(t)
		c.work(t, day)
	}
}

// judge holds the year to what it should have been.
func (c *company) judge(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	items, err := c.rig.Register.List(ctx, register.Filter{Kind: "reminder"})
	must(t, err)
	stages := map[register.State]int{}
	escalatedOf := map[string]int{}
	for _, it := range items {
		body, err := register.Decode[struct {
			Name string                   `json:"name"`
			Told map[duty.Stage]time.Time `json:"told"`
		}](it)
		must(t, err)
		stages[it.State]++
		if _, escalated := body.Told[duty.Escalated]; escalated {
			escalatedOf[body.Name]++
		}
	}
	if n := len(items); n < 300 || stages[duty.Done] < n*9/10 {
		t.Errorf("%d reminders, as they stand: %v", n, stages)
	}
	if len(escalatedOf) != 1 || escalatedOf[lazy] < 8 {
		t.Errorf("escalated: %v; nobody but %s leaves things lying", escalatedOf, lazy)
	}
	for name, days := range c.overdue {
		if name != lazy && days > 0 {
			t.Errorf("%s was overdue on %d days", name, days)
		}
	}
	escalations := 0
	for _, tell := range c.told {
		if tell.Escalate {
			escalations++
		}
	}
	for deed, least := range map[string]int{
		"acknowledge": 95, "take training": 20, "bring result": 30, "assess vendor": 12, "renew agreement": 12, "put right": 1, "look at risk": 10, "hold review": 26, "follow up": 1, "mend": 2, "have tested": 4, "look at policy": 8,
	} {
		if c.deeds[deed] < least {
			t.Errorf("%s: %d times, and it should have been %d or more", deed, c.deeds[deed], least)
		}
	}
	for _, id := range []string{"govern.vendors-agreed", "govern.vendors-assessed", "govern.risks-reviewed", "govern.reviews-held", "govern.policies-approved", "govern.tests-run"} {
		if c.red[id] > 0 {
			t.Errorf("%s was red on %d days, and nobody was late", id, c.red[id])
		}
	}
	for _, id := range []string{"a.system", "govern.policies-acknowledged", "govern.training-current"} { // what broke, and what one leaves lying
		if c.red[id] == 0 || c.red[id] > 60 {
			t.Errorf("%s was red on %d days", id, c.red[id])
		}
	}
	open, err := c.gaps.List(ctx, false)
	must(t, err)
	if len(open) > 0 {
		t.Errorf("gaps are open: %+v", open)
	}
	c.effort(t)
	t.Logf("%d messages, %d of them escalations; %d reminders: %v; deeds: %v", len(c.told), escalations, len(items), stages, c.deeds)
	c.rig.Verify(t)
}

// effort holds what a person spends to four hours a month, in the mean of the year.
func (c *company) effort(t *testing.T) {
	t.Helper()
	months := c.now.Sub(c.began).Hours() / 24 / 30.44
	for _, name := range slices.Sorted(maps.Keys(c.spent)) {
		sum, most := 0.0, 0.0
		for _, m := range c.spent[name] {
			sum, most = sum+m, max(most, m)
		}
		if mean := sum / months / 60; mean > 4 {
			t.Errorf("%s spends %.1f hours a month", name, mean)
		}
		if name == "privacy" || name == "admin" || name == "nurse-1" {
			t.Logf("%s: %.1f hours a month, %.1f in the worst one", name, sum/months/60, most/60)
		}
	}
}
