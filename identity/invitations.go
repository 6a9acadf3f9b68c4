package identity

import (
	"context"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// PendingInvitation is one that nobody has taken up, as administrators see it. The link itself is known
// to nobody but its bearer.
type PendingInvitation struct {
	ID string // as the ledger names it
	Invited
	By tutela.UserID
}

// invitationID names an invitation where its link must not be known.
func invitationID(name string) string { return name[:16] }

// Invitations lists the open ones for an administrator, the one that ends first before the others.
func (s *Service) Invitations(ctx context.Context, by tutela.Principal) ([]PendingInvitation, error) {
	if err := s.MayAdminister(ctx, by); err != nil {
		return nil, err
	}
	items, err := listItems[invitation](ctx, s, itemInvitation, "")
	if err != nil {
		return nil, err
	}
	list := []PendingInvitation{}
	for _, it := range items {
		open, err := s.stillOpen(ctx, it.Value)
		if err != nil {
			return nil, err
		}
		if open {
			list = append(list, PendingInvitation{ID: invitationID(it.Name), Invited: it.Value.tells(), By: it.Value.By})
		}
	}
	slices.SortFunc(list, func(a, b PendingInvitation) int {
		if c := a.Expires.Compare(b.Expires); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list, nil
}

// WithdrawInvitation has an open invitation count no more, for an administrator. Of this and taking
// it up at the same time, one happens. errs.NotFound says that it is not open.
func (s *Service) WithdrawInvitation(ctx context.Context, by tutela.Principal, id string) error {
	entry := s.asked(tutela.ActionUserUninvite, by)
	entry.Subject = &tutela.Subject{Kind: "invitation", ID: id}
	err := retried(func() error {
		op, err := s.administering(ctx, by)
		if err != nil {
			return err
		}
		claim, err := s.withdrawal(ctx, id)
		if err != nil {
			return err
		}
		op.Claims = append(op.Claims, claim)
		return s.commit(ctx, op, entry)
	})
	return s.noteRefusal(ctx, entry, err)
}

// withdrawal gives the claim that has an open invitation count as used.
func (s *Service) withdrawal(ctx context.Context, id string) (store.Claim, error) {
	items, err := listItems[invitation](ctx, s, itemInvitation, "")
	if err != nil {
		return store.Claim{}, err
	}
	for _, it := range items {
		if invitationID(it.Name) != id {
			continue
		}
		open, err := s.stillOpen(ctx, it.Value)
		if err != nil {
			return store.Claim{}, err
		}
		if open {
			it.Value.Used = true
			return putItem(ctx, s, itemInvitation, it, invitee(it.Value), it.Value.Expires)
		}
	}
	return store.Claim{}, errs.New(errs.NotFound, "no such invitation is open")
}

// stillOpen reports whether an invitation can be taken up: another to the same account may have been.
func (s *Service) stillOpen(ctx context.Context, r invitation) (bool, error) {
	if r.Used {
		return false, nil
	}
	var err error
	if r.User == "" {
		_, err = s.accountByName(ctx, r.New.Username)
		return errs.Is(err, errs.NotFound), ignoring(err, errs.NotFound)
	}
	_, _, err = s.invitedAccount(ctx, r)
	return err == nil, ignoring(err, errs.NotFound)
}

// ignoring is an error that is not of a kind.
func ignoring(err error, kind errs.Kind) error {
	if errs.Is(err, kind) {
		return nil
	}
	return err
}

// tells is what an invitation says of itself.
func (r invitation) tells() Invited {
	return Invited{Username: r.New.Username, Roles: r.New.Roles, Reset: r.User != "", Expires: r.Expires}
}
