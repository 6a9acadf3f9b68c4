package sample

import "time"

// diagnose begins a chronic disease: condition, prescription, and a plan where there is one.
func (c *chart) diagnose(v visit, d disease) {
	since := v.at.AddDate(-c.rng.IntN(4), -c.rng.IntN(12), 0)
	if youngest := c.person.birth.AddDate(d.from, 0, 0); since.Before(youngest) {
		since = v.at
	}
	ref := c.condition(v, d.condition, since, time.Time{})
	ref.Display = d.condition.Text
	c.problem = append(c.problem, problem{d, ref, since})
	c.prescribe(v, d.drug, ref, "active")
	if d.plan.Text != "" {
		c.plan(v, d, ref)
	}
}

// fallIll is a visit for something that passes.
func (c *chart) fallIll(at time.Time) {
	at = c.officeHours(at)
	i := pick(c.rng, illnesses())
	end := at.AddDate(0, 0, i.days)
	if !end.Before(today()) {
		return
	}
	kind := complaint()
	if i.emergency {
		kind = emergency()
	}
	v := c.visit(at, kind, i.condition)
	ref := c.condition(v, i.condition, at.AddDate(0, 0, -c.rng.IntN(4)), end)
	if i.fever {
		c.numeric(v, "vital-signs", temperature(), 38.3+0.5*c.rng.NormFloat64())
	}
	if i.procedure != nil && (i.emergency || chance(c.rng, 40)) {
		c.procedure(v, *i.procedure, 20)
	}
	if i.drug != nil && c.person.age(at) >= 12 {
		c.prescribe(v, *i.drug, ref, "completed")
	}
}

// condition notes a diagnosis; a zero end means that it lasts.
func (c *chart) condition(v visit, what concept, onset, end time.Time) reference {
	r := conditionResource{
		ResourceType: "Condition", Clinical: status("condition-clinical", "active"),
		Verification: status("condition-ver-status", "confirmed"),
		Category:     []concept{*status("condition-category", "encounter-diagnosis")},
		Code:         what, Subject: c.subject, Encounter: v.ref, Recorder: c.doctorR,
		Onset: instant(onset), Recorded: instant(v.at),
	}
	if !end.IsZero() {
		r.Clinical = status("condition-clinical", "resolved")
		r.Abatement = instant(end)
	}
	return c.add("Condition", r)
}

func (c *chart) prescribe(v visit, d drug, reason reference, state string) {
	c.add("MedicationRequest", medicationResource{
		ResourceType: "MedicationRequest", Status: state, Intent: "order", Medication: d.concept, Subject: c.subject,
		Encounter: v.ref, Authored: instant(v.at), Requester: c.doctorR, Reason: []reference{reason}, Dosage: []dosage{{1, d.sig}},
	})
}

func (c *chart) plan(v visit, d disease, reason reference) {
	var activities []activity
	for _, a := range d.activity {
		activities = append(activities, activity{detail{a, "in-progress"}})
	}
	c.add("CarePlan", carePlanResource{
		ResourceType: "CarePlan", Status: "active", Intent: "plan", Category: []concept{d.plan}, Subject: c.subject,
		Encounter: v.ref, Period: period{Start: instant(v.at)}, Author: c.doctorR,
		Addresses: []reference{reason}, Activity: activities,
	})
}

func (c *chart) immunize(v visit, vaccine concept) {
	c.add("Immunization", immunizationResource{
		ResourceType: "Immunization", Status: "completed", Vaccine: vaccine, Patient: c.subject, Encounter: v.ref,
		Occurrence: instant(v.at), Primary: true, Performer: []performer{{c.doctorR}},
	})
}

func (c *chart) procedure(v visit, what concept, minutes int) {
	c.add("Procedure", procedureResource{
		ResourceType: "Procedure", Status: "completed", Code: what, Subject: c.subject, Encounter: v.ref,
		Performed: period{instant(v.at), instant(v.at.Add(time.Duration(minutes) * time.Minute))},
		Performer: []performer{{c.doctorR}},
	})
}

func (c *chart) allergy(v visit) {
	a := pick(c.rng, allergies())
	c.add("AllergyIntolerance", allergyResource{
		ResourceType: "AllergyIntolerance", Clinical: status("allergyintolerance-clinical", "active"),
		Verification: status("allergyintolerance-verification", "confirmed"), Type: "allergy",
		Category: []string{a.category}, Criticality: a.criticality, Code: a.code, Patient: c.subject,
		Recorded: instant(v.at), Recorder: c.doctorR,
	})
}
