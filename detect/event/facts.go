package event

import (
	"strings"

	"github.com/tutela-health/tutela"
)

// asStaff reads a User Inventory Info event or the short form.
func (r *record) asStaff() (Line, error) {
	f := &r.facts
	s := &Staff{
		ID: tutela.UserID(first(f.staff, r.user.id, r.user.name)), Roles: f.roles, Unit: first(f.unit, r.user.unit, r.unmapped.unit),
		From: f.from, To: f.to, Chart: Pseudonym(f.patient), Household: Likeness(f.household), Family: Likeness(f.family),
	}
	if len(s.Roles) == 0 {
		s.Roles = r.user.groups
	}
	if s.From.IsZero() {
		s.From = r.user.hired
	}
	if s.To.IsZero() {
		s.To = r.user.left
	}
	if s.ID == "" {
		return Line{}, errStaff
	}
	return Line{Staff: s}, nil
}

func (r *record) asRelation() (Line, error) {
	f := &r.facts
	kind, ok := relationKind(f.relation)
	if !ok {
		return Line{}, errRelation
	}
	to := &Relation{
		Kind: kind, Patient: Pseudonym(f.patient), Staff: tutela.UserID(f.staff), Unit: f.unit, From: f.from, To: f.to,
	}
	switch {
	case to.Patient == 0 && kind != Cover:
		return Line{}, errPatient
	case to.Staff == "" && to.Unit == "":
		return Line{}, errWhom
	}
	return Line{Relation: to}, nil
}

// relationKind reads a kind without regard to case, and with a space or an underscore for the hyphen.
func relationKind(s string) (RelationKind, bool) {
	kind := RelationKind(strings.NewReplacer("_", "-", " ", "-").Replace(strings.ToLower(s)))
	switch kind {
	case Admission, Encounter, Appointment, Order, Referral, CareTeam, Cover, Billing:
		return kind, true
	}
	return "", false
}

func (r *record) asChart() (Line, error) {
	f := &r.facts
	c := &Chart{
		Patient: Pseudonym(f.patient), VIP: f.vip, Sensitive: f.sensitive,
		Household: Likeness(f.household), Family: Likeness(f.family),
	}
	if c.Patient == 0 {
		return Line{}, errPatient
	}
	return Line{Chart: c}, nil
}

// first gives the first text that says something.
func first(of ...string) string {
	for _, s := range of {
		if s != "" {
			return s
		}
	}
	return ""
}
