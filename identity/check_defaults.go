package identity

import (
	"context"
	"fmt"
	"slices"

	"github.com/tutela-health/tutela"
)

// defaultsCheck tries the passwords that products come with on the accounts that they come for:
// administrators, and whoever has a name that a product would choose. It holds each against what
// is kept of the password, in the queue that logins wait in: tries at the login itself would lock
// the accounts' owners out.
type defaultsCheck struct{ s *Service }

// productNames are usernames that installations come with.
func productNames() []string {
	return []string{"admin", "administrator", "root", "superuser", "sysadmin", "system", "operator", "user", "test", "demo", "guest", "support", "service", "tutela"}
}

// productPasswords are what installations come with, for a username.
func productPasswords(username string) []string {
	return []string{username, "admin", "password", "changeme", "tutela", "123456", username + "123"}
}

func (c defaultsCheck) try(ctx context.Context) tutela.Evidence {
	all, err := c.s.enabled(ctx)
	if err != nil {
		return unseen("accounts", err)
	}
	on := counted(len(all))
	likely := slices.DeleteFunc(all, func(a account) bool {
		return !a.mayLogIn() || !slices.Contains(a.Roles, roleAdmin) && !slices.Contains(productNames(), a.Username)
	})
	var found []account
	for i, a := range likely {
		open, err := c.opens(ctx, a)
		if err != nil {
			return unseen(on, fmt.Errorf("%d of %d likely accounts were tried: %w", i, len(likely), err))
		}
		if open {
			found = append(found, a)
		}
	}
	if len(found) > 0 {
		return seen(on, tutela.Fail, "%d of %d likely accounts open with a password that comes with a product: %s", len(found), len(likely), some(found, userID))
	}
	return seen(on, tutela.Pass, "none of %d passwords that come with products is that of one of %d accounts: administrators', and those with names that products choose",
		len(productPasswords("")), len(likely))
}

// opens reports whether a default password is the account's.
func (c defaultsCheck) opens(ctx context.Context, a account) (bool, error) {
	for _, p := range productPasswords(a.Username) {
		if right, err := c.s.hasher.matches(ctx, a.Verifier, p); err != nil || right {
			return right, err
		}
	}
	return false, nil
}
