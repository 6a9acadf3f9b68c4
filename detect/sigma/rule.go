package sigma

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela/detect/finding"
)

// Rule is one Sigma rule: a detection, or a correlation of others.
type Rule struct {
	ID, Name    string
	Title       string
	Description string
	Level       finding.Level
	Tags        []string
	// Answer is what to do about a hit, and Likelihood (0 to 1) how often one is what it looks like: attributes of
	// ours, under "tutela", which other tools pass over.
	Answer     string
	Likelihood float64
	// Group are fields whose values keep hits apart that are otherwise alike.
	Group []string

	place   Place
	source  logsource
	detects *detection   // nil for a correlation
	relates *correlation // nil for a detection
	text    []byte       // of the document: what is remembered under it counts for this text only
}

// Place is where in which file something stands.
type Place struct {
	File string
	Line int // from 1; 0 for the whole file
}

// Problem is why a rule is not in force.
type Problem struct {
	Place
	Rule string // title, where it could be read
	Err  error
}

func (p *Problem) Error() string {
	at := p.File
	if p.Line > 0 {
		at = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	if p.Rule != "" {
		at += ": rule " + fmt.Sprintf("%q", p.Rule)
	}
	return at + ": " + p.Err.Error()
}

// Unwrap gives the reason alone.
func (p *Problem) Unwrap() error { return p.Err }

// The bounds of what is read.
const (
	maxFile   = 1 << 20 // bytes of a file
	maxValues = 10_000  // values in one file
	maxDepth  = 32
)

// Parse reads the rules of one file, which may hold several documents. What cannot be read is a Problem each; the
// others count.
func Parse(file string, text []byte) ([]*Rule, []*Problem) {
	if len(text) > maxFile {
		return nil, []*Problem{{Place{file, 0}, "", fmt.Errorf("is longer than %d bytes", maxFile)}}
	}
	var rules []*Rule
	var problems []*Problem
	d := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return rules, problems
		}
		if err != nil {
			return rules, append(problems, &Problem{Place{file, 0}, "", fmt.Errorf("is no YAML: %w", err)})
		}
		r, p := document(file, &doc)
		if p != nil {
			problems = append(problems, p)
			continue
		}
		rules = append(rules, r)
	}
}

// document reads one rule.
func document(file string, doc *yaml.Node) (*Rule, *Problem) {
	r := &Rule{place: Place{file, doc.Line}}
	fail := func(err error) *Problem {
		at := r.place
		var w *wrong
		if errors.As(err, &w) {
			at.Line = w.line
		}
		return &Problem{at, r.Title, err}
	}
	if len(doc.Content) != 1 || doc.Content[0].Kind != yaml.MappingNode {
		return nil, fail(errors.New("is no rule: a rule is a map of attributes"))
	}
	root := doc.Content[0]
	r.place.Line = root.Line
	if err := bounded(root); err != nil {
		return nil, fail(err)
	}
	if err := r.read(root); err != nil {
		return nil, fail(err)
	}
	var err error
	if r.text, err = yaml.Marshal(root); err != nil {
		return nil, fail(err)
	}
	return r, nil
}

// bounded refuses what expands beyond measure.
func bounded(root *yaml.Node) error {
	n := 0
	var walk func(*yaml.Node, int) error
	walk = func(at *yaml.Node, depth int) error {
		if n++; n > maxValues || depth > maxDepth {
			return flaw(at, "holds too much: at most %d values, %d deep", maxValues, maxDepth)
		}
		if at.Kind == yaml.AliasNode {
			return flaw(at, "holds an alias (*): write it out")
		}
		for _, c := range at.Content {
			if err := walk(c, depth+1); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(root, 0)
}

// wrong is a mistake at a line.
type wrong struct {
	line int
	text string
}

func (w *wrong) Error() string { return w.text }

// flaw says what is wrong at a place of the document.
func flaw(n *yaml.Node, format string, args ...any) error {
	return &wrong{n.Line, fmt.Sprintf(format, args...)}
}

// read takes the attributes (specification, "Components"). Those that say nothing about what is detected are passed
// over, as tools are told to do.
func (r *Rule) read(root *yaml.Node) error {
	var detects, relates, source *yaml.Node
	err := eachMember(root, func(key string, v *yaml.Node) error {
		switch key {
		case "title":
			return scalar(v, &r.Title)
		case "id":
			return scalar(v, &r.ID)
		case "name":
			return scalar(v, &r.Name)
		case "description":
			return scalar(v, &r.Description)
		case "tags":
			return texts(v, &r.Tags)
		case "level":
			return r.level(v)
		case "tutela":
			return r.own(v)
		case "logsource":
			source = v
		case "detection":
			detects = v
		case "correlation":
			relates = v
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case r.Title == "":
		return flaw(root, "has no title")
	case (detects == nil) == (relates == nil):
		return flaw(root, "has either a detection or a correlation")
	case r.ID == "" && r.Name == "":
		return flaw(root, "has neither id nor name: nothing could refer to it, nor tell its hits from others'")
	}
	if relates != nil {
		r.relates, err = readCorrelation(relates)
		return err
	}
	if source == nil {
		return flaw(root, "has no logsource")
	}
	if r.source, err = readSource(source); err != nil {
		return err
	}
	r.detects, err = readDetection(detects, r.source)
	return err
}

// level reads one of the five levels.
func (r *Rule) level(v *yaml.Node) error {
	var text string
	if err := scalar(v, &text); err != nil {
		return err
	}
	r.Level = finding.Level(text)
	if r.Level.Severity() == 0 {
		return flaw(v, "has the level %q; there are informational, low, medium, high, critical", text)
	}
	return nil
}

// own reads our own attributes.
func (r *Rule) own(v *yaml.Node) error {
	return eachMember(v, func(key string, v *yaml.Node) error {
		switch key {
		case "answer":
			return scalar(v, &r.Answer)
		case "likelihood":
			if v.Decode(&r.Likelihood) != nil || !(r.Likelihood > 0 && r.Likelihood <= 1) {
				return flaw(v, "tutela.likelihood is a number above 0, at most 1")
			}
			return nil
		case "group":
			return texts(v, &r.Group)
		}
		return flaw(v, "tutela has answer, likelihood and group, and no %q", key)
	})
}

// key is under what a rule is known: its id, or its name where it has none.
func (r *Rule) key() string {
	if r.ID != "" {
		return r.ID
	}
	return r.Name
}

// eachMember calls f for the members of a map.
func eachMember(n *yaml.Node, f func(key string, v *yaml.Node) error) error {
	if n.Kind != yaml.MappingNode {
		return flaw(n, "is no map")
	}
	var seen []string
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i].Value
		if slices.Contains(seen, key) {
			return flaw(n.Content[i], "has %q twice", key)
		}
		seen = append(seen, key)
		if err := f(key, n.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// scalar reads a text, a number or the like as it is written.
func scalar(n *yaml.Node, to *string) error {
	if n.Kind != yaml.ScalarNode {
		return flaw(n, "is no single value")
	}
	*to = n.Value
	return nil
}

// texts reads one value or a list of them.
func texts(n *yaml.Node, to *[]string) error {
	if n.Kind == yaml.ScalarNode {
		*to = []string{n.Value}
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		return flaw(n, "is no list")
	}
	for _, c := range n.Content {
		var s string
		if err := scalar(c, &s); err != nil {
			return err
		}
		*to = append(*to, s)
	}
	return nil
}
