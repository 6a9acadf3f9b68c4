package gate

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// TestResults counts what a tree's own tests came to.
type TestResults struct {
	Passed  int      `json:"passed"`
	Failed  int      `json:"failed"`
	Skipped int      `json:"skipped"`
	Names   []string `json:"names,omitempty"` // of those that failed, the first of them
}

// maxNames is how many failed tests are named.
const maxNames = 20

func (t *TestResults) fail(name string) {
	t.Failed++
	if len(t.Names) < maxNames {
		t.Names = append(t.Names, name)
	}
}

// Outcome is what was found of a tree's own tests. Nil is what was not there.
type Outcome struct {
	Results  *TestResults
	Coverage *float64
	Broken   []string // files that are there and cannot be read
}

// ReadTests reads the results that the policy names.
func (p Policy) ReadTests(t *supply.Tree) Outcome {
	var o Outcome
	var sum cover
	each := func(patterns []string, read func(text []byte) error) {
		for _, f := range t.Files {
			if !matchesAny(patterns, f.Path) {
				continue
			}
			text, err := f.ReadUpTo(maxResults)
			if err == nil {
				err = read(text)
			}
			if err != nil {
				o.Broken = append(o.Broken, f.Path+": "+err.Error())
			}
		}
	}
	results := func(read func(*TestResults, []byte) error) func([]byte) error {
		return func(text []byte) error {
			if o.Results == nil {
				o.Results = &TestResults{}
			}
			return read(o.Results, text)
		}
	}
	each(p.Tests.JUnit, results(junit))
	each(p.Tests.Go, results(goTest))
	each(p.Tests.Coverage, sum.read)
	o.Coverage = sum.share()
	return o
}

// maxResults bounds a file of results, in bytes.
const maxResults = 256 << 20

func matchesAny(patterns []string, name string) bool {
	for _, p := range patterns {
		if fits(p, name) {
			return true
		}
	}
	return false
}

// judgeTests says what of the tests keeps the tree from going on.
func (p Policy) judgeTests(o Outcome) (reasons []string) {
	for _, b := range o.Broken {
		reasons = append(reasons, "test results cannot be read: "+b)
	}
	switch r := o.Results; {
	case r == nil && p.Tests.Required:
		reasons = append(reasons, "no test results are there, and the policy asks for them (tests.required)")
	case r != nil && r.Failed > 0:
		reasons = append(reasons, fmt.Sprintf("%d tests failed: %s", r.Failed, strings.Join(r.Names, ", ")))
	case r != nil && r.Passed == 0:
		reasons = append(reasons, "test results are there, and no test passed")
	}
	switch {
	case p.Tests.Minimum == 0:
	case o.Coverage == nil:
		reasons = append(reasons, "no coverage is there, and the policy asks for it (tests.minimum)")
	case *o.Coverage < p.Tests.Minimum:
		reasons = append(reasons, fmt.Sprintf("tests reach %.1f %% and %.1f %% are asked for", *o.Coverage, p.Tests.Minimum))
	}
	return reasons
}

// maxElements bounds the elements of an XML file, and maxDepth how deep they lie.
const (
	maxElements = 5_000_000
	maxDepth    = 64
)

var errXML = errors.New("too many elements, or nested too deep")

// elements walks XML without entities of its own and within bounds.
func elements(text []byte, start func(e xml.StartElement), end func(name string)) error {
	d := xml.NewDecoder(bytes.NewReader(text))
	count, depth := 0, 0
	for {
		tok, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			if count == 0 || depth != 0 {
				return errors.New("no whole XML document")
			}
			return nil
		}
		if err != nil {
			return errors.New("not XML")
		}
		switch e := tok.(type) {
		case xml.StartElement:
			if count, depth = count+1, depth+1; count > maxElements || depth > maxDepth {
				return errXML
			}
			start(e)
		case xml.EndElement:
			depth--
			end(e.Name.Local)
		}
	}
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// junit counts the cases of a JUnit XML file.
func junit(r *TestResults, text []byte) error {
	name, state, open := "", "", false
	return elements(text, func(e xml.StartElement) {
		switch e.Name.Local {
		case "testcase":
			name, state, open = attr(e, "classname")+"."+attr(e, "name"), "", true
		case "failure", "error":
			state = "failed"
		case "skipped":
			state = "skipped"
		}
	}, func(closed string) {
		if closed != "testcase" || !open {
			return
		}
		open = false
		switch state {
		case "failed":
			r.fail(name)
		case "skipped":
			r.Skipped++
		default:
			r.Passed++
		}
	})
}

// goTest counts what `go test -json` said: its tests, and packages that failed without one, as where they do not build.
func goTest(r *TestResults, text []byte) error {
	s := bufio.NewScanner(bytes.NewReader(text))
	s.Buffer(nil, 16<<20)
	failed := map[string]bool{} // packages of which a test failed
	lines := 0
	for s.Scan() {
		var e struct{ Action, Package, Test string }
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			return errors.New("not what go test -json writes")
		}
		lines++
		switch {
		case e.Action == "fail" && e.Test != "":
			failed[e.Package] = true
			r.fail(e.Package + "." + e.Test)
		case e.Action == "fail" && !failed[e.Package]:
			r.fail(e.Package)
		case e.Action == "pass" && e.Test != "":
			r.Passed++
		case e.Action == "skip" && e.Test != "":
			r.Skipped++
		}
	}
	if s.Err() == nil && lines == 0 {
		return errors.New("empty")
	}
	return s.Err()
}
