package sample

import (
	"slices"
	"time"
)

// problem is a chronic disease that the patient has.
type problem struct {
	disease disease
	ref     reference
	since   time.Time
}

// most is where a chart is long enough: what comes after is left out.
const most = 125

// live writes the visits of the last years in their order.
func (c *chart) live() {
	p := c.person
	start := today().AddDate(-5, -c.rng.IntN(6), -c.rng.IntN(25))
	if born := p.birth.AddDate(0, 1, 0); born.After(start) {
		start = born
	}
	for at, first := start, true; at.Before(today()); at = c.nextCheckUp(at) {
		if len(c.entries) > most {
			return
		}
		c.year(c.officeHours(at), first)
		first = false
	}
}

// nextCheckUp comes after a quarter for the small and after a year for others.
func (c *chart) nextCheckUp(at time.Time) time.Time {
	if c.person.age(at) < 2 {
		return at.AddDate(0, 3, c.rng.IntN(10))
	}
	return at.AddDate(1, 0, c.rng.IntN(20)-10)
}

// officeHours moves a day to a weekday's appointment.
func (c *chart) officeHours(at time.Time) time.Time {
	for at.Weekday() == time.Saturday || at.Weekday() == time.Sunday {
		at = at.AddDate(0, 0, -1)
	}
	day := time.Date(at.Year(), at.Month(), at.Day(), 8, 0, 0, 0, time.UTC)
	return day.Add(time.Duration(c.rng.IntN(36)) * 15 * time.Minute)
}

// year is a check-up and what happens until the next.
func (c *chart) year(at time.Time, first bool) {
	v := c.visit(at, checkUp())
	if first {
		c.firstVisit(v)
	}
	c.vitals(v)
	c.vaccinate(v, first)
	if c.person.age(at) >= 18 {
		c.adult(v)
	}
	if chance(c.rng, 40) {
		c.fallIll(at.AddDate(0, 1, c.rng.IntN(60)))
	}
	if len(c.problem) > 0 {
		c.control(at.AddDate(0, 6, c.rng.IntN(14)))
	}
}

// firstVisit takes down what the patient brings along.
func (c *chart) firstVisit(v visit) {
	if chance(c.rng, 25) {
		c.allergy(v)
	}
	for _, d := range diseases() {
		if c.person.age(v.at) >= d.from && chance(c.rng, d.percent) && len(c.problem) < 3 {
			c.diagnose(v, d)
		}
	}
	c.procedure(v, code(snomed, "430193006", "Medication reconciliation (procedure)"), 10)
}

// adult is what the check-up of a grown-up adds.
func (c *chart) adult(v visit) {
	c.smoking(v)
	age := c.person.age(v.at)
	switch {
	case c.diabetic():
		c.laboratory(v, chemistry(), 0.25)
		c.numeric(v, "laboratory", hemoglobinA1c(), 7.1+0.7*c.rng.NormFloat64())
	case age >= 40 && chance(c.rng, 60):
		c.laboratory(v, lipids(), 0.2)
	case chance(c.rng, 30):
		c.laboratory(v, bloodCount(), 0)
	}
	if age >= 50 && age < 76 && chance(c.rng, 12) {
		c.procedure(v, code(snomed, "73761001", "Colonoscopy (procedure)"), 45)
	}
}

// control is the half-yearly look at chronic conditions.
func (c *chart) control(at time.Time) {
	if at = c.officeHours(at); !at.Before(today()) {
		return
	}
	v := c.visit(at, followUp(), c.problem[0].disease.condition)
	c.bloodPressure(v, float64(c.person.age(at)))
	if c.diabetic() {
		c.numeric(v, "laboratory", hemoglobinA1c(), 7.1+0.7*c.rng.NormFloat64())
	}
	if slices.ContainsFunc(c.problem, problem.asthma) {
		c.procedure(v, code(snomed, "23426006", "Measurement of respiratory function (procedure)"), 15)
	}
}

func (c *chart) diabetic() bool {
	return slices.ContainsFunc(c.problem, func(p problem) bool { return p.disease.diabetic })
}

func (p problem) asthma() bool { return p.disease.condition.Coding[0].Code == "195967001" }

// vaccinate gives what is due, and the influenza vaccine in autumn and winter.
func (c *chart) vaccinate(v visit, first bool) {
	months := int(v.at.Sub(c.person.birth).Hours() / 24 / 30.44)
	window := 12
	if c.person.age(v.at) < 2 {
		window = 3
	}
	for _, due := range schedule() {
		if due.month <= months && (due.month > months-window || first && due.month > months-6) {
			c.immunize(v, due.code)
		}
	}
	if m := v.at.Month(); months >= 6 && (m >= time.September || m <= time.February) {
		c.immunize(v, flu())
	}
}
