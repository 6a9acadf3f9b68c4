package sample

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// value gives a number in the measure's unit and precision.
func (m measure) value(v float64) quantity {
	return quantity{json.Number(strconv.FormatFloat(v, 'f', m.decimals, 64)), m.unit, ucum, m.ucum}
}

// some draws a value that is mostly inside the reference range, moved by shift ranges.
func (c *chart) some(m measure, shift float64) float64 {
	middle, width := (m.low+m.high)/2, m.high-m.low
	return max(m.low/2, middle+width*(shift+0.22*c.rng.NormFloat64()))
}

// numeric records one number.
func (c *chart) numeric(v visit, category string, m measure, value float64) reference {
	o := c.observation(v, category, code(loinc, m.code, m.display))
	q := m.value(value)
	o.Value = &q
	if m.high > 0 {
		o.Range = []bounds{{m.value(m.low), m.value(m.high)}}
	}
	return c.add("Observation", o)
}

func (c *chart) observation(v visit, category string, what concept) observationResource {
	return observationResource{
		ResourceType: "Observation", Status: "final", Code: what, Subject: c.subject, Encounter: v.ref,
		Category:  []concept{*status("observation-category", category)},
		Effective: instant(v.at), Issued: instant(v.at.Add(20 * time.Minute)), Performer: []reference{c.doctorR},
	}
}

// vitals records what is measured at every check-up.
func (c *chart) vitals(v visit) {
	p, years := c.person, v.at.Sub(c.person.birth).Hours()/24/365.25
	height, bmi := p.heightAt(years), p.bmiAt(years)+0.4*c.rng.NormFloat64()
	c.numeric(v, "vital-signs", bodyHeight(), height)
	c.numeric(v, "vital-signs", bodyWeight(), bmi*height*height/1e4)
	c.numeric(v, "vital-signs", bodyMass(), bmi)
	c.numeric(v, "vital-signs", heartRate(), max(48, 70+45*math.Exp(-years/4)+7*c.rng.NormFloat64()))
	if years >= 3 {
		c.bloodPressure(v, years)
	}
}

// bloodPressure is one observation with two components (LOINC 85354-9).
func (c *chart) bloodPressure(v visit, years float64) {
	upper := 96 + min(years, 20)*0.9 + years*0.22 + 6*c.rng.NormFloat64()
	for _, p := range c.problem {
		upper += p.disease.pressure
	}
	o := c.observation(v, "vital-signs", code(loinc, "85354-9", "Blood pressure panel with all children optional"))
	for _, part := range []struct {
		measure
		value float64
	}{{systolic(), upper}, {diastolic(), upper*0.55 + 12 + 3*c.rng.NormFloat64()}} {
		o.Component = append(o.Component, component{code(loinc, part.code, part.display), part.measure.value(part.value)})
	}
	c.add("Observation", o)
}

// smoking records the tobacco status (LOINC 72166-2).
func (c *chart) smoking(v visit) {
	o := c.observation(v, "social-history", code(loinc, "72166-2", "Tobacco smoking status"))
	answer := code(snomed, "266919005", "Never smoked tobacco (finding)")
	if c.person.smoker {
		answer = code(snomed, "77176002", "Smoker (finding)")
	}
	o.Concept = &answer
	c.add("Observation", o)
}

// laboratory records a panel: its measures, and the report over them.
func (c *chart) laboratory(v visit, p panel, shift float64) {
	var results []reference
	for _, m := range p.measures {
		r := c.numeric(v, "laboratory", m, c.some(m, shift))
		r.Display = m.display
		results = append(results, r)
	}
	lab := code(terminology+"v2-0074", "LAB", "Laboratory")
	c.add("DiagnosticReport", reportResource{
		ResourceType: "DiagnosticReport", Status: "final", Category: []concept{lab}, Code: p.code, Subject: c.subject,
		Encounter: v.ref, Effective: instant(v.at), Issued: instant(v.at.Add(26 * time.Hour)),
		Performer: []reference{c.clinic}, Result: results,
	})
}
