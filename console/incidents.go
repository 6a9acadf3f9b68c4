package console

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/respond/breach"
	"github.com/tutela-health/tutela/respond/incident"
)

// incidentsPath is the address of the list.
const incidentsPath = home + "incidents"

// incidentsBody is what went wrong.
type incidentsBody struct {
	All      bool // those that are over, too
	List     []incidentLine
	Kinds    []incident.Kind
	Levels   []finding.Level
	Runbooks incident.Runbooks
}

// incidents lists those that are not over, unless all are asked for.
func incidents(v *visit) error {
	b := incidentsBody{All: v.query("all") == "true", Kinds: incident.Kinds(), Levels: finding.Levels()}
	path := "/api/v1/incidents"
	if b.All {
		path += "?all=true&limit=1000"
	}
	list, err := get[[]incident.Incident](v, path)
	if err == nil {
		b.List = incidentLines(list)
		b.Runbooks, err = get[incident.Runbooks](v, "/api/v1/incidents/runbooks")
	}
	if err != nil {
		return err
	}
	return draw(v, "incidents", page[incidentsBody]{Title: "Incidents", Place: "incidents", Body: b})
}

// openIncident opens one by hand.
func openIncident(v *visit) (string, error) {
	said := map[string]string{"title": v.value("title"), "kind": v.value("kind"), "severity": v.value("severity"), "detail": v.value("detail")}
	if text := v.value("discovered"); text != "" {
		at, err := moment(text)
		if err != nil {
			return "", err
		}
		said["discovered"] = at.Format(time.RFC3339)
	}
	in, err := post[incident.Incident](v, "/api/v1/incidents", said)
	return oneOf(incidentsPath, in.ID, "opened"), err
}

// moment reads what a field for day and time gives, in UTC (HTML, datetime-local).
func moment(text string) (time.Time, error) {
	for _, form := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04"} {
		if at, err := time.Parse(form, text); err == nil {
			return at, nil
		}
	}
	return time.Time{}, errs.New(errs.Invalid, "%q is no time, as 2026-11-22T14:05", text)
}

// oneOf is the address of one thing of a list after a deed.
func oneOf(list, id, done string) string { return list + "/" + url.PathEscape(id) + "?done=" + done }

// drillIncident begins a drill.
func drillIncident(v *visit) (string, error) {
	in, err := post[incident.Incident](v, "/api/v1/incidents/drills", map[string]string{"runbook": v.value("runbook")})
	return oneOf(incidentsPath, in.ID, "opened"), err
}

// incidentBody is one incident.
type incidentBody struct {
	incident.Whole
	Over   bool
	Clocks []clockLine
	Phases []phaseSteps
	Next   []incident.State
	Score  *incident.Score // of one that is over, or of a drill
	Cases  []breach.Case   // that are part of it
	Step   string          // that the form that led here was about
}

// clockLine is a clock with the moment at which what it is for was reached.
type clockLine struct {
	incident.Running
	Reached time.Time
}

// Late reports whether it ran out before that.
func (c clockLine) Late(now time.Time) bool {
	if c.Reached.IsZero() {
		return late(now, c.Due)
	}
	return c.Reached.After(c.Due)
}

// phaseSteps are the steps of a phase.
type phaseSteps struct {
	Title string
	Steps []incident.Progress
}

// phases are the steps of an incident as they come.
func phases(steps []incident.Progress) []phaseSteps {
	var list []phaseSteps
	for _, p := range []struct {
		of    incident.Phase
		title string
	}{{incident.Contain, "Before it is contained"}, {incident.Recover, "Before it is recovered from"}, {incident.Finish, "Before it is closed"}} {
		own := phaseSteps{Title: p.title}
		for _, s := range steps {
			if s.Phase == p.of {
				own.Steps = append(own.Steps, s)
			}
		}
		if len(own.Steps) > 0 {
			list = append(list, own)
		}
	}
	return list
}

// oneIncident shows one with its clocks, steps and timeline.
func oneIncident(v *visit) error {
	w, err := get[incident.Whole](v, "/api/v1/incidents/"+v.id("id"))
	if err != nil {
		return err
	}
	b := incidentBody{Whole: w, Over: w.Over(), Phases: phases(w.Steps), Next: w.State.Next(), Step: v.r.PathValue("step")}
	for _, c := range w.Incident.Clocks {
		b.Clocks = append(b.Clocks, clockLine{c, reached(&w.Incident, c.Until)})
	}
	if w.Over() || w.Drill {
		s, err := get[incident.Score](v, "/api/v1/incidents/"+v.id("id")+"/score")
		if err != nil {
			return err
		}
		b.Score = &s
	}
	if v.may(listBreaches) {
		all, err := get[[]breach.Case](v, "/api/v1/breaches?closed=true")
		if err != nil {
			return err
		}
		for _, c := range all {
			if c.Incident == w.ID {
				b.Cases = append(b.Cases, c)
			}
		}
	}
	return draw(v, "incident", page[incidentBody]{Title: w.Title, Place: "incidents", Up: incidentsPath, UpName: "Incidents", Body: b})
}

// changeIncident sends what a form says to a part of an incident.
func changeIncident(v *visit, part, done string, fields ...string) (string, error) {
	said := map[string]string{}
	for _, name := range fields {
		said[name] = v.value(name)
	}
	err := send(v, "/api/v1/incidents/"+v.id("id")+"/"+part, said)
	return oneOf(incidentsPath, v.r.PathValue("id"), done), err
}

func moveIncident(v *visit) (string, error) { return changeIncident(v, "state", "moved", "to", "note") }

func noteIncident(v *visit) (string, error) {
	return changeIncident(v, "notes", "noted", "kind", "text", "to", "channel")
}

func stepIncident(v *visit) (string, error) {
	return changeIncident(v, "steps/"+v.id("step"), "noted", "result", "note")
}

// incidentLine is an incident as lists show it, with the clock that runs out first.
type incidentLine struct {
	incident.Incident
	Clock *incident.Running // nil: none runs
	Left  int               // steps that are to be done
}

// incidentLines are incidents as lists show them.
func incidentLines(list []incident.Incident) []incidentLine {
	lines := make([]incidentLine, len(list))
	for i, in := range list {
		lines[i] = incidentLine{Incident: in, Clock: nextClock(&in)}
		for _, s := range in.Steps {
			if s.Result == "" {
				lines[i].Left++
			}
		}
	}
	return lines
}

// nextClock is the clock that runs out first of those that still run.
func nextClock(in *incident.Incident) *incident.Running {
	var next *incident.Running
	for i := range in.Clocks {
		c := &in.Clocks[i]
		if reached(in, c.Until).IsZero() && (next == nil || c.Due.Before(next.Due)) {
			next = c
		}
	}
	return next
}

// reached is when an incident reached what a clock runs until; zero: it has not.
func reached(in *incident.Incident, until string) time.Time {
	switch incident.State(until) {
	case incident.Contained:
		return in.Contained
	case incident.Recovered:
		return in.Recovered
	case incident.Closed:
		return in.Closed
	}
	step, _ := strings.CutPrefix(until, "step ")
	i := slices.IndexFunc(in.Steps, func(p incident.Progress) bool { return p.ID == step })
	if i < 0 || in.Steps[i].Result == "" {
		return time.Time{}
	}
	return in.Steps[i].At
}
