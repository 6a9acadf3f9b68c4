package mask_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/tutela-health/tutela/access/mask"
	"github.com/tutela-health/tutela/r4"
)

// corpus are resources of many shapes: what a made-up Bundle of r4's tests holds, and official Consents.
func corpus(t testing.TB) []*r4.Resource {
	t.Helper()
	var out []*r4.Resource
	files, err := filepath.Glob("../consent/testdata/hl7/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, "../../r4/testdata/observation.json", "../../r4/testdata/bundle.json") {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		res, err := r4.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, res)
		for entry := range res.Root().Child("entry").Items() {
			out = append(out, entry.Child("resource").Resource())
		}
	}
	return append(out, nested(t)...)
}

// nested are resources that hold resources, and elements that hold their like.
func nested(t testing.TB) []*r4.Resource {
	t.Helper()
	var out []*r4.Resource
	for _, text := range []string{
		`{"resourceType":"Condition","id":"c","subject":{"reference":"#p"},"contained":[{"resourceType":"Patient","id":"p","gender":"male","birthDate":"2000"},{"resourceType":"Observation","id":"o","status":"final","code":{"text":"x"},"valueString":"v"}],"note":[{"text":"n"}],"onsetString":"o"}`,
		`{"resourceType":"QuestionnaireResponse","status":"completed","item":[{"linkId":"1","text":"x","answer":[{"valueString":"v","item":[{"linkId":"2","text":"y","item":[{"linkId":"3","text":"z"}]}]}]}]}`,
		`{"resourceType":"Patient","name":[{"family":"A","given":["B",null],"_given":[null,{"id":"g"}]}],"birthDate":"2000","_birthDate":{"extension":[{"url":"http://example.org/x","valueString":"y"}]}}`,
	} {
		res, err := r4.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, res)
	}
	return out
}

// paths lists the paths of the members of a JSON object down to a depth of three.
func paths(value any, depth int) []string {
	var out []string
	switch v := value.(type) {
	case []any:
		for _, item := range v {
			out = append(out, paths(item, depth)...)
		}
	case map[string]any:
		for name, item := range v {
			if strings.HasPrefix(name, "_") || name == "resourceType" || depth == 3 && (name == "id" || name == "meta") {
				continue
			}
			out = append(out, name)
			if depth > 1 && name != "contained" && name != "resource" {
				for _, p := range paths(item, depth-1) {
					out = append(out, name+"."+p)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// drawMask draws clauses over the paths that a resource has.
func drawMask(t *rapid.T, res *r4.Resource) mask.Mask {
	var value any
	if err := json.Unmarshal(res.JSON(), &value); err != nil {
		t.Fatal(err)
	}
	all := paths(value, 3)
	if res.Type() != "Bundle" {
		all = append(all, "text")
	}
	types := []string{res.Type(), res.Type(), "*"}
	var spec []string
	for range rapid.IntRange(1, 4).Draw(t, "clauses") {
		path := rapid.SampledFrom(all).Draw(t, "path")
		verb := rapid.SampledFrom([]string{"show", "hide", "hide"}).Draw(t, "verb")
		spec = append(spec, verb+" "+rapid.SampledFrom(types).Draw(t, "type")+": "+path)
	}
	if rapid.Bool().Draw(t, "inner") {
		spec = append(spec, "hide Patient: gender, birthDate", "hide Observation: value[x]")
	}
	m, err := mask.Parse(strings.Join(spec, "\n"))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// leaves flattens JSON into "path=value", places in lists left aside. The label SUBSETTED is no data.
func leaves(t testing.TB, text []byte) map[string]bool {
	t.Helper()
	var value any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	if err := dec.Decode(&value); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	out := map[string]bool{}
	flatten(out, "", value)
	maps.DeleteFunc(out, func(path string, _ bool) bool {
		return strings.HasSuffix(path, "meta.security.code=SUBSETTED") || strings.HasSuffix(path, "meta.security.system=http://terminology.hl7.org/CodeSystem/v3-ObservationValue")
	})
	return out
}

func flatten(out map[string]bool, path string, value any) {
	switch v := value.(type) {
	case map[string]any:
		for name, item := range v {
			flatten(out, path+"."+name, item)
		}
	case []any:
		for _, item := range v {
			flatten(out, path, item)
		}
	default:
		out[fmt.Sprintf("%s=%v", path, v)] = true
	}
}

// missing lists what is in a and not in b.
func missing(a, b map[string]bool) []string {
	var out []string
	for leaf := range a {
		if !b[leaf] {
			out = append(out, leaf)
		}
	}
	return out
}

// check runs a property of a resource and two masks.
func check(t *testing.T, f func(t *rapid.T, res *r4.Resource, a, b mask.Mask)) {
	t.Helper()
	all := corpus(t)
	rapid.Check(t, func(rt *rapid.T) {
		res := rapid.SampledFrom(all).Draw(rt, "resource")
		f(rt, res, drawMask(rt, res), drawMask(rt, res))
	})
}

func TestMaskNeverShowsWhatWasNotThere(t *testing.T) {
	t.Parallel()
	check(t, func(rt *rapid.T, res *r4.Resource, a, _ mask.Mask) {
		if extra := missing(leaves(t, a.Apply(res.Type(), res.JSON())), leaves(t, res.JSON())); len(extra) > 0 {
			rt.Errorf("grown by %v", extra)
		}
	})
}

func TestUnionShowsWhatEitherShows(t *testing.T) {
	t.Parallel()
	check(t, func(rt *rapid.T, res *r4.Resource, a, b mask.Mask) {
		both := leaves(t, mask.Union(a, b).Apply(res.Type(), res.JSON()))
		for _, m := range []mask.Mask{a, b} {
			if gone := missing(leaves(t, m.Apply(res.Type(), res.JSON())), both); len(gone) > 0 {
				rt.Errorf("the union hides %v", gone)
			}
		}
	})
}

func TestIntersectionShowsNothingThatEitherHides(t *testing.T) {
	t.Parallel()
	check(t, func(rt *rapid.T, res *r4.Resource, a, b mask.Mask) {
		both := leaves(t, mask.Intersection(a, b).Apply(res.Type(), res.JSON()))
		for _, m := range []mask.Mask{a, b} {
			if extra := missing(both, leaves(t, m.Apply(res.Type(), res.JSON()))); len(extra) > 0 {
				rt.Errorf("the intersection shows %v", extra)
			}
		}
	})
}

func TestMaskingTwiceIsMaskingOnce(t *testing.T) {
	t.Parallel()
	check(t, func(rt *rapid.T, res *r4.Resource, a, _ mask.Mask) {
		once := a.Apply(res.Type(), res.JSON())
		if diff := cmp.Diff(string(once), string(a.Apply(res.Type(), once))); diff != "" {
			rt.Error(diff)
		}
	})
}

func TestCombiningWithItselfChangesNothing(t *testing.T) {
	t.Parallel()
	check(t, func(rt *rapid.T, res *r4.Resource, a, b mask.Mask) {
		want := string(a.Apply(res.Type(), res.JSON()))
		for _, m := range []mask.Mask{mask.Union(a, a), mask.Intersection(a, a), mask.Union(a, mask.Intersection(a, b)), mask.Intersection(a, mask.All())} {
			if diff := cmp.Diff(leaves(t, []byte(want)), leaves(t, m.Apply(res.Type(), res.JSON()))); diff != "" {
				rt.Error(diff)
			}
		}
	})
}

// TestWhatShowsIsFHIR parses what is left: it breaks FHIR in nothing but what is missing.
func TestWhatShowsIsFHIR(t *testing.T) {
	t.Parallel()
	check(t, func(rt *rapid.T, res *r4.Resource, a, _ mask.Mask) {
		out := a.Apply(res.Type(), res.JSON())
		_, err := r4.Parse(out)
		var broken *r4.Invalid
		if !errors.As(err, &broken) {
			return
		}
		for _, issue := range broken.Issues {
			if issue.Code != r4.IssueRequired && issue.Code != r4.IssueInvariant {
				rt.Errorf("%+v in %s", issue, out)
			}
		}
	})
}

// TestSearchParametersThatAreNotHiddenReadTheSame extracts every search parameter from what shows and from
// the whole: where they differ, the mask must say that it hides what is read.
func TestSearchParametersThatAreNotHiddenReadTheSame(t *testing.T) {
	t.Parallel()
	check(t, func(rt *rapid.T, res *r4.Resource, a, _ mask.Mask) {
		left, err := r4.Parse(a.Apply(res.Type(), res.JSON()))
		if err != nil || res.Type() == "Bundle" { // a Bundle's entries are masked by their own types
			return
		}
		for _, p := range r4.Params(res.Type()) {
			for _, b := range p.Branches {
				if a.Hides(res.Type(), b.Key()) {
					continue
				}
				want, got := fmt.Sprint(r4.Extract(res, b, p.Type)), fmt.Sprint(r4.Extract(left, b, p.Type))
				if want != got {
					rt.Errorf("%s reads %s, not %s, and %s is not hidden", p.Name, got, want, b.Key())
				}
			}
		}
	})
}
