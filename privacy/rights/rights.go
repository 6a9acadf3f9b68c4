package rights

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// notes seals what is kept about patients. The records do.
type notes interface {
	Bucket(patient tutela.PatientID) tutela.Bucket
	Known(ctx context.Context, patient tutela.PatientID) (bool, error)
	SealNote(ctx context.Context, b tutela.Bucket, subject, plain []byte) ([]byte, error)
	OpenNote(ctx context.Context, b tutela.Bucket, subject, sealed []byte) ([]byte, error)
}

// Config says what a Service works with.
type Config struct {
	DB    *store.DB
	Audit *audit.Log
	Clock clock.Clock
	Notes notes
	// Fresh reports whether what other nodes changed has been heard of lately; when it is false nothing
	// remembered counts. Nil means always.
	Fresh func() bool
}

// Service keeps requests, restrictions and disclosures. Safe for concurrent use.
type Service struct {
	cfg  Config
	held held
}

// New returns a Service over a migrated database.
func New(c Config) *Service {
	if c.Fresh == nil {
		c.Fresh = func() bool { return true }
	}
	return &Service{cfg: c}
}

// Migrations make this package's tables. A request's row says whether it is closed and when it is due; the
// rest lies under its patient's key. All restrictions lie in one row under the general key, so that none
// can be taken out of it.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0500_rights", SQL: `
CREATE TABLE rights_requests (
	id {{bytes}} NOT NULL PRIMARY KEY, revision {{int}} NOT NULL, patient {{int}} NOT NULL, closed {{int}} NOT NULL,
	due {{int}} NOT NULL, sealed {{bytes}} NOT NULL
) {{clustered}};
CREATE INDEX rights_requests_due ON rights_requests (closed, due);
CREATE INDEX rights_requests_patient ON rights_requests (patient);
CREATE TABLE rights_restrictions (
	id {{int}} NOT NULL PRIMARY KEY, revision {{int}} NOT NULL, sealed {{bytes}} NOT NULL
) {{clustered}};
`}}
}

// now is the time to the millisecond, as rows keep it.
func (s *Service) now() time.Time { return s.cfg.Clock().UTC().Truncate(time.Millisecond) }

// longestText is how many characters of text are taken.
const longestText = 4000

// plainText holds what a person wrote to a length, without what does not show. Empty is refused where it is wanted.
func plainText(what, text string, wanted bool) (string, error) {
	text = strings.TrimSpace(text)
	hidden := func(r rune) bool { return !unicode.IsPrint(r) && !unicode.IsSpace(r) }
	switch {
	case wanted && text == "":
		return "", errs.New(errs.Invalid, "say the %s", what)
	case utf8.RuneCountInString(text) > longestText || !utf8.ValidString(text) || strings.ContainsFunc(text, hidden):
		return "", errs.New(errs.Invalid, "the %s takes %d characters of text at most", what, longestText)
	}
	return text, nil
}

// known refuses what is said of a patient who never was.
func (s *Service) known(ctx context.Context, patient tutela.PatientID) error {
	there, err := s.cfg.Notes.Known(ctx, patient)
	if err == nil && !there {
		err = errs.New(errs.NotFound, "no such Patient")
	}
	return err
}

// noPatient is said of a patient who is not there, and of one who was erased.
func noPatient(err error) error {
	if errs.Is(err, errs.NotFound) {
		return errs.New(errs.NotFound, "no such Patient")
	}
	return err
}

// about completes an entry by whose rights it tells of.
func about(base tutela.Entry, b tutela.Bucket, subject, detail string) tutela.Entry {
	base.Outcome, base.Type = tutela.OutcomeSuccess, "Patient"
	base.Patients = []tutela.Touched{{Patient: b}}
	base.Subject = &tutela.Subject{Kind: "right", ID: subject, Detail: detail}
	return base
}
