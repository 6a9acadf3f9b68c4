package consent_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access/consent"
	"github.com/tutela-health/tutela/r4"
)

// object is JSON under construction.
type object = map[string]any

// situation is one of testdata/situations.txt.
type situation struct {
	title    string
	regime   consent.Regime
	consents []object
	question consent.Question
	answer   string
}

func TestSituations(t *testing.T) {
	t.Parallel()
	all := situations(t)
	if len(all) < 100 {
		t.Fatalf("only %d situations", len(all))
	}
	for _, s := range all {
		t.Run(s.title, func(t *testing.T) {
			t.Parallel()
			if got := describe(consent.Decide(directives(t, s.consents), s.question, s.regime)); got != s.answer {
				t.Errorf("%s, want %s", got, s.answer)
			}
		})
	}
}

func describe(v consent.Verdict) string {
	word := "denied"
	if v.Allowed {
		word = "allowed"
	}
	return strings.TrimSpace(word + " by " + v.Basis())
}

func directives(t testing.TB, consents []object) []consent.Directive {
	t.Helper()
	var out []consent.Directive
	for _, c := range consents {
		text, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, parse(t, text))
	}
	return out
}

func parse(t testing.TB, text []byte) consent.Directive {
	t.Helper()
	res, err := r4.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	d, err := consent.Parse(res)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func situations(t testing.TB) []situation {
	t.Helper()
	text, err := os.ReadFile("testdata/situations.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []situation
	for _, block := range strings.Split(string(text), "\n== ")[1:] {
		out = append(out, readSituation(t, strings.Split(strings.TrimSpace(block), "\n")))
	}
	return out
}

func readSituation(t testing.TB, lines []string) situation {
	s := situation{title: lines[0], question: usual()}
	var open []object // the provision at each depth
	for _, line := range lines[1:] {
		words := strings.Fields(line)
		depth := (len(line) - len(strings.TrimLeft(line, " "))) / 2
		switch words[0] {
		case "regime":
			s.regime = map[string]consent.Regime{"opt-in": consent.OptIn, "opt-out": consent.OptOut}[words[1]]
		case "consent":
			s.consents = append(s.consents, readConsent(t, words[1], words[2:]))
			open = []object{s.consents[len(s.consents)-1]}
		case "root", "permit", "deny", "untyped":
			p := readProvision(t, words[0], words[1:])
			above := open[depth-1]
			if depth == 1 {
				above["provision"] = p
			} else {
				list, _ := above["provision"].([]object)
				above["provision"] = append(list, p)
			}
			open = append(open[:depth], p)
		case "ask":
			readQuestion(t, &s.question, words[1:])
		case "answer":
			s.answer = strings.TrimSpace(strings.Join(words[1:], " "))
		default:
			t.Fatalf("%s: what is %q?", s.title, line)
		}
	}
	return s
}

// usual is the question that a situation departs from.
func usual() consent.Question {
	return consent.Question{
		Patient:  "p",
		Caller:   refs("Practitioner/ada,Organization/here"),
		Complete: true,
		Purpose:  tutela.PurposeTreatment,
		Action:   consent.Access,
		When:     time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC),
		Data: consent.Data{
			Ref: tutela.Ref{Type: "Observation", ID: "o"}, Codes: []r4.Token{}, Labels: []r4.Token{}, Links: []tutela.Ref{},
		},
	}
}

func readQuestion(t testing.TB, q *consent.Question, words []string) {
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "patient":
			q.Patient = tutela.PatientID(value)
		case "caller":
			q.Caller = refs(value)
		case "npi":
			q.Identifiers = []r4.Token{{System: "http://hl7.org/fhir/sid/us-npi", Code: value}}
		case "staff":
			q.Staff = true
		case "incomplete":
			q.Complete = false
		case "custodian":
			q.Custodians = refs(value)
		case "purpose":
			q.Purpose = tutela.Purpose(value)
		case "action":
			q.Action = consent.Action(value)
		case "when":
			q.When = time.Time{}
		case "data":
			q.Data.Ref = refs(value)[0]
		case "codes":
			q.Data.Codes = tokens(value)
		case "labels":
			q.Data.Labels = labels(value)
		case "author":
			q.Data.Authors = refs(value)
		case "links":
			q.Data.Links = refs(value)
		case "data-time":
			q.Data.Period = interval(t, value)
		default:
			t.Fatalf("what is %q?", w)
		}
	}
}

// refs reads references with commas between; "unknown" is none looked up.
func refs(list string) []tutela.Ref {
	var out []tutela.Ref
	for r := range strings.SplitSeq(list, ",") {
		if typ, id, ok := strings.Cut(r, "/"); ok {
			out = append(out, tutela.Ref{Type: typ, ID: id})
		}
	}
	return out
}

// tokens reads system|code with commas between.
func tokens(list string) []r4.Token {
	var out []r4.Token
	for c := range strings.SplitSeq(list, ",") {
		system, code, _ := strings.Cut(c, "|")
		out = append(out, r4.Token{System: system, Code: code})
	}
	return out
}

// labels reads codes of Confidentiality (one letter) and of ActCode; "unknown" is nobody looked.
func labels(list string) []r4.Token {
	if list == "unknown" {
		return nil
	}
	var out []r4.Token
	for code := range strings.SplitSeq(list, ",") {
		out = append(out, tokens(inSystem(labelSystem(code), code))...)
	}
	return out
}

func labelSystem(code string) string {
	if len(code) == 1 {
		return "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
	}
	return "http://terminology.hl7.org/CodeSystem/v3-ActCode"
}

func interval(t testing.TB, value string) r4.Interval {
	t.Helper()
	text, err := json.Marshal(object{
		"resourceType": "Encounter", "status": "planned", "class": object{"code": "AMB"}, "period": period(value),
	})
	if err != nil {
		t.Fatal(err)
	}
	res, err := r4.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	iv, _ := res.Root().Child("period").Interval()
	return iv
}

func TestDataIsReadOffTheResource(t *testing.T) {
	t.Parallel()
	res, err := r4.Parse([]byte(`{"resourceType":"Observation","id":"o","status":"final",
		"meta":{"security":[{"system":"s","code":"R"}]},"code":{"coding":[{"system":"http://loinc.org","code":"8480-6"}]},
		"subject":{"reference":"Patient/p"},"performer":[{"reference":"Practitioner/ada"},{"reference":"https://x.example/Practitioner/z"}],
		"effectivePeriod":{"start":"2026-01-01","end":"2026-01-03"}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := consent.Data{
		Ref:     tutela.Ref{Type: "Observation", ID: "o"},
		Codes:   tokens("s|R,http://loinc.org|8480-6"),
		Labels:  tokens("s|R"),
		Period:  interval(t, "2026-01-01/2026-01-03"),
		Authors: refs("Practitioner/ada"),
		Links:   refs("Patient/p,Practitioner/ada"),
	}
	if diff := cmp.Diff(want, consent.About(res)); diff != "" {
		t.Error(diff)
	}
}

func TestClinicalTimeSpansAllDatesOfTheResource(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"resourceType":"Condition","subject":{"reference":"Patient/p"},"onsetDateTime":"2019","recordedDate":"2021-05-01","abatementDateTime":"2018-02-01"}`: "2018-02-01/2021-05-01",
		`{"resourceType":"Condition","subject":{"reference":"Patient/p"},"onsetPeriod":{"start":"2019"},"recordedDate":"2021-05-01"}`:                          "2019/",
		`{"resourceType":"Condition","subject":{"reference":"Patient/p"},"onsetPeriod":{"end":"2019"},"abatementPeriod":{"start":"2018"}}`:                     "/",
		`{"resourceType":"Patient","birthDate":"1970-01-01"}`: "/",
	} {
		res, err := r4.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(interval(t, want), consent.About(res).Period); diff != "" {
			t.Error(text, diff)
		}
	}
}

func TestOnlyConsentsAreRead(t *testing.T) {
	t.Parallel()
	res, err := r4.Parse([]byte(`{"resourceType":"Patient"}`))
	if err != nil {
		t.Fatal(err)
	}
	if d, err := consent.Parse(res); err == nil || !cmp.Equal(fmt.Sprint(d), fmt.Sprint(consent.Directive{})) {
		t.Errorf("a Patient reads as %v", d)
	}
}

func TestZeroValuesDeny(t *testing.T) {
	t.Parallel()
	if (consent.Verdict{}).Allowed {
		t.Error("the zero Verdict allows")
	}
	if v := consent.Decide(nil, consent.Question{}, consent.OptOut); v.Allowed {
		t.Error("the zero Question is allowed")
	}
	var zero consent.Regime
	if v := consent.Decide(make([]consent.Directive, 1), usual(), zero); v.Allowed {
		t.Error("the zero Regime and Directive allow")
	}
}
