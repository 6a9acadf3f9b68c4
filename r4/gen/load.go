package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// defs holds what the tables are made from, as the definitions state it.
type defs struct {
	structures  []structure
	params      []searchParameter
	compartment []compartmentEntry
	valueSets   map[string]valueSet   // by canonical URL
	codeSystems map[string]codeSystem // by canonical URL
}

type structure struct {
	ResourceType   string
	Name           string
	Kind           string // primitive-type, complex-type, resource, logical
	Derivation     string
	Snapshot       struct{ Element []elementDefinition }
	BaseDefinition string
}

type elementDefinition struct {
	Path             string
	Min              int
	Max              string
	Type             []elementType
	ContentReference string
	Binding          *struct{ Strength, ValueSet string }
}

type elementType struct {
	Code      string
	Extension []struct{ URL, ValueURL string }
}

type searchParameter struct {
	Code       string
	Base       []string
	Type       string
	Expression string
	Target     []string
}

type compartmentEntry struct {
	Code  string
	Param []string
}

type valueSet struct {
	URL     string
	Compose struct{ Include, Exclude []include }
}

type include struct {
	System   string
	Concept  []concept
	Filter   []struct{ Property string }
	ValueSet []string
}

type codeSystem struct {
	URL     string
	Content string
	Concept []concept
}

type concept struct {
	Code    string
	Concept []concept
}

type bundle[T any] struct {
	Entry []struct{ Resource T }
}

func load(dir string) (*defs, error) {
	d := &defs{valueSets: map[string]valueSet{}, codeSystems: map[string]codeSystem{}}
	for _, name := range []string{"profiles-types.json", "profiles-resources.json"} {
		var b bundle[structure]
		if err := read(dir, name, &b); err != nil {
			return nil, err
		}
		for _, e := range b.Entry {
			d.structures = append(d.structures, e.Resource)
		}
	}
	var params bundle[searchParameter]
	if err := read(dir, "search-parameters.json", &params); err != nil {
		return nil, err
	}
	for _, e := range params.Entry {
		d.params = append(d.params, e.Resource)
	}
	var c struct{ Resource []compartmentEntry }
	if err := read(dir, "compartmentdefinition-patient.json", &c); err != nil {
		return nil, err
	}
	d.compartment = c.Resource
	return d, d.loadTerminology(dir)
}

func (d *defs) loadTerminology(dir string) error {
	for _, name := range []string{"valuesets.json", "v3-codesystems.json"} {
		var b bundle[json.RawMessage]
		if err := read(dir, name, &b); err != nil {
			return err
		}
		for _, e := range b.Entry {
			if err := d.addTerminology(e.Resource); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

func (d *defs) addTerminology(raw json.RawMessage) error {
	var kind struct{ ResourceType string }
	if err := json.Unmarshal(raw, &kind); err != nil {
		return err
	}
	switch kind.ResourceType {
	case "ValueSet":
		var v valueSet
		if err := json.Unmarshal(raw, &v); err != nil {
			return err
		}
		d.valueSets[v.URL] = v
	case "CodeSystem":
		var c codeSystem
		if err := json.Unmarshal(raw, &c); err != nil {
			return err
		}
		d.codeSystems[c.URL] = c
	}
	return nil
}

func read(dir, name string, into any) error {
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
