package review

import (
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Sort is what is looked at.
type Sort string

// The sorts.
const (
	AccessRights  Sort = "access-rights"
	Logins        Sort = "authentication-logs"
	Configuration Sort = "configuration"
	Policies      Sort = "policies"
	Laws          Sort = "laws"
	SecurityTests Sort = "security-tests"
)

// usual are the sorts with how many months may pass between two rounds unless somebody says otherwise.
func usual() []Plan {
	return []Plan{
		{Sort: AccessRights, Every: 3}, {Sort: Logins, Every: 1}, {Sort: Configuration, Every: 3},
		{Sort: Policies, Every: 12}, {Sort: Laws, Every: 6}, {Sort: SecurityTests, Every: 3},
	}
}

// Sorts are all that is reviewed.
func Sorts() []Sort {
	var list []Sort
	for _, p := range usual() {
		list = append(list, p.Sort)
	}
	return list
}

// Title says what a sort looks at.
func (s Sort) Title() string {
	return map[Sort]string{
		AccessRights: "who may come in, and as what", Logins: "who failed to come in", Configuration: "how the system is set up",
		Policies: "what the policies say", Laws: "what the law says", SecurityTests: "what was found in software",
	}[s]
}

// Plan says who reviews what, and how often. Its id is its sort.
type Plan struct {
	Sort      Sort          `json:"sort"`
	Owner     tutela.UserID `json:"owner"` // also by username
	OwnerName string        `json:"owner_name"`
	Every     int           `json:"every"` // months between the ends of two rounds, 1 to 12
	Round     int           `json:"round"` // number of the newest round; 0 before the first
	Last      time.Time     `json:"last"`  // when the last one ended; before the first, when the plan was made
}

// due is when a round is to be over.
func (p Plan) due() time.Time { return p.Last.AddDate(0, p.Every, 0) }

// Choice is what a person decides about an item.
type Choice string

// The choices.
const (
	Keep     Choice = "keep"      // it is as it should be
	Disable  Choice = "disable"   // the account is to let nobody in
	Roles    Choice = "roles"     // the account is to have other roles
	FollowUp Choice = "follow-up" // something is to be done by a day
)

// choices are those that an item has.
func (i Item) choices() []Choice {
	if i.Account == "" {
		return []Choice{Keep, FollowUp}
	}
	return []Choice{Keep, Disable, Roles, FollowUp}
}

// Fact is one thing that is known about an item.
type Fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Item is one thing to decide about.
type Item struct {
	Key     string        `json:"key"`
	Title   string        `json:"title"`
	Account tutela.UserID `json:"account,omitempty"` // which a decision may change
	Facts   []Fact        `json:"facts"`
	Flags   []string      `json:"flags,omitempty"` // why it wants a closer look
	Decided *Decided      `json:"decided,omitempty"`
}

// Decision is what is said about an item.
type Decision struct {
	Key    string   `json:"key"`
	Choice Choice   `json:"choice"`
	Reason string   `json:"reason,omitempty"` // needed but where what has no flag is kept
	Roles  []string `json:"roles,omitempty"`  // of the choice of that name
	Owner  string   `json:"owner,omitempty"`  // of a follow-up, by username or id
	Until  string   `json:"until,omitempty"`  // of a follow-up: a day, as 2027-03-01
}

// Decided is a decision with who took it, and when it was carried out.
type Decided struct {
	Decision
	By      tutela.UserID `json:"by"`
	ByName  string        `json:"by_name"`
	At      time.Time     `json:"at"`
	Carried time.Time     `json:"carried,omitzero"` // zero while the account is as it was
}

// waits reports whether something decided is not carried out.
func (i Item) waits() bool { return i.Decided != nil && i.Decided.Carried.IsZero() }

// Round is one look at everything of a sort.
type Round struct {
	Sort   Sort      `json:"sort"`
	Number int       `json:"number"`
	From   time.Time `json:"from"`  // of the period that is looked at
	Until  time.Time `json:"until"` // its end: when the round was opened
	Items  []Item    `json:"items"`
}

// Open is how many items wait for a decision.
func (r Round) Open() (n int) {
	for _, it := range r.Items {
		if it.Decided == nil {
			n++
		}
	}
	return n
}

// Waiting is how many decisions are not carried out.
func (r Round) Waiting() (n int) {
	for _, it := range r.Items {
		if it.waits() {
			n++
		}
	}
	return n
}

// Task is a follow-up.
type Task struct {
	Sort      Sort          `json:"sort"`
	Round     int           `json:"round"`
	Item      string        `json:"item"` // its title
	What      string        `json:"what"`
	Owner     tutela.UserID `json:"owner"`
	OwnerName string        `json:"owner_name"`
	Until     time.Time     `json:"until"`
	Done      string        `json:"done,omitempty"` // how
}

// Bounds.
const (
	maxItems  = 5000
	maxText   = 2000
	longest   = 366 * 24 * time.Hour // until a follow-up
	dormant   = 90 * 24 * time.Hour
	manyFails = 10
)

func (p Plan) check() error {
	switch {
	case !slices.Contains(Sorts(), p.Sort):
		return errs.New(errs.Invalid, "%q is nothing that is reviewed; there are %v", p.Sort, Sorts())
	case p.Every < 1 || p.Every > 12:
		return errs.New(errs.Invalid, "a review comes every 1 to 12 months")
	}
	return nil
}

// check refuses a decision that an item cannot have, or that its author may not take.
func (d Decision) check(it Item, by tutela.UserID) error {
	bad := func(format string, args ...any) error { return errs.New(errs.Invalid, format, args...) }
	switch {
	case it.Decided != nil && it.Account != "" && !it.waits() && it.Decided.Choice != Keep:
		return errs.New(errs.Conflict, "%s is carried out already", d.Key)
	case !slices.Contains(it.choices(), d.Choice):
		return bad("about %s one can decide %v", d.Key, it.choices())
	case it.Account != "" && it.Account == by:
		return errs.New(errs.Denied, "somebody else decides about your own account")
	case len(d.Reason) > maxText:
		return bad("a reason has %d bytes at most", maxText)
	case d.Reason == "" && (d.Choice != Keep || len(it.Flags) > 0):
		return bad("say why %s is decided so: it is no matter of course", d.Key)
	case (d.Choice == Roles) != (len(d.Roles) > 0):
		return bad("other roles, and only they, name roles")
	case (d.Choice == FollowUp) != (d.Owner != "" && d.Until != ""):
		return bad("a follow-up, and only one, names who sees to it and until when")
	}
	return nil
}
