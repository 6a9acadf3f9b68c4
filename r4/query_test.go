package r4_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
)

func TestQueriesThatAreRefused(t *testing.T) {
	many := strings.Repeat("a,", 100) + "a"
	for _, tt := range []struct {
		typ, query string
		want       errs.Kind
	}{
		{"Nothing", "", errs.NotFound},
		{"HumanName", "", errs.NotFound},
		{"Patient", "birthdate=x", errs.Invalid},
		{"Patient", "birthdate=", errs.Invalid},
		{"Patient", "birthdate=zz2020", errs.Invalid},
		{"Patient", "birthdate=2020-13", errs.Invalid},
		{"Patient", "birthdate=2020-01-01T10", errs.Invalid},
		{"Patient", "family=", errs.Invalid},
		{"Patient", "family=a,", errs.Invalid},
		{"Patient", "family=--", errs.Invalid},
		{"Patient", "family:contains=--", errs.Invalid},
		{"Patient", "family=\xff", errs.Invalid},
		{"Patient", "family=" + many, errs.Invalid},
		{"Patient", "family=" + strings.Repeat("a", 2049), errs.Invalid},
		{"Patient", strings.Repeat("family=a&", 50) + "family=a", errs.Invalid},
		{"Patient", "identifier=a|b|c", errs.Invalid},
		{"Patient", "identifier=|", errs.Invalid},
		{"Patient", "gender:missing=yes", errs.Invalid},
		{"Patient", "gender:exact=male", errs.Unsupported},
		{"Patient", "gender:text=male", errs.Unsupported},
		{"Patient", "gender:in=http://vs", errs.Unsupported},
		{"Patient", "family:not=a", errs.Unsupported},
		{"Patient", "birthdate:exact=2020", errs.Unsupported},
		{"Patient", "general-practitioner.name=a", errs.Unsupported},
		{"Patient", "general-practitioner:Practitioner.name=a", errs.Unsupported},
		{"Patient", "_has:Observation:patient:code=a", errs.Unsupported},
		{"Patient", "_text=a", errs.Unsupported},
		{"Patient", "_content=a", errs.Unsupported},
		{"Patient", "_filter=a", errs.Unsupported},
		{"Patient", "_elements=id", errs.Unsupported},
		{"Patient", "_summary=true", errs.Unsupported},
		{"Patient", "_sort=family", errs.Unsupported},
		{"Patient", "_count=x", errs.Invalid},
		{"Patient", "_count=-1", errs.Invalid},
		{"Patient", "_total=some", errs.Invalid},
		{"Patient", "_include=Patient:family", errs.Invalid},
		{"Patient", "_include=Patient", errs.Invalid},
		{"Patient", "_include=*", errs.Unsupported},
		{"Patient", "_include:iterate=Patient:link", errs.Unsupported},
		{"Patient", "_include=Observation:patient", errs.Invalid},
		{"Patient", "_include=Patient:link:Nothing", errs.Invalid},
		{"Patient", "_revinclude=Observation:subject:Group", errs.Invalid},
		{"Observation", "code-value-quantity=a$1", errs.Unsupported},
		{"Observation", "subject=a b", errs.Invalid},
		{"Observation", "subject:Patient=Group/1", errs.Invalid},
		{"Observation", "subject:Nothing=1", errs.Unsupported},
		{"Observation", "value-quantity=x", errs.Invalid},
		{"Observation", "value-quantity=1|a", errs.Invalid},
		{"Observation", "value-quantity=1e999999999", errs.Invalid},
		{"Observation", "value-quantity=0x10", errs.Invalid},
		{"Observation", "value-quantity=1/3", errs.Invalid},
		{"Location", "near=1|2", errs.Unsupported},
		{"RiskAssessment", "probability=1|a|b", errs.Invalid},
	} {
		_, err := r4.ParseQuery(tt.typ, pairs(tt.query))
		if err == nil || errs.KindOf(err) != tt.want {
			t.Errorf("%s?%.60s: error %v of kind %v, want kind %v", tt.typ, tt.query, err, errs.KindOf(err), tt.want)
		}
	}
}

func TestQueryErrorsNeverRepeatValues(t *testing.T) {
	for _, query := range []string{
		"birthdate=CANARY", "gender:missing=CANARY", "_count=CANARY", "_sort=CANARY", "_total=CANARY", "_include=CANARY",
		"_include=CANARY:CANARY", "gender:CANARY=x", "CANARY.CANARY=x", "identifier=CANARY|CANARY|CANARY", "_elements=CANARY",
		"general-practitioner=CANARY CANARY", "_summary=CANARY",
	} {
		_, err := r4.ParseQuery("Patient", pairs(query))
		if err == nil || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s: got error %v, want one without the value", query, err)
		}
	}
}

func TestQueryControls(t *testing.T) {
	q, err := r4.ParseQuery("Observation", pairs("_count=20&_sort=-_lastUpdated&_total=accurate&_summary=count&_format=json&flavour=x&color:exact=y"+
		"&_include=Observation:subject:Patient&_include=Observation:performer&_revinclude=Provenance:target"))
	if err != nil {
		t.Fatal(err)
	}
	type include struct{ Source, Param, Target string }
	type controls struct {
		Count                 int
		Sort                  r4.Sort
		Total                 r4.Total
		CountOnly             bool
		Unknown               []string
		Includes, RevIncludes []include
		Terms                 int
	}
	flat := func(in []r4.Include) (out []include) {
		for _, i := range in {
			out = append(out, include{i.Source, i.Param.Name, i.Target})
		}
		return out
	}
	got := controls{q.Count, q.Sort, q.Total, q.CountOnly, q.Unknown, flat(q.Includes), flat(q.RevIncludes), len(q.Terms)}
	want := controls{
		20, r4.SortUpdatedDesc, r4.TotalAccurate, true,
		[]string{"flavour", "color"},
		[]include{{"Observation", "subject", "Patient"}, {"Observation", "performer", ""}},
		[]include{{"Provenance", "target", ""}}, 0,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("controls (-want +got):\n%s", diff)
	}
}

func TestEscapesInSearchValues(t *testing.T) {
	q, err := r4.ParseQuery("Patient", pairs(`identifier=a\|b|c\,d\$e\\,f`))
	if err != nil {
		t.Fatal(err)
	}
	want := []r4.TokenOperand{{System: "a|b", Code: `c,d$e\`}, {AnySystem: true, Code: "f"}}
	var got []r4.TokenOperand
	for _, op := range q.Terms[0].Values {
		got = append(got, op.Token)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("operands (-want +got):\n%s", diff)
	}
}
