package rights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Restricted says that a patient's records are kept and not used.
type Restricted struct {
	Patient  tutela.Bucket    `json:"patient"`
	Since    time.Time        `json:"since"`
	Purposes []tutela.Purpose `json:"purposes,omitempty"` // for these alone (an objection); none: for every one
}

// maxTurns bounds how often a change that lost a race is made anew.
const maxTurns = 8

// Restrict has a patient's records kept and not used from now on, for some purposes or, without any, for
// all of them (GDPR 18 and 21, 45 CFR 164.522(a)). It replaces what held before. base is the entry
// without what only this knows.
func (s *Service) Restrict(ctx context.Context, base tutela.Entry, patient tutela.PatientID, purposes []tutela.Purpose, reason string) error {
	reason, err := plainText("reason", reason, true)
	if err != nil {
		return err
	}
	if purposes, err = objectable(purposes); err != nil {
		return err
	}
	return s.change(ctx, base, patient, &Restricted{Purposes: purposes}, reason)
}

// Lift lets a patient's records be used again. Where nothing is restricted, nothing is left to do but to
// write that down.
func (s *Service) Lift(ctx context.Context, base tutela.Entry, patient tutela.PatientID, reason string) error {
	reason, err := plainText("reason", reason, true)
	if err != nil {
		return err
	}
	return s.change(ctx, base, patient, nil, reason)
}

// Of gives what is restricted of a patient; nil where nothing is.
func (s *Service) Of(ctx context.Context, patient tutela.PatientID) (*Restricted, error) {
	all, err := s.readRestrictions(ctx)
	if err != nil {
		return nil, err
	}
	b := s.cfg.Notes.Bucket(patient)
	if i := slices.IndexFunc(all.list, func(r Restricted) bool { return r.Patient == b }); i >= 0 {
		return &all.list[i], nil
	}
	return nil, nil
}

// objectable holds purposes to those for which records are used, sorted.
func objectable(purposes []tutela.Purpose) ([]tutela.Purpose, error) {
	known := []tutela.Purpose{tutela.PurposeTreatment, tutela.PurposePayment, tutela.PurposeOperations, tutela.PurposeResearch, tutela.PurposeSystem}
	for _, p := range purposes {
		if !slices.Contains(known, p) {
			return nil, errs.New(errs.Invalid, "what one objects to is one of %s", joined(known))
		}
	}
	purposes = slices.Clone(purposes)
	slices.Sort(purposes)
	return slices.Compact(purposes), nil
}

func joined(purposes []tutela.Purpose) string {
	list := make([]string, len(purposes))
	for i, p := range purposes {
		list[i] = string(p)
	}
	return strings.Join(list, ", ")
}

// change replaces what holds for a patient, and tries again where another change was quicker.
func (s *Service) change(ctx context.Context, base tutela.Entry, patient tutela.PatientID, next *Restricted, reason string) error {
	if err := s.known(ctx, patient); err != nil {
		return err
	}
	for turn := 1; ; turn++ {
		op := store.Op{}
		state, err := s.restrict(ctx, &op, patient, next)
		if err == nil {
			err = s.commit(ctx, op, about(base, s.cfg.Notes.Bucket(patient), "restriction", state), said{Patient: "Patient/" + string(patient), Reason: reason})
		}
		if !errors.Is(err, store.ErrClaim) || turn == maxTurns {
			return err
		}
	}
}

// restrict adds a change of restrictions to an op. state is what the entry says of it, with the revision: by
// that one finds a row that was taken away.
func (s *Service) restrict(ctx context.Context, op *store.Op, patient tutela.PatientID, next *Restricted) (state string, err error) {
	was, err := s.readRestrictions(ctx)
	if err != nil {
		return "", err
	}
	b := s.cfg.Notes.Bucket(patient)
	list := slices.DeleteFunc(slices.Clone(was.list), func(r Restricted) bool { return r.Patient == b })
	if next != nil {
		list = append(list, Restricted{Patient: b, Since: s.now(), Purposes: next.Purposes})
	}
	return fmt.Sprintf("%s (revision %d)", stateOf(next), was.revision+1), s.put(ctx, op, was, list)
}

// stateOf is what an entry says that holds from now on.
func stateOf(r *Restricted) string {
	switch {
	case r == nil:
		return "lifted"
	case len(r.Purposes) == 0:
		return "restricted"
	}
	return "restricted for " + joined(r.Purposes)
}

// said is what of an entry lies under the patient's key.
type said struct {
	Patient   string `json:"patient,omitempty"`
	Request   string `json:"request,omitempty"`
	Kind      Kind   `json:"kind,omitempty"`
	Reason    string `json:"reason,omitempty"`
	Recipient string `json:"recipient,omitempty"`
}

// commit writes an op with its entry, of which what was said lies under the key of the first patient.
func (s *Service) commit(ctx context.Context, op store.Op, e tutela.Entry, words any) error {
	body, err := json.Marshal(words)
	if err != nil {
		return fmt.Errorf("encode entry: %w", err)
	}
	op.Entries, err = s.cfg.Audit.Encode(ctx, e, []tutela.Section{{Patient: e.Patients[0].Patient, Body: body}}, nil)
	if err != nil {
		return noPatient(err)
	}
	if err := s.cfg.DB.Commit(ctx, op); err != nil {
		return err
	}
	s.held.forget()
	return nil
}
