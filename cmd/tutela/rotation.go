package main

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// keeper carries rotations to their end, begins one when the newest generation has grown old, and destroys what two
// people wanted destroyed. Nodes may do so at the same time: each step is done once.
type keeper struct {
	*system
	asked map[int]time.Time // when the provider was asked last whether a generation that it destroys is gone
}

// keepKeys keeps keys until ctx ends.
func (s *system) keepKeys(ctx context.Context) {
	k := keeper{system: s, asked: map[int]time.Time{}}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := k.once(ctx)
		if err != nil && ctx.Err() == nil && !errs.Is(err, errs.Conflict) {
			s.log.LogAttrs(ctx, slog.LevelWarn, "keys are not rotated to the end; trying again in a minute", slog.String("error", err.Error()))
			select {
			case <-ctx.Done():
			case <-time.After(time.Minute):
			}
		}
	}
}

// once does what is due.
func (k *keeper) once(ctx context.Context) error {
	list, err := k.db.Generations(ctx)
	if err != nil || len(list) == 0 {
		return err
	}
	newest := list[len(list)-1]
	if every := k.config.Keys.rotation(); every > 0 && dueAfter(every, k.clock().Sub(newest.Opened)) {
		next, err := k.ring.Rotate(ctx)
		if err != nil {
			return err
		}
		return k.noteGeneration(ctx, tutela.ActionKeyRotate, next, "by schedule")
	}
	for _, g := range list[:len(list)-1] {
		if g.Closed.IsZero() {
			return k.finishRotation(ctx)
		}
		if !k.toDestroy(g) {
			continue
		}
		if backed, err := k.backed(ctx, g.Number+1); err != nil || !backed {
			return err
		}
		if err := k.destroyGeneration(ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// askAgain is how often a provider that takes days to destroy a key is asked whether it has.
const askAgain = 10 * time.Minute

// toDestroy reports whether two people want a generation destroyed, the waiting period is over, and the provider was
// not asked a moment ago.
func (k *keeper) toDestroy(g tutela.KeyGeneration) bool {
	now := k.clock()
	if g.Agreed.IsZero() || !g.Final.IsZero() || now.Before(g.Agreed.Add(k.config.destroyAfter())) {
		return false
	}
	if !g.Destroyed.IsZero() && now.Sub(k.asked[g.Number]).Abs() < askAgain {
		return false
	}
	k.asked[g.Number] = now
	return true
}

// dueAfter reports whether what is done every so often is due, so long after the last time. What was done in the future was done
// by a clock that has gone back since.
func dueAfter(every, since time.Duration) bool { return since >= every || since < -24*time.Hour }

// finishRotation wraps everything anew and retires the generations under which nothing is left.
func (s *system) finishRotation(ctx context.Context) error {
	if err := s.ring.Rewrap(ctx, func(int) {}); err != nil {
		return err
	}
	retired, err := s.ring.Retire(ctx)
	for _, n := range retired {
		if err := s.noteGeneration(ctx, tutela.ActionKeyRetire, n, ""); err != nil {
			return err
		}
	}
	return err
}

// destroyGeneration has the provider destroy what two people wanted destroyed. Where the provider takes days, the
// ledger says so when it was told and again when it is done.
func (s *system) destroyGeneration(ctx context.Context, g tutela.KeyGeneration) error {
	final, err := s.ring.Destroy(ctx, g.Number)
	switch {
	case err != nil:
		return err
	case final:
		return s.noteGeneration(ctx, tutela.ActionKeyDestroy, g.Number, "final")
	case g.Destroyed.IsZero():
		return s.noteGeneration(ctx, tutela.ActionKeyDestroy, g.Number, "pending")
	}
	return nil
}

// noteGeneration writes what became of a generation.
func (s *system) noteGeneration(ctx context.Context, action tutela.Action, n int, detail string) error {
	_, err := s.audit.Append(ctx, tutela.Entry{
		Actor: systemActor("keys"), Action: action, Outcome: tutela.OutcomeSuccess, PolicyVersion: s.access.Version(),
		Subject: &tutela.Subject{Kind: "key-generation", ID: strconv.Itoa(n), Detail: detail},
	}, nil)
	if err != nil {
		return fmt.Errorf("write down what became of generation %d: %w", n, err)
	}
	return nil
}

// forgetGenerations drops the keyring keys of generations that another node has retired. Where that fails they stay in
// memory until the next change, and open nothing that is stored.
func (s *system) forgetGenerations() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.ring.Refresh(ctx); err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "the keys of retired generations are kept in memory", slog.String("error", err.Error()))
	}
}

// outstanding counts the recovery wraps of a generation that holders still have.
func (s *system) outstanding(ctx context.Context, generation int) (int, error) {
	list, err := s.recovery.Outstanding(ctx, generation)
	return len(list), err
}

// backed reports whether the keyring as it was backed up last needs no generation before one, where backups are made: they
// are about to be destroyed.
func (s *system) backed(ctx context.Context, generation int) (bool, error) {
	if len(s.config.Backup.To) == 0 {
		return true, nil
	}
	return s.backups.Covers(ctx, generation)
}
