package console

import (
	"net/url"
	"time"

	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/respond/alert"
	"github.com/tutela-health/tutela/respond/answer"
	"github.com/tutela-health/tutela/respond/incident"
)

// The addresses of what was found, and of what was done about it.
const (
	findingsPath = home + "findings"
	answersPath  = home + "answers"
	alertsPath   = home + "alerts"
)

// findingsBody is a page of findings.
type findingsBody struct {
	Asked  url.Values // that is not empty
	List   []finding.Finding
	Next   string // address of the next page
	Levels []finding.Level
	Counts []bar
}

// Any reports whether findings that are closed are shown, too.
func (b findingsBody) Any() bool { return b.Asked.Get("state") == "all" }

// findings lists them: those that are open, unless all are asked for.
func findings(v *visit) error {
	b := findingsBody{Asked: url.Values{}, Levels: finding.Levels()}
	q := url.Values{"limit": {"200"}}
	for _, name := range []string{"state", "level", "actor", "rule", "after"} {
		if text := v.query(name); text != "" {
			b.Asked.Set(name, text)
			q.Set(name, text)
		}
	}
	switch b.Asked.Get("state") {
	case "":
		q.Set("state", string(finding.Open))
	case "all":
		q.Del("state")
	}
	p, err := get[detect.Page](v, "/api/v1/findings?"+q.Encode())
	if err != nil {
		if !mendable(err) {
			return err
		}
		v.status, v.wrong = httpx.Status(err), problem{Text: sentence(errs.Public(err))}
	}
	b.List, b.Counts = p.Findings, byLevel(p.Findings)
	if p.Next != "" {
		next := url.Values{"after": {p.Next}}
		for name, values := range b.Asked {
			if name != "after" {
				next[name] = values
			}
		}
		b.Next = findingsPath + "?" + next.Encode()
	}
	return draw(v, "findings", page[findingsBody]{Title: "Findings", Place: "findings", Body: b})
}

// findingBody is one finding, and what was done about it.
type findingBody struct {
	finding.Finding
	Given    []answer.Answer // nil: the reader may not know
	Verdicts []finding.Verdict
	Kinds    []incident.Kind
}

// Entry is the address of an entry that shows it.
func (b findingBody) Entry(id string) string {
	return ledgerPath + "/" + url.PathEscape(id) + "?" + b.days().Encode()
}

// Doings is the address of what its account did meanwhile.
func (b findingBody) Doings() string {
	q := b.days()
	q.Set("actor", string(b.Actor))
	return ledgerPath + "?" + q.Encode()
}

// days is when its entries are, as the ledger is searched.
func (b findingBody) days() url.Values {
	return url.Values{"from": {b.First.UTC().Format(time.DateOnly)}, "to": {b.Last.UTC().Format(time.DateOnly)}}
}

// oneFinding shows one.
func oneFinding(v *visit) error {
	f, err := get[finding.Finding](v, "/api/v1/findings/"+v.id("id"))
	if err != nil {
		return err
	}
	b := findingBody{Finding: f, Verdicts: []finding.Verdict{finding.True, finding.Benign, finding.Expected}, Kinds: incident.Kinds()}
	if v.may(listAnswers) {
		if b.Given, err = get[[]answer.Answer](v, "/api/v1/answers?finding="+url.QueryEscape(f.ID)); err != nil {
			return err
		}
	}
	return draw(v, "finding", page[findingBody]{Title: f.Title, Place: "findings", Up: findingsPath, UpName: "Findings", Body: b})
}

// judgeFinding closes a finding with the reader's verdict.
func judgeFinding(v *visit) (string, error) {
	err := send(v, "/api/v1/findings/"+v.id("id")+"/feedback", map[string]string{"verdict": v.value("verdict"), "note": v.value("note")})
	return findingsPath + "/" + v.id("id") + "?done=judged", err
}

// escalateFinding makes an incident of a finding.
func escalateFinding(v *visit) (string, error) {
	f, err := get[finding.Finding](v, "/api/v1/findings/"+v.id("id"))
	if err != nil {
		return "", err
	}
	in, err := post[incident.Incident](v, "/api/v1/incidents", map[string]string{
		"title": f.Title, "kind": v.value("kind"), "severity": string(f.Level), "detail": v.value("detail"), "finding": f.ID,
	})
	return incidentsPath + "/" + url.PathEscape(in.ID) + "?done=opened", err
}

// answersBody is what the system did by itself.
type answersBody struct {
	State  string
	States []answer.State
	List   []answer.Answer
}

// answers lists it: what is in force, unless something else is asked for.
func answers(v *visit) error {
	b := answersBody{State: v.query("state"), States: []answer.State{answer.Active, answer.Over, answer.Undone, answer.Withheld}}
	q := url.Values{"limit": {"500"}, "state": {b.State}}
	switch b.State {
	case "":
		q.Set("state", string(answer.Active))
	case "all":
		q.Del("state")
	}
	var err error
	if b.List, err = get[[]answer.Answer](v, "/api/v1/answers?"+q.Encode()); err != nil {
		if !mendable(err) {
			return err
		}
		v.status, v.wrong = httpx.Status(err), problem{Text: sentence(errs.Public(err))}
	}
	return draw(v, "answers", page[answersBody]{Title: "Automatic answers", Place: "answers", Body: b})
}

// undoAnswer takes an answer back.
func undoAnswer(v *visit) (string, error) {
	err := send(v, "/api/v1/answers/"+v.id("id")+"/undo", nil)
	return answersPath + "?done=undone", err
}

// alertsBody is of what people were told.
type alertsBody struct {
	All  bool
	List []alert.Alert
}

// alerts lists those that nobody has seen, unless all are asked for.
func alerts(v *visit) error {
	b := alertsBody{All: v.query("state") == "all"}
	path := "/api/v1/alerts"
	if !b.All {
		path += "?state=" + string(alert.Open)
	}
	var err error
	if b.List, err = get[[]alert.Alert](v, path); err != nil {
		return err
	}
	return draw(v, "alerts", page[alertsBody]{Title: "Alerts", Place: "alerts", Body: b})
}

// seeAlert says that the reader has seen an alert.
func seeAlert(v *visit) (string, error) {
	err := send(v, "/api/v1/alerts/"+v.id("id")+"/acknowledge", nil)
	return alertsPath + "?done=seen", err
}
