package vex

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/part"
)

// Statement says that a fault does not concern the tree, or a part of it.
type Statement struct {
	From   string   // the file that says so; it speaks for its folder and those below
	Names  []string // of the fault; empty for every fault of the parts
	Parts  []supply.Component
	Whole  bool // speaks of the tree as a whole, whatever the part
	Paths  []string
	Reason string
	Until  time.Time // zero for ever
}

// maxStatements bounds what one file may say.
const maxStatements = 50_000

// Is reports whether a file of this path may hold statements.
func Is(name string) bool { return readerOf(name) != nil }

func readerOf(name string) func([]byte) ([]Statement, error) {
	switch base := path.Base(name); {
	case base == "osv-scanner.toml":
		return osvScanner
	case base == ".trivyignore":
		return trivyIgnore
	case base == ".trivyignore.yaml", base == ".trivyignore.yml":
		return trivyYAML
	case strings.HasSuffix(base, ".openvex.json"), strings.HasSuffix(base, ".vex.json"), path.Base(path.Dir(name)) == ".vex" && path.Ext(base) == ".json":
		return document
	}
	return nil
}

// Read reads the statements of a file that Is knows.
func Read(name string, text []byte) (list []Statement, err error) {
	read := readerOf(name)
	if read == nil {
		return nil, fmt.Errorf("%s holds no statements", name)
	}
	defer func() {
		if recover() != nil { // libraries read these bytes too
			list, err = nil, errors.New("cannot be read")
		}
	}()
	list, err = read(text)
	if len(list) > maxStatements {
		return nil, errors.New("says more than a scan takes")
	}
	for i := range list {
		list[i].From = name
	}
	return list, err
}

// Excuses reports whether the statement is of a finding, and holds at a time.
func (s Statement) Excuses(f *supply.Finding, now time.Time) bool {
	if !s.Until.IsZero() && !now.Before(s.Until) || !s.covers(f.Place.Path) {
		return false
	}
	if len(s.Names) > 0 && !slices.ContainsFunc(s.Names, func(n string) bool { return n == f.Rule.ID || slices.Contains(f.Aliases, n) }) {
		return false
	}
	if len(s.Names) == 0 && len(s.Parts) == 0 {
		return false
	}
	return s.Whole || slices.ContainsFunc(s.Parts, func(c supply.Component) bool { return f.Component != nil && fits(c, *f.Component) })
}

// covers reports whether a file lies where the statement speaks.
func (s Statement) covers(file string) bool {
	if dir := strings.TrimSuffix(path.Dir(s.From), ".vex"); dir != "" && dir != "." && !strings.HasPrefix(file, strings.TrimSuffix(dir, "/")+"/") {
		return false
	}
	return len(s.Paths) == 0 || slices.ContainsFunc(s.Paths, func(p string) bool { ok, err := path.Match(p, file); return p == file || ok && err == nil })
}

// fits reports whether a component is the one that is spoken of; without a version all of them are.
func fits(said, c supply.Component) bool {
	return said.Name == c.Name && (said.Ecosystem == "" || said.Ecosystem == c.Ecosystem) && (said.Version == "" || said.Version == c.Version)
}

// document reads OpenVEX (github.com/openvex/spec) or CycloneDX with analyses (cyclonedx.org/capabilities/vex).
func document(text []byte) ([]Statement, error) {
	var f struct {
		Context    string             `json:"@context"`
		Statements []openStatement    `json:"statements"`
		Format     string             `json:"bomFormat"`
		Components []cycloneComponent `json:"components"`
		Faults     []cycloneFault     `json:"vulnerabilities"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, errors.New("not JSON of OpenVEX or CycloneDX")
	}
	switch {
	case strings.Contains(f.Context, "openvex"):
		return openVEX(f.Statements), nil
	case f.Format == "CycloneDX":
		return cycloneVEX(f.Components, f.Faults), nil
	}
	return nil, errors.New("neither OpenVEX nor CycloneDX")
}

// openStatement is a statement of OpenVEX; the fault is a text in the first versions.
type openStatement struct {
	Fault         json.RawMessage `json:"vulnerability"`
	Products      []openProduct   `json:"products"`
	Status        string          `json:"status"`
	Justification string          `json:"justification"`
	Impact        string          `json:"impact_statement"`
}

type openProduct struct {
	ID          string `json:"@id"`
	Identifiers struct {
		PURL string `json:"purl"`
	} `json:"identifiers"`
	Parts []openProduct `json:"subcomponents"`
}

// UnmarshalJSON reads a product, which is a text in the first versions.
func (p *openProduct) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		return json.Unmarshal(text, &p.ID)
	}
	type plain openProduct
	return json.Unmarshal(text, (*plain)(p))
}

func openVEX(list []openStatement) (out []Statement) {
	for _, s := range list {
		reason := strings.TrimSpace(s.Justification + " " + s.Impact)
		names := openNames(s.Fault)
		if s.Status != "not_affected" || reason == "" || len(names) == 0 {
			continue // only what says why is believed
		}
		st := Statement{Names: names, Reason: reason}
		for _, p := range s.Products {
			st.addProduct(p)
		}
		out = append(out, st)
	}
	return out
}

// addProduct adds what a product names: its parts where it has some, itself where it is a package, and else
// the tree as a whole.
func (s *Statement) addProduct(p openProduct) {
	if len(p.Parts) > 0 {
		for _, sub := range p.Parts {
			s.addURL(sub.Identifiers.PURL, sub.ID)
		}
		return
	}
	if !s.addURL(p.Identifiers.PURL, p.ID) {
		s.Whole = true
	}
}

func (s *Statement) addURL(urls ...string) bool {
	for _, u := range urls {
		if c, ok := part.FromURL(u); ok {
			s.Parts = append(s.Parts, c)
			return true
		}
	}
	return false
}

func openNames(raw json.RawMessage) []string {
	var name string
	if json.Unmarshal(raw, &name) == nil && name != "" {
		return []string{name}
	}
	var full struct {
		Name    string   `json:"name"`
		Aliases []string `json:"aliases"`
	}
	if json.Unmarshal(raw, &full) != nil || full.Name == "" {
		return nil
	}
	return append(full.Aliases, full.Name)
}

type cycloneComponent struct {
	Ref  string `json:"bom-ref"`
	PURL string `json:"purl"`
}

type cycloneFault struct {
	ID       string `json:"id"`
	Analysis struct {
		State         string `json:"state"`
		Justification string `json:"justification"`
		Detail        string `json:"detail"`
	} `json:"analysis"`
	Affects []struct {
		Ref string `json:"ref"`
	} `json:"affects"`
}

func cycloneVEX(components []cycloneComponent, list []cycloneFault) (out []Statement) {
	urls := map[string]string{}
	for _, c := range components {
		urls[c.Ref] = c.PURL
	}
	for _, f := range list {
		reason := strings.TrimSpace(f.Analysis.Justification + " " + f.Analysis.Detail)
		if f.ID == "" || reason == "" || f.Analysis.State != "not_affected" && f.Analysis.State != "false_positive" {
			continue
		}
		s := Statement{Names: []string{f.ID}, Reason: reason}
		for _, a := range f.Affects {
			ref := a.Ref
			if i := strings.LastIndex(ref, "#"); strings.HasPrefix(ref, "urn:cdx:") && i >= 0 {
				ref = ref[i+1:] // BOM-Link
			}
			if !s.addURL(urls[ref], ref) {
				s.Whole = true
			}
		}
		out = append(out, s)
	}
	return out
}
