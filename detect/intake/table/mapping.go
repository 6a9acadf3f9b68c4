package table

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela"
)

// Mapping says which column of a table is what.
type Mapping struct {
	// Source is what the records are said to come from, where no column says it.
	Source string `yaml:"source,omitempty"`
	// Delimiter is what stands between columns: a comma when it is left out.
	Delimiter string `yaml:"delimiter,omitempty"`
	// Columns are the columns' headers, without regard to case.
	Columns Columns `yaml:"columns"`
	// Times are the layouts of the time, as Go's time.Parse has them; RFC 3339 when none is given.
	Times []string `yaml:"times,omitempty"`
	// TimeZone is that of times without an offset; UTC when it is left out.
	TimeZone string `yaml:"time_zone,omitempty"`
	// Authority assigned the patient numbers.
	Authority string `yaml:"authority,omitempty"`
	// Actions and Outcomes are what the table's words mean, without regard to case; Otherwise is the action of any other
	// word, read when it is left out.
	Actions   map[string]tutela.Action  `yaml:"actions,omitempty"`
	Outcomes  map[string]tutela.Outcome `yaml:"outcomes,omitempty"`
	Otherwise tutela.Action             `yaml:"otherwise,omitempty"`

	place *time.Location
}

// Columns are headers. Time and User must be there.
type Columns struct {
	Time      string `yaml:"time"`
	User      string `yaml:"user"`
	ID        string `yaml:"id,omitempty"` // of the record; a hash of the row stands in
	Name      string `yaml:"name,omitempty"`
	Role      string `yaml:"role,omitempty"`
	Unit      string `yaml:"unit,omitempty"`
	Patient   string `yaml:"patient,omitempty"`
	Address   string `yaml:"address,omitempty"` // or workstation
	Action    string `yaml:"action,omitempty"`
	Type      string `yaml:"type,omitempty"` // of what was reached
	Outcome   string `yaml:"outcome,omitempty"`
	Purpose   string `yaml:"purpose,omitempty"`
	Source    string `yaml:"source,omitempty"`
	Authority string `yaml:"authority,omitempty"`
}

// maxMapping bounds a mapping, in bytes.
const maxMapping = 64 << 10

// ParseMapping reads a mapping. An unknown key is an error.
func ParseMapping(b []byte) (*Mapping, error) {
	if len(b) > maxMapping {
		return nil, fmt.Errorf("a mapping is %d bytes at most", maxMapping)
	}
	var m Mapping
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&m); err != nil {
		return nil, fmt.Errorf("read mapping: %w", err)
	}
	if m.Columns.Time == "" || m.Columns.User == "" {
		return nil, errors.New("a mapping names the columns time and user")
	}
	if len([]rune(m.Delimiter)) > 1 {
		return nil, errors.New("delimiter is one character")
	}
	var err error
	if m.place, err = time.LoadLocation(m.TimeZone); err != nil {
		return nil, fmt.Errorf("time_zone is none: %s", m.TimeZone)
	}
	if len(m.Times) == 0 {
		m.Times = []string{time.RFC3339Nano}
	}
	if m.Otherwise == "" {
		m.Otherwise = tutela.ActionRead
	}
	m.Actions, m.Outcomes = lowered(m.Actions), lowered(m.Outcomes)
	return &m, nil
}

func lowered[T any](words map[string]T) map[string]T {
	low := make(map[string]T, len(words))
	for word, means := range words {
		low[strings.ToLower(strings.TrimSpace(word))] = means
	}
	return low
}

//go:embed mappings
var ready embed.FS

// Ready gives a mapping that comes with the program, by its name.
func Ready(name string) (*Mapping, error) {
	b, err := fs.ReadFile(ready, "mappings/"+name+".yaml")
	if err != nil {
		return nil, fmt.Errorf("no mapping is named %q", name)
	}
	return ParseMapping(b)
}

// Names lists the mappings that come with the program.
func Names() []string {
	list, _ := fs.ReadDir(ready, "mappings") // it is embedded
	names := make([]string, len(list))
	for i, e := range list {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return names
}
