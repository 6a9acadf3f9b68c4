package records

import (
	"context"
	"errors"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/r4"
)

// Who works with every patient's records of a type writes about patients to whom nothing binds him. What
// a consent or a label keeps from him must look to him like what is not there: so he writes about nobody
// who is not there, and the refusal is the same.

// mayNotWrite is said of every write that a decision refuses.
func mayNotWrite(ref tutela.Ref) error {
	return errs.New(errs.Denied, "the caller may not write this %s", ref.Type)
}

// coming are the patients whom a Transact makes.
func (s *Store) coming(changes []Change) map[tutela.Bucket]bool {
	patients := map[tutela.Bucket]bool{}
	for i := range changes {
		if c := &changes[i]; c.Kind == Create && c.Ref.Type == "Patient" {
			patients[s.Bucket(tutela.PatientID(c.Ref.ID))] = true
		}
	}
	return patients
}

// knows refuses a write about a stranger who is not there, or whose own record is kept from the caller.
func (w *write) knows(ctx context.Context, c *Change, rec *Record) error {
	for _, b := range rec.Patients {
		if rec.Locator == tutela.Locator(b) || w.coming[b] || !c.Grant.Stranger(b) {
			continue
		}
		there, err := w.reaches(ctx, c, rec, b)
		if err != nil {
			return err
		}
		if !there {
			return mayNotWrite(c.Ref)
		}
	}
	return nil
}

// reaches reports whether a patient is there, and whether the caller might write what it writes were it
// as sensitive as the patient's own record, and as much denied by consent.
func (w *write) reaches(ctx context.Context, c *Change, rec *Record, b tutela.Bucket) (bool, error) {
	old, found, err := current(ctx, w.s.db, tutela.Locator(b))
	if err != nil || !found || old.deleted() {
		return false, err
	}
	patient, err := w.s.record(ctx, w.s.db, tutela.Ref{Type: "Patient"}, old)
	if errors.Is(err, keys.ErrDestroyed) {
		return false, nil // erased
	}
	if err != nil {
		return false, err
	}
	if patient.parsed, err = r4.Parse(patient.JSON); err != nil {
		return false, errors.New("a stored Patient does not parse")
	}
	f := w.s.facts(ctx, w.s.db, patient)
	f.Type, f.Patients, f.Resource = rec.Ref.Type, rec.Patients, rec.resource
	return c.Grant.Admits(f), nil
}
