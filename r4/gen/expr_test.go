package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// smallModel has one resource with a member of each shape that expressions walk through.
func smallModel() *model {
	thing := &typeInfo{name: "Thing", kind: "resource", elements: []elementInfo{
		{name: "code", typ: "code"},
		{name: "name", typ: "Part", list: true},
		{name: "valueCode", typ: "code", choice: 5},
		{name: "valuePart", typ: "Part", choice: 5},
	}}
	part := &typeInfo{name: "Part", kind: "complex", elements: []elementInfo{{name: "text", typ: "code"}}}
	code := &typeInfo{name: "code", kind: "primitive"}
	return &model{byName: map[string]*typeInfo{"Thing": thing, "Part": part, "code": code}}
}

func TestCompileCoversTheFormsOfR4(t *testing.T) {
	for expr, want := range map[string]string{
		"Thing.code":                                    "Thing.code",
		"Thing.value":                                   "Thing.value[x]",
		"Thing.value.text":                              "Thing.value[x].text",
		"Thing.value.as(code)":                          "Thing.valueCode",
		"Thing.value.ofType(Part)":                      "Thing.valuePart",
		"(Thing.value as Part)":                         "Thing.valuePart",
		"(Thing.value as Part).text":                    "Thing.valuePart.text",
		"Thing.name.where(text='a.b|c')":                "Thing.name[text=a.b|c]",
		"Thing.name[0].text":                            "Thing.name[0].text",
		"Thing.name.where(resolve() is X)":              "Thing.name",
		"Thing.value.exists() and Thing.value != false": "Thing.value[x]?",
	} {
		b, err := compile(smallModel(), expr)
		if err != nil {
			t.Errorf("%s: %v", expr, err)
		}
		if diff := cmp.Diff(want, b.key()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", expr, diff)
		}
	}
}

func TestCompileRefusesWhatItDoesNotKnow(t *testing.T) {
	for expr, want := range map[string]string{
		"Nothing.code":            "unknown root",
		"Thing.absent":            "no element",
		"Thing.code.text":         "no element",
		"Thing.value.as(Other)":   "never a Other",
		"Thing.name.first()":      "unknown form",
		"(Thing.name)":            "unknown form",
		"Thing.name.where(a > 1)": "unknown form",
	} {
		if _, err := compile(smallModel(), expr); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", expr, err, want)
		}
	}
}

func TestSplitUnionKeepsQuotedBars(t *testing.T) {
	got := splitUnion("A.b | (A.c as D) | A.e.where(f='|')")
	if diff := cmp.Diff([]string{"A.b", "(A.c as D)", "A.e.where(f='|')"}, got); diff != "" {
		t.Errorf("branches (-want +got):\n%s", diff)
	}
}
