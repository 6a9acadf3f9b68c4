package rights

import (
	"context"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// State is how far a request is.
type State string

// The states. Those who decide on a request lead it from one to the next.
const (
	Open      State = "open"
	Granted   State = "granted" // what was asked for is right, and being done
	Fulfilled State = "fulfilled"
	Refused   State = "refused"
)

// closed reports whether nothing is left to do.
func (s State) closed() bool { return s == Fulfilled || s == Refused }

// Request is one right exercised.
type Request struct {
	ID         string           `json:"id"` // of the entry that opened it
	Patient    string           `json:"patient,omitempty"`
	Kind       Kind             `json:"kind,omitempty"`
	Regulation Regulation       `json:"regulation,omitempty"`
	State      State            `json:"state,omitempty"`
	Detail     string           `json:"detail,omitempty"`   // what the patient says
	Purposes   []tutela.Purpose `json:"purposes,omitempty"` // objected to
	By         string           `json:"by,omitempty"`       // who wrote it down: the patient's own account, or staff
	ByID       tutela.UserID    `json:"by_id,omitempty"`
	Opened     time.Time        `json:"opened"`
	Due        time.Time        `json:"due,omitzero"`       // zero where the regulation names no time
	Extended   string           `json:"extended,omitempty"` // why the time was extended
	Reason     string           `json:"reason,omitempty"`   // of the decision
	DecidedBy  string           `json:"decided_by,omitempty"`
	Decided    time.Time        `json:"decided,omitzero"`
	Closed     time.Time        `json:"closed,omitzero"`
	Erasure    string           `json:"erasure,omitempty"` // id of the erasure that it led to
	Notices    []Notice         `json:"notices,omitempty"` // who was told of it

	// Erased says that the patient's key was destroyed: then nothing else is known but the id and times.
	Erased bool `json:"erased,omitempty"`
}

// Notice says that a recipient of a patient's data was told of a rectification, an erasure or a restriction
// (GDPR 19, 45 CFR 164.526(c)(3)).
type Notice struct {
	Recipient string    `json:"recipient"`
	How       string    `json:"how"`
	At        time.Time `json:"at"`
	By        string    `json:"by"`
}

// Overdue reports whether a request should have been answered before a moment.
func (r *Request) Overdue(now time.Time) bool {
	return !r.State.closed() && !r.Due.IsZero() && now.After(r.Due)
}

// DaysLeft is how many days are left, begun ones included; negative for whole days that are over. Not ok
// where there is no such time.
func (r *Request) DaysLeft(now time.Time) (days int, ok bool) {
	if r.State.closed() || r.Due.IsZero() {
		return 0, false
	}
	left, day := r.Due.Sub(now), 24*time.Hour
	if left > 0 {
		return int((left + day - 1) / day), true
	}
	return int(left / day), true
}

// Ask is what somebody asks for.
type Ask struct {
	Patient    tutela.PatientID
	Kind       Kind
	Regulation Regulation
	Detail     string
	Purposes   []tutela.Purpose // of an objection
	By         tutela.Principal
}

// Open takes a request in. base is the entry without what only this knows; its id becomes the request's.
func (s *Service) Open(ctx context.Context, base tutela.Entry, a Ask) (Request, error) {
	detail, err := plainText("request", a.Detail, a.Kind == Rectification)
	if err != nil {
		return Request{}, err
	}
	if a.Kind != Objection && len(a.Purposes) > 0 {
		return Request{}, errs.New(errs.Invalid, "purposes are those of an objection")
	}
	if a.Kind == Objection && len(a.Purposes) == 0 {
		return Request{}, errs.New(errs.Invalid, "an objection names the purposes that it is to")
	}
	purposes, err := objectable(a.Purposes)
	if err != nil {
		return Request{}, err
	}
	r := Request{
		ID: audit.NewID(), Patient: "Patient/" + string(a.Patient), Kind: a.Kind, Regulation: a.Regulation, State: Open, Detail: detail,
		Purposes: purposes, By: a.By.Username, ByID: a.By.ID, Opened: s.now(),
	}
	if r.Due, err = due(r.Kind, r.Regulation, r.Opened, false); err != nil {
		return Request{}, err
	}
	if err := s.known(ctx, a.Patient); err != nil {
		return Request{}, err
	}
	base.ID, base.Time = r.ID, r.Opened
	return r, s.save(ctx, base, stored{patient: s.cfg.Notes.Bucket(a.Patient), Request: r}, nil, said{Reason: detail})
}

// Extend gives a request the regulation's longer time, once and before its time is over.
func (s *Service) Extend(ctx context.Context, by tutela.Principal, base tutela.Entry, id, reason string) (Request, error) {
	return s.step(ctx, by, base, id, reason, true, func(r *stored) error {
		longer, err := due(r.Kind, r.Regulation, r.Opened, true)
		switch {
		case err != nil:
			return err
		case r.Due.IsZero():
			return errs.New(errs.Conflict, "the regulation names no time that could be extended")
		case r.Extended != "":
			return errs.New(errs.Conflict, "the time is extended once")
		case r.Overdue(s.now()):
			return errs.New(errs.Conflict, "the time is over: it is extended before that")
		}
		r.Due, r.Extended = longer, reason
		return nil
	})
}

// Grant says that what was asked for is right. That of a restriction or an objection is done with it.
func (s *Service) Grant(ctx context.Context, by tutela.Principal, base tutela.Entry, id, reason string) (Request, error) {
	return s.step(ctx, by, base, id, reason, false, func(r *stored) error {
		if r.State != Open {
			return errs.New(errs.Conflict, "the request was granted already")
		}
		r.decide(by, Granted, reason, s.now())
		if r.Kind == Restriction || r.Kind == Objection {
			r.State, r.Closed = Fulfilled, r.Decided
			r.restrict = true
		}
		return nil
	})
}

// Refuse says no, and why (GDPR 12(4), 45 CFR 164.524(d), 164.526(d)).
func (s *Service) Refuse(ctx context.Context, by tutela.Principal, base tutela.Entry, id, reason string) (Request, error) {
	return s.step(ctx, by, base, id, reason, true, func(r *stored) error {
		r.decide(by, Refused, reason, s.now())
		r.Closed = r.Decided
		return nil
	})
}

// Fulfil says that what was asked for is done; of an erasure, by which.
func (s *Service) Fulfil(ctx context.Context, by tutela.Principal, base tutela.Entry, id, reason, erasure string) (Request, error) {
	return s.step(ctx, by, base, id, reason, false, func(r *stored) error {
		if erasure != "" && r.Kind != Erasure {
			return errs.New(errs.Invalid, "the request is for no erasure")
		}
		r.decide(by, Fulfilled, reason, s.now())
		r.Closed, r.Erasure = r.Decided, erasure
		return nil
	})
}

// decide takes in a decision. What was said of an earlier one stays where nothing new is said.
func (r *stored) decide(by tutela.Principal, to State, reason string, now time.Time) {
	r.State, r.DecidedBy, r.Decided = to, by.Username, now
	if reason != "" {
		r.Reason = reason
	}
}

// step changes an open request, with its entry. Nobody decides on what he asked for himself as a patient.
func (s *Service) step(ctx context.Context, by tutela.Principal, base tutela.Entry, id, reason string, wanted bool, change func(*stored) error) (Request, error) {
	reason, err := plainText("reason", reason, wanted)
	if err != nil {
		return Request{}, err
	}
	r, err := s.find(ctx, id)
	switch {
	case err != nil:
		return Request{}, err
	case r.Erased:
		return Request{}, errs.New(errs.Gone, "the patient was erased")
	case r.State.closed():
		return Request{}, errs.New(errs.Conflict, "the request is closed")
	case "Patient/"+string(by.Patient) == r.Patient:
		return Request{}, errs.New(errs.Denied, "nobody decides on a request of his own")
	}
	if err := change(&r); err != nil {
		return Request{}, err
	}
	return r.Request, s.save(ctx, base, r, s.restricting(ctx, &r), said{Reason: reason})
}

// restricting is what a granted restriction or objection adds to its op, and to what its entry says.
func (s *Service) restricting(ctx context.Context, r *stored) func(*store.Op) (string, error) {
	if !r.restrict {
		return nil
	}
	return func(op *store.Op) (string, error) {
		return s.restrict(ctx, op, r.patientID(), &Restricted{Purposes: r.Purposes})
	}
}

// Notify writes down that a recipient was told, also after the request was closed.
func (s *Service) Notify(ctx context.Context, by tutela.Principal, base tutela.Entry, id string, n Notice) (Request, error) {
	var err error
	if n.Recipient, err = plainText("recipient", n.Recipient, true); err != nil {
		return Request{}, err
	}
	if n.How, err = plainText("way", n.How, true); err != nil {
		return Request{}, err
	}
	r, err := s.find(ctx, id)
	switch {
	case err != nil:
		return Request{}, err
	case r.Erased:
		return Request{}, errs.New(errs.Gone, "the patient was erased")
	case !slices.Contains([]Kind{Rectification, Erasure, Restriction, Objection}, r.Kind):
		return Request{}, errs.New(errs.Invalid, "recipients are told of rectifications, erasures and restrictions")
	case r.State == Open || r.State == Refused:
		return Request{}, errs.New(errs.Conflict, "recipients are told of what was granted")
	}
	n.At, n.By = s.now(), by.Username
	r.Notices = append(r.Notices, n)
	return r.Request, s.save(ctx, base, r, nil, said{Reason: n.How, Recipient: n.Recipient})
}

// Recipients are those to whom the patient's data was disclosed and who were not told of a request yet.
func (s *Service) Recipients(ctx context.Context, id string) ([]string, error) {
	r, err := s.find(ctx, id)
	if err != nil || r.Erased {
		return nil, err
	}
	lines, err := s.Disclosures(ctx, r.patientID(), Accounts{All: true, Withheld: true})
	if err != nil {
		return nil, err
	}
	var list []string
	for _, l := range lines {
		told := slices.ContainsFunc(r.Notices, func(n Notice) bool { return n.Recipient == l.Recipient })
		if !told && !slices.Contains(list, l.Recipient) {
			list = append(list, l.Recipient)
		}
	}
	return list, nil
}
