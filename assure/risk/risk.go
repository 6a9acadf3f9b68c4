package risk

import (
	"slices"
	"time"
	"unicode/utf8"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Treatment is what is done about a risk (NIST SP 800-39, 3.3, has the same and sharing).
type Treatment string

// The treatments.
const (
	Mitigate Treatment = "mitigate"
	Accept   Treatment = "accept"
	Transfer Treatment = "transfer"
	Avoid    Treatment = "avoid"
)

// State says where a risk is in its life.
type State string

// The states.
const (
	Waiting State = "waiting" // a second person is to agree
	Open    State = "open"
	Closed  State = "closed" // it is none any more, and why
)

// Rating is how likely something is, and how bad: each from 1 (hardly) to 5 (almost certain; somebody may die, or everybody's
// records are out).
type Rating struct {
	Likelihood int `json:"likelihood"`
	Safety     int `json:"safety"` // of patients
	Data       int `json:"data"`
}

// Score is likelihood times the greater impact, from 1 to 25.
func (r Rating) Score() int { return r.Likelihood * max(r.Safety, r.Data) }

// High is the score from which on two people have to agree to what is left.
const High = 10

func (r Rating) valid() bool {
	return !slices.ContainsFunc([]int{r.Likelihood, r.Safety, r.Data}, func(n int) bool { return n < 1 || n > 5 })
}

// Risk is one thing that may happen.
type Risk struct {
	Title     string        `json:"title"`
	Asset     string        `json:"asset"`    // what it happens to
	Threat    string        `json:"threat"`   // what happens
	Inherent  Rating        `json:"inherent"` // if nothing were done
	Treatment Treatment     `json:"treatment"`
	Reason    string        `json:"reason"`   // why so
	Residual  Rating        `json:"residual"` // with what is done
	Owner     tutela.UserID `json:"owner"`    // whom it is given to: also by username
	OwnerName string        `json:"owner_name,omitempty"`
	Review    time.Time     `json:"review"`             // when somebody looks again
	Controls  []string      `json:"controls,omitempty"` // ids of the catalogue that hold it down
	Vendors   []string      `json:"vendors,omitempty"`  // ids of the register of vendors
	Checks    []string      `json:"checks,omitempty"`   // that show that it is held down
	Gaps      []string      `json:"gaps,omitempty"`     // ids of the board of gaps: findings that feed it
	// Proposed and Agreed are who wants a high residual risk, and who agreed to it.
	Proposed tutela.UserID `json:"proposed,omitempty"`
	Agreed   tutela.UserID `json:"agreed,omitempty"`
	Closed   string        `json:"closed,omitempty"` // why it is none any more
}

// Bounds of a risk.
const (
	maxText  = 2000 // bytes
	maxLinks = 50
	longest  = 366 * 24 * time.Hour
)

// check refuses what is no risk at a moment.
func (r Risk) check(now time.Time) error {
	for name, text := range map[string]string{"title": r.Title, "asset": r.Asset, "threat": r.Threat, "reason": r.Reason, "owner": string(r.Owner)} {
		if text == "" || len(text) > maxText || !utf8.ValidString(text) {
			return errs.New(errs.Invalid, "a risk says its %s, in %d bytes of text at most", name, maxText)
		}
	}
	switch {
	case !r.Inherent.valid() || !r.Residual.valid():
		return errs.New(errs.Invalid, "likelihood and impacts are from 1 to 5, before and after the treatment")
	case r.Residual.Score() > r.Inherent.Score():
		return errs.New(errs.Invalid, "what is left cannot be more than what there was")
	case !slices.Contains([]Treatment{Mitigate, Accept, Transfer, Avoid}, r.Treatment):
		return errs.New(errs.Invalid, "treatment is mitigate, accept, transfer or avoid")
	case r.Treatment == Accept && r.Residual != r.Inherent:
		return errs.New(errs.Invalid, "what is accepted is left as it is")
	case !r.Review.After(now) || r.Review.Sub(now) > longest:
		return errs.New(errs.Invalid, "a risk is looked at again within %d days from now", longest/(24*time.Hour))
	case max(len(r.Controls), len(r.Vendors), len(r.Checks), len(r.Gaps)) > maxLinks:
		return errs.New(errs.Invalid, "a risk names %d controls, checks, vendors and gaps at most of each", maxLinks)
	}
	return nil
}
