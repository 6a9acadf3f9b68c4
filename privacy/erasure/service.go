package erasure

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/store"
)

// Keyring is what an erasure does with keys; *keys.Ring does it.
type Keyring interface {
	Rotate(ctx context.Context) (int, error)
	Rewrap(ctx context.Context, progress func(int)) error
	Retire(ctx context.Context) ([]int, error)
	Destroy(ctx context.Context, generation int) (bool, error)
	MakeSecret(ctx context.Context, name string) error
	FindSecret(ctx context.Context, name string) ([]byte, error)
	Tenant() tutela.Tenant
}

// Config says what a Service works with.
type Config struct {
	DB      *store.DB
	Audit   *audit.Log
	Records *records.Store
	Access  *access.Authorizer
	Keys    Keyring
	Clock   clock.Clock
	Node    string
	Wait    time.Duration // how long an approved erasure waits
	Rotate  time.Duration // how old a generation becomes; 0: any age
	Retain  []Rule        // statutory duties to retain
	// Wraps counts a generation's recovery wraps that were given to holders and not destroyed since; nil: there are none.
	Wraps func(ctx context.Context, generation int) (int, error)
	// Backed reports whether the keyring as it was backed up last needs no generation before one; nil: nothing is backed up.
	Backed func(ctx context.Context, generation int) (bool, error)
	// Held lists the generations that the key provider has.
	Held func(ctx context.Context) ([]int, error)
	// Open reports whether an open incident touches a patient; nil: nobody keeps incidents.
	Open func(ctx context.Context, b tutela.Bucket) (incident string, err error)
}

// Service keeps erasures and carries them out. Safe for concurrent use.
type Service struct {
	cfg Config

	mu    sync.Mutex
	asked time.Time // guarded by mu; when the provider was last asked about what it takes its time for
}

// New returns a Service over a migrated database.
func New(c Config) *Service { return &Service{cfg: c} }

// Migrations make this package's tables. All of an erasure but its patient's pseudonym lies under the general
// key, the patient's id under his own.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0520_erasures", SQL: `
CREATE TABLE erasures (
	id {{bytes}} NOT NULL PRIMARY KEY, revision {{int}} NOT NULL, patient {{int}} NOT NULL, name {{bytes}} NOT NULL, sealed {{bytes}} NOT NULL
) {{clustered}};
CREATE INDEX erasures_patient ON erasures (patient);
CREATE TABLE erasure_holds (
	patient {{int}} NOT NULL PRIMARY KEY, sealed {{bytes}} NOT NULL
) {{clustered}};
`}}
}

func (s *Service) now() time.Time { return s.cfg.Clock().UTC().Truncate(time.Second) }

const longestReason = 1000

func reasonOf(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || len(text) > longestReason {
		return "", errs.New(errs.Invalid, "say the reason, in %d bytes at most", longestReason)
	}
	return text, nil
}

// Ask opens an erasure: another person has to approve it. A patient has one at a time.
func (s *Service) Ask(ctx context.Context, by tutela.Principal, base tutela.Entry, patient tutela.PatientID, reason string) (Erasure, error) {
	reason, err := reasonOf(reason)
	if err != nil {
		return Erasure{}, err
	}
	b := s.cfg.Records.Bucket(patient)
	there, err := s.cfg.Records.Known(ctx, patient)
	if err == nil && !there {
		err = noPatient()
	}
	if err != nil {
		return Erasure{}, err
	}
	list, err := s.rows(ctx, " WHERE patient = ?", int64(b))
	if err != nil {
		return Erasure{}, err
	}
	for _, e := range list {
		if e.State != Withdrawn {
			return Erasure{}, errs.New(errs.Conflict, "an erasure of this patient was asked for already: %s", e.ID)
		}
	}
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	e := Erasure{
		ID: hex.EncodeToString(id), Patient: b, Pseudonym: pseudonym(b), State: Asked, Reason: reason, AskedBy: by.ID, Asked: s.now(),
	}
	if e.name, err = s.cfg.Records.SealNote(ctx, b, nameSubject(e.ID), []byte(patient)); errs.Is(err, errs.NotFound) {
		return Erasure{}, noPatient()
	} else if err != nil {
		return Erasure{}, err
	}
	return e, s.save(ctx, base, &e)
}

func noPatient() error { return errs.New(errs.NotFound, "no such Patient") }

func pseudonym(b tutela.Bucket) string { return strconv.FormatUint(uint64(b), 16) }

// Approve has an erasure carried out, when its time has come. Who asked for it may not approve it.
func (s *Service) Approve(ctx context.Context, by tutela.Principal, base tutela.Entry, id string) (Erasure, error) {
	e, err := s.Find(ctx, id)
	switch {
	case err != nil:
		return e, err
	case e.State != Asked:
		return e, errs.New(errs.Conflict, "it does not wait for an approval: it is %s", e.State)
	case e.AskedBy == by.ID:
		return e, errs.New(errs.Denied, "somebody else has to approve it")
	}
	e.State, e.ApprovedBy, e.Approved = Approved, by.ID, s.now()
	e.Due = e.Approved.Add(s.cfg.Wait)
	if why, err := s.hindrance(ctx, &e); err != nil || why != "" {
		if err == nil {
			err = errs.New(errs.Conflict, "it may not be carried out: %s", why)
		}
		return e, err
	}
	return e, s.save(ctx, base, &e)
}

// Withdraw ends an erasure that has not begun.
func (s *Service) Withdraw(ctx context.Context, base tutela.Entry, id string) (Erasure, error) {
	e, err := s.Find(ctx, id)
	if err == nil && e.State != Asked && e.State != Approved {
		err = errs.New(errs.Conflict, "it has begun, and cannot be withdrawn")
	}
	if err != nil {
		return e, err
	}
	e.State = Withdrawn
	return e, s.save(ctx, base, &e)
}

// Hold keeps a patient from being erased until it is lifted: a legal hold.
func (s *Service) Hold(ctx context.Context, base tutela.Entry, patient tutela.PatientID, reason string) error {
	reason, err := reasonOf(reason)
	if err != nil {
		return err
	}
	b := s.cfg.Records.Bucket(patient)
	sealed, err := s.cfg.Records.SealNote(ctx, b, []byte("erasure hold"), []byte(reason))
	if errs.Is(err, errs.NotFound) {
		return noPatient()
	}
	if err != nil {
		return err
	}
	op := store.Op{Claims: []store.Claim{{Table: holdsTable(), Key: []any{int64(b)}, Set: []any{int64(b), sealed}}}}
	return s.commit(ctx, op, base, b, "hold")
}

// Lift ends a hold.
func (s *Service) Lift(ctx context.Context, base tutela.Entry, patient tutela.PatientID) error {
	b := s.cfg.Records.Bucket(patient)
	held, err := s.held(ctx, b)
	if err == nil && !held {
		err = errs.New(errs.NotFound, "there is no hold")
	}
	if err != nil {
		return err
	}
	op := store.Op{Deletes: []store.Rows{{Table: holdsTable(), Rows: [][]any{{int64(b)}}}}}
	return s.commit(ctx, op, base, b, "lifted")
}

func (s *Service) held(ctx context.Context, b tutela.Bucket) (bool, error) {
	var one int64
	return s.cfg.DB.QueryRow(ctx, "SELECT 1 FROM erasure_holds WHERE patient = ?", []any{int64(b)}, &one)
}

// hindrance says why a patient may not be erased now; empty when he may.
func (s *Service) hindrance(ctx context.Context, e *Erasure) (string, error) {
	held, err := s.held(ctx, e.Patient)
	if err != nil || held {
		return "a legal hold", err
	}
	if s.cfg.Open != nil {
		if incident, err := s.cfg.Open(ctx, e.Patient); err != nil || incident != "" {
			return "the open incident " + incident, err
		}
	}
	last, err := s.cfg.Records.LastChange(ctx, e.Patient)
	if err != nil {
		return "", err
	}
	for _, r := range s.cfg.Retain {
		if until := last.AddDate(r.Years, 0, 0); s.now().Before(until) {
			return "the duty to retain (" + r.Name + ") until " + until.Format(time.DateOnly), nil
		}
	}
	return "", nil
}
