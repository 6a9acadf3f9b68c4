package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
)

// What is asked of the system: resources that it holds, by id and by identifier, and new ones
// made from Observations that it holds.

const fhir = "/fhir/r4"

// readMix is how many of each type are read in turn: about a chart's mix.
func readMix() []struct {
	typ   string
	count int
} {
	return []struct {
		typ   string
		count int
	}{{"Patient", 50}, {"Observation", 300}, {"Encounter", 100}, {"Condition", 50}}
}

// stored is a resource as a search returns it.
type stored struct {
	Resource json.RawMessage `json:"resource"`
}

func (s *system) search(ctx context.Context, query string) ([]json.RawMessage, error) {
	text, err := s.fetch(ctx, fhir+"/"+query)
	if err != nil {
		return nil, err
	}
	var b struct{ Entry []stored }
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, err
	}
	list := make([]json.RawMessage, len(b.Entry))
	for i, e := range b.Entry {
		list[i] = e.Resource
	}
	return list, nil
}

// readPaths are the addresses of resources that are there.
func (s *system) readPaths(ctx context.Context) ([]string, error) {
	var paths []string
	for _, m := range readMix() {
		list, err := s.search(ctx, fmt.Sprintf("%s?_count=%d", m.typ, m.count))
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			var head struct{ ID string }
			if err := json.Unmarshal(r, &head); err != nil {
				return nil, err
			}
			paths = append(paths, fhir+"/"+m.typ+"/"+head.ID)
		}
	}
	return spread(paths), nil
}

// spread mixes the types: the stride is a prime larger than any list here, and so visits each once.
func spread(paths []string) []string {
	const stride = 7919
	mixed := make([]string, len(paths))
	for i := range paths {
		mixed[i] = paths[i*stride%len(paths)]
	}
	return mixed
}

// identifierPaths are searches for each patient by each of its identifiers.
func (s *system) identifierPaths(ctx context.Context) ([]string, error) {
	list, err := s.search(ctx, "Patient?_count=500")
	if err != nil {
		return nil, err
	}
	var paths []string
	for _, r := range list {
		var p struct {
			Identifier []struct{ System, Value string }
		}
		if err := json.Unmarshal(r, &p); err != nil {
			return nil, err
		}
		for _, i := range p.Identifier {
			paths = append(paths, fhir+"/Patient?identifier="+url.QueryEscape(i.System+"|"+i.Value))
		}
	}
	return paths, nil
}

// newObservations are bodies to create: Observations of the store, without id and meta.
func (s *system) newObservations(ctx context.Context) ([][]byte, error) {
	list, err := s.search(ctx, "Observation?_count=500")
	if err != nil {
		return nil, err
	}
	var bodies [][]byte
	for _, r := range list {
		var members map[string]json.RawMessage
		if err := json.Unmarshal(r, &members); err != nil {
			return nil, err
		}
		delete(members, "id")
		delete(members, "meta")
		body, err := json.Marshal(members)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}

// pages fetches what the floor is to answer.
func (s *system) pages(ctx context.Context, paths []string) ([]page, error) {
	pages := make([]page, len(paths))
	for i, path := range paths {
		body, err := s.fetch(ctx, path)
		if err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(body, []byte(`{"resourceType"`)) {
			return nil, fmt.Errorf("%s answered no resource", path)
		}
		pages[i] = page{path, body}
	}
	return pages, nil
}
