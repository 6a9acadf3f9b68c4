package holders

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/keys/escrow"
	"github.com/tutela-health/tutela/store"
)

// Config says what a Service works with.
type Config struct {
	DB    *store.DB
	Ring  *keys.Ring
	Audit *audit.Log
	Clock clock.Clock
	// Plain lets shares be made that are sealed to nobody's key: a try-out's. Whoever orders a split
	// elsewhere must not see the shares.
	Plain bool
}

// Service answers for recovery. Safe for concurrent use.
type Service struct {
	cfg Config
}

// New returns a Service over a migrated database.
func New(c Config) *Service { return &Service{cfg: c} }

// Status is how recovery stands.
type Status struct {
	Split       bool      `json:"split"`
	Set         string    `json:"set,omitempty"`
	Threshold   int       `json:"threshold,omitempty"`
	Holders     []Person  `json:"holders"`
	Made        time.Time `json:"made,omitzero"`
	Generation  int       `json:"generation"` // the present one
	Wrap        *Wrap     `json:"wrap,omitempty"`
	Outstanding []Wrap    `json:"outstanding"` // older wraps whose destruction nobody confirmed
	Drill       *Drill    `json:"drill,omitempty"`
	Due         string    `json:"due,omitempty"` // what is to be done; empty: nothing
}

// Person is a holder, and the fingerprint of the key that the share is sealed to.
type Person struct {
	Name string `json:"name"`
	Key  string `json:"key,omitempty"`
}

// DrillLife is how long a drill counts.
const DrillLife = 365 * 24 * time.Hour

// Status says how recovery stands.
func (s *Service) Status(ctx context.Context) (Status, error) {
	st, err := s.read(ctx)
	if err != nil {
		return Status{}, err
	}
	generation, err := s.generation(ctx)
	if err != nil {
		return Status{}, err
	}
	out := Status{Holders: []Person{}, Outstanding: []Wrap{}, Generation: generation, Drill: st.Drill}
	for _, h := range st.Set.Holders {
		out.Holders = append(out.Holders, Person{h.Name, h.Fingerprint()})
	}
	if out.Split = st.Set.ID != ""; out.Split {
		out.Set, out.Threshold, out.Made = st.Set.ID, st.Set.Threshold, st.Set.Made
	}
	if i := len(st.Wraps) - 1; i >= 0 && st.Wraps[i].Set == st.Set.ID {
		out.Wrap = &st.Wraps[i]
	}
	for _, w := range st.Wraps {
		if w.Destroyed.IsZero() && (w.Generation != generation || w.Set != st.Set.ID) {
			out.Outstanding = append(out.Outstanding, w)
		}
	}
	out.Due = out.due(s.cfg.Clock())
	return out, nil
}

// due says what is to be done next, and why.
func (st Status) due(now time.Time) string {
	switch {
	case !st.Split:
		return "no recovery key was split: with the key provider every chart would be lost (tutela keys recovery split)"
	case st.Wrap == nil || st.Wrap.Generation != st.Generation:
		return fmt.Sprintf("the holders have no recovery wrap of the present generation, %d: give them one, and have the older ones destroyed (tutela keys recovery renew)", st.Generation)
	case st.Drill == nil || st.Drill.Generation != st.Generation || st.Drill.Set != st.Set:
		return fmt.Sprintf("no recovery drill has passed for generation %d (tutela keys recovery drill)", st.Generation)
	case now.Sub(st.Drill.At) > DrillLife:
		return "the last recovery drill was more than a year ago (tutela keys recovery drill)"
	}
	return ""
}

// generation is the present one.
func (s *Service) generation(ctx context.Context) (int, error) {
	w, err := s.cfg.DB.WrappedKey(ctx, tutela.KeyRing, 0, 0)
	if err != nil {
		return 0, fmt.Errorf("find keyring: %w", err)
	}
	return w.Generation, nil
}

// Outstanding lists the wraps of a generation that were given out and not confirmed destroyed: while
// there is one, enough holders open what is wrapped under that generation.
func (s *Service) Outstanding(ctx context.Context, generation int) ([]Wrap, error) {
	st, err := s.read(ctx)
	return slices.DeleteFunc(slices.Clone(st.Wraps), func(w Wrap) bool { return w.Generation != generation || !w.Destroyed.IsZero() }), err
}

// Given is what a split gives out, once.
type Given struct {
	Set        string   `json:"set"`
	Generation int      `json:"generation"`
	Shares     [][]byte `json:"shares,omitempty"` // in the holders' order
	Wrap       []byte   `json:"wrap"`
}

// Holder is somebody who is to keep a share.
type Holder = escrow.Holder

// Split makes a new recovery key in place of the one before, and gives its shares and the wrap of the
// present generation. The caller has decided that the order may be given.
func (s *Service) Split(ctx context.Context, base tutela.Entry, people []Holder, threshold int) (Given, error) {
	for _, h := range people {
		if len(h.Key) == 0 && !s.cfg.Plain {
			return Given{}, errs.New(errs.Invalid, "the share of %s would be sealed to nobody: name each holder's own key, as NAME=FILE.pub (tutela keys recovery holder makes one)", h.Name)
		}
	}
	st, err := s.read(ctx)
	if err != nil {
		return Given{}, err
	}
	set, shares, err := escrow.Split(s.cfg.Ring.Tenant(), people, threshold, s.cfg.Clock())
	if err != nil {
		return Given{}, err
	}
	st.Set = set
	g, err := s.give(ctx, st, base, fmt.Sprintf("%d holders, of whom %d are needed", len(people), threshold))
	g.Shares = shares
	return g, err
}

// Renew gives the wrap of the present generation to the holders there are.
func (s *Service) Renew(ctx context.Context, base tutela.Entry) (Given, error) {
	st, err := s.read(ctx)
	if err != nil {
		return Given{}, err
	}
	if st.Set.ID == "" {
		return Given{}, errs.New(errs.Precondition, "no recovery key was split yet: tutela keys recovery split")
	}
	return s.give(ctx, st, base, "")
}

// mostWraps bounds how many wraps are remembered whose destruction was confirmed.
const mostWraps = 50

// give makes a wrap and remembers that it was.
func (s *Service) give(ctx context.Context, st state, base tutela.Entry, detail string) (Given, error) {
	secret, generation, err := s.cfg.Ring.KeyringKey(ctx)
	defer clear(secret)
	if err != nil {
		return Given{}, err
	}
	now := s.cfg.Clock().UTC().Truncate(time.Second)
	wrap, err := st.Set.Wrap(generation, secret, now)
	if err != nil {
		return Given{}, err
	}
	same := func(w Wrap) bool { return w.Set == st.Set.ID && w.Generation == generation && w.Destroyed.IsZero() }
	if st.Wraps = slices.DeleteFunc(st.Wraps, same); len(st.Wraps) > mostWraps {
		st.Wraps = slices.DeleteFunc(st.Wraps, func(w Wrap) bool { return !w.Destroyed.IsZero() })
	}
	st.Wraps = append(st.Wraps, Wrap{Set: st.Set.ID, Generation: generation, Made: now})
	if detail != "" {
		detail += "; "
	}
	if err := s.commit(ctx, st, base, fmt.Sprintf("%swrap of generation %d", detail, generation)); err != nil {
		return Given{}, err
	}
	return Given{Set: st.Set.ID, Generation: generation, Wrap: wrap}, nil
}

// Confirm remembers that every copy of a generation's wraps was destroyed, on somebody's word.
func (s *Service) Confirm(ctx context.Context, base tutela.Entry, generation int) error {
	st, err := s.read(ctx)
	if err != nil {
		return err
	}
	present, err := s.generation(ctx)
	if err != nil {
		return err
	}
	confirmed := 0
	for i, w := range st.Wraps {
		if w.Generation == generation && w.Destroyed.IsZero() && (generation != present || w.Set != st.Set.ID) {
			st.Wraps[i].Destroyed = s.cfg.Clock().UTC().Truncate(time.Second)
			confirmed++
		}
	}
	if confirmed == 0 {
		return errs.New(errs.NotFound, "no older recovery wrap of generation %d is out", generation)
	}
	return s.commit(ctx, st, base, fmt.Sprintf("wraps of generation %d are destroyed, by word", generation))
}
