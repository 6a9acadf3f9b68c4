package roster

import (
	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// Chart is what is known of a patient beside the care.
type Chart struct {
	household, family uint64
	VIP, Sensitive    bool
}

// Chart takes in what is known of a patient. A later line adds to the one before and takes
// nothing back but the two marks.
func (d *Directory) Chart(c event.Chart) {
	old, known := d.charts[c.Patient]
	if c.Patient == 0 || !known && len(d.charts) >= maxCharts {
		return
	}
	old.VIP, old.Sensitive = c.VIP, c.Sensitive
	if c.Household != "" {
		old.household = digest(c.Household)
	}
	if c.Family != "" {
		old.family = digest(c.Family)
	}
	d.charts[c.Patient] = old
}

// Kinship is what joins a person to a patient outside of care.
type Kinship struct {
	Self      bool
	Household bool
	Family    bool   // the same family name
	Colleague Person // whose chart it is, when it is one of another member of staff
	Marks     Chart
}

// Kinship tells what joins a person to a patient, as far as roster and charts say.
func (d *Directory) Kinship(n Person, p tutela.Bucket) Kinship {
	k := Kinship{Marks: d.charts[p]}
	if owner := d.owners[p]; owner != 0 && owner != n {
		k.Colleague = owner
	}
	if int(n) >= len(d.staff) {
		return k
	}
	who := &d.staff[n]
	k.Self = who.chart != 0 && who.chart == p
	k.Household = !k.Self && who.household != 0 && who.household == k.Marks.household
	k.Family = !k.Self && who.family != 0 && who.family == k.Marks.family
	return k
}
