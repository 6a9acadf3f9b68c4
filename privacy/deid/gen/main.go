// Command gen lists the codes that FHIR R4 publishes in its own code systems, from the definitions
// that r4/gen has fetched: one line a system, its URL and its codes, separated by tabs.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// definitions is where r4/gen unpacks the published definitions.
const definitions = ".cache/definitions/package/dist/fhir/r4"

type concept struct {
	Code    string    `json:"code"`
	Concept []concept `json:"concept"`
}

type codeSystem struct {
	ResourceType string    `json:"resourceType"`
	URL          string    `json:"url"`
	Content      string    `json:"content"`
	Concept      []concept `json:"concept"`
}

func main() {
	lines, err := systems()
	if err == nil {
		err = os.WriteFile("privacy/deid/codes.tsv", []byte(strings.Join(lines, "\n")+"\n"), 0o644) //nolint:gosec // a source file
	}
	if err != nil {
		log.Fatal(err)
	}
}

// systems are the lines of the list, sorted.
func systems() ([]string, error) {
	var lines []string
	for _, name := range []string{"valuesets.json", "v3-codesystems.json", "v2-tables.json"} {
		var b struct {
			Entry []struct{ Resource codeSystem }
		}
		text, err := os.ReadFile(filepath.Join(definitions, name))
		if err == nil {
			err = json.Unmarshal(text, &b)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		for _, e := range b.Entry {
			if codes := e.Resource.codes(); len(codes) > 0 {
				lines = append(lines, e.Resource.URL+"\t"+strings.Join(codes, "\t"))
			}
		}
	}
	slices.Sort(lines)
	return slices.Compact(lines), nil
}

// codes are those of a system whose publication lists all.
func (c codeSystem) codes() []string {
	if c.ResourceType != "CodeSystem" || c.Content != "complete" {
		return nil
	}
	list := gather(nil, c.Concept)
	slices.Sort(list)
	return slices.Compact(list)
}

func gather(list []string, concepts []concept) []string {
	for _, c := range concepts {
		list = gather(append(list, c.Code), c.Concept)
	}
	return list
}
