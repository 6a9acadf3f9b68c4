package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Invitation is what its bearer makes an account with, once, in the only moment in which it is known.
type Invitation struct {
	Token   string
	Expires time.Time
}

// invitationLife is how long an invitation may be taken up.
const invitationLife = 72 * time.Hour

// invitation is what the store keeps of one, under the token's hash.
type invitation struct {
	New     NewUser       `json:"new"`
	User    tutela.UserID `json:"user,omitempty"` // whose credentials are made anew; empty for a new account
	By      tutela.UserID `json:"by"`
	Expires time.Time     `json:"expires"`
	Used    bool          `json:"used,omitempty"`
}

// Invited is what an invitation tells its bearer.
type Invited struct {
	Username string
	Roles    []string
	Reset    bool // the account is there; its credentials are made anew
	Expires  time.Time
}

// secretName is the name of an item that a bearer's secret stands for: its hash.
func secretName(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

func (s *Service) newInvitation(by tutela.UserID) (Invitation, invitation) {
	inv := Invitation{Token: randomText(32), Expires: s.clock().Add(invitationLife)}
	return inv, invitation{By: by, Expires: inv.Expires}
}

// invitationClaim writes an invitation.
func (s *Service) invitationClaim(ctx context.Context, inv Invitation, r invitation) (store.Claim, error) {
	return putItem(ctx, s, itemInvitation, item[invitation]{Name: secretName(inv.Token), Value: r}, invitee(r), inv.Expires)
}

// invitee names the owner of an invitation's row.
func invitee(r invitation) string { return "invitee:" + r.New.Username }

// Invite lets one person make an account with n's name and roles. Only an administrator may.
func (s *Service) Invite(ctx context.Context, by tutela.Principal, n NewUser) (Invitation, error) {
	entry := s.asked(tutela.ActionUserInvite, by)
	var inv Invitation
	err := retried(func() error {
		admin, err := s.administrator(ctx, by)
		if err != nil {
			return err
		}
		own, err := s.accountClaim(ctx, admin)
		if err != nil {
			return err
		}
		inv, err = s.invite(ctx, by.ID, n, entry, own)
		return err
	})
	return inv, s.noteRefusal(ctx, entry, err)
}

// FirstInvitation invites the first administrator of a new system, which has no account yet.
func (s *Service) FirstInvitation(ctx context.Context, n NewUser) (Invitation, error) {
	if there, err := s.anyAccount(ctx); err != nil || there {
		return Invitation{}, errOr(err, errs.New(errs.Denied, "the system has accounts: an administrator invites"))
	}
	if !onlyAdmin(n.Roles) {
		return Invitation{}, errs.New(errs.Unprocessable, "the first account administers")
	}
	by := tutela.Actor{ID: "tutela-init", Kind: tutela.ActorSystem, Name: "tutela init"}
	return s.invite(ctx, by.ID, n, s.entry(tutela.ActionUserInvite, by, tutela.OutcomeSuccess))
}

func errOr(err, other error) error {
	if err != nil {
		return err
	}
	return other
}

func (s *Service) invite(ctx context.Context, by tutela.UserID, n NewUser, entry tutela.Entry, claims ...store.Claim) (Invitation, error) {
	n, err := s.checkInvited(ctx, n)
	if err != nil {
		return Invitation{}, err
	}
	inv, record := s.newInvitation(by)
	record.New = n
	claim, err := s.invitationClaim(ctx, inv, record)
	if err != nil {
		return Invitation{}, err
	}
	entry.Subject = &tutela.Subject{Kind: "invitation", ID: invitationID(secretName(inv.Token))}
	return inv, s.commit(ctx, store.Op{Claims: append(claims, claim)}, entry)
}

// checkInvited holds a new account to the rules of names and roles.
func (s *Service) checkInvited(ctx context.Context, n NewUser) (NewUser, error) {
	n.Username, n.Roles = foldUsername(n.Username), slices.Clone(n.Roles)
	if n.Kind == "" {
		n.Kind = tutela.ActorPerson
	}
	if n.Kind != tutela.ActorPerson {
		return n, errs.New(errs.Unprocessable, "people are invited; a service is registered as a client")
	}
	if err := checkUsername(n.Username); err != nil {
		return n, err
	}
	if err := s.CheckRoles(n.Roles); err != nil {
		return n, err
	}
	_, err := s.accountByName(ctx, n.Username)
	switch {
	case errs.Is(err, errs.NotFound):
		return n, nil
	case err != nil:
		return n, err
	}
	return n, errs.New(errs.Unprocessable, "the username is taken")
}

// noInvitation is said of every invitation that is not open, whatever became of it.
func noInvitation() error {
	return errs.New(errs.NotFound, "the invitation is not valid, or no longer: ask an administrator for another")
}

// OpenInvitation tells what an invitation is for, and does not use it up.
func (s *Service) OpenInvitation(ctx context.Context, token string) (Invited, error) {
	it, err := s.openInvitation(ctx, token)
	if err != nil {
		return Invited{}, err
	}
	return it.Value.tells(), nil
}

func (s *Service) openInvitation(ctx context.Context, token string) (item[invitation], error) {
	it, found, err := loadItem[invitation](ctx, s, itemInvitation, secretName(token))
	if err != nil {
		return it, err
	}
	if !found || it.Value.Used {
		return it, noInvitation()
	}
	return it, nil
}

// AcceptInvitation makes the account, or its new credentials, with a password, and gives the
// attempt within which a second factor is enrolled. Until then the account may do nothing.
func (s *Service) AcceptInvitation(ctx context.Context, token, password string) (attempt string, err error) {
	it, err := s.openInvitation(ctx, token)
	if err != nil {
		return "", err
	}
	if err := checkPassword(it.Value.New.Username, password); err != nil {
		return "", err
	}
	v, err := s.hasher.make(ctx, password)
	if err != nil {
		return "", err
	}
	err = retried(func() error {
		attempt, err = s.accept(ctx, token, v)
		return err
	})
	return attempt, err
}

// accept takes the invitation up: of many at once, one claims it.
func (s *Service) accept(ctx context.Context, token string, v Verifier) (string, error) {
	it, err := s.openInvitation(ctx, token)
	if err != nil {
		return "", err
	}
	a, action, err := s.invitedAccount(ctx, it.Value)
	if err != nil {
		return "", err
	}
	a.Verifier, a.EnrolBy = v, it.Value.Expires
	it.Value.Used = true
	id, under, err := s.newAttempt(ctx, attempt{User: a.ID, Epoch: a.Epoch, Password: true, Enrol: true})
	if err != nil {
		return "", err
	}
	used, err := putItem(ctx, s, itemInvitation, it, invitee(it.Value), it.Value.Expires)
	if err != nil {
		return "", err
	}
	made, err := s.accountClaim(ctx, a)
	if err != nil {
		return "", err
	}
	entry := s.about(action, actorOf(a.User), a.ID)
	entry.Subject.Detail = "password"
	return id, taken(s.commit(ctx, store.Op{Claims: []store.Claim{used, under, made}}, entry))
}

// invitedAccount is the account that an invitation makes, or the one that it makes anew.
func (s *Service) invitedAccount(ctx context.Context, r invitation) (account, tutela.Action, error) {
	if r.User == "" {
		return s.newAccount(r.New), tutela.ActionUserCreate, nil
	}
	a, err := s.accountByID(ctx, r.User)
	if errs.Is(err, errs.NotFound) || err == nil && (a.Disabled || a.enrolled() || a.mayLogIn()) {
		return a, "", noInvitation() // disabled since, or another invitation was first
	}
	return a, tutela.ActionUserEnrol, err
}
