package identity

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// A throw-away is an account that a check makes for its try, by the functions that make every
// account, and removes. It has no role and so reaches nothing; the ledger shows its whole life.
type throwaway struct {
	User
	credentials Credentials
}

const (
	throwawayPrefix = "tutela-assess-"
	// throwawayClient marks them beside their name, which an administrator might give to somebody.
	throwawayClient = "tutela-assess"
	// throwawayLife is after how long one that is still there was left behind by a crash.
	throwawayLife = 10 * time.Minute
)

func (a account) throwaway() bool { return a.Client == throwawayClient }

// assessor is who makes and removes them.
func assessor() tutela.Actor {
	return tutela.Actor{ID: "tutela-assess", Kind: tutela.ActorSystem, Name: "tutela assess"}
}

// newThrowaway says what an account for one try is.
func newThrowaway(kind tutela.ActorKind) NewUser {
	return NewUser{Username: throwawayPrefix + strings.ToLower(rand.Text()[:12]), Kind: kind, Client: throwawayClient}
}

// withThrowaway lets f try something with an account that is there for it alone. What f saw is
// worth nothing if the account could not be removed.
func (s *Service) withThrowaway(ctx context.Context, kind tutela.ActorKind, f func(throwaway) tutela.Evidence) (e tutela.Evidence, err error) {
	if err := s.sweep(ctx); err != nil {
		return e, fmt.Errorf("remove what an earlier check left: %w", err)
	}
	u, c, err := s.CreateUser(ctx, assessor(), newThrowaway(kind))
	if err != nil {
		return e, fmt.Errorf("make an account to try with: %w", err)
	}
	defer func() {
		if failed := s.remove(context.WithoutCancel(ctx), u.ID); failed != nil {
			err = errors.Join(err, fmt.Errorf("account %s could not be removed: %w", u.ID, failed))
		}
	}()
	return f(throwaway{u, c}), nil
}

// sweep removes throw-aways that a crash left behind.
func (s *Service) sweep(ctx context.Context) error {
	all, err := s.accounts(ctx)
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.throwaway() && s.clock().Sub(a.Created) >= throwawayLife {
			if err := s.remove(ctx, a.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// remove deletes a throw-away with all that came of it. Other accounts stay, disabled: the ledger
// names them for as long as it is kept.
func (s *Service) remove(ctx context.Context, id tutela.UserID) error {
	return retried(func() error {
		a, err := s.accountByID(ctx, id)
		if err != nil {
			return err
		}
		ended, err := s.retire(ctx, &a, "")
		if err != nil {
			return err
		}
		gone := store.Rows{Table: usersTable(), Rows: [][]any{{s.rowID(a.ID)}}}
		brakes := []store.Rows{s.dropItem(itemThrottle, accountBrake(a.Username).name), s.dropItem(itemThrottle, factorBrake(string(a.ID)).name)}
		return s.revoke(ctx, store.Op{Deletes: append(append(ended, brakes...), gone)}, s.about(tutela.ActionUserDelete, assessor(), a.ID))
	})
}
