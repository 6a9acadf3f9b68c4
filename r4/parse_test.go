package r4_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
)

// issue is what a refusal must say: the code and the place.
type issue struct {
	Code       r4.IssueCode
	Expression string
}

func TestParseNamesWhatIsWrongAndWhere(t *testing.T) {
	for name, tt := range map[string]struct {
		json string
		want []issue
	}{
		"empty":                  {``, []issue{{"structure", ""}}},
		"no object":              {`[]`, []issue{{"structure", ""}}},
		"cut off":                {`{"resourceType":"Patient","name":[{"fam`, []issue{{"structure", "Patient.name[0]"}}},
		"trailing data":          {`{"resourceType":"Patient"}{}`, []issue{{"structure", "Patient"}}},
		"duplicate name":         {`{"resourceType":"Patient","id":"a","id":"b"}`, []issue{{"structure", "Patient.id"}}},
		"duplicate type":         {`{"resourceType":"Patient","resourceType":"Patient"}`, []issue{{"structure", "Patient.resourceType"}}},
		"escaped duplicate":      {`{"resourceType":"Patient","id":"a","i\u0064":"b"}`, []issue{{"structure", "Patient.id"}}},
		"invalid UTF-8":          {"{\"resourceType\":\"Patient\",\"language\":\"\xff\"}", []issue{{"structure", "Patient.language"}}},
		"lone surrogate":         {`{"resourceType":"Patient","language":"\ud800"}`, []issue{{"structure", "Patient.language"}}},
		"no type":                {`{"id":"a"}`, []issue{{"required", ""}}},
		"unknown type":           {`{"resourceType":"Pationt"}`, []issue{{"structure", ""}}},
		"abstract type":          {`{"resourceType":"DomainResource"}`, []issue{{"structure", ""}}},
		"datatype":               {`{"resourceType":"HumanName"}`, []issue{{"structure", ""}}},
		"unknown element":        {`{"resourceType":"Patient","nmae":[]}`, []issue{{"structure", "Patient"}}},
		"unknown nested element": {`{"resourceType":"Patient","name":[{},{"x":1}]}`, []issue{{"structure", "Patient.name[0]"}, {"structure", "Patient.name[1]"}, {"structure", "Patient.name[1]"}}},
		"companion of a complex": {`{"resourceType":"Patient","_name":[]}`, []issue{{"structure", "Patient"}}},
		"list wanted":            {`{"resourceType":"Patient","name":{"family":"A"}}`, []issue{{"structure", "Patient.name"}}},
		"single wanted":          {`{"resourceType":"Patient","gender":["male"]}`, []issue{{"structure", "Patient.gender"}}},
		"object wanted":          {`{"resourceType":"Patient","name":["A"]}`, []issue{{"structure", "Patient.name[0]"}}},
		"null":                   {`{"resourceType":"Patient","gender":null}`, []issue{{"structure", "Patient.gender"}}},
		"string for boolean":     {`{"resourceType":"Patient","active":"true"}`, []issue{{"structure", "Patient.active"}}},
		"number for string":      {`{"resourceType":"Patient","name":[{"given":["a",1]}]}`, []issue{{"structure", "Patient.name[0].given[1]"}}},
		"empty string":           {`{"resourceType":"Patient","language":""}`, []issue{{"value", "Patient.language"}}},
		"empty list":             {`{"resourceType":"Patient","name":[]}`, []issue{{"structure", "Patient.name"}}},
		"empty object":           {`{"resourceType":"Patient","maritalStatus":{}}`, []issue{{"structure", "Patient.maritalStatus"}}},
		"bad date":               {`{"resourceType":"Patient","birthDate":"1970-02-30"}`, []issue{{"value", "Patient.birthDate"}}},
		"code out of set":        {`{"resourceType":"Patient","gender":"man"}`, []issue{{"code-invalid", "Patient.gender"}}},
		"required missing":       {`{"resourceType":"Observation","status":"final"}`, []issue{{"required", "Observation.code"}}},
		"required nested":        {`{"resourceType":"Patient","link":[{"type":"refer"}]}`, []issue{{"required", "Patient.link[0].other"}}},
		"required choice":        {`{"resourceType":"MedicationRequest","status":"active","intent":"order","subject":{"reference":"Patient/a"}}`, []issue{{"required", "MedicationRequest.medication"}}},
		"two of a choice":        {`{"resourceType":"Patient","deceasedBoolean":true,"deceasedDateTime":"2020"}`, []issue{{"structure", "Patient.deceased"}}},
		"choice of a wrong type": {`{"resourceType":"Patient","deceasedString":"a"}`, []issue{{"structure", "Patient"}}},
		"null without companion": {`{"resourceType":"Patient","name":[{"given":["a",null]}]}`, []issue{{"structure", "Patient.name[0].given"}}},
		"null on both sides":     {`{"resourceType":"Patient","name":[{"given":["a",null],"_given":[{"id":"x"},null]}]}`, []issue{{"structure", "Patient.name[0].given"}, {"structure", "Patient.name[0].given"}}},
		"uneven companions":      {`{"resourceType":"Patient","name":[{"given":["a","b"],"_given":[{"id":"x"}]}]}`, []issue{{"structure", "Patient.name[0].given"}}},
		"contained":              {`{"resourceType":"Patient","contained":[{"resourceType":"Patient","active":1}]}`, []issue{{"structure", "Patient.contained[0].active"}}},
		"contained without type": {`{"resourceType":"Patient","contained":[{"id":"a"}]}`, []issue{{"required", "Patient.contained[0]"}}},
		"script in narrative":    {`{"resourceType":"Patient","text":{"status":"generated","div":"<div><script>x</script></div>"}}`, []issue{{"value", "Patient.text.div"}}},
		"several":                {`{"resourceType":"Patient","active":1,"gender":"x","birthDate":"y"}`, []issue{{"structure", "Patient.active"}, {"code-invalid", "Patient.gender"}, {"value", "Patient.birthDate"}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r4.Parse([]byte(tt.json))
			var invalid *r4.Invalid
			if !errors.As(err, &invalid) {
				t.Fatalf("got error %v, want an *Invalid", err)
			}
			var got []issue
			for _, i := range invalid.Issues {
				got = append(got, issue{i.Code, i.Expression})
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("issues (-want +got):\n%s", diff)
			}
			if !errs.Is(err, errs.Invalid) {
				t.Errorf("kind %v, want errs.Invalid", errs.KindOf(err))
			}
		})
	}
}

func TestParseAccepts(t *testing.T) {
	for name, json := range map[string]string{
		"type at the end":         `{"id":"a","resourceType":"Patient"}`,
		"type at the end, nested": `{"contained":[{"id":"x","resourceType":"Patient"}],"id":"a","resourceType":"Patient"}`,
		"escaped names":           `{"resource\u0054ype":"Patient","\u0069d":"a"}`,
		"companion alone":         `{"resourceType":"Patient","_birthDate":{"extension":[{"url":"u","valueCode":"unknown"}]}}`,
		"aligned companions":      `{"resourceType":"Patient","name":[{"given":["a",null],"_given":[null,{"id":"x"}]}]}`,
		"required by companion":   `{"resourceType":"Observation","_status":{"extension":[{"url":"u","valueCode":"unknown"}]},"code":{"text":"a"}}`,
		"choice with companion":   `{"resourceType":"Patient","deceasedBoolean":true,"_deceasedBoolean":{"id":"x"}}`,
		"white space":             " {\n\t\"resourceType\" : \"Patient\" , \"active\" :\r\n true } \n",
	} {
		t.Run(name, func(t *testing.T) {
			res, err := r4.Parse([]byte(json))
			if err != nil {
				t.Fatal(err)
			}
			if len(res.JSON()) > len(json) {
				t.Errorf("compact JSON is longer: %s", res.JSON())
			}
		})
	}
}

func TestParseStopsAtTwentyIssues(t *testing.T) {
	_, err := r4.Parse([]byte(`{"resourceType":"Patient","name":[` + strings.Repeat(`{"x":1},`, 500) + `{}]}`))
	var invalid *r4.Invalid
	if !errors.As(err, &invalid) {
		t.Fatalf("got error %v, want an *Invalid", err)
	}
	if len(invalid.Issues) != 20 {
		t.Errorf("%d issues, want 20", len(invalid.Issues))
	}
}

func TestParseRefusesDeepNesting(t *testing.T) {
	deep := strings.Repeat(`{"url":"u","extension":[`, 5000)
	_, err := r4.Parse([]byte(`{"resourceType":"Patient","extension":[` + deep))
	var invalid *r4.Invalid
	if !errors.As(err, &invalid) || invalid.Issues[0].Code != r4.IssueTooCostly {
		t.Fatalf("got error %v, want too-costly", err)
	}
}

// TestErrorsNeverRepeatContent plants a canary where every kind of refusal might echo it.
func TestErrorsNeverRepeatContent(t *testing.T) {
	for _, json := range []string{
		`{"resourceType":"CANARY"}`,
		`{"resourceType":"Patient","CANARY":1}`,
		`{"resourceType":"Patient","gender":"CANARY"}`,
		`{"resourceType":"Patient","birthDate":"CANARY"}`,
		`{"resourceType":"Patient","active":"CANARY"}`,
		`{"resourceType":"Patient","id":CANARY}`,
		`{"resourceType":"Patient","name":[{"family":"CANARY","family":"CANARY"}]}`,
		`{"resourceType":"Patient"}CANARY`,
	} {
		_, err := r4.Parse([]byte(json))
		if err == nil {
			t.Errorf("%s is accepted", json)
			continue
		}
		if strings.Contains(err.Error(), "CANARY") || strings.Contains(errs.Public(err), "CANARY") {
			t.Errorf("the error repeats content: %v", err)
		}
	}
}

func TestNumbersKeepTheirDigits(t *testing.T) {
	const in = `{"resourceType":"Observation","status":"final","code":{"text":"a\u0041\/"},"valueQuantity":{"value":1.00},"component":[{"code":{"text":"b"},"valueQuantity":{"value":1E-3}}]}`
	res, err := r4.Parse([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(in, `a\u0041\/`, `aA/`)
	if diff := cmp.Diff(want, string(res.JSON())); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}
