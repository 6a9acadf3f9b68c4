package identity

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// A clearance lets a member of staff see what is sensitive, and takes two people to give: an
// administrator asks for it, and the privacy officer, who administers nobody, gives it. Taking one away
// takes one of them. Nobody asks for himself or decides on himself. Whoever gets at an account by
// resetting its credentials gets it without clearances.
//
// Live tokens carry what the account is cleared for: here at once, on other nodes within a second.

// Clearing is what an account is to be cleared for, when the privacy officer says so.
type Clearing struct {
	Labels []string      `json:"labels"` // beside what it is cleared for
	By     tutela.UserID `json:"by"`
	At     time.Time     `json:"at"`
}

// clearingLife is how long a request for a clearance stands.
const clearingLife = 14 * 24 * time.Hour

// rolePrivacy is the role of those who decide on clearances.
const rolePrivacy = "privacy"

// Now is the time by which the Service goes.
func (s *Service) Now() time.Time { return s.clock() }

// Asked gives the labels that wait for the privacy officer at a moment.
func (u User) Asked(now time.Time) []string {
	if u.Clearing == nil || !now.Before(u.Clearing.At.Add(clearingLife)) {
		return nil
	}
	return u.Clearing.Labels
}

// seek makes labels what an account is to be cleared for: what is not among them goes, what is new waits
// for the privacy officer.
func (a *account) seek(labels []string, by tutela.UserID, now time.Time) {
	waiting := without(labels, a.Clearances)
	a.Clearances = without(a.Clearances, without(a.Clearances, labels))
	switch {
	case len(waiting) == 0:
		a.Clearing = nil
	case !sameSet(waiting, a.Asked(now)):
		a.Clearing = &Clearing{Labels: waiting, By: by, At: now}
	}
}

// without gives those of a list that are not among others, in order.
func without(list, others []string) []string {
	var left []string
	for _, s := range list {
		if !slices.Contains(others, s) {
			left = append(left, s)
		}
	}
	slices.Sort(left)
	return left
}

// checkLabels holds labels to those that there are.
func (s *Service) checkLabels(labels []string) error {
	for i, l := range labels {
		if s.labels != nil && !slices.Contains(s.labels, l) {
			return errs.New(errs.Unprocessable, "there is no label %q; there are %s", l, strings.Join(s.labels, ", "))
		}
		if slices.Contains(labels[:i], l) {
			return errs.New(errs.Unprocessable, "the label %q is there twice", l)
		}
	}
	return nil
}

// clearable holds that an account is one of staff that somebody has taken up.
func (a account) clearable() error {
	switch {
	case a.Kind != tutela.ActorPerson || a.Patient != "" || slices.Contains(a.Roles, rolePatient) || slices.Contains(a.Roles, roleAdmin):
		return errs.New(errs.Unprocessable, "staff are cleared: no services, patients or administrators")
	case !a.active():
		return errs.New(errs.Unprocessable, "the account may not act: a clearance is for a person who has taken the account up")
	}
	return nil
}

// AskClearance says which labels an account is to be cleared for, all of them. What it loses it loses
// now; what it is to get beside waits for the privacy officer.
func (s *Service) AskClearance(ctx context.Context, by tutela.Principal, id tutela.UserID, labels []string) error {
	entry := s.asked(tutela.ActionClearanceAsk, by)
	entry.Subject.ID, entry.Subject.Detail = string(id), strings.Join(labels, " ")
	if err := s.checkLabels(labels); err != nil {
		return err
	}
	err := retried(func() error {
		admin, err := s.administrator(ctx, by)
		if err != nil {
			return err
		}
		return s.clear(ctx, admin, id, entry, func(a *account) error {
			a.seek(labels, by.ID, s.clock())
			if a.Clearing != nil {
				return a.clearable()
			}
			return nil
		})
	})
	return s.noteRefusal(ctx, entry, err)
}

// DecideClearance gives an account the labels that wait for it, or refuses them. They are named again:
// what was asked for meanwhile is not given unseen.
func (s *Service) DecideClearance(ctx context.Context, by tutela.Principal, id tutela.UserID, labels []string, give bool) error {
	entry := s.asked(tutela.ActionClearanceGive, by)
	if !give {
		entry.Action = tutela.ActionClearanceRefuse
	}
	entry.Subject.ID, entry.Subject.Detail = string(id), strings.Join(labels, " ")
	err := retried(func() error {
		officer, err := s.privacyOfficer(ctx, by)
		if err != nil {
			return err
		}
		return s.clear(ctx, officer, id, entry, func(a *account) error {
			if len(labels) == 0 || !sameSet(labels, a.Asked(s.clock())) {
				return errs.New(errs.Conflict, "these labels are not what was asked for; look again")
			}
			if a.Clearing.By == by.ID {
				return errs.New(errs.Denied, "nobody decides on what he asked for")
			}
			a.Clearing = nil
			if !give {
				return nil
			}
			a.Clearances = slices.Compact(slices.Sorted(slices.Values(append(a.Clearances, labels...))))
			return a.clearable()
		})
	})
	return s.noteRefusal(ctx, entry, err)
}

// WithdrawClearances takes every clearance of an account away, and what was asked for.
func (s *Service) WithdrawClearances(ctx context.Context, by tutela.Principal, id tutela.UserID) error {
	entry := s.asked(tutela.ActionClearanceEnd, by)
	entry.Subject.ID = string(id)
	err := retried(func() error {
		officer, err := s.privacyOfficer(ctx, by)
		if err != nil {
			return err
		}
		return s.clear(ctx, officer, id, entry, func(a *account) error {
			a.seek(nil, by.ID, s.clock())
			return nil
		})
	})
	return s.noteRefusal(ctx, entry, err)
}

// privacyOfficer gives the account of a caller who may decide on clearances.
func (s *Service) privacyOfficer(ctx context.Context, p tutela.Principal) (account, error) {
	denied := errs.New(errs.Denied, "only the privacy officer may do this")
	if p.Kind != tutela.ActorPerson || p.Tenant != s.ring.Tenant() || !slices.Contains(levels(), p.Assurance) {
		return account{}, denied
	}
	a, err := s.accountByID(ctx, p.ID)
	if errs.Is(err, errs.NotFound) || err == nil && (!a.active() || !slices.Contains(a.Roles, rolePrivacy)) {
		return account{}, denied
	}
	return a, err
}

// clear changes what another's account is cleared for, while who does it still may.
func (s *Service) clear(ctx context.Context, who account, id tutela.UserID, entry tutela.Entry, change func(*account) error) error {
	if id == who.ID {
		return errs.New(errs.Denied, "nobody changes what he himself is cleared for")
	}
	a, err := s.accountByID(ctx, id)
	if err != nil {
		return err
	}
	if !a.Removed.IsZero() {
		return errs.New(errs.Unprocessable, "the account was removed")
	}
	if err := change(&a); err != nil {
		return err
	}
	a.Changed = s.clock()
	theirs, err := s.accountClaim(ctx, a)
	if err != nil {
		return err
	}
	own, err := s.accountClaim(ctx, who)
	if err != nil {
		return err
	}
	return s.revoke(ctx, store.Op{Claims: []store.Claim{theirs, own}}, entry)
}
