package rights

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Ground is on what ground data was disclosed.
type Ground string

// The grounds that an accounting tells of (45 CFR 164.512, 164.502(j), and disclosures that were not
// allowed).
const (
	PublicHealth        Ground = "public-health"
	Abuse               Ground = "abuse" // of victims of abuse, neglect or domestic violence
	Oversight           Ground = "oversight"
	Judicial            Ground = "judicial"
	LawEnforcement      Ground = "law-enforcement"
	Decedents           Ground = "decedents"
	Donation            Ground = "donation"
	Research            Ground = "research" // without an authorisation
	Threat              Ground = "threat"   // a serious threat to health or safety
	Government          Ground = "government"
	WorkersCompensation Ground = "workers-compensation"
	RequiredByLaw       Ground = "required-by-law"
	Secretary           Ground = "secretary" // of HHS
	Breach              Ground = "breach"    // it should not have happened
)

// The grounds that an accounting leaves out (45 CFR 164.528(a)(1)(i)-(viii)).
const (
	Treatment        Ground = "treatment"         // (i), with payment and operations
	Payment          Ground = "payment"           // (i)
	Operations       Ground = "operations"        // (i)
	Individual       Ground = "individual"        // (ii) to the patient himself
	Incident         Ground = "incident"          // (iii) to a use that is allowed
	Authorized       Ground = "authorization"     // (iv)
	Directory        Ground = "directory"         // (v) and persons involved in care
	NationalSecurity Ground = "national-security" // (vi)
	Custody          Ground = "custody"           // (vii) correctional institutions, in custody
	LimitedDataSet   Ground = "limited-data-set"  // (viii)
)

// Counted reports whether an accounting tells of a disclosure on this ground; known, whether there is it.
func (g Ground) Counted() (counted, known bool) {
	switch g {
	case PublicHealth, Abuse, Oversight, Judicial, LawEnforcement, Decedents, Donation, Research, Threat, Government, WorkersCompensation, RequiredByLaw, Secretary, Breach:
		return true, true
	case Treatment, Payment, Operations, Individual, Incident, Authorized, Directory, NationalSecurity, Custody, LimitedDataSet:
		return false, true
	}
	return false, false
}

// Disclosure is one statement of to whom a patient's data left: what an accounting must tell (45 CFR
// 164.528(b)(2)), and until when it must not (164.528(a)(2)).
type Disclosure struct {
	Patient   string    `json:"patient"`
	Date      time.Time `json:"date"`
	Recipient string    `json:"recipient"`
	Address   string    `json:"address,omitempty"`
	What      string    `json:"what"`
	Purpose   string    `json:"purpose"` // in words
	Ground    Ground    `json:"ground"`
	// Withheld is until when an oversight or law enforcement agency asked that the patient is not told.
	Withheld time.Time `json:"withheld_until,omitzero"`
	Oral     bool      `json:"oral,omitempty"` // it asked so by word of mouth
}

// longestOral is for how long a statement that was not written holds (45 CFR 164.528(a)(2)(ii)(C)).
const longestOral = 30 * 24 * time.Hour

// Disclose writes down that data left by other means than this system: a letter, a telephone call.
func (s *Service) Disclose(ctx context.Context, base tutela.Entry, patient tutela.PatientID, d Disclosure) (id string, err error) {
	if err := s.check(&d); err != nil {
		return "", err
	}
	if err := s.known(ctx, patient); err != nil {
		return "", err
	}
	d.Patient = "Patient/" + string(patient)
	base.ID = audit.NewID()
	e := about(base, s.cfg.Notes.Bucket(patient), "disclosure", string(d.Ground))
	e.Disclosure = &tutela.Disclosure{Recipient: d.Recipient, Purpose: purposeFor(d.Ground), Kind: string(d.Ground)}
	return base.ID, s.commit(ctx, store.Op{}, e, d)
}

// check holds a statement to its form.
func (s *Service) check(d *Disclosure) error {
	now := s.now()
	for what, text := range map[string]*string{"recipient": &d.Recipient, "what was disclosed": &d.What, "purpose": &d.Purpose, "address": &d.Address} {
		var err error
		if *text, err = plainText(what, *text, what != "address"); err != nil {
			return err
		}
	}
	if d.Date.IsZero() {
		d.Date = now
	}
	_, known := d.Ground.Counted()
	switch {
	case !known:
		return errs.New(errs.Invalid, "there is no such ground: see the documentation of patients' rights")
	case d.Date.After(now):
		return errs.New(errs.Invalid, "the date lies in the future")
	case !d.Withheld.IsZero() && d.Ground != Oversight && d.Ground != LawEnforcement:
		return errs.New(errs.Invalid, "only oversight and law enforcement agencies ask that a patient is not told")
	case d.Oral && d.Withheld.After(now.Add(longestOral)):
		return errs.New(errs.Invalid, "what an agency says by word of mouth holds for 30 days at most")
	}
	return nil
}

// purposeFor is the purpose of use that comes closest to a ground.
func purposeFor(g Ground) tutela.Purpose {
	switch g { //nolint:exhaustive // all others are for operations
	case Treatment, Directory:
		return tutela.PurposeTreatment
	case Payment, WorkersCompensation:
		return tutela.PurposePayment
	case Research, LimitedDataSet:
		return tutela.PurposeResearch
	case Individual:
		return tutela.PurposePatient
	case Judicial, LawEnforcement, RequiredByLaw:
		return tutela.PurposeLegal
	}
	return tutela.PurposeOperations
}

// Accounts says which disclosures are asked for.
type Accounts struct {
	From, To time.Time
	All      bool // those too that 164.528(a)(1) leaves out; GDPR 15(1)(c) asks for every recipient
	Withheld bool // those too of which the patient must not be told yet: for the officer alone
}

// accountedFor is how far back an accounting goes (45 CFR 164.528(a)(1)).
const accountedFor = 6

// Line is one disclosure of an accounting, with what proves it.
type Line struct {
	Disclosure

	Entry string `json:"entry"` // id in the ledger
	// Proof shows with Parts that the ledger holds the statement; empty while the entry is not in the tree
	// yet, which takes seconds.
	Proof string `json:"proof,omitempty"`
	Parts []Part `json:"parts,omitempty"`
}

// Part opens a part of the proven entry.
type Part struct {
	Section   int    `json:"section"`
	Salt      []byte `json:"salt"`
	Plaintext []byte `json:"plaintext"`
}

// Disclosures gives a patient's, the oldest first: of six years, unless a shorter time is asked for.
func (s *Service) Disclosures(ctx context.Context, patient tutela.PatientID, a Accounts) ([]Line, error) {
	b, now := s.cfg.Notes.Bucket(patient), s.now()
	earliest := now.AddDate(-accountedFor, 0, 0)
	if a.From.Before(earliest) {
		a.From = earliest
	}
	lines := []Line{}
	q := audit.Query{Patient: &b, From: a.From} // an entry is no older than what it tells of, and may be younger
	err := s.cfg.Audit.Search(ctx, q, func(o audit.Opened) error {
		if o.Entry.Disclosure == nil || o.Entry.Outcome != tutela.OutcomeSuccess {
			return nil
		}
		l, err := s.line(ctx, o, b)
		if err != nil || !a.wants(&l, now) {
			return err
		}
		if err := s.prove(ctx, o.Leaf, b, &l); err != nil {
			return err
		}
		lines = append(lines, l)
		return nil
	})
	slices.SortStableFunc(lines, func(x, y Line) int { return x.Date.Compare(y.Date) })
	return lines, err
}

// wants reports whether a line belongs to the answer.
func (a Accounts) wants(l *Line, now time.Time) bool {
	counted, _ := l.Ground.Counted()
	switch {
	case l.Date.Before(a.From), !a.To.IsZero() && !l.Date.Before(a.To):
		return false
	case l.Withheld.After(now) && !a.Withheld:
		return false
	}
	return counted || a.All
}

// line reads what an entry tells: its statement, or, of a disclosure by this system itself, its header.
func (s *Service) line(ctx context.Context, o audit.Opened, b tutela.Bucket) (Line, error) {
	l := Line{Entry: o.Entry.ID}
	if o.Entry.Action != tutela.ActionPatientDisclose {
		d := o.Entry.Disclosure
		l.Disclosure = Disclosure{Date: o.Entry.Time, Recipient: d.Recipient, What: whatOf(o.Entry, b), Purpose: string(d.Purpose), Ground: groundOf(d)}
		return l, nil
	}
	sections, err := s.cfg.Audit.Sections(ctx, o)
	if err != nil {
		return l, err
	}
	for _, part := range sections {
		if part.Patient != b || part.Erased {
			continue
		}
		if err := json.Unmarshal(part.Body, &l.Disclosure); err != nil {
			return l, fmt.Errorf("decode disclosure %s: %w", l.Entry, err)
		}
	}
	return l, nil
}

// groundOf is on what ground this system disclosed something by itself.
func groundOf(d *tutela.Disclosure) Ground {
	if _, known := Ground(d.Kind).Counted(); known {
		return Ground(d.Kind)
	}
	return Treatment // charts for the hours without a server
}

// whatOf says how much of what type left, as far as an entry counts it.
func whatOf(e tutela.Entry, b tutela.Bucket) string {
	for _, t := range e.Patients {
		if t.Patient != b || len(t.Counts) == 0 {
			continue
		}
		return counted(t.Counts)
	}
	return "records"
}

// prove adds to a line what shows it to anybody: its entry's place in the tree, and the patient's part of
// it. What an entry says of others stays shut.
func (s *Service) prove(ctx context.Context, leaf int64, b tutela.Bucket, l *Line) error {
	if leaf < 0 {
		return nil
	}
	p, err := s.cfg.Audit.Prove(ctx, leaf, audit.Disclose{Patients: []tutela.Bucket{b}})
	if err != nil {
		return err
	}
	l.Proof = string(p.Text)
	for _, part := range p.Parts {
		l.Parts = append(l.Parts, Part{part.Section, part.Salt, part.Plaintext})
	}
	return nil
}
