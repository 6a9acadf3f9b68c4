package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/source/flow"
	"github.com/tutela-health/tutela/supply/source/python"
	"github.com/tutela-health/tutela/supply/source/script"
	"github.com/tutela-health/tutela/supply/source/syntax"
)

// Code checks JavaScript, TypeScript and Python: what requests bring on its way to where it does harm, calls that
// are wrong, and patient data on its way out. It is a supply.FileScanner: what goes from file to file is Across's.
type Code struct{ rules *flow.Rules }

// NewCode makes the rules' tables.
func NewCode() Code { return Code{flow.NewRules()} }

// Class is sast.
func (Code) Class() supply.Class { return supply.Source }

// Version changes with what is found.
func (Code) Version() string { return "3" }

// Wants reports whether a file is in one of the languages and no test.
func (Code) Wants(name string, _ int64) bool {
	return languageOf(name) != "" && !tests(name)
}

// languageOf gives the language of a file by its name: py, ts, tsx, js; empty for others, and for declarations of types.
func languageOf(name string) string {
	base := path.Base(name)
	if strings.HasSuffix(base, ".d.ts") || strings.HasSuffix(base, ".d.mts") || strings.HasSuffix(base, ".d.cts") {
		return ""
	}
	switch path.Ext(base) {
	case ".py":
		return "py"
	case ".js", ".mjs", ".cjs", ".jsx":
		return "js"
	case ".ts", ".mts", ".cts":
		return "ts"
	case ".tsx":
		return "tsx"
	}
	return ""
}

// tests reports whether a file is one, by the names that test runners go by.
func tests(name string) bool {
	for part := range strings.SplitSeq(path.Dir(name), "/") {
		switch part {
		case "test", "tests", "__tests__", "__mocks__", "e2e", "cypress", "spec", "testdata":
			return true
		}
	}
	base := path.Base(name)
	stem := strings.TrimSuffix(base, path.Ext(base))
	return strings.HasSuffix(stem, ".test") || strings.HasSuffix(stem, ".spec") || strings.HasPrefix(base, "test_") && path.Ext(base) == ".py" || strings.HasSuffix(stem, "_test") || base == "conftest.py"
}

// Limits of what is looked into. What people write is below them; what tools make is not theirs to mend.
const (
	longLine = 20_000 // bytes of one line
	dense    = 400    // bytes a line on average, in a file of more than denseOf
	denseOf  = 30_000
)

var (
	errHuge     = fmt.Errorf("larger than %d MiB", maxSource>>20)
	errMinified = errors.New("made by a tool, not written: its lines are too long; check what it is made from")
)

// readable says why a file is not looked into.
func readable(text []byte) error {
	switch {
	case len(text) > maxSource:
		return errHuge
	case len(text) > denseOf && len(text)/(1+bytes.Count(text, []byte("\n"))) > dense:
		return errMinified
	}
	for line := range bytes.SplitSeq(text, []byte("\n")) {
		if len(line) > longLine && !bytes.Contains(line[:longLine], []byte("sourceMappingURL")) {
			return errMinified
		}
	}
	return nil
}

// File looks into a file.
func (c Code) File(_ context.Context, name string, text []byte) ([]supply.Finding, error) {
	if err := readable(text); err != nil {
		return nil, err
	}
	src := string(text)
	if !utf8.Valid(text) {
		src = strings.ToValidUTF8(src, "\ufffd")
	}
	tree, l, err := parse(languageOf(name), src)
	finder := supply.NewFinder([]byte(src), supply.Rule{})
	keys := map[int]bool{}
	tired := c.rules.Find(tree, l, nil, func(r supply.Rule, line int, says string) {
		finder.Add(r, line, "%s", says)
		if r.ID == "code.hard-coded-key" {
			keys[line] = true
		}
	})
	err = errors.Join(err, tired)
	tellPatients(tree, &finder)
	for i := range finder.Found {
		if f := &finder.Found[i]; keys[f.Place.Line] {
			f.Excerpt = strike(f.Excerpt)
		}
	}
	if err != nil {
		err = fmt.Errorf("not read as a whole: %w", err)
	}
	return finder.Found, err
}

// strike cuts an excerpt where a text begins.
func strike(excerpt string) string {
	if i := strings.IndexAny(excerpt, "\"'`"); i >= 0 {
		return excerpt[:i] + "…"
	}
	return "…"
}

// parse reads a file by its language.
func parse(language, src string) (*syntax.Node, flow.Language, error) {
	if language == "py" {
		tree, err := python.Parse(src)
		return tree, flow.Python, err
	}
	tree, err := script.Parse(src, script.Dialect{Types: language != "js", JSX: language != "ts"})
	return tree, flow.Script, err
}
