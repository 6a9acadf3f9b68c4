package downtime

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"strings"
)

//go:embed page.html
var pageText string

// shownPatient is a patient as the page shows one.
type shownPatient struct {
	Name, Born, Sex, Ref string
	Lines                []shownLine
}

// shownLine is a resource in words.
type shownLine struct{ Kind, What, Value, Status, When string }

// concept is a CodeableConcept.
type concept struct {
	Text   string                           `json:"text"`
	Coding []struct{ Display, Code string } `json:"coding"`
}

func (c concept) String() string {
	if c.Text == "" && len(c.Coding) > 0 {
		if c.Coding[0].Display != "" {
			return c.Coding[0].Display
		}
		return c.Coding[0].Code
	}
	return c.Text
}

// anyResource is what the page shows of a resource of any kept type.
type anyResource struct {
	ResourceType      string
	BirthDate, Gender string
	Name              json.RawMessage
	Status            string
	ClinicalStatus    concept
	Code              concept
	VaccineCode       concept
	Medication        concept `json:"medicationCodeableConcept"`
	ValueQuantity     struct {
		Value json.Number
		Unit  string
	}
	ValueConcept concept `json:"valueCodeableConcept"`
	ValueString  string
	Dosage       []struct{ Text string } `json:"dosageInstruction"`
	Component    []struct {
		Code          concept
		ValueQuantity struct {
			Value json.Number
			Unit  string
		}
	}
	EffectiveDateTime, RecordedDate, AuthoredOn, OccurrenceDateTime string
	Period                                                          struct{ Start string }
}

// WriteHTML writes the charts as one page that needs nothing else.
func (f *File) WriteHTML(w io.Writer, charts []Chart) error {
	t, err := template.New("page").Parse(pageText)
	if err != nil {
		return fmt.Errorf("parse page: %w", err)
	}
	shown := make([]shownPatient, len(charts))
	for i, c := range charts {
		if shown[i], err = show(c); err != nil {
			return err
		}
	}
	return t.Execute(w, struct {
		Head
		Patients []shownPatient
	}{f.Head, shown})
}

func show(c Chart) (shownPatient, error) {
	p := shownPatient{Name: c.Patient, Ref: c.Patient}
	for _, text := range c.Resources {
		var r anyResource
		if err := json.Unmarshal(text, &r); err != nil {
			return p, fmt.Errorf("decode a resource of the extract: %w", err)
		}
		if r.ResourceType == "Patient" {
			p.Born, p.Sex = r.BirthDate, r.Gender
			if name := nameOf(r.Name); name != "" {
				p.Name = name
			}
			continue
		}
		p.Lines = append(p.Lines, r.line())
	}
	return p, nil
}

// nameOf is the first of a patient's names.
func nameOf(text json.RawMessage) string {
	var names []struct {
		Text, Family string
		Given        []string
	}
	if json.Unmarshal(text, &names) != nil || len(names) == 0 {
		return ""
	}
	if names[0].Text != "" {
		return names[0].Text
	}
	return strings.Trim(names[0].Family+", "+strings.Join(names[0].Given, " "), ", ")
}

func (r *anyResource) line() shownLine {
	l := shownLine{Kind: r.ResourceType, Status: first(r.ClinicalStatus.String(), r.Status),
		What: first(r.Code.String(), r.Medication.String(), r.VaccineCode.String()),
		When: first(r.EffectiveDateTime, r.RecordedDate, r.AuthoredOn, r.OccurrenceDateTime, r.Period.Start)}
	values := []string{strings.TrimSpace(r.ValueQuantity.Value.String() + " " + r.ValueQuantity.Unit), r.ValueConcept.String(), r.ValueString}
	for _, c := range r.Component {
		values = append(values, strings.TrimSpace(c.Code.String()+" "+c.ValueQuantity.Value.String()+" "+c.ValueQuantity.Unit))
	}
	for _, d := range r.Dosage {
		values = append(values, d.Text)
	}
	l.Value = joined(values)
	return l
}

// first is the first text that is not empty.
func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func joined(texts []string) string {
	var list []string
	for _, t := range texts {
		if t != "" {
			list = append(list, t)
		}
	}
	return strings.Join(list, "; ")
}
