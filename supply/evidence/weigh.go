package evidence

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/attest"
	"github.com/tutela-health/tutela/supply/deps/lock"
	words "github.com/tutela-health/tutela/supply/report"
)

// Fresh is how long a result counts: advisories come every day.
const Fresh = 30 * 24 * time.Hour

// ahead is how far a pipeline's clock may be ahead of ours.
const ahead = 5 * time.Minute

// weigh says what a statement proves. Checks are named after what looked and who judged: supply.scan.secrets is
// whether the scanner found any secret that nobody excused; supply.gate.secrets whether what it found is within the
// policy; supply.gate whether the tree may go on.
func (s *Service) weigh(r *report) error {
	var err error
	switch r.said.Predicate {
	case attest.TypeTestResult:
		err = s.weighVerdict(r)
	case attest.TypeScan:
		err = s.weighScan(r)
	case attest.TypeCycloneDX:
		err = r.weighBill()
	default:
		return errs.New(errs.Unprocessable, "a report is a gate's verdict, a scan or a bill of materials in CycloneDX")
	}
	return err
}

// dated gives evidence its time: that of the check, as the pipeline signed it. What has none, is of now.
func (s *Service) dated(r *report, at time.Time, list ...tutela.Evidence) error {
	now := s.cfg.Clock().UTC()
	if at.IsZero() {
		at = now
	}
	if at.After(now.Add(ahead)) {
		return errs.New(errs.Unprocessable, "the statement says that it was made at %s, which is yet to come", at.UTC().Format(time.RFC3339))
	}
	at = at.UTC()
	for _, e := range list {
		e.On, e.At, e.Expires = r.on(), at, at.Add(Fresh)
		r.evidence = append(r.evidence, e)
	}
	return nil
}

// weighVerdict is evidence of what the gate said: of the tree, and of each class that it names.
func (s *Service) weighVerdict(r *report) error {
	var p attest.TestResult
	if err := json.Unmarshal(r.statement.Predicate, &p); err != nil {
		return errs.New(errs.Unprocessable, "the verdict cannot be read")
	}
	r.said.Result, r.said.URL, r.said.Reasons = clean(p.Result), link(p.URL), some(p.Failed)
	if len(p.Configuration) > 0 {
		r.said.Policy = plainDigest(p.Configuration[0].Digest["sha256"])
	}
	observed := fmt.Sprintf("gate: %s; %d checks passed, %d in part, %d reasons against", cmp.Or(r.said.Result, "no result"), len(p.Passed), len(p.Warned), len(p.Failed))
	list := []tutela.Evidence{{Check: "supply.gate", Verdict: verdictOf(p.Result), Observed: observed}}
	for _, class := range append(supply.Classes(), "tests") {
		if v, named := classVerdict(p, string(class)); named {
			list = append(list, tutela.Evidence{Check: "supply.gate." + string(class), Verdict: v, Observed: observedOf(p, string(class))})
		}
	}
	return s.dated(r, p.Judged(), list...)
}

// verdictOf maps a result: WARNED passed without all of it checked, and is no pass here.
func verdictOf(result string) tutela.Verdict {
	switch result {
	case "PASSED":
		return tutela.Pass
	case "FAILED":
		return tutela.Fail
	}
	return tutela.CouldNotCheck
}

// classVerdict finds a class among the tests of a result; the worst word on it counts.
func classVerdict(p attest.TestResult, class string) (v tutela.Verdict, named bool) {
	for _, of := range []struct {
		list []string
		v    tutela.Verdict
	}{{p.Failed, tutela.Fail}, {p.Warned, tutela.CouldNotCheck}, {p.Passed, tutela.Pass}} {
		if slices.ContainsFunc(of.list, func(t string) bool { return about(t, class) }) {
			return of.v, true
		}
	}
	return tutela.CouldNotCheck, false
}

// about reports whether a test's name is that of a class, alone or before a colon.
func about(test, class string) bool {
	name, _, _ := strings.Cut(test, ":")
	return name == class
}

func observedOf(p attest.TestResult, class string) string {
	for _, list := range [][]string{p.Failed, p.Warned, p.Passed} {
		for _, t := range list {
			if about(t, class) {
				return "gate: " + clean(t)
			}
		}
	}
	return ""
}

// weighScan is evidence of what each scanner found, without a policy: anything that nobody excused is too much.
func (s *Service) weighScan(r *report) error {
	var p attest.Scan
	if err := json.Unmarshal(r.statement.Predicate, &p); err != nil {
		return errs.New(errs.Unprocessable, "the scan cannot be read")
	}
	r.said.Result, r.said.Waivers = clean(p.Result), waivers(p.Findings)
	var list []tutela.Evidence
	for _, class := range supply.Classes() {
		i := slices.IndexFunc(p.Checked, func(c supply.Checked) bool { return c.Class == class })
		if i >= 0 {
			list = append(list, scanned(p, p.Checked[i]))
		}
	}
	if p.Finished.IsZero() {
		p.Finished = s.cfg.Clock()
	}
	r.scan = &p
	return s.dated(r, p.Finished, list...)
}

// scanned is evidence of one class. What was found is a failure, however much else could not be looked into; what
// was not looked into as a whole is no pass.
func scanned(p attest.Scan, c supply.Checked) tutela.Evidence {
	n := p.Classes[string(c.Class)]
	e := tutela.Evidence{Check: "supply.scan." + string(c.Class), Observed: fmt.Sprintf("scan: %d files looked into, %d findings that nobody excused, %d places not checked", c.Files, n, len(c.Failed))}
	switch {
	case n > 0:
		e.Verdict = tutela.Fail
	case c.Blind != "":
		e.Observed = "scan: nothing of it could be checked"
	case len(c.Failed) > 0, len(p.Failed) > 0, p.Classes == nil && p.Omitted > 0:
	default:
		e.Verdict = tutela.Pass
	}
	return e
}

// maxSaid bounds how many lines of a kind the ledger keeps of a report.
const maxSaid = 100

// waivers lists those that excused findings, once each.
func waivers(findings []attest.Finding) (list []SaidWaiver) {
	for _, f := range findings {
		if f.Waiver == nil {
			continue
		}
		w := SaidWaiver{Rule: clean(f.Rule), Reason: clean(f.Waiver.Reason), Owner: clean(f.Waiver.Owner), Approver: clean(f.Waiver.Approver), Expires: f.Waiver.Expires, Findings: 1}
		i := slices.IndexFunc(list, func(o SaidWaiver) bool {
			return o.Rule == w.Rule && o.Reason == w.Reason && o.Owner == w.Owner && o.Approver == w.Approver && o.Expires.Equal(w.Expires)
		})
		switch {
		case i >= 0:
			list[i].Findings++
		case len(list) < maxSaid:
			list = append(list, w)
		}
	}
	return list
}

// weighBill reads a bill of materials. It is kept, and proves nothing by itself.
func (r *report) weighBill() error {
	l, err := lock.ReadBill("bill.cdx.json", r.statement.Predicate)
	if err != nil {
		return errs.New(errs.Unprocessable, "the bill of materials cannot be read: %s", clean(err.Error()))
	}
	r.said.Result = fmt.Sprintf("%d components", len(l.Components))
	r.text = r.statement.Predicate
	r.bill = &Bill{
		ID: r.said.Statement, Pipeline: r.pipeline.Name, Repository: r.said.Repository, Commit: r.said.Commit, Files: r.said.Files,
		Components: len(l.Components),
	}
	return nil
}

// maxWords bounds a line that a pipeline wrote, in characters.
const maxWords = 200

// clean makes a line of what a pipeline wrote: no control characters, and not too long.
func clean(text string) string {
	runes := []rune(words.Plain(strings.ToValidUTF8(text, "\uFFFD")))
	if len(runes) > maxWords {
		runes = append(runes[:maxWords], '…')
	}
	return string(runes)
}

func some(list []string) []string {
	var out []string
	for _, text := range list[:min(len(list), maxSaid)] {
		out = append(out, clean(text))
	}
	return out
}

// link takes an address of the web, and nothing else.
func link(text string) string {
	if !strings.HasPrefix(text, "https://") {
		return ""
	}
	return clean(text)
}
