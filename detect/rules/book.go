package rules

import (
	"crypto/sha256"
	"embed"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"slices"
	"sync/atomic"

	"github.com/tutela-health/tutela/detect/sigma"
)

//go:embed *.yml
var shipped embed.FS

// Book holds the rules in force: the shipped ones, and those of a folder. It is safe for concurrent use.
type Book struct {
	now atomic.Pointer[Edition]
}

// Edition is the rules of one moment. It does not change.
type Edition struct {
	Set      *sigma.Set
	Problems []*sigma.Problem // why rules are not in force
	Version  string           // names the files by their content
	Kept     []string         // files that are not understood, whose text from before stays in force

	sound map[string][]byte // the last text of each of the user's files that was understood
}

// Open gives a Book of the shipped rules and, unless own is nil, those of a folder.
func Open(own fs.FS) *Book {
	b := &Book{}
	b.now.Store(edition(own, nil))
	return b
}

// Edition is what is in force now.
func (b *Book) Edition() *Edition { return b.now.Load() }

// maxFiles bounds a folder.
const maxFiles = 2000

// edition reads the files. Shipped rules come first: one of the folder's with an id that is taken is a Problem. Of a
// file with a rule that is not understood the text from before stays in force, where there was one.
func edition(own fs.FS, before *Edition) *Edition {
	r := reading{sum: sha256.New(), sound: map[string][]byte{}}
	r.take(shipped, "shipped/")
	if before != nil {
		r.before = before.sound
	}
	if own != nil {
		r.take(own, "")
	}
	set, more := sigma.NewSet(r.rules)
	return &Edition{Set: set, Problems: append(r.problems, more...), Version: fmt.Sprintf("%x", r.sum.Sum(nil)[:8]), Kept: r.kept, sound: r.sound}
}

// reading gathers rules.
type reading struct {
	sum      hash.Hash
	rules    []*sigma.Rule
	problems []*sigma.Problem
	before   map[string][]byte // texts that were understood
	sound    map[string][]byte
	kept     []string
}

// take reads a folder's *.yml and *.yaml files.
func (r *reading) take(dir fs.FS, prefix string) {
	names, err := ruleFiles(dir)
	if err != nil {
		r.fail(prefix+".", err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			r.fail(prefix+name, err)
			continue
		}
		fmt.Fprintf(r.sum, "%s %d\n%s", prefix+name, len(text), text)
		r.parse(prefix+name, text)
	}
}

// parse reads one file.
func (r *reading) parse(name string, text []byte) {
	rules, problems := sigma.Parse(name, text)
	r.problems = append(r.problems, problems...)
	if len(problems) > 0 && r.before[name] != nil {
		text, r.kept = r.before[name], append(r.kept, name)
		rules, problems = sigma.Parse(name, text)
	}
	if len(problems) == 0 {
		r.sound[name] = text
	}
	r.rules = append(r.rules, rules...)
}

func (r *reading) fail(file string, err error) {
	r.problems = append(r.problems, &sigma.Problem{Place: sigma.Place{File: file}, Err: err})
	fmt.Fprintf(r.sum, "%s %v\n", file, err)
}

// ruleFiles lists a folder's files of rules, sorted.
func ruleFiles(dir fs.FS) ([]string, error) {
	var names []string
	for _, pattern := range []string{"*.yml", "*.yaml"} {
		some, err := fs.Glob(dir, pattern)
		if err != nil {
			return nil, fmt.Errorf("list rules: %w", err)
		}
		names = append(names, some...)
	}
	slices.Sort(names)
	if len(names) > maxFiles {
		return names[:maxFiles], fmt.Errorf("holds more than %d files of rules", maxFiles)
	}
	if _, err := fs.Stat(dir, "."); err != nil {
		return nil, errors.Join(errors.New("cannot be read"), err)
	}
	return names, nil
}
