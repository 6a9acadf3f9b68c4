package incident

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
)

// Move is what is said when an incident changes its state.
type Move struct {
	To   State
	Note string // why; may name patients
	// Kind and Severity are what it turned out to be; empty leaves them.
	Kind     Kind
	Severity finding.Level
}

// Move brings an incident into its next state. base is the entry, of a caller of whom it was decided that he may.
func (s *Service) Move(ctx context.Context, by tutela.Principal, base tutela.Entry, id string, m Move) (Incident, error) {
	in, err := s.visible(ctx, by, id)
	if err != nil {
		return Incident{}, err
	}
	note, err := plain("note", m.Note, minText, maxText)
	if err != nil {
		return Incident{}, err
	}
	in.Kind, in.Severity = cmp.Or(m.Kind, in.Kind), cmp.Or(m.Severity, in.Severity)
	if !slices.Contains(Kinds(), in.Kind) || in.Severity.Severity() == 0 {
		return Incident{}, errs.New(errs.Invalid, "kind is one of %v, and severity of %v", Kinds(), finding.Levels())
	}
	was, now := in.State, s.now()
	if m.To != was || in.Over() { // else it is only said what it is
		if err := in.move(m.To, now); err != nil {
			return Incident{}, err
		}
	}
	if in.State == Open {
		if err := s.adopt(&in); err != nil {
			return Incident{}, err
		}
	}
	if err := s.ready(ctx, in, was); err != nil {
		return Incident{}, err
	}
	base.Action = tutela.ActionIncidentMove
	return s.opened(ctx, change{
		in: in, kind: Moving, text: fmt.Sprintf("%s, was %s: %s", in.State, was, note), entry: base,
		detail: fmt.Sprintf("%s, was %s, %s", in.State, was, in.took(now)),
	})
}

// ready holds an incident to what is to be done before its next state, and to what was learned from it.
func (s *Service) ready(ctx context.Context, in Incident, was State) error {
	if in.State == was || in.State == Open || was == Reported {
		return nil
	}
	if left := in.left(); len(left) > 0 {
		return errs.New(errs.Conflict, "before it is %s these steps are to be done, or skipped with a reason: %s", in.State, strings.Join(left, ", "))
	}
	if in.State != Closed {
		return nil
	}
	items, err := s.items(ctx, in)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(items, func(i Item) bool { return i.Kind == Lesson }) {
		return errs.New(errs.Conflict, "write down what was learned (tutela incidents note --kind lesson), then close the incident")
	}
	return nil
}

// Remark is what is written into a timeline by hand.
type Remark struct {
	Kind    ItemKind // Note, Communication or Lesson
	Text    string   // may name patients
	To      string   // of a communication: whom
	Channel string   // and how: telephone, letter, meeting
}

// Note writes into a timeline. base is the entry, of a caller of whom it was decided that he may.
func (s *Service) Note(ctx context.Context, by tutela.Principal, base tutela.Entry, id string, r Remark) (Incident, error) {
	in, err := s.visible(ctx, by, id)
	if err != nil {
		return Incident{}, err
	}
	r.Kind = cmp.Or(r.Kind, Note)
	if !slices.Contains([]ItemKind{Note, Communication, Lesson}, r.Kind) {
		return Incident{}, errs.New(errs.Invalid, "kind is %s, %s or %s", Note, Communication, Lesson)
	}
	if r.Text, err = plain("text", r.Text, minText, maxText); err != nil {
		return Incident{}, err
	}
	least := 0
	if r.Kind == Communication {
		least = 1
	}
	if r.To, err = plain("addressee", r.To, least, maxTo); err != nil {
		return Incident{}, err
	}
	if r.Channel, err = plain("channel", r.Channel, least, maxTo); err != nil {
		return Incident{}, err
	}
	base.Action = tutela.ActionIncidentNote
	return s.opened(ctx, change{in: in, kind: r.Kind, text: r.Text, to: r.To, via: r.Channel, entry: base, detail: string(r.Kind)})
}
