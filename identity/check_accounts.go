package identity

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// The checks that look at the accounts there are. Throw-aways of other checks are not counted.

// enabled lists the people's accounts that may be logged in to.
func (s *Service) enabled(ctx context.Context) ([]account, error) {
	all, err := s.accounts(ctx)
	return slices.DeleteFunc(all, func(a account) bool {
		return a.Disabled || a.Kind != tutela.ActorPerson || a.throwaway()
	}), err
}

// counted says where accounts were looked at.
func counted(n int) string { return fmt.Sprintf("%d people's accounts that are enabled", n) }

// dormantCheck looks for accounts of the staff that nobody uses (NIST SP 800-53, AC-2(3)). A
// patient may come once a year; a service does not log in.
type dormantCheck struct {
	s     *Service
	after time.Duration
}

func (c dormantCheck) try(ctx context.Context) tutela.Evidence {
	all, err := c.s.enabled(ctx)
	if err != nil {
		return unseen("accounts", err)
	}
	staff := slices.DeleteFunc(slices.Clone(all), func(a account) bool { return slices.Equal(a.Roles, []string{rolePatient}) })
	dormant := slices.DeleteFunc(slices.Clone(staff), func(a account) bool { return c.s.clock().Sub(a.lastUsed()) < c.after })
	days := int(c.after / (24 * time.Hour))
	if len(dormant) > 0 {
		return seen(counted(len(all)), tutela.Fail, "%d of %d accounts of the staff were not logged in to for %d days: %s", len(dormant), len(staff), days, some(dormant, userID))
	}
	return seen(counted(len(all)), tutela.Pass, "each of %d accounts of the staff was made or logged in to within %d days", len(staff), days)
}

// rolePatient is the role of those who see their own chart.
const rolePatient = "patient"

// lastUsed is when somebody last logged in, or when the account was made.
func (a account) lastUsed() time.Time {
	if a.LastLogin.After(a.Created) {
		return a.LastLogin
	}
	return a.Created
}

// separationCheck looks for accounts that administer and do something else besides, and tries to
// make one.
type separationCheck struct {
	s      *Service
	create func(ctx context.Context, by tutela.Actor, n NewUser) (User, Credentials, error)
}

func newSeparationCheck(s *Service) separationCheck { return separationCheck{s, s.CreateUser} }

func (c separationCheck) try(ctx context.Context) tutela.Evidence {
	all, err := c.s.enabled(ctx)
	if err != nil {
		return unseen("accounts", err)
	}
	on := counted(len(all))
	admins := slices.DeleteFunc(all, func(a account) bool { return !slices.Contains(a.Roles, roleAdmin) })
	shared := slices.DeleteFunc(slices.Clone(admins), account.onlyAdministers)
	var wrong []string
	if len(shared) > 0 {
		wrong = append(wrong, fmt.Sprintf("%d of %d accounts that administer are for everyday work too: %s", len(shared), len(admins), some(shared, userID)))
	}
	made, err := c.made(ctx)
	if err != nil {
		return unseen(on, err)
	}
	if made {
		wrong = append(wrong, "an account with administration and another role could be made")
	}
	return verdictOf(on, wrong, "%d accounts administer, and none of them has another role, a scope on records or a chart; one with administration and another role could not be made", len(admins))
}

// onlyAdministers reports whether an account reaches nothing but administration.
func (a account) onlyAdministers() bool {
	return onlyAdmin(a.Roles) && len(a.Scopes) == 0 && a.FHIRUser.ID == "" && a.Patient == ""
}

// made tries to make an account for both, and removes it if it was made.
func (c separationCheck) made(ctx context.Context) (bool, error) {
	other := "nurse"
	if i := slices.IndexFunc(c.s.roles, func(r string) bool { return r != roleAdmin }); i >= 0 {
		other = c.s.roles[i]
	}
	if err := c.s.CheckRoles([]string{other}); err != nil {
		return false, fmt.Errorf("a refusal would prove nothing: %w", err)
	}
	n := newThrowaway(tutela.ActorPerson)
	n.Roles = []string{roleAdmin, other}
	u, _, err := c.create(ctx, assessor(), n)
	if errs.Is(err, errs.Unprocessable) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, c.s.remove(context.WithoutCancel(ctx), u.ID)
}
