package policy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
)

// Config says what a Service works with.
type Config struct {
	Register *register.Book
	Clock    clock.Clock
	Board    func() *control.Board
	Checks   func() []tutela.Check
	Users    func(context.Context) ([]identity.User, error)
	Person   func(ctx context.Context, name string) (tutela.UserID, string, error)
}

// Service keeps policies. Safe for concurrent use.
type Service struct{ cfg Config }

// New returns a Service.
func New(c Config) *Service { return &Service{c} }

// Kept is a policy as it stands.
type Kept struct {
	ID       string `json:"id"`
	Revision int64  `json:"revision"`
	State    State  `json:"state"`
	Policy
	Digest  string    `json:"digest"` // of the text: of the draft, where there is one
	Changed time.Time `json:"changed"`
	Review  time.Time `json:"review,omitzero"` // when it is to be looked at again
	Overdue bool      `json:"overdue,omitempty"`
	Failing []string  `json:"failing,omitempty"` // checks that show that it is not lived
	// Of the version in force: how many it concerns, and who has not acknowledged it.
	Concerned int       `json:"concerned"`
	Missing   []Missing `json:"missing,omitempty"`
}

// Missing is a person who has not acknowledged a policy.
type Missing struct {
	User    tutela.UserID `json:"user"`
	Name    string        `json:"name"`
	Until   time.Time     `json:"until"`
	Overdue bool          `json:"overdue,omitempty"`
}

// grace is how long people have to acknowledge a version, from its approval or from when their account was made.
const grace = 30 * 24 * time.Hour

// waits is how long a draft may wait for a second person.
const waits = 30 * 24 * time.Hour

// List gives policies, by id; those that were withdrawn come only where all are wanted.
func (s *Service) List(ctx context.Context, all bool) ([]Kept, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindPolicy})
	if err != nil {
		return nil, err
	}
	versions, err := s.versions(ctx)
	if err != nil {
		return nil, err
	}
	has, err := s.acknowledged(ctx)
	if err != nil {
		return nil, err
	}
	users, err := s.cfg.Users(ctx)
	if err != nil {
		return nil, err
	}
	tried, err := s.cfg.Board().Tried(ctx)
	if err != nil {
		return nil, err
	}
	list, now := []Kept{}, s.cfg.Clock()
	for _, it := range items {
		p, err := register.Decode[Policy](it)
		if err != nil {
			return nil, err
		}
		if it.State == Withdrawn && !all {
			continue
		}
		k := Kept{ID: it.ID, Revision: it.Revision, State: it.State, Policy: p, Digest: digest(p.Text), Changed: it.At, Review: it.Due, Overdue: !it.Due.IsZero() && !now.Before(it.Due)}
		for _, id := range p.Checks {
			if tried[id].Verdict == tutela.Fail {
				k.Failing = append(k.Failing, id)
			}
		}
		if v, there := versions[versionID(it.ID, p.Version)]; there && it.State != Withdrawn {
			k.Concerned, k.Missing = missing(v, users, has, now)
		}
		list = append(list, k)
	}
	return list, nil
}

// missing is whom a version concerns, and who of them has not acknowledged it.
func missing(v Version, users []identity.User, has map[string]signed, now time.Time) (concerned int, list []Missing) {
	for _, u := range users {
		if !concerns(v.Head, u) {
			continue
		}
		concerned++
		if _, there := has[signedID(v, u.ID)]; there {
			continue
		}
		until := v.At
		if u.Created.After(until) {
			until = u.Created
		}
		until = until.Add(grace)
		list = append(list, Missing{User: u.ID, Name: u.Username, Until: until, Overdue: !now.Before(until)})
	}
	slices.SortFunc(list, func(a, b Missing) int { return cmp.Compare(a.Name, b.Name) })
	return concerned, list
}

// concerns reports whether somebody has to acknowledge a policy: people who work here, and can come in.
func concerns(h Head, u identity.User) bool {
	if u.Kind != tutela.ActorPerson || u.Patient != "" || u.Disabled || u.Waiting || !u.Removed.IsZero() || slices.Contains(u.Roles, "proxy") || slices.Contains(u.Roles, "patient") {
		return false
	}
	return len(h.Roles) == 0 || slices.ContainsFunc(u.Roles, func(r string) bool { return slices.Contains(h.Roles, r) })
}

func versionID(policy string, number int) string { return fmt.Sprintf("%s.%d", policy, number) }

func signedID(v Version, user tutela.UserID) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %d %s %q", v.Policy, v.Number, v.Digest, user))
	return hex.EncodeToString(sum[:])
}

func (s *Service) versions(ctx context.Context) (map[string]Version, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindVersion})
	if err != nil {
		return nil, err
	}
	all := map[string]Version{}
	for _, it := range items {
		if all[it.ID], err = register.Decode[Version](it); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *Service) acknowledged(ctx context.Context) (map[string]signed, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindSigned})
	if err != nil {
		return nil, err
	}
	all := map[string]signed{}
	for _, it := range items {
		if all[it.ID], err = register.Decode[signed](it); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Show gives the version of a policy that is in force.
func (s *Service) Show(ctx context.Context, id string) (Version, error) {
	it, p, err := s.get(ctx, id)
	if err != nil {
		return Version{}, err
	}
	if it.State == Withdrawn || p.Version == 0 {
		return Version{}, errs.New(errs.NotFound, "no version of %s is in force", id)
	}
	return s.version(ctx, id, p.Version)
}

func (s *Service) version(ctx context.Context, id string, number int) (Version, error) {
	it, err := s.cfg.Register.Get(ctx, kindVersion, versionID(id, number))
	if err != nil {
		return Version{}, err
	}
	v, err := register.Decode[Version](it)
	if err == nil && (digest(v.Text) != v.Digest || it.Revision != 1) {
		err = errs.New(errs.Internal, "version %d of %s is not what was approved", number, id)
	}
	return v, err
}

// Mine is a policy that concerns somebody.
type Mine struct {
	Version
	Acknowledged time.Time `json:"acknowledged,omitzero"`
	Until        time.Time `json:"until,omitzero"` // of one that is not
}

// Mine gives the policies that concern an account, as they are in force.
func (s *Service) Mine(ctx context.Context, user tutela.UserID) ([]Mine, error) {
	users, err := s.cfg.Users(ctx)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(users, func(u identity.User) bool { return u.ID == user })
	if i < 0 {
		return nil, errs.New(errs.NotFound, "no such account")
	}
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindPolicy})
	if err != nil {
		return nil, err
	}
	has, err := s.acknowledged(ctx)
	if err != nil {
		return nil, err
	}
	list := []Mine{}
	for _, it := range items {
		p, err := register.Decode[Policy](it)
		if err != nil {
			return nil, err
		}
		if it.State == Withdrawn || p.Version == 0 {
			continue
		}
		v, err := s.version(ctx, it.ID, p.Version)
		if err != nil {
			return nil, err
		}
		if !concerns(v.Head, users[i]) {
			continue
		}
		m := Mine{Version: v, Acknowledged: has[signedID(v, user)].At}
		if _, lacking := missing(v, users[i:i+1], has, s.cfg.Clock()); len(lacking) > 0 {
			m.Until = lacking[0].Until
		}
		list = append(list, m)
	}
	return list, nil
}

// Put keeps a text as a draft. The version before stays in force until a second person approves it.
func (s *Service) Put(ctx context.Context, entry tutela.Entry, id string, file []byte) (Kept, error) {
	h, text, err := Parse(file)
	if err != nil {
		return Kept{}, err
	}
	p := Policy{Head: h, Text: text, Proposed: entry.Actor.ID}
	if err := s.links(ctx, &p); err != nil {
		return Kept{}, err
	}
	it, before, err := s.get(ctx, id)
	switch {
	case errs.Is(err, errs.NotFound):
		it = register.Item{Kind: kindPolicy, ID: id}
	case err != nil:
		return Kept{}, err
	}
	p.Version = before.Version
	return s.put(ctx, entry, it, p, Draft, s.cfg.Clock().Add(waits), "drafted")
}

// links finds the owner, and refuses checks and requirements that there are not.
func (s *Service) links(ctx context.Context, p *Policy) error {
	id, name, err := s.cfg.Person(ctx, p.Owner)
	if errs.Is(err, errs.NotFound) {
		return errs.New(errs.Invalid, "the owner of a policy is a person with an account, by username or id")
	}
	if err != nil {
		return err
	}
	p.Owner, p.OwnerName = string(id), name
	for _, c := range p.Checks {
		if !slices.ContainsFunc(s.cfg.Checks(), func(have tutela.Check) bool { return have.ID == c }) {
			return errs.New(errs.Invalid, "%q is no check; docs/checks.md lists them", c)
		}
	}
	o, err := s.cfg.Board().List(ctx, control.Filter{})
	if err != nil {
		return err
	}
	for _, r := range p.Controls {
		if !slices.ContainsFunc(o.Controls, func(c control.Control) bool { return c.ID == r }) {
			return errs.New(errs.Invalid, "%q is no requirement in the catalogue", r)
		}
	}
	return nil
}

func (s *Service) get(ctx context.Context, id string) (register.Item, Policy, error) {
	it, err := s.cfg.Register.Get(ctx, kindPolicy, id)
	if err != nil {
		return it, Policy{}, err
	}
	p, err := register.Decode[Policy](it)
	return it, p, err
}

func change(it register.Item, owner tutela.UserID, due time.Time, body any, what string) (register.Change, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return register.Change{}, fmt.Errorf("encode %s: %w", it.Kind, err)
	}
	it.Owner, it.Due, it.Body = owner, due, text
	return register.Change{Item: it, What: what}, nil
}

func (s *Service) put(ctx context.Context, entry tutela.Entry, it register.Item, p Policy, to State, due time.Time, what string, more ...register.Change) (Kept, error) {
	it.State = to
	c, err := change(it, tutela.UserID(p.Owner), due, p, what)
	if err != nil {
		return Kept{}, err
	}
	list, err := s.cfg.Register.Put(ctx, entry, append([]register.Change{c}, more...)...)
	if err != nil {
		return Kept{}, err
	}
	return Kept{ID: it.ID, Revision: list[0].Revision, State: to, Policy: p, Digest: digest(p.Text), Changed: list[0].At, Review: list[0].Due}, nil
}

// Approve puts a draft in force, by somebody else than who wrote it, who names the digest of the text that he read; for one
// that is in force already it says that it was looked at again and stays as it is.
func (s *Service) Approve(ctx context.Context, entry tutela.Entry, id, read string) (Kept, error) {
	it, p, err := s.get(ctx, id)
	switch {
	case err != nil:
		return Kept{}, err
	case it.State == Withdrawn:
		return Kept{}, errs.New(errs.Conflict, "policy %s was withdrawn", id)
	case p.Proposed == entry.Actor.ID:
		return Kept{}, errs.New(errs.Denied, "somebody else than who wrote it has to approve it")
	case read != digest(p.Text):
		return Kept{}, errs.New(errs.Conflict, "that is not the text that is there now: read it again")
	}
	now := s.cfg.Clock().UTC().Truncate(time.Millisecond)
	due := now.AddDate(0, p.Every, 0)
	if it.State == Approved {
		return s.put(ctx, entry, it, p, Approved, due, "looked at again")
	}
	p.Version++
	v := Version{Policy: id, Number: p.Version, Head: p.Head, Text: p.Text, Digest: digest(p.Text), At: now, Approver: entry.Actor.ID, Author: p.Proposed}
	version, err := change(register.Item{Kind: kindVersion, ID: versionID(id, p.Version), State: Approved}, tutela.UserID(p.Owner), time.Time{}, v, "approved")
	if err != nil {
		return Kept{}, err
	}
	return s.put(ctx, entry, it, p, Approved, due, fmt.Sprintf("version %d approved", p.Version), version)
}

// Withdraw ends a policy.
func (s *Service) Withdraw(ctx context.Context, entry tutela.Entry, id, reason string) (Kept, error) {
	it, p, err := s.get(ctx, id)
	switch {
	case err != nil:
		return Kept{}, err
	case it.State == Withdrawn:
		return Kept{}, errs.New(errs.Conflict, "policy %s was withdrawn already", id)
	case reason == "" || len(reason) > maxLine:
		return Kept{}, errs.New(errs.Invalid, "say in %d bytes at most why it ends", maxLine)
	}
	p.Withdrawn = reason
	return s.put(ctx, entry, it, p, Withdrawn, time.Time{}, "withdrawn")
}

// Acknowledge says that somebody has read the version in force, whose text has the given digest. Nobody does so for
// somebody else.
func (s *Service) Acknowledge(ctx context.Context, by tutela.Principal, entry tutela.Entry, id, read string) (Mine, error) {
	list, err := s.Mine(ctx, by.ID)
	if err != nil {
		return Mine{}, err
	}
	i := slices.IndexFunc(list, func(m Mine) bool { return m.Policy == id })
	if i < 0 {
		return Mine{}, errs.New(errs.NotFound, "no such policy concerns you")
	}
	m := list[i]
	switch {
	case read != m.Digest:
		return Mine{}, errs.New(errs.Conflict, "that is not the text that is in force: read version %d", m.Number)
	case !m.Acknowledged.IsZero():
		return m, nil
	}
	m.Acknowledged, m.Until = s.cfg.Clock().UTC().Truncate(time.Millisecond), time.Time{}
	c, err := change(register.Item{Kind: kindSigned, ID: signedID(m.Version, by.ID), State: "given"}, by.ID, time.Time{},
		signed{Policy: id, Number: m.Number, Digest: m.Digest, User: by.ID, Name: by.Username, At: m.Acknowledged}, fmt.Sprintf("version %d of %s acknowledged", m.Number, id))
	if err != nil {
		return Mine{}, err
	}
	_, err = s.cfg.Register.Put(ctx, entry, c)
	return m, err
}

// Duties are the policies to be approved, to be looked at again and to be acknowledged.
func (s *Service) Duties(ctx context.Context) ([]register.Duty, error) {
	all, err := s.List(ctx, false)
	if err != nil {
		return nil, err
	}
	var list []register.Duty
	for _, k := range all {
		d := register.Duty{Kind: kindPolicy, ID: k.ID, Title: k.Title, Owner: tutela.UserID(k.Owner), Name: k.OwnerName, Due: k.Review, What: "look at the policy again", Do: "tutela policies set " + k.ID + ", or approve it as it is"}
		if k.State == Draft {
			d.What, d.Do = "have a second person approve the policy", "tutela policies approve "+k.ID
		}
		list = append(list, d)
		for _, m := range k.Missing {
			list = append(list, register.Duty{Kind: kindPolicy, ID: k.ID, Title: k.Title, Owner: m.User, Name: m.Name, Due: m.Until, What: "read and acknowledge the policy", Do: "tutela policies acknowledge " + k.ID})
		}
	}
	return list, nil
}
