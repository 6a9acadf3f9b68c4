package fhir_test

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/r4"
	"github.com/tutela-health/tutela/store"
)

// TestHiddenElementsAreToldAlike: resources of which a caller sees a part, and the same with something else in
// all that it does not see. Whatever it searches for, the answers are the same but for versions and times.
//
// `make worlds` plays more rounds.
func TestHiddenElementsAreToldAlike(t *testing.T) {
	t.Parallel()
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			r := rig.Open(t, rig.Config{Engine: engine})
			c := &comparison{t: t, r: r, callers: []string{"billing", "registration", biller(t, r, "of final ones", "user/Patient.rs", "user/Observation.rs?status=final")}, seldom: engine == store.Postgres}
			rapid.Check(t, c.veils)
			t.Logf("%d answers compared, %d of them with something in them", c.compared, c.told)
			if c.told < c.rounds && !t.Failed() {
				t.Errorf("too few answers (%d) in %d rounds for the test to mean anything", c.told, c.rounds)
			}
		})
	}
}

// veils makes charts, has somebody ask about them, puts others behind the veils, and has the same asked.
func (c *comparison) veils(t *rapid.T) {
	if !c.plays(t) {
		return
	}
	as := rapid.SampledFrom(c.callers).Draw(t, "caller")
	w := &realm{r: c.r, round: c.rounds, serials: map[string]int{}}
	for _, p := range wards() {
		w.things = append(w.things, created{specimens()[0], situation{patient: p}, "Patient/" + p, ""})
	}
	kinds := slices.DeleteFunc(specimens(), func(s specimen) bool { return !slices.Contains(veiled(as), s.typ) })
	for range rapid.IntRange(3, 8).Draw(t, "resources") {
		s := rapid.SampledFrom(kinds).Draw(t, "type")
		w.serials[s.typ]++
		w.things = append(w.things, created{s, situation{patient: rapid.SampledFrom(wards()).Draw(t, "patient")}, fmt.Sprintf("%s/v-%d-%d", s.typ, w.round, w.serials[s.typ]), ""})
	}
	asked := make([]inquiry, inquiries)
	for i := range asked {
		path := w.search(t)
		if rapid.Bool().Draw(t, "of one") {
			path = w.around(t)
		}
		asked[i] = inquiry{call: get(path, "Prefer", rapid.SampledFrom([]string{"handling=lenient", "handling=strict"}).Draw(t, "handling")), pages: true}
	}
	before := w.behind(t, c, as, asked)
	w.remove(c.t, w.things)
	after := w.behind(t, c, as, asked)
	w.remove(c.t, w.things)
	for i, a := range asked {
		c.compared++
		if diff := cmp.Diff(before[i].all, after[i].all); diff != "" {
			t.Fatalf("%s asks %s, and is told what is hidden from it (-before +after):\n%s", as, a.call.Path, diff)
		}
	}
}

// around draws a search of one resource with what leads from it or to it.
func (w *realm) around(t *rapid.T) string {
	x, y := rapid.SampledFrom(w.things).Draw(t, "one"), rapid.SampledFrom(w.things).Draw(t, "other")
	path := x.typ + "?_id=" + x.id()
	if from := references(x.typ); len(from) > 0 {
		path += "&_include=" + x.typ + ":" + rapid.SampledFrom(from).Draw(t, "from").Name
	}
	to := slices.DeleteFunc(references(y.typ), func(p *r4.Param) bool { return !slices.Contains(p.Targets, x.typ) })
	if len(to) > 0 {
		path += "&_revinclude=" + y.typ + ":" + rapid.SampledFrom(to).Draw(t, "to").Name
	}
	return path
}

// behind draws what is behind the veils, stores all, and asks. A direct read must show what it showed before.
func (w *realm) behind(t *rapid.T, c *comparison, as string, asked []inquiry) []replies {
	var texts []string
	whole := func(typ string) bool { return typ == "Patient" && as == "registration" }
	for i, x := range w.things {
		if !whole(x.typ) {
			w.things[i].more = w.veil(t, x.typ)
		}
		texts = append(texts, w.things[i].text())
	}
	w.store(c.t, texts...)
	v := &onlooker{c: c, as: as, direct: map[string]rig.Answer{}, blurs: true}
	told, _ := v.ask(t, asked)
	for _, x := range w.things {
		if a := v.read(x.ref); a.Status == http.StatusOK && !whole(x.typ) && !strings.Contains(string(a.Body), "SUBSETTED") {
			t.Fatalf("%s sees the whole of %s", as, x.ref)
		}
	}
	return told
}

// veiled are the types of which a caller sees a part.
func veiled(as string) []string {
	if as == "registration" {
		return []string{"Appointment"}
	}
	return []string{"Observation", "Condition", "Procedure", "DiagnosticReport", "Encounter", "Immunization", "Claim"}
}

// veil are members that neither billing nor registration sees.
func (w *realm) veil(t *rapid.T, typ string) string {
	word := rapid.SampledFrom([]string{"1", "5", "9"}).Draw(t, "hidden")
	coded := func(name string) string {
		return `,"` + name + `":{"coding":[{"system":"urn:c","code":"c` + word + `"}]}`
	}
	listed := func(name string) string {
		return `,"` + name + `":[{"coding":[{"system":"urn:c","code":"c` + word + `"}]}]`
	}
	refers := func(name, to string) string { return `,"` + name + `":[{"reference":"` + w.some(t, to) + `"}]` }
	text := `,"text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">` + word + `</div>"}`
	if rapid.Bool().Draw(t, "meta?") {
		text += `,"meta":{"tag":[{"system":"urn:t","code":"t` + word + `"}],"profile":["urn:p` + word + `"]}`
	}
	switch typ {
	case "Patient": // never the same, so that all are written and their order in time stays
		w.serials[typ]++
		text += fmt.Sprintf(`,"maritalStatus":{"text":"%d of %d"}`, w.serials[typ], w.round)
	case "Observation":
		text += coded("method") + refers("hasMember", "Observation") + refers("derivedFrom", "Observation") + `,"valueQuantity":{"value":` + word + `},"component":[{"code":{"text":"x"},"valueQuantity":{"value":` + word + `}}]`
	case "Condition":
		text += coded("severity") + `,"evidence":[{"detail":[{"reference":"` + w.some(t, "Observation") + `"}]}],"onsetDateTime":"200` + word + `"`
	case "Procedure":
		text += listed("reasonCode") + refers("reasonReference", "Condition") + coded("outcome")
	case "DiagnosticReport":
		text += listed("conclusionCode") + refers("result", "Observation") + `,"conclusion":"` + word + `"`
	case "Encounter":
		text += listed("reasonCode") + refers("reasonReference", "Condition") + `,"length":{"value":` + word + `,"system":"http://unitsofmeasure.org","code":"h"}`
	case "Immunization":
		text += listed("reasonCode") + `,"lotNumber":"` + word + `"`
	case "Appointment":
		text += listed("reasonCode") + refers("reasonReference", "Condition") + refers("supportingInformation", "Observation") + `,"comment":"` + word + `"`
	}
	return text
}

// versions are what a change of what is hidden changes all the same.
var versions = regexp.MustCompile(`"versionId":"\d+"|"lastUpdated":"[^"]+"`)

func blurred(text string) string { return versions.ReplaceAllString(text, `"…"`) }
