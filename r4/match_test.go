package r4_test

import (
	"testing"
	"time"

	"github.com/tutela-health/tutela/r4"
)

// matchCase is a resource, and searches that it answers and does not.
type matchCase struct {
	json    string
	yes, no []string
}

func checkMatches(t *testing.T, cases map[string]matchCase) {
	t.Helper()
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			res, err := r4.Parse([]byte(tt.json))
			if err != nil {
				t.Fatal(err)
			}
			for _, query := range tt.yes {
				if !matches(t, res, query) {
					t.Errorf("%s does not match", query)
				}
			}
			for _, query := range tt.no {
				if matches(t, res, query) {
					t.Errorf("%s matches", query)
				}
			}
		})
	}
}

func matches(t *testing.T, res *r4.Resource, query string) bool {
	t.Helper()
	q, err := r4.ParseQuery(res.Type(), pairs(query))
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	if len(q.Unknown) > 0 {
		t.Fatalf("%s: unknown parameters", query)
	}
	q.Now = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	return q.Match(res)
}

func TestTokenSearch(t *testing.T) {
	checkMatches(t, map[string]matchCase{
		"identifiers and contacts": {
			`{"resourceType":"Patient","id":"p1","active":true,"gender":"male",
			"identifier":[{"system":"urn:a","value":"1,2"},{"value":"bare"}],
			"telecom":[{"system":"phone","value":"555"},{"system":"email","value":"a@b.c"}]}`,
			[]string{
				`identifier=urn:a|1\,2`, `identifier=1\,2`, `identifier=urn:a|`, `identifier=|bare`, `identifier=x,bare`,
				`phone=555`, `email=a@b.c`, `telecom=555`, `telecom=|555`, `active=true`, `_id=p1`, `_id=x,p1`,
				`gender=male`, `gender=http://hl7.org/fhir/administrative-gender|male`, `gender=|male`,
				`gender:not=female`, `address-city:missing=true`, `gender:missing=false`, `deceased=false`,
				`identifier=bare&identifier=1\,2`,
			},
			[]string{
				`identifier=urn:b|1\,2`, `identifier=|1\,2`, `identifier=urn:a|bare`, `identifier=1,2`, `identifier=urn:b|`,
				`phone=a@b.c`, `email=555`, `active=false`, `_id=P1`, `gender=Male`, `gender=urn:x|male`, `gender:not=male`,
				`gender:not=female,male`, `gender:missing=true`, `deceased=true`, `identifier=bare&identifier=x`,
			},
		},
		"concepts": {
			`{"resourceType":"Condition","subject":{"reference":"Patient/a"},"code":{"text":"only","coding":[{"system":"s","code":"a"},{"code":"b"},{"system":"s2"}]},
			"category":[{"coding":[{"system":"s","code":"c"}]},{"text":"free"}]}`,
			[]string{`code=s|a`, `code=a`, `code=b`, `code=|b`, `code=s2|`, `category=c`, `code:not=c`, `severity:not=x`, `severity:missing=true`},
			[]string{`code=s|b`, `code=|a`, `code=A`, `code=only`, `category=free`, `code:not=a`, `severity=x`},
		},
		"deceased by date": {
			`{"resourceType":"Patient","deceasedDateTime":"2015-02-03"}`,
			[]string{`deceased=true`, `death-date=2015`, `deceased:missing=false`},
			[]string{`deceased=false`, `death-date=2016`},
		},
		"not deceased": {
			`{"resourceType":"Patient","deceasedBoolean":false}`,
			[]string{`deceased=false`}, []string{`deceased=true`},
		},
		"meta": {
			`{"resourceType":"Patient","meta":{"lastUpdated":"2020-01-02T03:04:05.678Z","profile":["http://p|1"],"tag":[{"system":"t","code":"x"}],"security":[{"code":"R"}],"source":"urn:s"}}`,
			[]string{`_tag=t|x`, `_security=R`, `_lastUpdated=2020-01-02`, `_lastUpdated=gt2020-01-02T03:04:05.677Z`, `_source=urn:s`, `_profile=http://p|1`},
			[]string{`_tag=y`, `_security=V`, `_lastUpdated=lt2020-01-02T03:04:05.678Z`, `_profile=http://p`},
		},
	})
}

func TestStringSearch(t *testing.T) {
	checkMatches(t, map[string]matchCase{
		"names": {
			`{"resourceType":"Patient","name":[{"family":"O'Brien-Müller","given":["José María","Eve"]}],
			"address":[{"line":["12 High St."],"city":"Zürich","postalCode":"8001"}]}`,
			[]string{
				`family=obrien`, `family=O'BRIEN`, `family=obrien mu`, `family:exact=O'Brien-Müller`, `family:exact=--,O'Brien-Müller`, `given=jose`, `given=JOSÉ  m`, `given=eve`,
				`name=obrien`, `name=eve`, `given:contains=maria`, `family:contains=muller`, `address=12 high`, `address=zur`, `address-city=ZURICH`,
				`address-postalcode=80`, `family=x,obr`, `given=jose&given=eve`, `family:missing=false`,
			},
			[]string{
				`family=brien`, `family=muller`, `family:exact=O'Brien`, `family:exact=o'brien-müller`, `given=maria`, `given=obrien`,
				`address=high`, `address-city=richzu`, `given=jose&given=adam`, `family:missing=true`,
			},
		},
		"sharp s": {
			`{"resourceType":"Patient","name":[{"family":"Strauß"}]}`,
			[]string{`family=strauss`, `family=STRAUSS`, `family=Strauß`}, []string{`family=straus s`},
		},
	})
}

func TestDateSearch(t *testing.T) {
	observed := func(effective string) string {
		return `{"resourceType":"Observation","status":"final","code":{"text":"a"},` + effective + `}`
	}
	checkMatches(t, map[string]matchCase{
		"a day": {
			`{"resourceType":"Patient","birthDate":"1970-06-15"}`,
			[]string{
				`birthdate=1970-06-15`, `birthdate=1970-06`, `birthdate=1970`, `birthdate=ne1971`, `birthdate=gt1970-06-14`, `birthdate=gt1970-06-15T12:00`,
				`birthdate=ge1970-06-15`, `birthdate=ge1970`, `birthdate=le1970-06-15`, `birthdate=lt1970-06-16`, `birthdate=lt1970-06-15T12:00:00Z`,
				`birthdate=sa1970-06-14`, `birthdate=eb1970-06-16`, `birthdate=ap1972`, `birthdate=1971,1970`, `birthdate=ge1970&birthdate=lt1971`,
				`birthdate=ne1970-06-15T12:00`,
			},
			[]string{
				`birthdate=1970-06-14`, `birthdate=1971`, `birthdate=ne1970`, `birthdate=gt1970-06-15`, `birthdate=gt1970`, `birthdate=lt1970-06-15`,
				`birthdate=lt1970`, `birthdate=sa1970-06-15`, `birthdate=sa1970`, `birthdate=eb1970-06-15`, `birthdate=eb1970`, `birthdate=ap1990`,
				`birthdate=1970-06-15T12:00`, `birthdate=ge1971`, `birthdate=le1969`,
			},
		},
		"a month, partly known": {
			`{"resourceType":"Patient","birthDate":"1970-06"}`,
			[]string{`birthdate=1970`, `birthdate=1970-06`, `birthdate=gt1970-06-15`, `birthdate=lt1970-06-15`, `birthdate=ne1970-06-15`, `birthdate=ap1970-06-15`},
			[]string{`birthdate=1970-06-15`, `birthdate=sa1970-06-15`, `birthdate=eb1970-06-15`, `birthdate=ge1970-07`},
		},
		"a moment in a zone": {
			observed(`"effectiveDateTime":"2020-03-01T01:30:00+02:00"`),
			[]string{`date=2020-02-29`, `date=2020-02-29T23:30:00Z`, `date=2020-03-01T01:30:00+02:00`, `date=2020-03-01T01:30:00 02:00`, `date=2020-02-29T23:30`, `date=lt2020-03-01`},
			[]string{`date=2020-03-01`, `date=2020-02-29T23:30:01Z`, `date=ge2020-03`},
		},
		"a closed period": {
			observed(`"effectivePeriod":{"start":"2020-01-10","end":"2020-01-20"}`),
			[]string{`date=2020-01`, `date=gt2020-01-15`, `date=lt2020-01-15`, `date=ge2020-01-15`, `date=sa2020-01-09`, `date=eb2020-01-21`, `date=ap2020-01-15`, `date=ne2020-01-15`},
			[]string{`date=2020-01-15`, `date=sa2020-01-10`, `date=eb2020-01-20`, `date=gt2020-01-20`, `date=lt2020-01-10`, `date=2019`},
		},
		"an open period": {
			observed(`"effectivePeriod":{"start":"2020-01-10"}`),
			[]string{`date=gt2999`, `date=lt2020-01-11`, `date=sa2020-01-09`, `date=ne2020`, `date=ge2030`},
			[]string{`date=2020`, `date=eb2999`, `date=lt2020-01-10`, `date=sa2020-01-10`},
		},
		"a period without a start": {
			observed(`"effectivePeriod":{"end":"2020-01-10"}`),
			[]string{`date=lt1900`, `date=eb2020-01-11`, `date=gt2020-01-09`}, []string{`date=sa1900`, `date=gt2020-01-10`, `date=2020`},
		},
		"a timing": {
			observed(`"effectiveTiming":{"event":["2020-01-10","2020-01-20T10:00:00Z","2020-01-12"]}`),
			[]string{`date=2020-01`, `date=sa2020-01-09`, `date=gt2020-01-15`, `date=lt2020-01-15`, `date=eb2020-01-21`},
			[]string{`date=2020-01-10`, `date=gt2020-01-20`, `date=sa2020-01-10`},
		},
		"no date": {observed(`"issued":"2020-01-01T00:00:00Z"`), []string{`date:missing=true`}, []string{`date=2020`, `date=ne2020`, `date:missing=false`}},
	})
}

func TestNumberAndQuantitySearch(t *testing.T) {
	measured := func(value string) string {
		return `{"resourceType":"Observation","status":"final","code":{"text":"a"},"valueQuantity":` + value + `}`
	}
	checkMatches(t, map[string]matchCase{
		"a quantity": {
			measured(`{"value":5.40,"unit":"mg","system":"http://u","code":"mg-code"}`),
			[]string{
				`value-quantity=5.4`, `value-quantity=5.40`, `value-quantity=5`, `value-quantity=5.4|http://u|mg-code`, `value-quantity=5.4||mg`,
				`value-quantity=5.4||mg-code`, `value-quantity=5.4|http://u|`, `value-quantity=gt5.39`, `value-quantity=ge5.4`, `value-quantity=le5.4`,
				`value-quantity=lt5.41`, `value-quantity=ne5.5`, `value-quantity=sa5.3`, `value-quantity=eb5.5`, `value-quantity=ap5`, `value-quantity=54e-1`,
				`combo-value-quantity=5.4`, `value-quantity=5.4||`,
			},
			[]string{
				`value-quantity=5.401`, `value-quantity=6`, `value-quantity=5.4|http://u|mg`, `value-quantity=5.4|http://v|mg-code`, `value-quantity=5.4||g`,
				`value-quantity=gt5.4`, `value-quantity=lt5.4`, `value-quantity=ne5.4`, `value-quantity=sa5.4`, `value-quantity=eb5.4`, `value-quantity=ap8`,
				`component-value-quantity=5.4`,
			},
		},
		"implicit precision": {
			measured(`{"value":99.5}`),
			[]string{`value-quantity=100`, `value-quantity=99.5`, `value-quantity=1e2`, `value-quantity=lt100`, `value-quantity=gt99`},
			[]string{`value-quantity=99`, `value-quantity=100.0`, `value-quantity=ge100`},
		},
		"upper end is open": {measured(`{"value":100.5}`), []string{`value-quantity=101`, `value-quantity=1e2`}, []string{`value-quantity=100`, `value-quantity=1.0e2`}},
		"a comparator":      {measured(`{"value":5,"comparator":"<"}`), []string{`value-quantity=lt1`, `value-quantity=ne5`}, []string{`value-quantity=gt5`, `value-quantity=5`}},
		"tiny differences": {
			measured(`{"value":0.1000000000000000055511151231257827}`),
			[]string{`value-quantity=gt0.1`, `value-quantity=0.1`}, []string{`value-quantity=le0.1`},
		},
		"a number": {
			`{"resourceType":"RiskAssessment","status":"final","subject":{"reference":"Patient/a"},"prediction":[{"probabilityDecimal":0.2}]}`,
			[]string{`probability=0.2`, `probability=gt0.1`, `probability=lt0.3`}, []string{`probability=0.21`, `probability=gt0.2`},
		},
		"a range of ages": {
			`{"resourceType":"Condition","subject":{"reference":"Patient/a"},"onsetRange":{"low":{"value":10,"unit":"a"},"high":{"value":20,"unit":"a"}}}`,
			[]string{`onset-age=gt15`, `onset-age=lt15`, `onset-age=ge20||a`, `onset-age=le10`, `onset-age=sa9`, `onset-age=eb21`},
			[]string{`onset-age=15`, `onset-age=gt20`, `onset-age=lt10`, `onset-age=sa10`},
		},
	})
}

func TestReferenceSearch(t *testing.T) {
	checkMatches(t, map[string]matchCase{
		"relative": {
			`{"resourceType":"Observation","status":"final","code":{"text":"a"},"subject":{"reference":"Patient/p1/_history/3"},"performer":[{"reference":"Practitioner/d1"},{"identifier":{"system":"s","value":"v"}}]}`,
			[]string{
				`subject=p1`, `subject=Patient/p1`, `subject:Patient=p1`, `subject:Patient=Patient/p1`, `patient=p1`, `patient=Patient/p1`, `subject=Patient/p1/_history/3`,
				`performer=d1`, `performer=x,Practitioner/d1`, `performer:identifier=s|v`, `performer:identifier=v`, `patient:missing=false`, `encounter:missing=true`,
			},
			[]string{
				`subject=p2`, `subject=Group/p1`, `subject:Group=p1`, `patient=P1`, `subject=Patient/p1/_history/4`, `subject=http://a.b/Patient/p1`,
				`performer=p1`, `performer:identifier=s|w`, `subject:identifier=v`,
			},
		},
		"absolute": {
			`{"resourceType":"Observation","status":"final","code":{"text":"a"},"subject":{"reference":"http://a.b/Patient/p1/_history/2"}}`,
			[]string{`subject=http://a.b/Patient/p1`, `subject=http://a.b/Patient/p1/_history/2`, `patient=http://a.b/Patient/p1`},
			[]string{`subject=Patient/p1`, `subject=p1`, `subject=http://c.d/Patient/p1`},
		},
		"another type": {
			`{"resourceType":"Observation","status":"final","code":{"text":"a"},"subject":{"reference":"Group/g1"}}`,
			[]string{`subject=g1`, `subject=Group/g1`, `patient:missing=true`, `subject:missing=false`}, []string{`patient=g1`, `patient:missing=false`},
		},
		"canonical": {
			`{"resourceType":"QuestionnaireResponse","status":"completed","questionnaire":"http://q|2"}`,
			[]string{`questionnaire=http://q`, `questionnaire=http://q\|2`}, []string{`questionnaire=http://q\|1`, `questionnaire=http://r`},
		},
		"contained": {
			`{"resourceType":"Observation","status":"final","contained":[{"resourceType":"Patient","id":"p1"}],"code":{"text":"a"},"subject":{"reference":"#p1"}}`,
			[]string{`subject:missing=false`}, []string{`subject=p1`, `subject=Patient/p1`},
		},
		"first entry of a document": {
			`{"resourceType":"Bundle","type":"document","entry":[{"resource":{"resourceType":"Patient","id":"c1"}},{"resource":{"resourceType":"Patient","id":"c2"}}]}`,
			[]string{`composition=c1`}, []string{`composition=c2`},
		},
	})
}

func TestURISearch(t *testing.T) {
	checkMatches(t, map[string]matchCase{
		"url": {
			`{"resourceType":"ValueSet","status":"active","url":"http://a.b/vs/one"}`,
			[]string{`url=http://a.b/vs/one`, `url:below=http://a.b/vs`, `url:above=http://a.b/vs/one/two`, `url=x,http://a.b/vs/one`},
			[]string{`url=http://a.b/vs`, `url=http://a.b/vs/ONE`, `url:below=http://a.b/vs/one/two`, `url:above=http://a.b/vs`},
		},
	})
}

func TestMatchWantsTheType(t *testing.T) {
	res, err := r4.Parse([]byte(`{"resourceType":"Patient","id":"a"}`))
	if err != nil {
		t.Fatal(err)
	}
	q, err := r4.ParseQuery("Observation", nil)
	if err != nil {
		t.Fatal(err)
	}
	if q.Match(res) {
		t.Error("a search of Observations matches a Patient")
	}
}
