package identity

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// lapseEvery is how often it is written down that end dates have come. That access ends at them does
// not wait for it: an account is read as disabled from its end on.
const lapseEvery = 10 * time.Minute

// lapseUntil writes down what has lapsed, until another tick; false when ctx ended.
func (s *Service) lapseUntil(ctx context.Context, until <-chan time.Time, log *slog.Logger) bool {
	tick := time.NewTicker(lapseEvery)
	defer tick.Stop()
	for {
		if err := s.endLapsed(ctx); err != nil && ctx.Err() == nil {
			log.LogAttrs(ctx, slog.LevelWarn, "accounts whose end date has come were not written down", slog.String("error", err.Error()))
		}
		select {
		case <-ctx.Done():
			return false
		case <-until:
			return true
		case <-tick.C:
		}
	}
}

// endLapsed disables the accounts whose end date has come, ends what they have and says so in the ledger.
func (s *Service) endLapsed(ctx context.Context) error {
	all, err := s.accounts(ctx)
	for _, a := range all {
		if a.lapsed {
			err = errors.Join(err, s.endOne(ctx, a.ID))
		}
	}
	return err
}

func (s *Service) endOne(ctx context.Context, id tutela.UserID) error {
	by := tutela.Principal{Tenant: s.ring.Tenant(), ID: "tutela-identity", Kind: tutela.ActorSystem, Username: "tutela identity"}
	return retried(func() error {
		a, err := s.accountByID(ctx, id)
		if errs.Is(err, errs.NotFound) || err == nil && !a.lapsed {
			return nil // another node was first
		}
		if err != nil {
			return err
		}
		return s.amend(ctx, order{by: by, received: a.Ends, due: true}, []amendment{{a, a}})
	})
}
