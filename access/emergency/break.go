package emergency

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// Ask is what a caller says who breaks the glass.
type Ask struct {
	Patient tutela.Ref
	Reason  string         // 10 to 2,000 characters
	Purpose tutela.Purpose // emergency treatment; empty means that
}

// Access is an emergency as its holder sees it.
type Access struct {
	ID      string
	Patient tutela.Ref // empty where it is not known
	Opened  time.Time
	Until   time.Time
}

// Bounds on a reason and a review's note, in characters.
const (
	shortestText = 10
	longestText  = 2000
)

// flag marks the patient in the entries about an emergency, as in those of accesses under it.
const flag = "emergency"

// StepUpError says that the second factor must be proved anew.
type StepUpError struct{ MaxAge time.Duration }

func (e *StepUpError) Error() string {
	return fmt.Sprintf("prove your second factor again: it must not be older than %d minutes", int(e.MaxAge.Minutes()))
}

// Challenge is what a client needs to know to have it proved (RFC 9470, 3).
func (e *StepUpError) Challenge() string {
	return fmt.Sprintf(`Bearer error="insufficient_user_authentication", error_description="%s", acr_values="aal2", max_age="%d"`,
		e.Error(), int(e.MaxAge.Seconds()))
}

// Break opens an emergency for a caller of whom it was decided that he may break the glass. base is
// the entry without what only this knows; its id becomes the emergency's. Whether there is such a patient
// makes no difference to the answer.
func (s *Service) Break(ctx context.Context, by tutela.Principal, base tutela.Entry, ask Ask) (Access, error) {
	if err := ask.check(); err != nil {
		return Access{}, err
	}
	if err := s.provedLately(ctx, by); err != nil {
		return Access{}, err
	}
	now := s.now()
	r := row{
		id: audit.NewID(), holder: s.holder(by.ID), session: s.session(by.Session),
		patient: s.cfg.Locate(tutela.PatientID(ask.Patient.ID)), opened: now, until: now.Add(s.cfg.Life),
	}
	open, err := s.openRows(ctx, r.holder, now)
	if err != nil {
		return Access{}, err
	}
	if len(open) >= maxOpen {
		return Access{}, errs.New(errs.TooMany, "%d emergency accesses are open: end those that are not needed", len(open))
	}
	base.ID, base.Time, base.Action = r.id, now, tutela.ActionBreakGlassOpen
	said := words{Patient: ask.Patient.String(), Reason: ask.Reason}
	if err := s.commit(ctx, r, base, "until "+r.until.Format(time.RFC3339), said); err != nil {
		return Access{}, err
	}
	return Access{ID: r.id, Patient: ask.Patient, Opened: r.opened, Until: r.until}, nil
}

// check holds what was asked to its form.
func (a *Ask) check() error {
	if a.Patient.Type != "Patient" || !r4.ValidID(a.Patient.ID) {
		return errs.New(errs.Invalid, "name the patient as Patient/ID")
	}
	if a.Purpose == "" {
		a.Purpose = tutela.PurposeEmergency
	}
	if a.Purpose != tutela.PurposeEmergency {
		return errs.New(errs.Invalid, "the purpose of emergency access is %s", tutela.PurposeEmergency)
	}
	var err error
	a.Reason, err = plainText("reason", a.Reason)
	return err
}

// plainText holds what a person wrote to a length, without what does not show.
func plainText(what, text string) (string, error) {
	text = strings.TrimSpace(text)
	n := utf8.RuneCountInString(text)
	hidden := func(r rune) bool { return !unicode.IsPrint(r) && !unicode.IsSpace(r) }
	if n < shortestText || n > longestText || !utf8.ValidString(text) || strings.ContainsFunc(text, hidden) {
		return "", errs.New(errs.Invalid, "the %s takes %d to %d characters of text", what, shortestText, longestText)
	}
	return text, nil
}

// provedLately holds the caller's session to a recent second factor.
func (s *Service) provedLately(ctx context.Context, by tutela.Principal) error {
	if by.Kind != tutela.ActorPerson || by.Session == "" {
		return errs.New(errs.Denied, "only a person who is signed in may break the glass")
	}
	login, err := s.cfg.Session(ctx, by.Session)
	if err != nil {
		return err
	}
	if login.User != by.ID {
		return errs.New(errs.Denied, "the session is another account's")
	}
	if s.cfg.Clock().Sub(login.Proved) > StepUpAge {
		step := &StepUpError{StepUpAge}
		return errs.Wrap(errs.Unauthenticated, step, step.Error())
	}
	return nil
}

// words are what of an emergency lies in the ledger under the patient's key.
type words struct {
	Patient string `json:"patient,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Verdict string `json:"verdict,omitempty"`
	Note    string `json:"note,omitempty"`
}

// commit writes a row with its entry, and has every node hear of it.
func (s *Service) commit(ctx context.Context, r row, base tutela.Entry, detail string, said words) error {
	claim, err := s.claim(r)
	if err != nil {
		return err
	}
	base.Outcome, base.Purpose, base.BreakGlass = tutela.OutcomeSuccess, tutela.PurposeEmergency, r.id
	base.Subject = &tutela.Subject{Kind: "break-glass", ID: r.id, Detail: detail}
	base.Patients = []tutela.Touched{{Patient: r.patient, Flags: []string{flag}}}
	leaves, err := s.encode(ctx, base, r.patient, said)
	if err != nil {
		return err
	}
	op := store.Op{Claims: []store.Claim{claim}, Inserts: []store.Rows{s.announce(r.holder)}, Entries: leaves}
	if err := s.cfg.DB.Commit(ctx, op); err != nil {
		return err
	}
	s.cache.forget(r.holder)
	return nil
}

// encode seals an entry with its words under the patient's key: under the general one where the
// patient has no key, since there is none of that id or it was erased.
func (s *Service) encode(ctx context.Context, e tutela.Entry, patient tutela.Bucket, said words) ([][]byte, error) {
	if said == (words{}) {
		return s.cfg.Audit.Encode(ctx, e, nil, nil)
	}
	body, err := json.Marshal(said)
	if err != nil {
		return nil, fmt.Errorf("encode emergency: %w", err)
	}
	leaves, err := s.cfg.Audit.Encode(ctx, e, []tutela.Section{{Patient: patient, Body: body}}, nil)
	if errs.Is(err, errs.NotFound) {
		return s.cfg.Audit.Encode(ctx, e, []tutela.Section{{Patient: tutela.BucketGeneral, Body: body}}, nil)
	}
	return leaves, err
}
