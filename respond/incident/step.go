package incident

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
)

// Running is a clock of an incident.
type Running struct {
	Clock
	Due time.Time `json:"due"`
}

// Progress is how far a step is.
type Progress struct {
	Step
	Due      time.Time      `json:"due,omitzero"`
	Result   Result         `json:"result,omitempty"` // empty: it is yet to be done
	At       time.Time      `json:"at,omitzero"`
	By       *tutela.Actor  `json:"by,omitempty"`
	Approved []tutela.Actor `json:"approved,omitempty"`
}

// Result is what somebody says of a step.
type Result string

// The results.
const (
	Approve Result = "approve" // he agrees that it be done
	Done    Result = "done"
	Skipped Result = "skipped" // it does not apply, or cannot be done; the note says why
)

// adopt gives an incident the steps and clocks of the runbook in force for its kind, unless it works by one of
// that kind already. Steps of another runbook go only while none of them is done.
func (s *Service) adopt(in *Incident) error {
	r, found, err := s.runbook(in.Kind)
	if err != nil || !found {
		return err
	}
	begun := slices.ContainsFunc(in.Steps, func(p Progress) bool { return p.Result != "" || len(p.Approved) > 0 })
	if begun || in.works(r.ID) {
		return nil
	}
	s.follow(in, r)
	return nil
}

// works reports whether an incident has the steps of a runbook, of whatever version.
func (in *Incident) works(id string) bool {
	return len(in.Runbook) > len(id) && in.Runbook[:len(id)+1] == id+"@"
}

// follow has an incident worked through by a runbook.
func (s *Service) follow(in *Incident, r Runbook) {
	in.Runbook, in.Steps, in.Clocks = r.ID+"@"+r.Version, nil, nil
	for _, step := range r.Steps {
		p := Progress{Step: step}
		if step.Within > 0 {
			p.Due = in.Discovered.Add(time.Duration(step.Within))
		}
		in.Steps = append(in.Steps, p)
	}
	for _, c := range r.Clocks {
		in.Clocks = append(in.Clocks, Running{Clock: c, Due: c.due(in.Discovered, s.cfg.Zone)})
	}
}

func (s *Service) runbook(k Kind) (Runbook, bool, error) {
	list, err := s.Runbooks()
	if err != nil {
		return Runbook{}, false, err
	}
	r, found := list.of(k)
	return r, found, nil
}

// Runbooks are those in force.
func (s *Service) Runbooks() (Runbooks, error) {
	if s.cfg.Runbooks != nil {
		return s.cfg.Runbooks(), nil
	}
	return LoadRunbooks(nil)
}

// left names the steps that are to be done before an incident is in the state that it is in.
func (in *Incident) left() []string {
	before := map[State][]Phase{Contained: {Contain}, Recovered: {Contain, Recover}, Closed: {Contain, Recover, Finish}}[in.State]
	var list []string
	for _, p := range in.Steps {
		if p.Result == "" && slices.Contains(before, p.Phase) {
			list = append(list, p.ID)
		}
	}
	return list
}

// Deed is what somebody says about a step.
type Deed struct {
	Result Result
	Note   string // may name patients
}

// Step has a step approved, done or skipped. One that wants approvals is done only when so many people have
// approved it, each of them once; one with a check only when the system has tried it. base is the entry, of a
// caller of whom it was decided that he may.
func (s *Service) Step(ctx context.Context, by tutela.Principal, base tutela.Entry, id, step string, d Deed) (Incident, error) {
	in, err := s.visible(ctx, by, id)
	if err != nil {
		return Incident{}, err
	}
	at := slices.IndexFunc(in.Steps, func(p Progress) bool { return p.ID == step })
	if at < 0 {
		return Incident{}, errs.New(errs.NotFound, "no such step")
	}
	note, err := plain("note", d.Note, minText, maxText)
	if err != nil {
		return Incident{}, err
	}
	if in.Over() || in.State == Reported || in.Steps[at].Result != "" {
		return Incident{}, errs.New(errs.Conflict, "the step is over, or the incident is not open")
	}
	in.Steps = slices.Clone(in.Steps)
	p := &in.Steps[at]
	base.Action = tutela.ActionIncidentStep
	c := change{kind: Stepping, text: fmt.Sprintf("%s %s: %s", d.Result, step, note), entry: base, detail: fmt.Sprintf("%s %s", d.Result, step)}
	switch d.Result {
	case Approve:
		err = p.approve(base.Actor)
	case Done:
		c.text, err = s.finish(ctx, in, p, c.text)
	case Skipped:
	default:
		err = errs.New(errs.Invalid, "result is %s, %s or %s", Approve, Done, Skipped)
	}
	if err != nil {
		return Incident{}, err
	}
	if d.Result != Approve {
		p.Result, p.At, p.By = d.Result, s.now(), &base.Actor
	}
	c.in = in
	return s.opened(ctx, c)
}

// approve notes that somebody agrees.
func (p *Progress) approve(by tutela.Actor) error {
	if p.Approvals == 0 {
		return errs.New(errs.Conflict, "the step needs no approval")
	}
	if slices.ContainsFunc(p.Approved, func(a tutela.Actor) bool { return a.ID == by.ID }) {
		return errs.New(errs.Conflict, "you have approved it: somebody else has to")
	}
	p.Approved = append(slices.Clone(p.Approved), by)
	return nil
}

// finish holds a step that is to be done to its approvals and its check, and says what the check saw.
func (s *Service) finish(ctx context.Context, in Incident, p *Progress, text string) (string, error) {
	if len(p.Approved) < p.Approvals {
		return "", errs.New(errs.Conflict, "the step needs the approval of %d people, and has %d", p.Approvals, len(p.Approved))
	}
	if p.Check == "" {
		return text, nil
	}
	saw, ok, err := s.try(ctx, in, p.Check)
	if err != nil {
		return "", err
	}
	if !ok {
		return "", errs.New(errs.Conflict, "%s: %s", p.Check, saw)
	}
	return text + "\n" + string(p.Check) + ": " + saw, nil
}

// try has the system itself look whether something holds.
func (s *Service) try(ctx context.Context, in Incident, p Proof) (saw string, ok bool, err error) {
	if p == LedgerVerifies {
		r, err := s.cfg.Audit.Verify(ctx, audit.VerifyOptions{})
		if err != nil {
			return "", false, err
		}
		return fmt.Sprintf("%d entries, %d problems", r.Size, int64(len(r.Problems))+r.More), r.Clean(), nil
	}
	saw = "no backup has come back since the discovery: run tutela backup verify"
	err = s.cfg.Audit.Search(ctx, audit.Query{Action: tutela.ActionBackupVerify, From: in.Discovered, Newest: true}, func(o audit.Opened) error {
		e := o.Entry
		if !ok && e.Foreign == nil && e.Actor.Kind == tutela.ActorSystem && e.Evidence != nil && e.Evidence.Verdict == tutela.Pass {
			saw, ok = e.Evidence.Observed, true
		}
		return nil
	})
	return saw, ok, err
}
