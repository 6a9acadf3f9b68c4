package handout

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
)

// Handout is a copy of the records of one patient.
type Handout struct {
	Patient tutela.PatientID
	Made    time.Time
	By      string // who took it out
	Whole   bool   // the complete copy: nothing was left out for what its maker may see
	Entries []Entry
}

// Entry is one resource.
type Entry struct {
	URL  string // its address on the server
	JSON json.RawMessage
}

// bundle is a Bundle of the type collection (FHIR R4, bundle.html).
type bundle struct {
	ResourceType string        `json:"resourceType"`
	Meta         *meta         `json:"meta,omitempty"`
	Type         string        `json:"type"`
	Timestamp    string        `json:"timestamp"`
	Entry        []bundleEntry `json:"entry,omitempty"`
}

type meta struct {
	Tag []tag `json:"tag"`
}

// tag says whether the copy is complete, to whom reads it.
type tag struct {
	System string `json:"system"`
	Code   string `json:"code"`
}

// complete is the tag of a complete copy.
func complete() tag { return tag{"urn:tutela:copy", "complete"} }

type bundleEntry struct {
	FullURL  string          `json:"fullUrl"`
	Resource json.RawMessage `json:"resource"`
}

// Bundle gives the copy for software.
func (h *Handout) Bundle() ([]byte, error) {
	b := bundle{ResourceType: "Bundle", Type: "collection", Timestamp: h.Made.UTC().Format("2006-01-02T15:04:05Z")}
	if h.Whole {
		b.Meta = &meta{[]tag{complete()}}
	}
	for _, e := range h.Entries {
		b.Entry = append(b.Entry, bundleEntry{e.URL, e.JSON})
	}
	return json.Marshal(b)
}

// Read takes a Bundle back, as Bundle wrote it.
func Read(text []byte, patient tutela.PatientID, by string) (*Handout, error) {
	var b bundle
	if err := json.Unmarshal(text, &b); err != nil {
		return nil, fmt.Errorf("decode Bundle: %w", err)
	}
	made, err := time.Parse(time.RFC3339, b.Timestamp)
	if err != nil {
		return nil, fmt.Errorf("decode Bundle: %w", err)
	}
	h := &Handout{Patient: patient, Made: made, By: by, Whole: b.Meta != nil && slices.Contains(b.Meta.Tag, complete())}
	for _, e := range b.Entry {
		h.Entries = append(h.Entries, Entry{e.FullURL, e.Resource})
	}
	return h, nil
}

//go:embed page.html
var pageText string

// HTML gives the copy for people.
func (h *Handout) HTML() ([]byte, error) {
	t, err := template.New("handout").Parse(pageText)
	if err != nil {
		return nil, fmt.Errorf("parse document: %w", err)
	}
	p, err := h.page()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Execute(&out, p); err != nil {
		return nil, fmt.Errorf("write document: %w", err)
	}
	return out.Bytes(), nil
}
