package identity

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// account is a User with what proves it: kept sealed, never handed out.
type account struct {
	User
	Verifier Verifier  `json:"verifier"`
	TOTP     string    `json:"totp,omitempty"`     // RFC 6238 secret, base32
	Step     int64     `json:"totpStep,omitempty"` // the newest time step of which a code was taken
	Recovery [][]byte  `json:"recovery,omitempty"` // hashes of codes that are left
	Passkeys []passkey `json:"passkeys,omitempty"`
	Outside  []link    `json:"outside,omitempty"` // whom outside providers know as its owner
	Maker    string    `json:"maker,omitempty"`   // provider that made it and says its roles, while nobody here does
	// EnrolBy is when a first second factor must be there; a password alone adds none after it.
	EnrolBy time.Time `json:"enrolBy,omitzero"`
	// Epoch counts what ended all sessions and tokens of the account. Those of an older epoch are
	// dead, also one that was made while the epoch rose and of which no list tells.
	Epoch int64 `json:"epoch,omitempty"`

	revision int64 // at which it was read, 0 when it is new
	lapsed   bool  // its end has come, and nobody has written that down yet
}

func (s *Service) newAccount(n NewUser) account {
	return account{User: User{
		ID: tutela.UserID(randomText(12)), Username: n.Username, Kind: n.Kind, Roles: n.Roles, Unit: n.Unit,
		Scopes: n.Scopes, Client: n.Client, FHIRUser: n.FHIRUser, Patient: n.Patient, Created: s.clock(),
	}}
}

func (a account) public() User {
	u := a.User
	u.Enrolled, u.Linked = a.enrolled(), len(a.Outside) > 0
	u.Waiting = a.Kind == tutela.ActorPerson && !a.Disabled && !u.Enrolled && !u.Linked && !a.hasPassword()
	return u
}

// rowName is the name under which an account's row is found. One that was removed has given its own
// up: somebody else may come to have it.
func (a account) rowName() string {
	if a.Removed.IsZero() {
		return a.Username
	}
	return "\x00" + string(a.ID)
}

// lapse disables an account whose end has come, wherever it is read from then on.
func (a *account) lapse(now time.Time) {
	if !a.Disabled && a.over(now) {
		a.Disabled, a.lapsed = true, true
	}
}

// over reports whether the account's end date has come.
func (a account) over(now time.Time) bool { return !a.Ends.IsZero() && !now.Before(a.Ends) }

// enrolled reports whether a second factor is there.
func (a account) enrolled() bool { return a.TOTP != "" || len(a.Passkeys) > 0 }

// strip takes away all that proves the account's owner, here and at outside providers. Who owns it next
// is not cleared for anything.
func (a *account) strip() {
	a.Clearances, a.Clearing = nil, nil
	a.Verifier, a.TOTP, a.Recovery, a.Passkeys, a.Outside = Verifier{}, "", nil, nil, nil
}

// active reports whether the account may act: it is not disabled, and a person's has a second factor
// here or a link to a provider, whose logins are held to two factors one by one.
func (a account) active() bool {
	return !a.Disabled && (a.Kind == tutela.ActorService || a.enrolled() || len(a.Outside) > 0)
}

// mayLogIn reports whether a password or an outside provider may begin a login.
func (a account) mayLogIn() bool {
	return !a.Disabled && a.Kind == tutela.ActorPerson && (a.hasPassword() || len(a.Outside) > 0)
}

func (a account) hasPassword() bool { return len(a.Verifier.Hash) > 0 }

// factors are what the account can prove itself with beside its password.
func (a account) factors() []Factor {
	var list []Factor
	if len(a.Passkeys) > 0 {
		list = append(list, FactorPasskey)
	}
	if a.TOTP != "" {
		list = append(list, FactorTOTP)
	}
	if len(a.Recovery) > 0 && len(list) > 0 {
		list = append(list, FactorRecovery)
	}
	return list
}

// roleAdmin is the role of those who administer accounts.
const roleAdmin = "admin"

// CheckRoles refuses roles that nobody can have together: it holds administration apart from everyday work (NIST SP 800-53, AC-5 and AC-6(2)): an
// account that administers has no other role.
func (s *Service) CheckRoles(roles []string) error {
	if slices.Contains(roles, roleAdmin) && len(roles) > 1 {
		return errs.New(errs.Unprocessable, "an administrator's account has no other role: make a separate one for everyday work")
	}
	for i, r := range roles {
		if s.roles != nil && !slices.Contains(s.roles, r) {
			return errs.New(errs.Unprocessable, "there is no role %q", r)
		}
		if slices.Contains(roles[:i], r) {
			return errs.New(errs.Unprocessable, "the role %q is there twice", r)
		}
	}
	return nil
}

// foldUsername gives the form under which a person's account is kept, so that neither case nor a
// look-alike encoding makes a second one.
func foldUsername(name string) string {
	return strings.ToLower(norm.NFKC.String(strings.TrimSpace(name)))
}

// checkUsername accepts letters, digits and . _ @ - of ASCII: no two names look alike.
func checkUsername(name string) error {
	bad := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("._@-", r)
	}
	if len(name) < 2 || len(name) > 64 || strings.ContainsFunc(name, bad) {
		return errs.New(errs.Unprocessable, "a username has 2 to 64 of the characters a–z, 0–9 and . _ @ -")
	}
	return nil
}

// about is the entry of what by did to an account.
func (s *Service) about(action tutela.Action, by tutela.Actor, id tutela.UserID) tutela.Entry {
	e := s.entry(action, by, tutela.OutcomeSuccess)
	e.Subject = &tutela.Subject{Kind: "user", ID: string(id)}
	return e
}

// retries is how often a change is tried when another one of the same rows was first.
const retries = 8

// retried carries out f again, which reads afresh, while another change was first.
func retried(f func() error) error {
	for range retries - 1 {
		if err := f(); !errs.Is(err, errs.Conflict) {
			return err
		}
	}
	return f()
}

// retire raises the account's epoch, and gives what lists its sessions (but keep's), logins under
// way and tokens, to be deleted in the same op.
func (s *Service) retire(ctx context.Context, a *account, keep string) ([]store.Rows, error) {
	a.Epoch++
	items, err := s.itemsOf(ctx, string(a.ID), itemSession, itemAttempt, itemFamily, itemCode)
	if err != nil {
		return nil, err
	}
	if keep != "" {
		kept := s.dropItem(itemSession, keep).Rows[0]
		items.Rows = slices.DeleteFunc(items.Rows, func(row []any) bool { return slices.Equal(row, kept) })
	}
	tokens, err := s.tokensWhere(ctx, "owner", s.rowID(a.ID))
	return []store.Rows{items, tokens}, err
}
