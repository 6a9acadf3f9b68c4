package console

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/privacy/erasure"
	"github.com/tutela-health/tutela/respond/alert"
	"github.com/tutela-health/tutela/respond/answer"
	"github.com/tutela-health/tutela/respond/breach"
	"github.com/tutela-health/tutela/respond/incident"
)

// overviewBody is what needs the reader now. A part that is nil is not for him; each is filled by one goroutine.
type overviewBody struct {
	Findings  *findingSummary
	Incidents *[]incidentLine
	Alerts    *[]alert.Alert
	Answers   *[]answer.Answer
	Duties    *[]dutyLine
	Waiting   [4]*task // what waits for the reader's decision
	Checks    *checkSummary
	Health    [5]*health

	Report, Glass bool // where the reader may go from here
}

// findingSummary are the riskiest open findings, and how many there are of each level.
type findingSummary struct {
	Top    []finding.Finding
	Counts []bar
	Total  int
}

// task is a kind of thing that waits.
type task struct {
	Count int
	What  string // in the singular
	Path  string
	Late  int // of them
}

// health is how a part of the house is.
type health struct {
	Part string
	Good bool
	Text string
	Path string
}

// part is one of the overview, with the call that it makes.
type part struct {
	needs string
	fill  func(*visit, *overviewBody) error
}

// overviewParts are what the overview asks, each for those who may.
func overviewParts() []part {
	return []part{
		{listFindings, overviewFindings}, {listIncidents, overviewIncidents}, {listAlerts, overviewAlerts}, {listAnswers, overviewAnswers},
		{listBreaches, overviewDuties}, {listGlass, overviewGlass}, {listRequests, overviewRequests}, {approveErase, overviewErasures},
		{listClearings, overviewClearings}, {searchLedger, overviewChecks}, {"GET /ledger/checkpoint", overviewLedger},
		{readProvider, overviewProvider}, {readRecovery, overviewRecovery}, {listBackups, overviewBackups}, {listTargets, overviewTargets},
	}
}

// entrance leads to the overview.
func entrance(v *visit) error {
	http.Redirect(v.w, v.r, home, http.StatusSeeOther)
	return nil
}

// overview shows what needs the reader now.
func overview(v *visit) error {
	b := overviewBody{Report: v.may(report), Glass: v.may(breakGlass)}
	if err := v.together(&b, overviewParts()); err != nil {
		return err
	}
	return draw(v, "overview", page[overviewBody]{Title: "Overview", Place: "overview", Body: b})
}

// together fills the parts that are for the reader at the same time: their entries share transactions.
func (v *visit) together(b *overviewBody, parts []part) error {
	failed := make([]error, len(parts))
	var wait sync.WaitGroup
	for i, p := range parts {
		if v.may(p.needs) {
			wait.Go(func() { failed[i] = p.fill(v, b) })
		}
	}
	wait.Wait()
	for _, err := range failed {
		if err != nil && !errs.Is(err, errs.Denied) {
			return err
		}
	}
	return nil
}

func overviewFindings(v *visit, b *overviewBody) error {
	const shown = 6
	p, err := get[detect.Page](v, "/api/v1/findings?state=open&limit=500")
	if err != nil {
		return err
	}
	s := findingSummary{Top: p.Findings[:min(shown, len(p.Findings))], Total: len(p.Findings), Counts: byLevel(p.Findings)}
	b.Findings = &s
	return nil
}

// byLevel counts findings by level, the gravest first.
func byLevel(list []finding.Finding) []bar {
	count := map[finding.Level]int{}
	for _, f := range list {
		count[f.Level]++
	}
	var bars []bar
	for _, l := range slices.Backward(finding.Levels()) {
		bars = append(bars, bar{Label: string(l), Count: count[l], Class: string(l)})
	}
	return bars
}

func overviewIncidents(v *visit, b *overviewBody) error {
	list, err := get[[]incident.Incident](v, "/api/v1/incidents")
	if err != nil {
		return err
	}
	lines := incidentLines(list)
	b.Incidents = &lines
	return nil
}

func overviewAlerts(v *visit, b *overviewBody) error {
	list, err := get[[]alert.Alert](v, "/api/v1/alerts?state=open")
	if err != nil {
		return err
	}
	b.Alerts = &list
	return nil
}

func overviewAnswers(v *visit, b *overviewBody) error {
	list, err := get[[]answer.Answer](v, "/api/v1/answers?state=active&limit=50")
	if err != nil {
		return err
	}
	b.Answers = &list
	return nil
}

// dutyLine is a duty that is not done.
type dutyLine struct {
	Case, Title string
	breach.Owed
}

func overviewDuties(v *visit, b *overviewBody) error {
	cases, err := get[[]breach.Case](v, "/api/v1/breaches")
	if err != nil {
		return err
	}
	lines := openDuties(cases)
	b.Duties = &lines
	return nil
}

// openDuties are those of some cases that are not done, those first that are due first; what is to be done at
// once comes before.
func openDuties(cases []breach.Case) []dutyLine {
	lines := []dutyLine{}
	for _, c := range cases {
		for _, d := range c.Duties {
			if !d.Done {
				lines = append(lines, dutyLine{c.ID, c.Title, d})
			}
		}
	}
	slices.SortStableFunc(lines, func(a, b dutyLine) int { return a.Due.Compare(b.Due) })
	return lines
}

func overviewGlass(v *visit, b *overviewBody) error {
	list, err := get[[]glassCase](v, "/api/v1/break-glass")
	if err != nil {
		return err
	}
	t := task{What: "emergency access to review", Path: "/emergency/reviews"}
	for _, c := range list {
		if c.Reviewed.IsZero() {
			t.Count++
		}
	}
	b.Waiting[0] = &t
	return nil
}

// rightsLine is a patient's request, as much of it as a list shows.
type rightsLine struct {
	ID      string    `json:"id"`
	Kind    string    `json:"kind"`
	State   string    `json:"state"`
	Opened  time.Time `json:"opened"`
	Due     time.Time `json:"due"`
	Closed  time.Time `json:"closed"`
	Overdue bool      `json:"overdue"`
}

func overviewRequests(v *visit, b *overviewBody) error {
	list, err := get[[]rightsLine](v, "/api/v1/requests")
	if err != nil {
		return err
	}
	t := task{What: "patient's request"}
	for _, r := range list {
		if r.Closed.IsZero() {
			t.Count++
		}
		if r.Overdue {
			t.Late++
		}
	}
	b.Waiting[1] = &t
	return nil
}

func overviewErasures(v *visit, b *overviewBody) error {
	list, err := get[[]erasure.Erasure](v, "/api/v1/erasures")
	if err != nil {
		return err
	}
	t := task{What: "erasure to approve"}
	for _, e := range list {
		if e.State == erasure.Asked {
			t.Count++
		}
	}
	b.Waiting[2] = &t
	return nil
}

func overviewClearings(v *visit, b *overviewBody) error {
	list, err := get[[]clearedUser](v, "/api/v1/clearances")
	if err != nil {
		return err
	}
	t := task{What: "clearance to decide"}
	for _, u := range list {
		if len(u.Asked) > 0 {
			t.Count++
		}
	}
	b.Waiting[3] = &t
	return nil
}

// clearedUser is an account with what it is cleared for.
type clearedUser struct {
	ID         string    `json:"id"`
	Username   string    `json:"username"`
	Roles      []string  `json:"roles"`
	Clearances []string  `json:"clearances"`
	Asked      []string  `json:"asked"`
	AskedBy    string    `json:"asked_by"`
	AskedAt    time.Time `json:"asked_at"`
}

// glassCase is an emergency access.
type glassCase struct {
	ID        string    `json:"id"`
	Pseudonym string    `json:"pseudonym"`
	Patient   string    `json:"patient"`
	By        string    `json:"by"`
	Opened    time.Time `json:"opened"`
	Until     time.Time `json:"until"`
	Reason    string    `json:"reason"`
	Accesses  int       `json:"accesses"`
	Reviewed  time.Time `json:"reviewed"`
	Reviewer  string    `json:"reviewer"`
	Verdict   string    `json:"verdict"`
	Note      string    `json:"note"`
}

// checkSummary is what the checks said last.
type checkSummary struct {
	Passed, Other int
	Failed        []tutela.Evidence
	At            time.Time // of the newest
}

func overviewChecks(v *visit, b *overviewBody) error {
	list, err := get[[]foundEntry](v, "/api/v1/ledger/entries?action=assess.evidence&limit=200")
	if err != nil {
		return err
	}
	s := newestEvidence(list)
	b.Checks = &s
	return nil
}

// newestEvidence takes of each check what it said last, from entries that come the newest first.
func newestEvidence(list []foundEntry) checkSummary {
	var s checkSummary
	seen := map[string]bool{}
	for _, f := range list {
		e := f.Entry.Evidence
		if e == nil || seen[e.Check] {
			continue
		}
		seen[e.Check] = true
		if e.At.After(s.At) {
			s.At = e.At
		}
		switch e.Verdict {
		case tutela.Pass:
			s.Passed++
		case tutela.Fail:
			s.Failed = append(s.Failed, *e)
		case tutela.CouldNotCheck, tutela.NotApplicable:
			s.Other++
		}
	}
	slices.SortFunc(s.Failed, func(a, b tutela.Evidence) int { return strings.Compare(a.Check, b.Check) })
	return s
}
