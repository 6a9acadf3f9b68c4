package review

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// prefill gives what is to be looked at in a round, by what the system knows at its end.
func (s *Service) prefill(ctx context.Context, r Round) ([]Item, error) {
	fill := map[Sort]func(context.Context, Round) ([]Item, error){
		AccessRights: s.accounts, Logins: s.failures, Configuration: s.configuration, Policies: s.policies, Laws: s.laws, SecurityTests: s.tests,
	}[r.Sort]
	list, err := fill(ctx, r)
	if err != nil {
		return nil, err
	}
	if len(list) > maxItems {
		return nil, errs.New(errs.Unprocessable, "%d items are too many for one round; %d are the most", len(list), maxItems)
	}
	return list, nil
}

// accounts are all but patients' and those that are gone, by name.
func (s *Service) accounts(ctx context.Context, r Round) ([]Item, error) {
	users, err := s.cfg.Users(ctx)
	if err != nil {
		return nil, err
	}
	var list []Item
	for _, u := range users {
		if u.Patient != "" || !u.Removed.IsZero() || u.Disabled {
			continue
		}
		list = append(list, Item{
			Key: string(u.ID), Title: u.Username, Account: u.ID, Flags: suspicions(u, r.Until),
			Facts: []Fact{
				{"kind", string(u.Kind)}, {"roles", strings.Join(u.Roles, " ")}, {"unit", u.Unit}, {"cleared for", strings.Join(u.Clearances, " ")},
				{"state", u.State()}, {"made", day(u.Created)}, {"last login", day(u.LastLogin)}, {"ends", day(u.Ends)}, {"directory", u.Provisioner},
			},
		})
	}
	slices.SortFunc(list, func(a, b Item) int { return strings.Compare(a.Title, b.Title) })
	return list, nil
}

// suspicions are why an account wants a closer look.
func suspicions(u identity.User, now time.Time) (list []string) {
	if u.Kind == tutela.ActorPerson {
		switch {
		case u.LastLogin.IsZero() && now.Sub(u.Created) > dormant:
			list = append(list, fmt.Sprintf("nobody ever came in, in %d days", days(now.Sub(u.Created))))
		case !u.LastLogin.IsZero() && now.Sub(u.LastLogin) > dormant:
			list = append(list, fmt.Sprintf("nobody came in for %d days", days(now.Sub(u.LastLogin))))
		}
	}
	if slices.Contains(u.Roles, "admin") {
		list = append(list, "it administers")
	}
	if len(u.Clearances) > 0 {
		list = append(list, "it sees what is sensitive")
	}
	return list
}

// maxFailures bounds how many failed logins a round reads.
const maxFailures = 200_000

// failures are the accounts that somebody failed to come in as, those of the most failures first.
func (s *Service) failures(ctx context.Context, r Round) ([]Item, error) {
	type tally struct {
		n           int
		first, last time.Time
		what, from  map[string]bool
	}
	byID, read := map[tutela.UserID]*tally{}, 0
	q := audit.Query{Action: tutela.ActionAuthenticate, Outcome: tutela.OutcomeDenied, From: r.From, To: r.Until, Limit: maxFailures}
	err := s.cfg.Ledger.Search(ctx, q, func(o audit.Opened) error {
		read++
		var id tutela.UserID
		what := ""
		if sub := o.Entry.Subject; sub != nil && sub.Kind == "user" {
			id, what = tutela.UserID(sub.ID), sub.Detail
		}
		t := byID[id]
		if t == nil {
			t = &tally{first: o.Entry.Time, what: map[string]bool{}, from: map[string]bool{}}
			byID[id] = t
		}
		t.n, t.last = t.n+1, o.Entry.Time
		t.what[what], t.from[o.Entry.Address] = true, true
		return nil
	})
	if err != nil {
		return nil, err
	}
	users, err := s.cfg.Users(ctx)
	if err != nil {
		return nil, err
	}
	names := map[tutela.UserID]identity.User{}
	for _, u := range users {
		names[u.ID] = u
	}
	list := []Item{}
	strangers := 0
	for id, t := range byID {
		u, known := names[id]
		if !known || !u.Removed.IsZero() {
			strangers += t.n
			continue
		}
		it := Item{Key: string(id), Title: u.Username, Account: id, Facts: []Fact{
			{"failures", strconv.Itoa(t.n)}, {"first", moment(t.first)}, {"last", moment(t.last)}, {"addresses", strconv.Itoa(len(t.from))},
			{"what failed", join(t.what)}, {"last login", day(u.LastLogin)}, {"state", u.State()},
		}}
		if u.Disabled {
			it.Account = "" // there is nothing to end
		}
		if t.n >= manyFails {
			it.Flags = append(it.Flags, fmt.Sprintf("%d failures", t.n))
		}
		if u.LastLogin.Before(t.last) {
			it.Flags = append(it.Flags, "nobody came in after the last one")
		}
		list = append(list, it)
	}
	slices.SortFunc(list, func(a, b Item) int {
		return cmp.Or(-compareNumbers(a.Facts[0].Value, b.Facts[0].Value), strings.Compare(a.Title, b.Title))
	})
	all := Item{Key: "all", Title: "all failed logins", Facts: []Fact{
		{"failures", strconv.Itoa(read)}, {"accounts", strconv.Itoa(len(list))}, {"failures as nobody who is here", strconv.Itoa(strangers)},
	}}
	if read == maxFailures {
		all.Flags = []string{fmt.Sprintf("only the first %d were read", read)}
	}
	return append([]Item{all}, list...), nil
}

func compareNumbers(a, b string) int {
	x, _ := strconv.Atoi(a)
	y, _ := strconv.Atoi(b)
	return cmp.Compare(x, y)
}

// configuring are the actions that change how the system is set up.
func configuring() []tutela.Action {
	return []tutela.Action{
		tutela.ActionPolicyReload, tutela.ActionRulesReload, tutela.ActionAnswerReload, tutela.ActionIncidentReload,
		tutela.ActionClientCreate, tutela.ActionClientUpdate, tutela.ActionClientDelete, tutela.ActionProviderCreate, tutela.ActionProviderUpdate, tutela.ActionProviderDelete,
		tutela.ActionKeyRotate, tutela.ActionKeyDestroy, tutela.ActionKeyProviderMove, tutela.ActionSignerRotate, tutela.ActionRecoverySplit,
		tutela.ActionPipelineRegister, tutela.ActionPipelineRevoke, tutela.ActionBackupRestore,
	}
}

// configuration are the checks of the running system that did not pass, and what was changed by whom.
func (s *Service) configuration(ctx context.Context, r Round) ([]Item, error) {
	list, err := s.tried(ctx, func(id string) bool { return !strings.HasPrefix(id, "build.") })
	if err != nil {
		return nil, err
	}
	list = slices.DeleteFunc(list, func(it Item) bool { return len(it.Flags) == 0 })
	for _, action := range configuring() {
		n, who := 0, map[string]bool{}
		err := s.cfg.Ledger.Search(ctx, audit.Query{Action: action, From: r.From, To: r.Until}, func(o audit.Opened) error {
			n++
			who[cmp.Or(o.Entry.Actor.Name, string(o.Entry.Actor.ID))] = true
			return nil
		})
		if err != nil {
			return nil, err
		}
		if n > 0 {
			list = append(list, Item{Key: string(action), Title: string(action), Facts: []Fact{{"times", strconv.Itoa(n)}, {"by", join(who)}}})
		}
	}
	if len(list) == 0 {
		list = []Item{{Key: "nothing", Title: "every check passes, and nothing was changed", Facts: []Fact{}}}
	}
	return list, nil
}

// tests are the checks of the organisation's own software.
func (s *Service) tests(ctx context.Context, _ Round) ([]Item, error) {
	list, err := s.tried(ctx, func(id string) bool { return strings.HasPrefix(id, "build.") })
	if err == nil && len(list) == 0 {
		list = []Item{{Key: "nothing", Title: "no pipeline has told of any test", Facts: []Fact{}, Flags: []string{"nothing is known"}}}
	}
	return list, err
}

// tried gives checks with their newest evidence; what is neither a pass nor of no use here is flagged, and what is stale.
func (s *Service) tried(ctx context.Context, which func(id string) bool) ([]Item, error) {
	newest, err := s.cfg.Tried(ctx)
	if err != nil {
		return nil, err
	}
	var list []Item
	for id, e := range newest {
		if !which(id) {
			continue
		}
		it := Item{Key: id, Title: id, Facts: []Fact{{"verdict", string(e.Verdict)}, {"observed", clip(e.Observed)}, {"on", clip(e.On)}, {"at", moment(e.At)}}}
		if e.Verdict != tutela.Pass && e.Verdict != tutela.NotApplicable {
			it.Flags = append(it.Flags, string(e.Verdict))
		}
		if !s.cfg.Clock().Before(e.Expires) {
			it.Flags = append(it.Flags, "no fresh evidence")
		}
		list = append(list, it)
	}
	slices.SortFunc(list, func(a, b Item) int { return strings.Compare(a.Key, b.Key) })
	return list, nil
}

// policies are those in the register.
func (s *Service) policies(ctx context.Context, r Round) ([]Item, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: "policy"})
	if err != nil {
		return nil, err
	}
	list := []Item{}
	for _, p := range items {
		var said struct {
			Title string `json:"title"`
		}
		if err := json.Unmarshal(p.Body, &said); err != nil {
			return nil, fmt.Errorf("decode policy %s: %w", p.ID, err)
		}
		it := Item{Key: p.ID, Title: cmp.Or(said.Title, p.ID), Facts: []Fact{{"state", string(p.State)}, {"revision", strconv.FormatInt(p.Revision, 10)}, {"changed", day(p.At)}, {"due", day(p.Due)}}}
		if !p.Due.IsZero() && !r.Until.Before(p.Due) {
			it.Flags = append(it.Flags, "it is overdue")
		}
		list = append(list, it)
	}
	if len(list) == 0 {
		list = []Item{{Key: "nothing", Title: "no policy is written down", Facts: []Fact{}, Flags: []string{"there is none"}}}
	}
	return list, nil
}

// laws are the regulations of the catalogue: whether they still say what it says that they do, a person knows alone.
func (s *Service) laws(context.Context, Round) ([]Item, error) {
	var list []Item
	for _, reg := range s.cfg.Regulations() {
		if reg.ID == catalog.Own {
			continue
		}
		open := 0
		for _, q := range reg.Requirements {
			if q.Unverified {
				open++
			}
		}
		it := Item{Key: reg.ID, Title: reg.Title, Facts: []Fact{{"citation", reg.Citation}, {"status", string(reg.Status)}, {"requirements", strconv.Itoa(len(reg.Requirements))}}}
		if open > 0 {
			it.Flags = append(it.Flags, fmt.Sprintf("%d requirements were never held against an official source", open))
		}
		if reg.Status == catalog.Proposed {
			it.Flags = append(it.Flags, "it is proposed: look whether it is in force")
		}
		list = append(list, it)
	}
	return list, nil
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func days(d time.Duration) int { return int(d / (24 * time.Hour)) }

// maxClip bounds what is quoted of evidence, in bytes.
const maxClip = 300

func clip(s string) string {
	if len(s) <= maxClip {
		return s
	}
	return strings.ToValidUTF8(s[:maxClip], "") + "…"
}

// join lists what a set has, in order and at most ten of it.
func join(set map[string]bool) string {
	var list []string
	for s := range set {
		if s != "" {
			list = append(list, s)
		}
	}
	slices.Sort(list)
	if len(list) > 10 {
		list = append(list[:10], fmt.Sprintf("and %d more", len(list)-10))
	}
	return strings.Join(list, ", ")
}
