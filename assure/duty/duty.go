package duty

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/internal/clock"
)

// kind is the register's word for what was told.
const kind register.Kind = "reminder"

// Stage says how urgent a duty is.
type Stage = register.State

// The stages, in their order.
const (
	Later     Stage = "later"     // nobody is told yet
	Coming    Stage = "coming"    // within ahead
	Due       Stage = "due"       // it should have been done
	Escalated Stage = "escalated" // it should have been done a while ago
	Done      Stage = "done"      // it is none any more
)

// The times of the stages.
const (
	ahead = 14 * 24 * time.Hour
	after = 7 * 24 * time.Hour
)

func stages() []Stage { return []Stage{Later, Coming, Due, Escalated, Done} }

// StageOf says how urgent a duty is at a moment.
func StageOf(d register.Duty, now time.Time) Stage {
	switch {
	case !now.Before(d.Due.Add(after)):
		return Escalated
	case !now.Before(d.Due):
		return Due
	case !now.Before(d.Due.Add(-ahead)):
		return Coming
	}
	return Later
}

// Source gives the duties that follow from what is kept in one register.
type Source func(context.Context) ([]register.Duty, error)

// Telling is what people are told at once. Its lines name what is to be done, and no account.
type Telling struct {
	ID       string // the same whenever the same is told
	Escalate bool   // to those whom the plan of alerts names for that
	Title    string
	Lines    []string
}

// Config says what a Service works with.
type Config struct {
	Register *register.Book
	Clock    clock.Clock
	Sources  []Source
	// Tell reaches people. Told twice, the same is told once.
	Tell func(context.Context, Telling) error
}

// Service gathers duties and reminds of them. Safe for concurrent use.
type Service struct{ cfg Config }

// New returns a Service.
func New(c Config) *Service { return &Service{c} }

// Kept is a duty as it stands.
type Kept struct {
	register.Duty
	Stage Stage `json:"stage"`
}

// List gives what is to be done, the most urgent first; with an owner only his.
func (s *Service) List(ctx context.Context, owner tutela.UserID) ([]Kept, error) {
	all, err := s.gather(ctx)
	if err != nil {
		return nil, err
	}
	list, now := []Kept{}, s.cfg.Clock()
	for _, d := range all {
		if owner == "" || d.Owner == owner {
			list = append(list, Kept{d, StageOf(d, now)})
		}
	}
	return list, nil
}

func (s *Service) gather(ctx context.Context) ([]register.Duty, error) {
	var all []register.Duty
	for _, source := range s.cfg.Sources {
		list, err := source(ctx)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	slices.SortStableFunc(all, func(a, b register.Duty) int {
		return cmp.Or(a.Due.Compare(b.Due), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Name, b.Name))
	})
	return all, nil
}

// told is what the register keeps of a duty.
type told struct {
	register.Duty
	Told  map[Stage]time.Time `json:"told"`
	Ended time.Time           `json:"ended,omitzero"`
}

// idOf tells duties apart. What is put off is another one.
func idOf(d register.Duty) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q %q %d", d.Kind, d.ID, d.What, d.Owner, d.Due.UnixMilli()))
	return hex.EncodeToString(sum[:])
}

// Work tells of what has become more urgent since the last time, and ends what is done. While another node does the same the
// error's kind is errs.Conflict.
func (s *Service) Work(ctx context.Context) error {
	all, err := s.gather(ctx)
	if err != nil {
		return err
	}
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kind})
	if err != nil {
		return err
	}
	changes, err := s.changes(all, items)
	if err != nil || len(changes) == 0 {
		return err
	}
	if err := s.tell(ctx, changes); err != nil {
		return err
	}
	entry := tutela.Entry{Actor: tutela.Actor{ID: "system:assure", Kind: tutela.ActorSystem, Name: "tutela assure"}, Action: tutela.ActionDutyRemind}
	for part := range slices.Chunk(changes, register.MaxChanges) {
		list := make([]register.Change, len(part))
		for i, c := range part {
			list[i] = c.Change
		}
		if _, err := s.cfg.Register.Put(ctx, entry, list...); err != nil {
			return err
		}
	}
	return nil
}

// changed is a reminder's next revision.
type changed struct {
	register.Change
	duty register.Duty
}

// changes are what is to be told, and what is over.
func (s *Service) changes(all []register.Duty, items []register.Item) ([]changed, error) {
	now, list := s.cfg.Clock().UTC(), []changed{}
	kept := map[string]register.Item{}
	for _, it := range items {
		kept[it.ID] = it
	}
	add := func(it register.Item, body told, stage Stage) error {
		body.Told[stage] = now
		text, err := json.Marshal(body)
		if err != nil {
			return fmt.Errorf("encode reminder: %w", err)
		}
		it.State, it.Owner, it.Body = stage, body.Owner, text
		list = append(list, changed{register.Change{Item: it, What: string(stage) + ": " + body.What}, body.Duty})
		return nil
	}
	live := map[string]bool{}
	for _, d := range all {
		id, stage := idOf(d), StageOf(d, now)
		if live[id] {
			continue
		}
		live[id] = true
		it, known := kept[id]
		if stage == Later || known && slices.Index(stages(), it.State) >= slices.Index(stages(), stage) && it.State != Done {
			continue
		}
		body := told{Duty: d, Told: map[Stage]time.Time{}}
		if known {
			var err error
			if body, err = register.Decode[told](it); err != nil {
				return nil, err
			}
			body.Ended = time.Time{}
		} else {
			it = register.Item{Kind: kind, ID: id}
		}
		if err := add(it, body, stage); err != nil {
			return nil, err
		}
	}
	for _, it := range items {
		if live[it.ID] || it.State == Done {
			continue
		}
		body, err := register.Decode[told](it)
		if err != nil {
			return nil, err
		}
		body.Ended = now
		if err := add(it, body, Done); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// maxLines bounds what one message names.
const maxLines = 20

// tell has people told: of what comes and what is due in one message, of what is escalated in another.
func (s *Service) tell(ctx context.Context, list []changed) error {
	for _, escalate := range []bool{false, true} {
		t := Telling{Escalate: escalate}
		sum, n := sha256.New(), 0
		for _, c := range list {
			if c.State == Done || (c.State == Escalated) != escalate {
				continue
			}
			n++
			fmt.Fprintf(sum, "%s %s %d\n", c.ID, c.State, c.Revision)
			if n <= maxLines {
				t.Lines = append(t.Lines, line(c.duty, c.State))
			}
		}
		if n == 0 {
			continue
		}
		if n > maxLines {
			t.Lines = append(t.Lines, fmt.Sprintf("and %d more: tutela duties", n-maxLines))
		}
		t.ID, t.Title = hex.EncodeToString(sum.Sum(nil)), fmt.Sprintf("%d things are to be done", n)
		if escalate {
			t.Title = fmt.Sprintf("%d things are overdue by %d days or more", n, int(after/(24*time.Hour)))
		}
		if err := s.cfg.Tell(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func line(d register.Duty, stage Stage) string {
	by := "by " + d.Due.UTC().Format(time.DateOnly)
	if stage != Coming {
		by = "overdue since " + d.Due.UTC().Format(time.DateOnly)
	}
	return fmt.Sprintf("%s %s: %s, %s", d.Kind, d.ID, d.What, by)
}
