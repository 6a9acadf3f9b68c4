package oscal

import (
	"strings"
	"time"

	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/internal/errs"
)

// Names of properties of our namespace in what is said of controls.
const (
	propKnown    = "known"
	propStanding = "standing"
	propBy       = "by"
)

// Of writes one model of how controls are known: tenant names the system, catalogs are as the board's catalogue has them.
func Of(m Model, o control.Overview, catalogs Document, tenant string) (Document, error) {
	switch m {
	case CatalogModel:
		return catalogs, nil
	case ComponentDefinitionModel:
		return component(o), nil
	case AssessmentResultsModel:
		return results(o, tenant), nil
	case PlanOfActionModel:
		return plan(o, tenant)
	}
	return Document{}, errs.New(errs.NotFound, "no such model: catalog, component-definition, assessment-results or plan-of-action-and-milestones")
}

// component says which requirements the software meets by itself: those that checks try, or the ledger records.
func component(o control.Overview) Document {
	software := Component{
		UUID: name("component"), Type: "software", Title: "Tutela", Description: "Security and compliance platform for healthcare software.",
	}
	for _, reg := range o.Regulations {
		i := Implementation{UUID: name("implementation", reg.ID), Source: "#" + name("catalog"), Description: reg.Title}
		for _, c := range o.Controls {
			if c.Regulation == reg.ID && (c.Known == control.Probed || c.Known == control.Recorded) {
				i.Requirements = append(i.Requirements, implemented(c))
			}
		}
		if len(i.Requirements) > 0 {
			software.Implementations = append(software.Implementations, i)
		}
	}
	return Document{ComponentDefinition: &ComponentDefinition{UUID: name("component-definition"), Metadata: metadata("What Tutela implements", o.At), Components: []Component{software}}}
}

func implemented(c control.Control) Implemented {
	r := Implemented{UUID: name("implemented", c.ID), Control: token(c.Slug), Props: own(nil, propKnown, string(c.Known))}
	var what []string
	for _, w := range c.Ways {
		if w.Known == control.Probed || w.Known == control.Recorded {
			what, r.Props = append(what, w.What), own(r.Props, propBy, w.By)
		}
	}
	r.Description = strings.Join(what, ". ")
	return r
}

// results says what was observed of each control, and what that means.
func results(o control.Overview, tenant string) Document {
	plan := Resource{UUID: name("plan", tenant), Title: "Checks on a schedule", Description: "Each check is tried again when half the life of its evidence is over."}
	r := Result{UUID: name("result", tenant, o.At.Format(time.RFC3339Nano)), Title: "Controls of " + tenant, Description: "How controls stood at a moment, by evidence in the ledger.", Start: o.At.UTC()}
	seen := map[string]bool{}
	var reviewed []Selected
	for _, c := range o.Controls {
		reviewed = append(reviewed, Selected{token(c.Slug)})
		r.Findings = append(r.Findings, finding(c))
		for _, w := range c.Ways {
			if ob := observation(w); !w.At.IsZero() && !seen[ob.UUID] {
				seen[ob.UUID] = true
				r.Observations = append(r.Observations, ob)
			}
		}
	}
	r.Reviewed.Selections = []Selection{{reviewed}}
	return Document{AssessmentResults: &AssessmentResults{
		UUID: name("results", tenant, o.At.Format(time.RFC3339Nano)), Metadata: metadata("Assessment of "+tenant, o.At),
		Plan: Href{"#" + plan.UUID}, Results: []Result{r}, Back: &Back{[]Resource{plan}},
	}}
}

// observation is what one way showed; the same for all controls that it bears on.
func observation(w control.Way) Observation {
	method := map[control.Knowledge]string{control.Probed: "TEST", control.Recorded: "EXAMINE", control.Attested: "INTERVIEW", control.Inherited: "EXAMINE"}[w.Known]
	seen := w.Seen
	if seen == "" {
		seen = w.What
	}
	return Observation{
		UUID: name("observation", string(w.Known), w.By, w.At.Format(time.RFC3339Nano), w.What), Title: w.What, Description: seen,
		Props: own(own(own(nil, propKnown, string(w.Known)), propStanding, string(w.Standing)), propBy, w.By), Methods: []string{method}, Collected: w.At.UTC(), Expires: w.Expires.UTC(),
	}
}

// finding is satisfied when a control is green, or does not apply: else nobody knows, or it is not.
func finding(c control.Control) Finding {
	f := Finding{
		UUID: name("finding", c.ID), Title: c.ID + ": " + c.Title, Description: string(c.Known) + ", " + string(c.Standing),
		Props:  own(own(nil, propKnown, string(c.Known)), propStanding, string(c.Standing)),
		Target: Target{Type: "objective-id", ID: token(c.Slug), Status: Status{State: "not-satisfied", Reason: "other"}},
	}
	switch c.Standing {
	case control.Green, control.NotApplicable:
		f.Target.Status = Status{State: "satisfied", Reason: "pass"}
	case control.Red:
		f.Target.Status.Reason = "fail"
	case control.Amber:
	}
	for _, w := range c.Ways {
		if !w.At.IsZero() {
			f.Observations = append(f.Observations, Related{observation(w).UUID})
		}
	}
	return f
}

// plan lists what is not green. Where nothing is left to do there is no such document.
func plan(o control.Overview, tenant string) (Document, error) {
	p := PlanOfAction{UUID: name("plan-of-action", tenant, o.At.Format(time.RFC3339Nano)), Metadata: metadata("What is left to do in "+tenant, o.At), System: SystemID{tenant}}
	seen := map[string]bool{}
	for _, c := range o.Controls {
		if c.Standing == control.Green || c.Standing == control.NotApplicable {
			continue
		}
		f := finding(c)
		p.Items = append(p.Items, PlanItem{UUID: name("item", c.ID), Title: f.Title, Description: todo(c), Props: f.Props, Observations: f.Observations})
		for _, w := range c.Ways {
			if ob := observation(w); !w.At.IsZero() && !seen[ob.UUID] {
				seen[ob.UUID] = true
				p.Observations = append(p.Observations, ob)
			}
		}
	}
	if len(p.Items) == 0 {
		return Document{}, errs.New(errs.NotFound, "nothing is left to do, and the language has no empty plan")
	}
	return Document{PlanOfAction: &p}, nil
}

// todo says what would make a control green.
func todo(c control.Control) string {
	switch {
	case c.Unbuilt:
		return "Tutela does not do this yet."
	case c.Known == control.NotCovered:
		return "Nothing shows it. Attest it, or bring a provider's report. " + c.Says
	case c.Standing == control.Red:
		return "Fresh evidence says that it fails. " + c.Says
	}
	return "There is no fresh evidence. " + c.Says
}
