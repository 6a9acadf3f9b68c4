package backup

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/recovery/dest"
)

// Schedule says what Run does by itself.
type Schedule struct {
	To    []dest.Destination // none: nothing
	Every time.Duration      // between increments; 0 means 30 s
	Full  time.Duration      // between full backups; 0 means a day
	Keep  time.Duration      // how long a series stays after its last increment; 0 means 30 days
}

func (s Schedule) withDefaults() Schedule {
	s.Every = cmp.Or(s.Every, 30*time.Second)
	s.Full = cmp.Or(s.Full, 24*time.Hour)
	s.Keep = cmp.Or(s.Keep, 30*24*time.Hour)
	return s
}

// State is what a Service is at, and what it made.
type State struct {
	Running bool       `json:"running"` // one that was asked for waits, or is being made
	Number  int64      `json:"number"`  // of those that were asked for of this process, the last one that ended
	Last    *Report    `json:"last,omitempty"`
	Failure string     `json:"failure,omitempty"` // of the last that was asked for
	Made    []Manifest `json:"made"`              // the newest first
}

// asked is a full backup that somebody wants.
type asked struct {
	to     []dest.Destination
	number int64
}

// Ask has Run make a full backup at some destinations, and gives its number. The kind of the error is
// errs.Conflict while another waits.
func (s *Service) Ask(to []dest.Destination) (int64, error) {
	s.telling.Lock()
	defer s.telling.Unlock()
	if s.state.Running {
		return 0, errs.New(errs.Conflict, "a backup that was asked for is being made: see tutela backup list")
	}
	s.state.Running = true
	a := asked{to, s.state.Number + 1}
	s.asks <- a // has room: one waits at most
	return a.number, nil
}

// Covers reports whether the keyring as the newest backup has it needs no generation before one.
func (s *Service) Covers(ctx context.Context, generation int) (bool, error) {
	last, found, err := newest(ctx, s.cfg.DB)
	if err != nil || !found {
		return false, err
	}
	for n := range last.Keys.All {
		if n < int64(generation) {
			return false, nil
		}
	}
	return len(last.Keys.All) > 0, nil
}

// State tells what became of backups.
func (s *Service) State(ctx context.Context) (State, error) {
	list, err := recent(ctx, s.cfg.DB, 20)
	s.telling.Lock()
	defer s.telling.Unlock()
	st := s.state
	st.Made = []Manifest{}
	for _, r := range list {
		st.Made = append(st.Made, r.Manifest)
	}
	return st, err
}

// Run makes backups by a schedule, and those that are asked for, until ctx ends.
func (s *Service) Run(ctx context.Context, plan Schedule) {
	plan = plan.withDefaults()
	tick := time.NewTicker(plan.Every)
	defer tick.Stop()
	if len(plan.To) > 0 {
		s.turn(ctx, plan)
	}
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-s.asks:
			s.answer(ctx, a)
		case <-tick.C:
			if len(plan.To) > 0 {
				s.turn(ctx, plan)
			}
		}
	}
}

// answer makes what was asked for.
func (s *Service) answer(ctx context.Context, a asked) {
	r, err := s.Full(ctx, a.to)
	s.telling.Lock()
	defer s.telling.Unlock()
	s.state.Running, s.state.Number, s.state.Last, s.state.Failure = false, a.number, &r, ""
	if err != nil {
		s.state.Failure = errs.Public(err)
		s.cfg.Log.LogAttrs(ctx, slog.LevelError, "no backup", slog.String("error", err.Error()))
	}
}

// turn makes what is due.
func (s *Service) turn(ctx context.Context, plan Schedule) {
	due, err := s.fullDue(ctx, plan)
	var r Report
	switch {
	case err != nil:
	case due:
		if r, err = s.Full(ctx, plan.To); err == nil {
			err = s.prune(ctx, plan)
		}
	default:
		r, err = s.Increment(ctx, plan.To)
	}
	if err != nil && ctx.Err() == nil && !errs.Is(err, errs.Conflict) {
		s.cfg.Log.LogAttrs(ctx, slog.LevelError, "no backup; trying again", slog.String("error", err.Error()), slog.String("due", string(r.Manifest.Kind)))
	}
}

// fullDue reports whether the newest full backup is as old as one may get.
func (s *Service) fullDue(ctx context.Context, plan Schedule) (bool, error) {
	list, err := fulls(ctx, s.cfg.DB, 1)
	if err != nil || len(list) == 0 {
		return err == nil, err
	}
	return s.cfg.Clock().Sub(list[0].Made).Abs() >= plan.Full, nil // it may be of a day that a clock was set to by mistake
}

// keepAtLeast is how many series stay, however old.
const keepAtLeast = 2

// prune removes series that ended longer ago than they are kept, the full backup's manifest first: what is left
// of a removal that broke off is no backup, and goes the next time.
func (s *Service) prune(ctx context.Context, plan Schedule) error {
	var failed error
	for _, d := range plan.To {
		failed = errors.Join(failed, s.pruneAt(ctx, d, s.cfg.Clock().Add(-plan.Keep)))
	}
	return failed
}

func (s *Service) pruneAt(ctx context.Context, d dest.Destination, before time.Time) error {
	found, err := Survey(ctx, d)
	if err != nil {
		return err
	}
	kept := map[string]bool{}
	var gone []string
	for i, one := range found.Series {
		kept[one.ID] = i < keepAtLeast || !one.Newest().Made.Before(before)
		if !kept[one.ID] {
			gone = append(gone, one.ID)
		}
	}
	slices.Sort(gone)
	for _, id := range gone {
		if err := d.Remove(ctx, Manifest{Kind: Full, Series: id}.ManifestName()); err != nil {
			return err
		}
		if err := removeBut(ctx, d, seriesFolder+id+"/"); err != nil {
			return err
		}
	}
	return nil
}
