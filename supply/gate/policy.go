package gate

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela/supply"
)

// File is where the policy stands in a tree.
const File = ".tutela.yaml"

// Policy is what a team asks of its tree.
type Policy struct {
	// Fail is the severity from which findings fail, by class; "all" stands for those not named.
	Fail map[string]supply.Severity `yaml:"fail"`
	// Exploited fails whatever is known to be exploited, however severe (CISA's KEV).
	Exploited bool `yaml:"exploited"`
	// MayBeBlind lists classes that need not be checked at all.
	MayBeBlind []supply.Class `yaml:"mayBeBlind"`
	// MayMiss lists path patterns of files that need not be checked.
	MayMiss []string `yaml:"mayMiss"`
	Tests   Tests    `yaml:"tests"`
	Waivers []Entry  `yaml:"waivers"`
	// LeaveOut takes paths out of every check, such as samples of what is wrong. It asks as much as a waiver.
	LeaveOut []Entry `yaml:"leaveOut"`
}

// Tests says where the results of the tree's own tests are.
type Tests struct {
	Required bool     `yaml:"required"` // fail where there are none
	JUnit    []string `yaml:"junit"`    // path patterns of JUnit XML
	Go       []string `yaml:"go"`       // path patterns of what `go test -json` said
	Coverage []string `yaml:"coverage"` // path patterns of Go cover profiles, Cobertura XML, LCOV
	Minimum  float64  `yaml:"minimum"`  // per cent of statements or lines that tests must reach; 0 asks nothing
}

// Entry excuses what it names. At least one of the first five is given, and all that are must fit.
type Entry struct {
	Finding   string `yaml:"finding"`   // a fingerprint, as in the report
	Rule      string `yaml:"rule"`      // a rule's or an advisory's id
	Path      string `yaml:"path"`      // a path pattern: * within a name, ** across folders
	Component string `yaml:"component"` // a package's name
	Ignores   string `yaml:"ignores"`   // adopts what this file of another tool leaves out, such as .gitleaksignore

	supply.Waiver `yaml:",inline"`
}

// Default is what holds where a tree has no policy, and for what its policy leaves open.
func Default() Policy {
	return Policy{
		Fail:      map[string]supply.Severity{"all": supply.High, string(supply.Secrets): supply.Low},
		Exploited: true,
		// Source control is asked over a network, with a token that laptops do not have.
		MayBeBlind: []supply.Class{supply.SourceControl},
	}
}

// Load reads the policy of a tree.
func Load(tree fs.FS) (Policy, error) {
	text, err := fs.ReadFile(tree, File)
	if errors.Is(err, fs.ErrNotExist) {
		return Default(), nil
	}
	if err != nil {
		return Policy{}, fmt.Errorf("read %s: %w", File, err)
	}
	return Parse(text)
}

// maxPolicy bounds the file, in bytes.
const maxPolicy = 1 << 20

// Parse reads a policy over the defaults. An unknown key is an error, and so is one written twice.
func Parse(text []byte) (Policy, error) {
	p := Default()
	if len(text) > maxPolicy {
		return Policy{}, fmt.Errorf("%s is larger than %d KiB", File, maxPolicy>>10)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&p); err != nil && !errors.Is(err, io.EOF) {
		return Policy{}, fmt.Errorf("%s: %w", File, err)
	}
	return p, p.check()
}

func (p Policy) check() error {
	for class := range p.Fail {
		if class != "all" && !slices.Contains(supply.Classes(), supply.Class(class)) {
			return fmt.Errorf("%s: fail: %q is no class: use all or one of %v", File, class, supply.Classes())
		}
	}
	for _, class := range p.MayBeBlind {
		if !slices.Contains(supply.Classes(), class) {
			return fmt.Errorf("%s: mayBeBlind: %q is no class: use some of %v", File, class, supply.Classes())
		}
	}
	for _, patterns := range [][]string{p.MayMiss, p.Tests.JUnit, p.Tests.Go, p.Tests.Coverage} {
		for _, pattern := range patterns {
			if _, err := path.Match(pattern, ""); err != nil {
				return fmt.Errorf("%s: %q is no path pattern: %w", File, pattern, err)
			}
		}
	}
	if p.Tests.Minimum < 0 || p.Tests.Minimum > 100 {
		return fmt.Errorf("%s: tests.minimum is a share of 0 to 100 per cent", File)
	}
	return nil
}

// failsFrom is the severity from which findings of a class fail.
func (p Policy) failsFrom(c supply.Class) supply.Severity {
	if s, ok := p.Fail[string(c)]; ok {
		return s
	}
	if s, ok := p.Fail["all"]; ok {
		return s
	}
	return supply.High
}

// fails reports whether a finding that nobody excused fails.
func (p Policy) fails(f *supply.Finding) bool {
	return f.Severity >= p.failsFrom(f.Class) || p.Exploited && f.Exploited
}

// LongestWaiver is how far ahead a waiver may end.
const LongestWaiver = 180 * 24 * time.Hour
