package records

import (
	"math"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// treatment is what a resource says of who treats whom, and when.
type treatment struct {
	patients    []tutela.PatientID
	clinicians  []treating
	from, until int64
}

// treating is one clinician's part in it.
type treating struct {
	ref         tutela.Ref
	from, until int64
}

const ever = math.MinInt64

// treatmentOf reads the resources from which a treatment relationship follows: a care team, an
// encounter, an appointment, an order. What is neither active nor to come gives none.
func treatmentOf(res *r4.Resource, now time.Time) treatment {
	root := res.Root()
	switch res.Type() {
	case "CareTeam":
		return careTeam(root)
	case "Encounter":
		return encounter(root, now)
	case "Appointment":
		return appointment(root)
	case "ServiceRequest", "MedicationRequest", "DeviceRequest", "NutritionOrder":
		return order(root)
	}
	return treatment{}
}

// careTeam: while it is active, within its period and that of each member.
func careTeam(root r4.Node) treatment {
	t := treatment{patients: patientsAt(root.Child("subject"))}
	if status := root.Child("status").Text(); status != "active" && status != "" {
		return treatment{}
	}
	t.from, t.until = limits(root.Child("period"))
	for p := range root.Child("participant").Items() {
		from, until := limits(p.Child("period"))
		t.add(p.Child("member"), from, until)
	}
	return t
}

// encounter: from when it is planned until it ends. One that is over ended when its period says, or now.
func encounter(root r4.Node, now time.Time) treatment {
	t := treatment{patients: patientsAt(root.Child("subject"))}
	_, t.until = limits(root.Child("period"))
	t.from = ever
	switch root.Child("status").Text() {
	case "planned", "arrived", "triaged", "in-progress", "onleave":
	case "finished":
		t.until = min(t.until, now.UnixMilli())
	default:
		return treatment{}
	}
	for p := range root.Child("participant").Items() {
		from, until := limits(p.Child("period"))
		t.add(p.Child("individual"), from, until)
	}
	return t
}

// appointment: from when it is agreed until it ends.
func appointment(root r4.Node) treatment {
	t := treatment{from: ever, until: forever}
	switch root.Child("status").Text() {
	case "booked", "arrived", "checked-in", "waitlist", "pending":
	default:
		return treatment{}
	}
	if end, ok := root.Child("end").Interval(); ok {
		t.until = end.High.UnixMilli()
	}
	for p := range root.Child("participant").Items() {
		actor := p.Child("actor")
		t.patients = append(t.patients, patientsAt(actor)...)
		if p.Child("status").Text() != "declined" {
			t.add(actor, ever, forever)
		}
	}
	return t
}

// order: who ordered it and who is to carry it out, while it is active.
func order(root r4.Node) treatment {
	t := treatment{patients: patientsAt(root.Child("subject")), from: ever, until: forever}
	if t.patients == nil {
		t.patients = patientsAt(root.Child("patient")) // NutritionOrder
	}
	if status := root.Child("status").Text(); status != "active" && status != "on-hold" {
		return treatment{}
	}
	for _, name := range []string{"requester", "orderer", "performer"} {
		for p := range root.Child(name).Items() {
			t.add(p, ever, forever)
		}
	}
	return t
}

// add takes in a clinician whom a Reference names.
func (t *treatment) add(reference r4.Node, from, until int64) {
	ref, ok := r4.ParseReference(reference.Child("reference").Text())
	if ok && ref.Local() && (ref.Type == "Practitioner" || ref.Type == "PractitionerRole") {
		t.clinicians = append(t.clinicians, treating{ref.Ref(), from, until})
	}
}

// patientsAt is the patient whom a Reference names, or nobody.
func patientsAt(reference r4.Node) []tutela.PatientID {
	ref, ok := r4.ParseReference(reference.Child("reference").Text())
	if !ok || !ref.Local() || ref.Type != "Patient" {
		return nil
	}
	return []tutela.PatientID{tutela.PatientID(ref.ID)}
}

// limits are the ends of a Period in milliseconds since 1970; one that is not there has none.
func limits(period r4.Node) (from, until int64) {
	from, until = ever, forever
	iv, ok := period.Interval()
	if !ok {
		return from, until
	}
	if !iv.Low.IsZero() {
		from = iv.Low.UnixMilli()
	}
	if !iv.High.IsZero() {
		until = iv.High.UnixMilli()
	}
	return from, until
}
