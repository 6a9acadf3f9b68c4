package mask_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/access/mask"
	"github.com/tutela-health/tutela/r4"
)

func parse(t testing.TB, spec string) mask.Mask {
	t.Helper()
	m, err := mask.Parse(spec)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const label = `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED"}`

// seen is what shows, with the label written short.
func seen(m mask.Mask, typ, resource string) string {
	return strings.ReplaceAll(string(m.Apply(typ, []byte(resource))), label, `"SUBSETTED"`)
}

func TestApply(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, spec, in, want string }{
		{
			"only what is listed", "show Patient: name, birthDate",
			`{"resourceType":"Patient","id":"p","meta":{"versionId":"1","tag":[{"code":"x"}],"security":[{"code":"HIV"}],"lastUpdated":"2026"},"name":[{"family":"A"}],"gender":"male","birthDate":"2000"}`,
			`{"resourceType":"Patient","id":"p","meta":{"versionId":"1","lastUpdated":"2026","security":["SUBSETTED"]},"name":[{"family":"A"}],"birthDate":"2000"}`,
		},
		{
			"all but what is hidden", "hide Patient: gender",
			`{"resourceType":"Patient","id":"p","meta":{"versionId":"1"},"gender":"male","birthDate":"2000"}`,
			`{"resourceType":"Patient","id":"p","meta":{"versionId":"1","security":["SUBSETTED"]},"birthDate":"2000"}`,
		},
		{
			"marked also where there was nothing to hide", "hide Patient: gender",
			`{"resourceType":"Patient","id":"p","birthDate":"2000"}`,
			`{"resourceType":"Patient","id":"p","birthDate":"2000","meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"other types stay whole", "hide Patient: gender",
			`{"resourceType":"Person","gender":"male","meta":{"tag":[{"code":"x"}]}}`,
			`{"resourceType":"Person","gender":"male","meta":{"tag":[{"code":"x"}]}}`,
		},
		{
			"companions of primitives go with them", "hide Patient: birthDate",
			`{"resourceType":"Patient","_birthDate":{"extension":[{"url":"u","valueDateTime":"2000"}]},"_gender":{"id":"g"},"gender":"male","birthDate":"2000"}`,
			`{"resourceType":"Patient","_gender":{"id":"g"},"gender":"male","meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"the narrative tells, so it goes", "hide Patient: gender",
			`{"resourceType":"Patient","text":{"status":"generated","div":"<div>male</div>"},"active":true}`,
			`{"resourceType":"Patient","active":true,"meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"every type of a choice", "hide Observation: value[x], component",
			`{"resourceType":"Observation","status":"final","valueString":"x","_valueString":{"id":"i"},"component":[{"valueInteger":1}],"valueX":1,"value":2}`,
			`{"resourceType":"Observation","status":"final","value":2,"meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"one type of a choice", "show Observation: value[x]; hide Observation: valueQuantity",
			`{"resourceType":"Observation","valueString":"x"}`, `{"resourceType":"Observation","valueString":"x","meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"hidden beats shown", "show Observation: valueQuantity, status; hide Observation: value[x]",
			`{"resourceType":"Observation","status":"final","valueQuantity":{"value":1}}`, `{"resourceType":"Observation","status":"final","meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"nested paths, through lists", "hide Patient: name.given, contact.name",
			`{"resourceType":"Patient","name":[{"family":"A","given":["B"],"_given":[{"id":"x"}]},{"given":["C"]}],"contact":[{"name":{"family":"D"},"gender":"male"}]}`,
			`{"resourceType":"Patient","name":[{"family":"A"}],"contact":[{"gender":"male"}],"meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"nothing empty is left", "hide Patient: name.given",
			`{"resourceType":"Patient","name":[{"given":["C"]}],"active":true}`,
			`{"resourceType":"Patient","active":true,"meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"of every type", "hide *: note, text; hide Condition: code",
			`{"resourceType":"Condition","note":[{"text":"x"}],"code":{"text":"y"},"subject":{"reference":"Patient/p"}}`,
			`{"resourceType":"Condition","subject":{"reference":"Patient/p"},"meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"of a type that only the star names", "hide *: note; hide Condition: code",
			`{"resourceType":"Goal","note":[{"text":"x"}],"description":{"text":"y"}}`,
			`{"resourceType":"Goal","description":{"text":"y"},"meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"a type's own list comes before that of all", "show *: status; show Patient: gender",
			`{"resourceType":"Patient","gender":"male","active":true}`, `{"resourceType":"Patient","gender":"male","meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"the list of all", "show *: status",
			`{"resourceType":"Goal","status":"x","outcomeCode":[{"text":"y"}]}`, `{"resourceType":"Goal","status":"x","meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"contained resources by their own types", "hide Observation: value[x]",
			`{"resourceType":"Condition","meta":{"tag":[{"code":"x"}]},"contained":[{"valueString":"x","id":"o","resourceType":"Observation","meta":{"profile":["p"]}}],"code":{"text":"y"}}`,
			`{"resourceType":"Condition","meta":{"tag":[{"code":"x"}],"security":["SUBSETTED"]},"contained":[{"id":"o","resourceType":"Observation"}],"code":{"text":"y"}}`,
		},
		{
			"contained resources of types that stay whole", "hide Observation: value[x]",
			`{"resourceType":"Condition","contained":[{"resourceType":"Patient","gender":"male","meta":{"profile":["p"]}}],"code":{"text":"y"}}`,
			`{"resourceType":"Condition","contained":[{"resourceType":"Patient","gender":"male","meta":{"profile":["p"]}}],"code":{"text":"y"}}`,
		},
		{
			"contained resources, hidden", "hide Condition: contained",
			`{"resourceType":"Condition","contained":[{"resourceType":"Patient","gender":"male"}],"code":{"text":"y"}}`,
			`{"resourceType":"Condition","code":{"text":"y"},"meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"labels that are there stay once", "hide Observation: value[x]",
			`{"resourceType":"Condition","meta":{"security":[{"code":"R"}]},"contained":[{"resourceType":"Observation"}]}`,
			`{"resourceType":"Condition","meta":{"security":[{"code":"R"},"SUBSETTED"]},"contained":[{"resourceType":"Observation"}]}`,
		},
		{
			"entries of a Bundle, each with its label", "hide Observation: value[x]",
			`{"resourceType":"Bundle","entry":[{"fullUrl":"u","resource":{"resourceType":"Observation","valueString":"x"},"response":{"status":"200","outcome":{"resourceType":"Observation","valueString":"x"}}},{"resource":{"resourceType":"Patient","gender":"male"}}]}`,
			`{"resourceType":"Bundle","entry":[{"fullUrl":"u","resource":{"resourceType":"Observation","meta":{"security":["SUBSETTED"]}},"response":{"status":"200","outcome":{"resourceType":"Observation","meta":{"security":["SUBSETTED"]}}}},{"resource":{"resourceType":"Patient","gender":"male"}}]}`,
		},
		{
			"a Bundle in a Bundle", "hide Patient: gender",
			`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","gender":"male"}}]}}]}`,
			`{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","meta":{"security":["SUBSETTED"]}}}]}}]}`,
		},
		{
			"parameters, in parts too", "hide Patient: gender",
			`{"resourceType":"Parameters","parameter":[{"name":"a","part":[{"name":"b","resource":{"resourceType":"Patient","gender":"male"}}]}]}`,
			`{"resourceType":"Parameters","parameter":[{"name":"a","part":[{"name":"b","resource":{"resourceType":"Patient","meta":{"security":["SUBSETTED"]}}}]}]}`,
		},
		{
			"a Bundle whose resources are hidden", "hide Bundle: entry.resource",
			`{"resourceType":"Bundle","entry":[{"fullUrl":"u","resource":{"resourceType":"Patient"}}]}`,
			`{"resourceType":"Bundle","entry":[{"fullUrl":"u"}],"meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"what nests in itself, at every depth", "hide Questionnaire: item.text",
			`{"resourceType":"Questionnaire","item":[{"linkId":"1","text":"x","item":[{"linkId":"2","text":"y","item":[{"linkId":"3","text":"z"}]}]}]}`,
			`{"resourceType":"Questionnaire","item":[{"linkId":"1","item":[{"linkId":"2","item":[{"linkId":"3"}]}]}],"meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"what nests in itself by way of another", "hide QuestionnaireResponse: item.text",
			`{"resourceType":"QuestionnaireResponse","item":[{"linkId":"1","answer":[{"valueString":"v","item":[{"linkId":"2","text":"y"}]}]}]}`,
			`{"resourceType":"QuestionnaireResponse","item":[{"linkId":"1","answer":[{"valueString":"v","item":[{"linkId":"2"}]}]}],"meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"what nests in itself, under another hidden", "hide QuestionnaireResponse: item.answer.value[x]",
			`{"resourceType":"QuestionnaireResponse","item":[{"linkId":"1","answer":[{"valueString":"v","item":[{"linkId":"2","answer":[{"valueString":"w"}]}]}]}]}`,
			`{"resourceType":"QuestionnaireResponse","item":[{"linkId":"1","answer":[{"item":[{"linkId":"2"}]}]}],"meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"strings with quotes and brackets", "hide Patient: gender",
			`{"resourceType":"Patient","name":[{"text":"a\"}],\\"}],"gender":"\\\"","active":true}`,
			`{"resourceType":"Patient","name":[{"text":"a\"}],\\"}],"active":true,"meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"what is contained and says no type", "hide *: note",
			`{"resourceType":"Condition","contained":[{"id":"x","note":[{"text":"y"}]}]}`,
			`{"resourceType":"Condition","contained":[{"id":"x"}],"meta":{"security":["SUBSETTED"]}}`,
		},
		{
			"comments and blank lines", "# billing\n\nhide Patient: gender # sex\n",
			`{"resourceType":"Patient","gender":"male"}`, `{"resourceType":"Patient","meta":{"security":["SUBSETTED"]}}`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := parse(t, c.spec)
			typ := strings.Split(c.in, `"`)[3]
			if diff := cmp.Diff(c.want, seen(m, typ, c.in)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestZeroMaskHidesWhatCanBeHidden(t *testing.T) {
	t.Parallel()
	const in = `{"resourceType":"Patient","id":"p","meta":{"versionId":"1","source":"s"},"gender":"male"}`
	var m mask.Mask
	if got := seen(m, "Patient", in); got != `{"resourceType":"Patient","id":"p","meta":{"versionId":"1","security":["SUBSETTED"]}}` {
		t.Error(got)
	}
	if m.Whole() || !m.Hides("Patient", "Patient.gender") {
		t.Error("the zero Mask shows")
	}
	if got := seen(mask.Union(m, mask.All()), "Patient", in); got != in {
		t.Error(got)
	}
}

func TestWholeMaskReturnsItsInput(t *testing.T) {
	t.Parallel()
	in := []byte(`{"resourceType":"Patient"}`)
	if got := mask.All().Apply("Patient", in); &got[0] != &in[0] {
		t.Error("the input was copied")
	}
	hide := parse(t, "hide Patient: gender")
	if !mask.Union(hide, mask.All()).Whole() || mask.Intersection(hide, mask.All()).Whole() {
		t.Error("a union with all is not all, or an intersection is")
	}
}

func TestSpecsThatHideNothingAreRefused(t *testing.T) {
	t.Parallel()
	for _, spec := range []string{
		"", "# nothing", "Patient: gender", "show Patient gender", "mask Patient: gender", "show Patient Person: name", "show Patinet: name",
		"hide Patient: sex", "hide Observation: value", "hide Patient: name.first", "hide Patient: birthDate.year", "hide *: nonsense",
		"hide Patient: ", "hide Patient: gender,", "hide Observation: value[x].code", "hide Patient: meta", "show *: meta.tag", "hide Patient: id",
		"hide Patient: resourceType", "hide Patient: contained.name", "hide Patient: name..given",
	} {
		if _, err := mask.Parse(spec); err == nil {
			t.Errorf("%q is read", spec)
		}
	}
}

func TestHides(t *testing.T) {
	t.Parallel()
	m := parse(t, `hide *: note, contained
		hide Observation: value[x], component.valueQuantity
		hide Condition: onsetAge, stage, evidence.detail
		show Patient: identifier, name.family
		hide ActivityDefinition: relatedArtifact.type`)
	for path, want := range map[string]bool{
		"Observation.valueQuantity": true, "Observation.value[x]": true, "Observation.code": false, "Observation.effective[x]": false,
		"Observation.component.valueQuantity": true, "Observation.component.valueCodeableConcept": false, "Observation.component": true,
		"Observation.component.value[x]": true, "Observation.component.code": false,
		"Condition.onsetAge": true, "Condition.onsetDateTime": false, "Condition.onset[x]": true, "Condition.stage.summary": true,
		"Condition.evidence": true, "Condition.evidence.code": false, "Condition": true,
		"Patient.name": true, "Patient.name.family": false, "Patient.name.given": true, "Patient.identifier": false, "Patient.deceased[x]": true,
		"Patient.identifier.value":                                      false,
		"ActivityDefinition.relatedArtifact[type=composed-of].resource": true, "ActivityDefinition.useContext.valueRange": false,
		"Bundle.entry[0].resource": false,
	} {
		typ, _, _ := strings.Cut(path, ".")
		if got := m.Hides(typ, path); got != want {
			t.Errorf("Hides(%s) = %v", path, got)
		}
	}
	for path, want := range map[string]bool{
		"Resource.id": false, "Resource.meta.lastUpdated": false, "Resource.meta.tag": true, "Resource.meta.security": true, "Resource.meta.profile": true,
	} {
		if got := m.Hides("Observation", path); got != want {
			t.Errorf("Hides(%s) = %v", path, got)
		}
	}
	if mask.All().Hides("Observation", "Resource.meta.tag") {
		t.Error("all hides")
	}
}

// TestEverySearchParameterOfAHiddenElementIsHidden hides each top element in turn, and asks for each of the
// type's search parameters.
func TestEverySearchParameterOfAHiddenElementIsHidden(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{"Observation", "Condition", "Patient", "MedicationRequest", "Encounter"} {
		for _, e := range r4.Members(typ) {
			if e.Name == "id" || e.Name == "meta" {
				continue
			}
			m := parse(t, "hide "+typ+": "+e.Name)
			for _, p := range r4.Params(typ) {
				for _, b := range p.Branches {
					top := strings.Split(b.Key(), ".")[1]
					if (top == e.Name || top == e.Choice) && !m.Hides(typ, b.Key()) {
						t.Errorf("%s is hidden, and %s reads it by %s", e.Name, p.Name, b.Key())
					}
				}
			}
		}
	}
}
