package replay

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
)

// Config says what requests are asked again with.
type Config struct {
	Ledger *audit.Log
	Access *access.Authorizer // has the policies in force
	Other  *access.Policies   // those to compare with
	Locate func(tutela.PatientID) tutela.Bucket
	// Caller gives an account as it is now; errs.NotFound where there is none any more.
	Caller func(context.Context, tutela.UserID) (tutela.Principal, error)
	// Treats are the patients whom a clinician treats now, sorted.
	Treats func(context.Context, tutela.Ref) ([]tutela.Bucket, error)
	// Facts looks a resource up, as far as decisions do. Nil: labels and consents are not looked at.
	Facts func(context.Context, access.Grant, tutela.Ref) (access.Facts, error)
}

// Report is what would have been different.
type Report struct {
	Since    time.Time `json:"since"`
	Version  string    `json:"version"` // of the policies in force
	Other    string    `json:"other"`   // of those compared with
	Requests int       `json:"requests"`
	Limited  bool      `json:"limited,omitempty"` // there were more: the newest were taken
	Groups   []Group   `json:"groups"`
	Counts   Counts    `json:"approximated"`
}

// Counts say of how many requests facts are not those of then.
type Counts struct {
	Labels   int `json:"labels_and_consents_not_looked_at"` // by who may not know them
	Now      int `json:"labels_and_consents_as_of_now"`
	Gone     int `json:"resources_gone"`       // not there any more, or erased, or too many to be listed: without labels
	Accounts int `json:"accounts_gone"`        // without relationships and clearances
	Possible int `json:"by_type_and_standing"` // searches and refusals of which the ledger knows no resource
}

// Group is requests that would have fared differently in one way.
type Group struct {
	Change   access.ChangeKind `json:"change"`
	Roles    []string          `json:"roles"`
	Action   tutela.Action     `json:"action"`
	Type     string            `json:"type,omitempty"`
	Standing string            `json:"standing,omitempty"`
	Policies []string          `json:"policies"`
	Elements []string          `json:"elements,omitempty"`
	// Possible: something of the type would be open, or no more; whether there is anything is not known.
	Possible bool      `json:"possible,omitempty"`
	Requests int       `json:"requests"`
	Examples []Example `json:"examples"`
}

// Example is a request's place in the ledger.
type Example struct {
	Leaf int64  `json:"leaf"` // -1 while it is not in the tree
	ID   string `json:"id"`
}

// Bounds on what is asked again, and on the examples of a group.
const (
	maxRequests = 200_000
	maxExamples = 5
)

// Opens reports whether anything would be newly allowed or shown.
func (r *Report) Opens() bool {
	return slices.ContainsFunc(r.Groups, func(g Group) bool { return g.Change.Opens() })
}

// errMany ends a replay that has taken as many requests as it may.
var errMany = errors.New("more requests than are asked again")

// Run asks the requests since a moment again, the newest first.
func Run(ctx context.Context, c Config, since time.Time) (Report, error) {
	in := c.Access.Policies()
	if in == nil {
		return Report{}, errs.New(errs.Unprocessable, "no policy is in force to compare with")
	}
	r := &run{cfg: c, in: in, report: Report{Since: since.UTC(), Version: in.Version(), Other: c.Other.Version(), Groups: []Group{}},
		at: map[string]int{}, callers: map[string]caller{}}
	err := c.Ledger.Search(ctx, audit.Query{From: since, Newest: true}, func(o audit.Opened) error { return r.entry(ctx, o) })
	if r.report.Limited = errors.Is(err, errMany); err != nil && !r.report.Limited {
		return Report{}, err
	}
	slices.SortStableFunc(r.report.Groups, Group.compare)
	return r.report, nil
}

// compare puts what is newly allowed first, and of each kind what was asked most.
func (g Group) compare(o Group) int {
	order := []access.ChangeKind{access.NewlyAllowed, access.NewlyShown, access.NewlyDenied, access.NewlyHidden}
	if a, b := slices.Index(order, g.Change), slices.Index(order, o.Change); a != b {
		return a - b
	}
	if g.Requests != o.Requests {
		return o.Requests - g.Requests
	}
	return strings.Compare(g.key(), o.key())
}

func (g Group) key() string {
	possible := ""
	if g.Possible {
		possible = "possible"
	}
	return strings.Join([]string{string(g.Change), strings.Join(g.Roles, " "), string(g.Action), g.Type, g.Standing, possible,
		strings.Join(g.Policies, " "), strings.Join(g.Elements, " ")}, "\x00")
}
