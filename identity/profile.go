package identity

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tutela-health/tutela/internal/errs"
)

// Profile is what a SCIM client says of a person. It holds nothing that proves anybody, and no role:
// roles follow from groups.
type Profile struct {
	Username string
	External string
	Name     Name
	Email    string
	Unit     string
	Groups   []string
	Active   bool
}

// Profile gives what a SCIM client may say of an account as it is.
func (u User) Profile() Profile {
	return Profile{
		Username: u.Username, External: u.External, Name: u.Name, Email: u.Email, Unit: u.Unit,
		Groups: slices.Clone(u.Groups), Active: !u.Disabled,
	}
}

// fit makes an account what a SCIM client wants, as far as the client may want it.
func (p *Provisioner) fit(ctx context.Context, a *account, want Profile) error {
	want.Username = foldUsername(want.Username)
	if err := want.check(); err != nil {
		return err
	}
	rename := a.Username != want.Username || a.External != want.External
	a.Username, a.External, a.Name, a.Email, a.Unit = want.Username, want.External, want.Name, want.Email, want.Unit
	a.Provisioner = p.client.ID
	if rename {
		if err := p.rivals(ctx, *a); err != nil {
			return err
		}
	}
	if err := p.regroup(a, want.Groups); err != nil {
		return err
	}
	return a.turn(want.Active, p.s.clock())
}

// regroup puts an account into groups and takes it out of others. Roles follow: those of the groups
// that it left go, those of its groups come, and what an administrator gave beside them stays.
func (p *Provisioner) regroup(a *account, groups []string) error {
	mapped := func(group string) bool {
		return slices.ContainsFunc(p.client.Groups, func(g GroupRole) bool { return g.Group == group })
	}
	gone := func(group string) bool { return slices.Contains(a.Groups, group) && !mapped(group) }
	groups = slices.Compact(slices.Sorted(slices.Values(slices.DeleteFunc(slices.Clone(groups), gone))))
	if sameSet(a.Groups, groups) {
		return nil
	}
	given, left := p.rolesOf(groups), p.rolesOf(a.Groups)
	if len(given) < len(groups) {
		return errs.New(errs.Unprocessable, "a group that no administrator has mapped gives nothing")
	}
	roles := slices.DeleteFunc(slices.Clone(a.Roles), func(r string) bool { return slices.Contains(left, r) })
	a.Groups, a.Roles = groups, slices.Compact(slices.Sorted(slices.Values(append(roles, given...))))
	return p.s.CheckRoles(a.Roles)
}

// rolesOf gives the role of each group that the client maps.
func (p *Provisioner) rolesOf(groups []string) []string {
	var roles []string
	for _, g := range p.client.Groups {
		if slices.Contains(groups, g.Group) {
			roles = append(roles, g.Role)
		}
	}
	return roles
}

// turn switches an account on or off. What an administrator switched off, or its end date, stays off.
func (a *account) turn(on bool, now time.Time) error {
	if on && a.Disabled && a.revision > 0 && (a.Held || a.over(now)) {
		return errs.New(errs.Denied, "an administrator or the end date ended this account: an administrator enables it")
	}
	a.Disabled = !on
	return nil
}

// check bounds what is kept of a person.
func (p Profile) check() error {
	if err := checkUsername(p.Username); err != nil {
		return err
	}
	return checkTexts(map[string]string{
		"externalId": p.External, "displayName": p.Name.Display, "name.formatted": p.Name.Formatted, "name.givenName": p.Name.Given, "name.familyName": p.Name.Family,
		"email": p.Email, "department": p.Unit,
	})
}

// maxText bounds each text that is kept of a person, in bytes.
const maxText = 256

// checkTexts holds texts to a length, and to characters that show as they are.
func checkTexts(texts map[string]string) error {
	for what, text := range texts {
		if len(text) > maxText || !utf8.ValidString(text) || strings.ContainsFunc(text, unprintable) {
			return errs.New(errs.Unprocessable, "%s has at most %d bytes, and no control characters", what, maxText)
		}
	}
	return nil
}
