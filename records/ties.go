package records

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// Ties are what decisions need to know of records before they open any: who treats whom, and which
// consents a patient has. They are worked out when a resource is written, travel in its
// transaction, and name nobody: clinicians are keyed hashes, patients their pseudonyms. What they
// tell whoever reads the database is in docs/threat-model.md.

// The kinds of tie.
const (
	tieTreats   = 1 // subject: the clinician; object: the patient
	tieConsents = 2 // subject: the patient; object: 0
	tieActs     = 3 // subject: a Practitioner; object: a PractitionerRole as which he acts
	tieOwn      = 4 // like tieTreats, and a clinician, perhaps himself, made it so
)

// tie is one row: it holds from a moment until another, in milliseconds since 1970.
type tie struct {
	kind, subject, object int64
	from, until           int64
}

// forever is the end of what has none.
const forever = math.MaxInt64

func tiesMigration() store.Migration {
	return store.Migration{ID: "0202_ties", SQL: `
CREATE TABLE ties (
	kind {{int}} NOT NULL, subject {{int}} NOT NULL, object {{int}} NOT NULL, locator {{int}} NOT NULL,
	since {{int}} NOT NULL, until {{int}} NOT NULL, mac {{int}} NOT NULL,
	PRIMARY KEY (kind, subject, object, locator, since, until)
) {{clustered}};
`}
}

// tiesByResourceMigration lets a rebuild find the ties of the resources that it comes by.
func tiesByResourceMigration() store.Migration {
	return store.Migration{ID: "0203_ties_by_resource", SQL: "CREATE INDEX ties_locator ON ties (locator);"}
}

func tiesTable() *store.Table {
	return &store.Table{Name: "ties", Key: 6, Columns: []store.Column{
		{Name: "kind"}, {Name: "subject"}, {Name: "object"}, {Name: "locator"}, {Name: "since"}, {Name: "until"}, {Name: "mac"},
	}}
}

// clinician is the keyed hash that stands for a clinician in ties; not the locator of the
// resource, so that the two do not lead to each other.
func (s *Store) clinician(r tutela.Ref) int64 {
	return s.names.Sum64([]byte("clinician"), []byte(r.Type), []byte(r.ID))
}

// tiesOf works out the ties of a resource as it is at a moment. A deleted one (nil) has none.
func (s *Store) tiesOf(res *r4.Resource, now time.Time) []tie {
	if res == nil {
		return nil
	}
	switch res.Type() {
	case "Consent":
		return s.consentTies(res)
	case "PractitionerRole":
		return s.roleTies(res)
	}
	t := treatmentOf(res, now)
	var ties []tie
	for _, who := range t.clinicians {
		for _, p := range t.patients {
			ties = append(ties, tie{tieTreats, s.clinician(who.ref), int64(s.Bucket(p)), max(t.from, who.from), min(t.until, who.until)})
		}
	}
	ties = slices.DeleteFunc(ties, func(t tie) bool { return t.from >= t.until })
	slices.SortFunc(ties, tie.compare)
	return slices.Compact(ties)
}

// roleTies say who acts in a role, while it is active and within its period: what names the role names him.
func (s *Store) roleTies(res *r4.Resource) []tie {
	root := res.Root()
	ref, ok := r4.ParseReference(root.Child("practitioner").Child("reference").Text())
	if !ok || !ref.Local() || ref.Type != "Practitioner" || string(root.Child("active").JSON()) == "false" {
		return nil
	}
	from, until := limits(root.Child("period"))
	if from >= until {
		return nil
	}
	role := s.clinician(tutela.Ref{Type: res.Type(), ID: res.ID()})
	return []tie{{tieActs, s.clinician(ref.Ref()), role, from, until}}
}

func (s *Store) consentTies(consent *r4.Resource) []tie {
	patients := consenting(consent)
	if len(patients) == 0 {
		return nil
	}
	return []tie{{kind: tieConsents, subject: int64(s.Bucket(patients[0])), until: forever}}
}

// consenting is the patient whose Consent it is, or nobody where it does not say so by a reference to one
// of this server's.
func consenting(consent *r4.Resource) []tutela.PatientID {
	return patientsAt(consent.Root().Child("patient"))
}

// bindsSomebody refuses an active Consent that would have no effect, since nobody can tell whose it is: who
// sends a denial must not believe that it holds. Nil, a deleted resource, and other types pass.
func bindsSomebody(res *r4.Resource) error {
	if res == nil || res.Type() != "Consent" || res.Root().Child("status").Text() != "active" || len(consenting(res)) > 0 {
		return nil
	}
	return errs.New(errs.Unprocessable, "an active Consent must name its patient by a reference such as Patient/1 on this server: otherwise it would bind nobody")
}

func (t tie) compare(o tie) int {
	return cmp.Or(cmp.Compare(t.kind, o.kind), cmp.Compare(t.subject, o.subject), cmp.Compare(t.object, o.object),
		cmp.Compare(t.from, o.from), cmp.Compare(t.until, o.until))
}

// key is the row's primary key.
func (t tie) key(locator int64) []any {
	return []any{t.kind, t.subject, t.object, locator, t.from, t.until}
}

// row is the whole row.
func (s *Store) tieRow(t tie, locator int64) []any {
	return append(t.key(locator), s.tieMAC(t, locator))
}

// tieMAC binds a row together: who can write the database cannot make a tie of the parts of others.
func (s *Store) tieMAC(t tie, locator int64) int64 {
	b := make([]byte, 0, 48)
	for _, v := range [...]int64{t.kind, t.subject, t.object, locator, t.from, t.until} {
		b = binary.BigEndian.AppendUint64(b, uint64(v))
	}
	return s.names.Sum64([]byte("tie"), b)
}

// addTies brings the ties of a resource from the old version's to the new one's, and tells every
// node whose knowledge of them is no longer true.
func (w *write) addTies(locator int64, old, next []tie) {
	gone, come := store.Rows{Table: w.s.tables.ties}, store.Rows{Table: w.s.tables.ties}
	for _, t := range old {
		if !slices.Contains(next, t) {
			gone.Rows = append(gone.Rows, t.key(locator))
		}
	}
	for _, t := range next {
		if !slices.Contains(old, t) {
			come.Rows = append(come.Rows, w.s.tieRow(t, locator))
		}
	}
	if len(gone.Rows) > 0 {
		w.op.Deletes = append(w.op.Deletes, gone)
	}
	if len(come.Rows) > 0 {
		w.op.Inserts = append(w.op.Inserts, come)
	}
	for _, t := range append(slices.Clone(old), next...) {
		// A Consent that changed keeps its tie: what it says has changed.
		if t.kind == tieConsents || slices.Contains(old, t) != slices.Contains(next, t) {
			w.loosened = append(w.loosened, tieKey{t.kind, t.subject})
		}
	}
}
