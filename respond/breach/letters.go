package breach

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"time"
	"unicode"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/internal/errs"
)

// Words are what only people can say in a notice (45 CFR 164.404(c)(1)). They are text, and never read as a template.
type Words struct {
	Duty         string `json:"duty"`     // for whom, as in hipaa.individuals
	Happened     string `json:"happened"` // (A)
	Steps        string `json:"steps"`    // (C) what individuals should do
	Doing        string `json:"doing"`    // (D) what the organisation does
	Organisation string `json:"organisation"`
	TollFree     string `json:"toll_free,omitempty"` // (E) one of these four, and the number for substitute notice
	Email        string `json:"email,omitempty"`
	Web          string `json:"web,omitempty"`
	Postal       string `json:"postal,omitempty"`
}

func (w Words) check() error {
	for what, text := range map[string]string{"what happened": w.Happened, "what individuals should do": w.Steps, "what you are doing": w.Doing, "the organisation": w.Organisation} {
		if strings.TrimSpace(text) == "" {
			return errs.New(errs.Invalid, "say %s (45 CFR 164.404(c)(1))", what)
		}
	}
	for _, text := range []string{w.Happened, w.Steps, w.Doing, w.Organisation, w.TollFree, w.Email, w.Web, w.Postal} {
		if tooLong(text, false) {
			return errs.New(errs.Invalid, "each text takes %d characters at most", longest)
		}
	}
	if w.TollFree+w.Email+w.Web+w.Postal == "" {
		return errs.New(errs.Invalid, "say how to ask: a toll-free number, e-mail, web or postal address (45 CFR 164.404(c)(1)(E))")
	}
	return nil
}

// Letter is a notice that was drafted.
type Letter struct {
	Patient   string `json:"patient,omitempty"` // pseudonym, as notices are tracked
	Reference string `json:"reference,omitempty"`
	Email     string `json:"email,omitempty"` // where the chart has one: it may be used if the individual agreed to it
	Text      string `json:"text"`
}

// Drafts are the notices of a duty.
type Drafts struct {
	Letters []Letter `json:"letters"`
	// Unreachable are those whose chart has no postal address, and of whom none opens.
	Unreachable []string `json:"unreachable"`
	Substitute  string   `json:"substitute,omitempty"` // what is owed for them (45 CFR 164.404(d)(2))
}

// The texts of notices.
var (
	//go:embed individual.txt
	individualText string
	//go:embed notice.txt
	noticeText string
)

// page is what a text is filled with.
type page struct {
	Words

	To         []string
	Name       string
	Deceased   bool
	Today      string
	Found      string // the day of discovery
	Begin, End string // the days between which it happened
	Types      []string
	Count      int
	Recipient  string
	States     []string
}

// Draft writes the notices of a duty: one for each patient, or one for whom else is told. The Grant is one for drafting.
func (s *Service) Draft(ctx context.Context, g access.Grant, id string, w Words) (Drafts, []tutela.Touched, error) {
	if !g.For(tutela.ActionBreachLetters) {
		return Drafts{}, nil, errs.New(errs.Denied, "no policy permits this")
	}
	c, err := s.Find(ctx, id)
	if err != nil {
		return Drafts{}, nil, err
	}
	i := slices.IndexFunc(c.Duties, func(o Owed) bool { return o.ID == w.Duty })
	if i < 0 {
		return Drafts{}, nil, errs.New(errs.Invalid, "the breach has no such duty: see tutela breach duties")
	}
	if err := w.check(); err != nil {
		return Drafts{}, nil, err
	}
	p := s.page(&c, w, c.Duties[i])
	if !personal(w.Duty) {
		text, err := fill(noticeText, p)
		return Drafts{Letters: []Letter{{Text: text}}, Unreachable: []string{}}, nil, err
	}
	return s.letters(ctx, g, &c, p)
}

// personal tells the duties by which each individual is written to.
func personal(id string) bool { return strings.HasSuffix(id, ".individuals") }

func (s *Service) page(c *Case, w Words, o Owed) page {
	z, err := time.LoadLocation(c.Facts.Zone)
	if err != nil {
		z = time.UTC // it was loaded when the case was opened
	}
	date := func(t time.Time) string { return t.In(z).Format("2 January 2006") }
	p := page{
		Words: w, Today: date(s.cfg.Clock()), Found: date(c.Facts.Discovered), Count: o.Count, Recipient: o.To,
		Types: plainly(c.Types),
	}
	if !c.First.IsZero() {
		p.Begin, p.End = date(c.First), date(c.Last)
	}
	for _, state := range slices.Sorted(maps.Keys(c.Residents)) {
		if state != "" && (o.State == "" || o.State == state) {
			p.States = append(p.States, fmt.Sprintf("%s: %d", state, c.Residents[state]))
		}
	}
	return p
}

// plainly says types of resources in words that everybody knows (45 CFR 164.404(c)(2)), each once. A type without such
// words is told by its name.
func plainly(types []string) []string {
	known := map[string]string{
		"Patient": "name, address, date of birth and contact details", "RelatedPerson": "relatives", "Observation": "measurements and test results",
		"DiagnosticReport": "reports of tests", "Condition": "diagnoses", "Procedure": "treatments and operations", "Encounter": "visits and stays",
		"MedicationRequest": "medicines", "MedicationStatement": "medicines", "MedicationDispense": "medicines", "MedicationAdministration": "medicines",
		"AllergyIntolerance": "allergies", "Immunization": "vaccinations", "DocumentReference": "documents and letters", "CarePlan": "plans of care",
		"CareTeam": "who treats you", "Coverage": "insurance", "Claim": "bills and insurance claims", "ExplanationOfBenefit": "bills and insurance claims",
		"Appointment": "appointments", "ImagingStudy": "images", "ServiceRequest": "orders and referrals", "Consent": "consents",
	}
	words := []string{}
	for _, typ := range types {
		text := known[typ]
		if text == "" {
			text = "records of the type " + typ
		}
		if !slices.Contains(words, text) {
			words = append(words, text)
		}
	}
	return words
}

// letters writes to each patient who can be written to.
func (s *Service) letters(ctx context.Context, g access.Grant, c *Case, p page) (Drafts, []tutela.Touched, error) {
	d := Drafts{Letters: []Letter{}, Unreachable: []string{}}
	var touched []tutela.Touched
	homes, err := s.cfg.Homes(ctx, g, c.buckets())
	if err != nil {
		return d, nil, err
	}
	for i, h := range homes {
		state, _ := residence(h.State, h.Country)
		if prefix, of := stateOf(p.Duty); of && !strings.EqualFold(state, prefix) {
			continue
		}
		if h.ID != "" {
			touched = append(touched, tutela.Touched{Patient: h.Patient, Counts: map[string]int{"Patient": 1}})
		}
		if h.ID == "" || len(h.Lines) == 0 {
			d.Unreachable = append(d.Unreachable, c.Patients[i])
			continue
		}
		p.Name, p.Deceased, p.To = line(h.Name), h.Deceased, nil
		for _, l := range append(slices.Clone(h.Lines), strings.TrimSpace(h.State+" "+h.Country)) {
			if l = line(l); l != "" {
				p.To = append(p.To, l)
			}
		}
		text, err := fill(individualText, p)
		if err != nil {
			return d, nil, err
		}
		d.Letters = append(d.Letters, Letter{Patient: c.Patients[i], Reference: "Patient/" + string(h.ID), Email: line(h.Email), Text: text})
	}
	d.Substitute = substitute(len(d.Unreachable))
	return d, touched, nil
}

// stateOf is the State whose residents a duty is for, as in states.ca.individuals.
func stateOf(id string) (string, bool) {
	parts := strings.Split(id, ".")
	if len(parts) == 3 && parts[0] == "states" {
		return parts[1], true
	}
	return "", false
}

// substitute says what is owed for those whose addresses are out of date or missing.
func substitute(n int) string {
	switch {
	case n == 0:
		return ""
	case n < 10:
		return "another written form, the telephone, or other means (45 CFR 164.404(d)(2)(i))"
	}
	return "a conspicuous posting for 90 days on the home page of the web site, or notice in major print or broadcast media, with a toll-free number that is active for at least 90 days (45 CFR 164.404(d)(2)(ii))"
}

// buckets are the pseudonyms of the patients, in their order.
func (c *Case) buckets() []tutela.Bucket {
	list := make([]tutela.Bucket, 0, len(c.Patients))
	for _, text := range c.Patients {
		n, err := strconv.ParseUint(text, 16, 64)
		if err != nil {
			n = 0 // the general bucket is nobody
		}
		list = append(list, tutela.Bucket(n))
	}
	return list
}

// line makes one line of a text from a chart: what would begin another, or does not show, is a space.
func line(text string) string {
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// fill puts values into a text of this package. Values are data: what looks like a template in them stays as it is.
func fill(text string, p page) (string, error) {
	for _, v := range []*string{&p.Happened, &p.Steps, &p.Doing} {
		*v = paragraphs(*v)
	}
	for _, v := range []*string{&p.Organisation, &p.TollFree, &p.Email, &p.Web, &p.Postal} {
		*v = line(*v)
	}
	t, err := template.New("notice").Option("missingkey=error").Funcs(template.FuncMap{"join": strings.Join}).Parse(text)
	if err != nil {
		return "", fmt.Errorf("read the text of notices: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, p); err != nil {
		return "", errors.New("write a notice") // the text could quote a chart
	}
	return b.String(), nil
}

// paragraphs keeps line breaks of what a person wrote, and nothing else that does not show.
func paragraphs(text string) string {
	var list []string
	for l := range strings.Lines(text) {
		list = append(list, line(l))
	}
	return strings.TrimSpace(strings.Join(list, "\n"))
}
