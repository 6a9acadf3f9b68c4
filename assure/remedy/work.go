package remedy

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/internal/errs"
)

// Score is how everything stood on a day.
type Score struct {
	Day         string                              `json:"day"`
	At          time.Time                           `json:"at"`
	Regulations map[string]map[control.Standing]int `json:"regulations"` // requirements, by id of their regulation
	Failing     []string                            `json:"failing"`     // checks
}

func entry() tutela.Entry {
	return tutela.Entry{Actor: tutela.Actor{ID: "system:assure", Kind: tutela.ActorSystem, Name: "tutela assure"}, Action: tutela.ActionGapChange}
}

// Work opens a gap for every check that fails, closes those whose check passes, and once a day keeps how everything stands.
// While another node does the same the error's kind is errs.Conflict.
func (s *Service) Work(ctx context.Context) error {
	newest, err := s.cfg.Board().Tried(ctx)
	if err != nil {
		return err
	}
	if err := s.follow(ctx, newest); err != nil {
		return err
	}
	if err := s.followUps(ctx); err != nil {
		return err
	}
	return s.keepScore(ctx, newest)
}

func (s *Service) follow(ctx context.Context, newest map[string]tutela.Evidence) error {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindGap})
	if err != nil {
		return err
	}
	kept := map[string]register.Item{}
	for _, it := range items {
		kept[it.ID] = it
	}
	var list []register.Change
	for _, c := range s.cfg.Checks() {
		e, it := newest[c.ID], kept["check."+c.ID]
		switch {
		case e.Verdict == tutela.Fail && (it.Revision == 0 || it.State == Closed):
			it.Kind, it.ID = kindGap, "check."+c.ID
			now := s.now()
			g := Gap{Check: c.ID, Title: c.Title, Where: clip(e.On), Seen: clip(e.Observed), Severity: High, Opened: now, Until: now.AddDate(0, 0, High.deadline())}
			change, err := turned(it, g, Open, "the check fails")
			if err != nil {
				return err
			}
			list = append(list, change)
		case (e.Verdict == tutela.Pass || e.Verdict == tutela.NotApplicable) && it.State == Open:
			g, err := register.Decode[Gap](it)
			if err != nil {
				return err
			}
			if !e.At.After(g.Opened) {
				continue
			}
			g.Closed, g.How = s.now(), fmt.Sprintf("the check passed at %s: %s", e.At.UTC().Format(time.RFC3339), clip(e.Observed))
			change, err := turned(it, g, Closed, "the check passes")
			if err != nil {
				return err
			}
			list = append(list, change)
		}
	}
	if len(list) == 0 {
		return nil
	}
	_, err = s.cfg.Register.Put(ctx, entry(), list...)
	return err
}

// followUps keeps a gap for each follow-up of a review that is not done.
func (s *Service) followUps(ctx context.Context) error {
	if s.cfg.FollowUps == nil {
		return nil
	}
	due, err := s.cfg.FollowUps(ctx)
	if err != nil {
		return err
	}
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindGap})
	if err != nil {
		return err
	}
	kept := map[string]one{}
	for _, it := range items {
		g, err := register.Decode[Gap](it)
		if err != nil {
			return err
		}
		kept[it.ID] = one{it, g}
	}
	var list []register.Change
	add := func(o one, to State, what string) error {
		c, err := turned(o.item, o.gap, to, what)
		list = append(list, c)
		return err
	}
	now, open := s.now(), map[string]bool{}
	for _, d := range due {
		id := named("review.", d.ID)
		open[id] = true
		o := kept[id]
		if o.item.Revision > 0 && o.item.State != Closed {
			continue
		}
		o.item.Kind, o.item.ID = kindGap, id
		o.gap = Gap{Review: d.ID, Title: d.Title, Where: "a review", Seen: d.What, Severity: Medium, Opened: now, Until: d.Due, Owner: d.Owner, OwnerName: d.Name}
		if err := add(o, Open, "a review found it"); err != nil {
			return err
		}
	}
	for _, id := range sortedKeys(kept) {
		if o := kept[id]; o.gap.Review != "" && o.item.State != Closed && !open[id] {
			o.gap.Closed, o.gap.How = now, "the follow-up is done"
			if err := add(o, Closed, o.gap.How); err != nil {
				return err
			}
		}
	}
	if len(list) == 0 {
		return nil
	}
	_, err = s.cfg.Register.Put(ctx, entry(), list[:min(len(list), register.MaxChanges)]...)
	return err
}

// maxClip bounds what is quoted of evidence, in bytes.
const maxClip = 500

func clip(text string) string {
	if len(text) <= maxClip {
		return text
	}
	return strings.ToValidUTF8(text[:maxClip], "") + "…"
}

// keepScore writes down how everything stands, the first time on a day.
func (s *Service) keepScore(ctx context.Context, newest map[string]tutela.Evidence) error {
	now := s.now()
	sc := Score{Day: now.Format(time.DateOnly), At: now, Regulations: map[string]map[control.Standing]int{}, Failing: []string{}}
	_, err := s.cfg.Register.Get(ctx, kindScore, sc.Day)
	if !errs.Is(err, errs.NotFound) {
		return err
	}
	if len(newest) == 0 {
		return nil // nothing was tried yet: tomorrow's first look would call today red
	}
	o, err := s.cfg.Board().List(ctx, control.Filter{})
	if err != nil {
		return err
	}
	for _, reg := range o.Regulations {
		sum := map[control.Standing]int{}
		for _, by := range reg.Known {
			for standing, n := range by {
				sum[standing] += n
			}
		}
		sc.Regulations[reg.ID] = sum
	}
	for id, e := range newest {
		if e.Verdict == tutela.Fail {
			sc.Failing = append(sc.Failing, id)
		}
	}
	slices.Sort(sc.Failing)
	text, err := json.Marshal(sc)
	if err != nil {
		return fmt.Errorf("encode score: %w", err)
	}
	_, err = s.cfg.Register.Put(ctx, entry(), register.Change{What: "how everything stands", Item: register.Item{Kind: kindScore, ID: sc.Day, State: "kept", Body: text}})
	return err
}

// Trend is how everything stood over time.
type Trend struct {
	Scores []Score `json:"scores"` // the oldest first
	// Mended and Broken are the checks that failed at its beginning and no longer, and those that came to fail.
	Mended []string `json:"mended"`
	Broken []string `json:"broken"`
}

// Trend gives the scores of so many days.
func (s *Service) Trend(ctx context.Context, days int) (Trend, error) {
	if days < 1 || days > 3660 {
		return Trend{}, errs.New(errs.Invalid, "a trend is of 1 to 3660 days")
	}
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindScore})
	if err != nil {
		return Trend{}, err
	}
	t := Trend{Scores: []Score{}, Mended: []string{}, Broken: []string{}}
	from := s.now().AddDate(0, 0, -days).Format(time.DateOnly)
	for _, it := range items {
		sc, err := register.Decode[Score](it)
		if err != nil {
			return Trend{}, err
		}
		if sc.Day > from {
			t.Scores = append(t.Scores, sc)
		}
	}
	if n := len(t.Scores); n > 0 {
		first, last := t.Scores[0].Failing, t.Scores[n-1].Failing
		t.Mended, t.Broken = without(first, last), without(last, first)
	}
	return t, nil
}

func without(list, others []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(id string) bool { return slices.Contains(others, id) })
}
