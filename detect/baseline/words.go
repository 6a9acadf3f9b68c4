package baseline

import (
	"fmt"
	"math"
)

const (
	textNobody  = "it is the doing of no person's account"
	textNoChart = "it concerns no patient"
	textStrange = "the account was used where the person hardly ever sits, and nowhere else that day"
	textDepth   = "the person read on in the chart"
	textStyle   = "such staff read other parts of such charts, and oftener write in them"
	textTaint   = "the same session opened charts before for which there is less reason still"
	textHabit   = "over the month the person opened far more unexplained charts than peers"
)

// explain tells in plain words what explains an access, or that nothing does.
func (m *Model) explain(s *scene, v *view) string {
	unit := m.dir.UnitName(v.care.unit)
	if unit == "" {
		unit = "another unit"
	}
	switch v.care.class {
	case direct:
		return "a current relation joins the patient to the person"
	case unitCare:
		return "the patient is in the care of " + unit + ", where the person works or stands in"
	case mates:
		return "a colleague of the person's unit is treating the patient"
	case treated:
		return "the decision knew a treatment relationship"
	case recent:
		return "the person or the unit has just treated the patient, or is about to"
	case repeat:
		return "the person goes on with a case that was explained"
	case team:
		return "colleagues of the unit work on the chart in these days"
	case guest:
		return "the person works in " + unit + " today, and documents there"
	case ended:
		return "the person's or the unit's care of the patient ended within the week"
	case emergency:
		return "the glass was broken for the patient"
	case broken:
		return "the glass was broken for a patient whom nobody is treating"
	case wrote:
		return "the person documents in the chart"
	case inHouse:
		return "the patient is in the care of " + unit + m.usualFor(s, v)
	case lately:
		return "the patient was in the care of " + unit + " within the month" + m.usualFor(s, v)
	case colleague:
		return "a colleague of the unit was on the chart in these days" + m.usualFor(s, v)
	case active:
		return fmt.Sprintf("%d others are on the chart in these days%s", v.care.others, m.usualFor(s, v))
	case longEnded:
		return "the person's or the unit's care of the patient ended weeks ago" + m.usualFor(s, v)
	}
	return "no tie of care is known" + m.usualFor(s, v)
}

// usualFor tells how much of the peers' work is of that class, where that is what explains it.
func (m *Model) usualFor(s *scene, v *view) string {
	if !v.explained {
		return ""
	}
	share := math.Round(100 * s.group.classShare(v.care.class, &m.classes))
	return fmt.Sprintf(", as in %.0f %% of what such staff open", share)
}

// missing tells why the lack of a better explanation counts against an access.
func (m *Model) missing(c class) string {
	switch c {
	case inHouse:
		return "the patient is in the care of others"
	case lately:
		return "the patient was in the care of others"
	case colleague:
		return "but for one colleague of the unit nobody near the person was on the chart"
	case active:
		return "others are on the chart, and nothing joins the person to the patient"
	case ended, longEnded:
		return "the care of the patient has ended"
	case emergency:
		return "nothing but broken glass joins the person to the patient"
	case broken:
		return "the glass was broken for a patient whom nobody is treating"
	case wrote:
		return "nothing but the person's own writing joins the two"
	case idle:
		return "nothing joins the person to the patient, and nobody is treating the patient"
	}
	return "care as a rule looks different for such staff"
}

// measureText tells how far a measure of a day lies above the usual.
func (m *Model) measureText(t *tally, of measure) string {
	u := &t.usual[of]
	return fmt.Sprintf("%.0f %s that day, where %.0f is usual for the person and %.0f for peers",
		t.values[of], m.measures[of].unit, math.Expm1(u.own), math.Expm1(u.peers))
}
