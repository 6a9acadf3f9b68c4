package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Roster is a list of the people who work here, as a file holds it. A column that the file has not
// says nothing: what it is about stays as it is.
type Roster struct {
	Rows     []RosterRow
	Columns  []string        // those that are there
	Problems []RosterProblem // lines that could not be read
}

// The columns of a roster.
const (
	ColumnUsername = "username"
	ColumnName     = "name"
	ColumnEmail    = "email"
	ColumnRoles    = "roles"
	ColumnExternal = "external_id"
	ColumnActive   = "active"
	ColumnEnd      = "end_date"
	ColumnCleared  = "clearances"
)

// RosterColumns are all that there may be.
func RosterColumns() []string {
	return []string{ColumnUsername, ColumnName, ColumnEmail, ColumnRoles, ColumnExternal, ColumnActive, ColumnEnd, ColumnCleared}
}

// RosterRow is one person.
type RosterRow struct {
	Line     int
	Username string
	Name     string
	Email    string
	Roles    []string
	External string
	Active   bool
	Ends     time.Time // access ends then by itself; zero: it does not
	Cleared  []string  // sensitivity labels; those that are new wait for the privacy officer
}

// RosterProblem is a line that cannot be followed, and why.
type RosterProblem struct {
	Line int    `json:"line"`
	Text string `json:"text"`
}

// RosterLine is what following the roster does to one account.
type RosterLine struct {
	Line     int           `json:"line,omitempty"` // 0: the person is not in the roster
	ID       tutela.UserID `json:"id,omitempty"`
	Username string        `json:"username"`
	What     []string      `json:"what,omitempty"`
}

// RosterReport is what following a roster does, or did.
type RosterReport struct {
	Applied   bool            `json:"applied"`
	Joiners   []RosterLine    `json:"joiners"`
	Changes   []RosterLine    `json:"changes"`
	Leavers   []RosterLine    `json:"leavers"`
	Unchanged int             `json:"unchanged"`
	Problems  []RosterProblem `json:"problems"`
	// Guard says why so many leavers need force; empty where they do not.
	Guard string `json:"guard,omitempty"`
}

// RosterOptions say how a roster is followed.
type RosterOptions struct {
	Received time.Time // when the order came in
	Apply    bool      // do it; otherwise say what would be done
	Leavers  bool      // the roster is complete: who is not in it has left
	Force    bool      // however many leave
}

// leaversAllowed is which part of the people may leave at once without force.
const leaversAllowed = 5 // a fifth

// ImportRoster makes people's accounts follow a roster, for an administrator: all of it or nothing.
// Administrators, patients and services are not its matter. Without Apply it changes nothing.
func (s *Service) ImportRoster(ctx context.Context, by tutela.Principal, r Roster, o RosterOptions) (RosterReport, error) {
	defer s.orders.enter("roster")()
	var report RosterReport
	err := retried(func() error {
		admin, err := s.administrator(ctx, by)
		if err != nil {
			return err
		}
		all, err := s.accounts(ctx)
		if err != nil {
			return err
		}
		p := s.planRoster(by.ID, r, o, all)
		if report = p.report(); !o.Apply {
			return nil
		}
		if err := report.refusal(o); err != nil {
			return err
		}
		own, err := s.accountClaim(ctx, admin)
		if err != nil {
			return err
		}
		report.Applied = true
		return s.amend(ctx, order{by: by, received: o.Received}, p.amendments, own)
	})
	return report, s.noteRefusal(ctx, s.asked(tutela.ActionUserImport, by), err)
}

// refusal says why a roster is not followed, naming the first lines that are wrong.
func (r RosterReport) refusal(o RosterOptions) error {
	if len(r.Problems) > 0 {
		var lines []string
		for _, p := range r.Problems[:min(len(r.Problems), 5)] {
			lines = append(lines, fmt.Sprintf("line %d: %s", p.Line, p.Text))
		}
		if more := len(r.Problems) - len(lines); more > 0 {
			lines = append(lines, fmt.Sprintf("and %d more", more))
		}
		return errs.New(errs.Unprocessable, "nothing was changed: %s", strings.Join(lines, "; "))
	}
	if r.Guard != "" && !o.Force {
		return errs.New(errs.Unprocessable, "nothing was changed: %s", r.Guard)
	}
	return nil
}

// rosterPlan is what following a roster takes.
type rosterPlan struct {
	s          *Service
	by         tutela.UserID
	roster     Roster
	options    RosterOptions
	accounts   map[tutela.UserID]account // that a roster is about
	byName     map[string]account        // every account
	byExternal map[string]account        // that a roster is about
	seen       map[tutela.UserID]int     // accounts and the line that names them
	names      map[string]int            // usernames and the line that names them
	externals  map[string]int            // external ids and the line that names them
	amendments []amendment
	lines      []int // of the amendments
	unchanged  int
	problems   []RosterProblem
}

func (s *Service) planRoster(by tutela.UserID, r Roster, o RosterOptions, all []account) *rosterPlan {
	p := &rosterPlan{
		s: s, by: by, roster: r, options: o, accounts: map[tutela.UserID]account{}, byName: map[string]account{},
		byExternal: map[string]account{}, seen: map[tutela.UserID]int{}, names: map[string]int{}, externals: map[string]int{},
		problems: slices.Clone(r.Problems),
	}
	for _, a := range all {
		if !a.Removed.IsZero() {
			continue
		}
		p.byName[a.Username] = a
		if a.employed() {
			p.accounts[a.ID] = a
		}
		if a.employed() && a.External != "" {
			p.byExternal[a.External] = a
		}
	}
	for _, row := range r.Rows {
		if err := p.follow(row); err != nil {
			p.problems = append(p.problems, RosterProblem{row.Line, errs.Public(err)})
		}
	}
	if o.Leavers && len(p.problems) == 0 { // who stands in a line that cannot be read has not left
		p.absent()
	}
	return p
}

// employed reports whether an account is one that a roster is about: a person's, who neither
// administers nor is a patient.
func (a account) employed() bool {
	return a.Kind == tutela.ActorPerson && !a.throwaway() && a.Patient == "" &&
		!slices.Contains(a.Roles, roleAdmin) && !slices.Contains(a.Roles, rolePatient)
}

// follow plans what one row means.
func (p *rosterPlan) follow(row RosterRow) error {
	row.Username = foldUsername(row.Username)
	if err := p.check(row); err != nil {
		return err
	}
	p.names[row.Username], p.externals[row.External] = row.Line, row.Line
	before, there, err := p.match(row)
	if err != nil {
		return err
	}
	if there {
		if line, twice := p.seen[before.ID]; twice {
			return errs.New(errs.Unprocessable, "names the account of line %d again", line)
		}
		p.seen[before.ID] = row.Line
	}
	if !there && (!row.Active || p.over(row)) {
		p.unchanged++ // left before there was an account
		return nil
	}
	after := before
	if !there {
		after = p.s.newAccount(NewUser{Kind: tutela.ActorPerson, Scopes: []string{StaffScope}})
	}
	if err := p.fit(&after, row); err != nil {
		return err
	}
	p.amend(amendment{before, after}, row.Line)
	return nil
}

func (p *rosterPlan) has(column string) bool { return slices.Contains(p.roster.Columns, column) }

func (p *rosterPlan) over(row RosterRow) bool {
	return !row.Ends.IsZero() && !p.s.clock().Before(row.Ends)
}

func (p *rosterPlan) amend(m amendment, line int) {
	if m.idle() {
		p.unchanged++
		return
	}
	p.amendments, p.lines = append(p.amendments, m), append(p.lines, line)
}

// check holds a row to the rules of names and roles.
func (p *rosterPlan) check(row RosterRow) error {
	if err := checkUsername(row.Username); err != nil {
		return err
	}
	if line, twice := p.names[row.Username]; twice {
		return errs.New(errs.Unprocessable, "has the username of line %d again", line)
	}
	if line, twice := p.externals[row.External]; twice && row.External != "" {
		return errs.New(errs.Unprocessable, "has the external id of line %d again", line)
	}
	for _, role := range row.Roles {
		if slices.Contains([]string{roleAdmin, rolePatient, roleService, roleProvisioner}, role) {
			return errs.New(errs.Unprocessable, "a roster gives nobody the role %q: administrators and patients are invited one by one", role)
		}
	}
	if err := p.s.CheckRoles(row.Roles); err != nil {
		return err
	}
	return checkTexts(map[string]string{ColumnName: row.Name, ColumnEmail: row.Email, ColumnExternal: row.External})
}

// match finds the account that a row means: by external id, or else by username.
func (p *rosterPlan) match(row RosterRow) (account, bool, error) {
	named, taken := p.byName[row.Username]
	if taken && !named.employed() {
		return account{}, false, errs.New(errs.Unprocessable, "names an account that a roster does not change: an administrator's, a patient's or a service's")
	}
	known, there := p.byExternal[row.External]
	if row.External == "" || !there {
		return named, taken, nil
	}
	if taken && named.ID != known.ID {
		return account{}, false, errs.New(errs.Unprocessable, "has the external id of one account and the username of another")
	}
	return known, true, nil
}

// fit makes an account what a row says.
func (p *rosterPlan) fit(a *account, row RosterRow) error {
	a.Username = row.Username
	if p.has(ColumnName) {
		a.Name.Display = row.Name
	}
	if p.has(ColumnEmail) {
		a.Email = row.Email
	}
	if p.has(ColumnExternal) {
		a.External = row.External
	}
	if p.has(ColumnRoles) {
		a.Roles = slices.Sorted(slices.Values(row.Roles))
	}
	if p.has(ColumnEnd) {
		a.Ends = row.Ends
	}
	if err := p.clear(a, row); err != nil {
		return err
	}
	if len(a.Roles) == 0 && row.Active && a.revision == 0 {
		return errs.New(errs.Unprocessable, "names somebody new and no role")
	}
	switch {
	case !row.Active || a.over(p.s.clock()):
		a.Disabled = true
	case a.Disabled && a.Held:
		return errs.New(errs.Unprocessable, "names an account that an administrator disabled: enable it first, or say active false")
	case p.has(ColumnActive) || p.has(ColumnEnd):
		a.Disabled = false
	}
	return nil
}

// clear says what a row's person is to be cleared for, where the roster says it. An account that nobody
// has taken up is not cleared yet: the next roster asks again.
func (p *rosterPlan) clear(a *account, row RosterRow) error {
	if !p.has(ColumnCleared) {
		return nil
	}
	if err := p.s.checkLabels(row.Cleared); err != nil {
		return err
	}
	if a.clearable() == nil {
		a.seek(row.Cleared, p.by, p.s.clock())
	} else {
		a.seek(nil, p.by, p.s.clock())
	}
	return nil
}

// absent plans that those leave whom the roster does not name.
func (p *rosterPlan) absent() {
	for _, a := range p.byRosterName() {
		if _, named := p.seen[a.ID]; named || a.Disabled && !a.lapsed {
			continue
		}
		after := a
		after.Disabled = true
		p.amend(amendment{a, after}, 0)
	}
}

// byRosterName gives the accounts that a roster is about, by username.
func (p *rosterPlan) byRosterName() []account {
	var list []account
	for _, a := range p.accounts {
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b account) int { return strings.Compare(a.Username, b.Username) })
	return list
}

// report says what the plan does.
func (p *rosterPlan) report() RosterReport {
	r := RosterReport{Joiners: []RosterLine{}, Changes: []RosterLine{}, Leavers: []RosterLine{}, Problems: p.problems, Unchanged: p.unchanged}
	for i, m := range p.amendments {
		line := RosterLine{Line: p.lines[i], ID: m.after.ID, Username: m.after.Username}
		switch {
		case m.joins():
			line.What = m.after.Roles
			r.Joiners = append(r.Joiners, line)
		case m.leaves():
			r.Leavers = append(r.Leavers, line)
		default:
			line.What = changesOf(m)
			r.Changes = append(r.Changes, line)
		}
	}
	if r.Problems == nil {
		r.Problems = []RosterProblem{}
	}
	slices.SortFunc(r.Problems, func(a, b RosterProblem) int { return a.Line - b.Line })
	r.Guard = p.guard(len(r.Leavers))
	return r
}

func changesOf(m amendment) []string {
	list := m.details()
	if m.otherRoles() {
		list = append(list, "roles: "+strings.Join(m.before.Roles, " ")+" → "+strings.Join(m.after.Roles, " "))
	}
	if m.returns() {
		list = append(list, "enabled")
	}
	return list
}

// guard keeps half a file from emptying the house.
func (p *rosterPlan) guard(leavers int) string {
	here := 0
	for _, a := range p.accounts {
		if !a.Disabled || a.lapsed {
			here++
		}
	}
	if leavers == 0 || leavers < here && leavers <= max(1, here/leaversAllowed) {
		return ""
	}
	return fmt.Sprintf("%d of %d people would leave at once; if the roster is whole and right, use force", leavers, here)
}
