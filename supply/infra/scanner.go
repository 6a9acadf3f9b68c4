package infra

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/yamltree"
)

// Scanner is a supply.TreeScanner: Terraform means what stands in one folder together.
type Scanner struct{}

// maxSize is how large a file may be, in bytes.
const maxSize = 4 << 20

// Class is iac.
func (Scanner) Class() supply.Class { return supply.Infrastructure }

// Scan looks at every file that describes infrastructure.
func (Scanner) Scan(ctx context.Context, t *supply.Tree) (supply.Result, error) {
	s := &scan{result: supply.Result{Checked: supply.Checked{Class: supply.Infrastructure}}, modules: map[string]*module{}}
	for _, f := range t.Files {
		if ctx.Err() != nil {
			return supply.Result{}, ctx.Err()
		}
		if look := s.looker(f.Path); look != nil && f.Size > 0 {
			s.file(f, look)
		}
	}
	for _, dir := range slices.Sorted(mapKeys(s.modules)) {
		s.module(s.modules[dir])
	}
	return s.result, nil
}

// scan is one look at a tree.
type scan struct {
	result  supply.Result
	modules map[string]*module // Terraform, by folder
}

// looker says what looks into a file of this name; nil where nothing does.
func (s *scan) looker(name string) func(*finder, []byte) error {
	base := strings.ToLower(path.Base(name))
	switch {
	case base == "dockerfile" || base == "containerfile" || strings.HasPrefix(base, "dockerfile.") || strings.HasSuffix(base, ".dockerfile"):
		return dockerfile
	case strings.HasSuffix(base, ".tf"):
		return s.terraform
	case strings.HasSuffix(base, ".yml") || strings.HasSuffix(base, ".yaml") || strings.HasSuffix(base, ".template"):
		return documents
	case strings.HasSuffix(base, ".json") && !strings.HasPrefix(base, "package"):
		return jsonDocument
	}
	return nil
}

func (s *scan) file(f supply.File, look func(*finder, []byte) error) {
	text, err := f.ReadUpTo(maxSize)
	if err != nil {
		if path.Ext(f.Path) != ".json" { // large JSON is data
			s.miss(f.Path, err)
		}
		return
	}
	found := &finder{Finder: supply.NewFinder(text, literalSecret()), path: f.Path}
	if err := guarded(look, found, text); err != nil {
		s.miss(f.Path, err)
		return
	}
	if found.recognized {
		s.result.Checked.Files++
		s.result.Findings = append(s.result.Findings, found.findings()...)
	}
}

func (s *scan) miss(path string, err error) {
	s.result.Checked.Failed = append(s.result.Checked.Failed, path+": "+err.Error())
}

// guarded runs a look over bytes that may be made to break a parser.
func guarded(look func(*finder, []byte) error, f *finder, text []byte) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the parser failed on it")
		}
	}()
	return look(f, text)
}

// documents looks into YAML: most of it is about something else.
func documents(f *finder, text []byte) error {
	if !bytes.Contains(text, []byte("apiVersion")) && !bytes.Contains(text, []byte("services")) && !bytes.Contains(text, []byte("Resources")) {
		return nil
	}
	if bytes.Contains(text, []byte("{{")) && bytes.Contains(text, []byte(".Values")) {
		f.recognized = true
		return fmt.Errorf("a Helm template: check what helm template makes of it")
	}
	docs, err := yamltree.Parse(text)
	if err != nil {
		return err
	}
	for _, doc := range docs {
		f.document(doc)
	}
	return nil
}

// jsonDocument looks into JSON that may be CloudFormation or Kubernetes.
func jsonDocument(f *finder, text []byte) error {
	if !bytes.Contains(text, []byte(`"AWS::`)) && !bytes.Contains(text, []byte(`"apiVersion"`)) {
		return nil
	}
	return documents(f, text)
}

func (f *finder) document(doc yamltree.Node) {
	switch {
	case doc.Get("apiVersion").IsText() && doc.Get("kind").IsText():
		f.recognized = true
		f.kubernetes(doc)
	case doc.Get("services").IsMap() && f.isCompose(doc):
		f.recognized = true
		f.compose(doc)
	case isCloudFormation(doc):
		f.recognized = true
		f.cloudFormation(doc)
	}
}

// finder gathers what is wrong with one file.
type finder struct {
	supply.Finder
	path       string
	recognized bool
}

// findings are the file's, whole.
func (f *finder) findings() []supply.Finding {
	for i := range f.Found {
		f.Found[i].Class, f.Found[i].Place.Path = supply.Infrastructure, f.path
	}
	return f.Found
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
