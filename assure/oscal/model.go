package oscal

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"time"
)

// Version is of the language.
const Version = "1.1.3"

// Namespace is of properties that the language has no word for.
const Namespace = "https://github.com/tutela-health/tutela/ns/oscal"

// Model names one of the language's documents.
type Model string

// The models that are written.
const (
	CatalogModel             Model = "catalog"
	ComponentDefinitionModel Model = "component-definition"
	AssessmentResultsModel   Model = "assessment-results"
	PlanOfActionModel        Model = "plan-of-action-and-milestones"
)

// Models are all of them.
func Models() []Model {
	return []Model{CatalogModel, ComponentDefinitionModel, AssessmentResultsModel, PlanOfActionModel}
}

// Document is one document: the member that is set is its model.
type Document struct {
	Catalog             *Catalog             `json:"catalog,omitempty"`
	ComponentDefinition *ComponentDefinition `json:"component-definition,omitempty"`
	AssessmentResults   *AssessmentResults   `json:"assessment-results,omitempty"`
	PlanOfAction        *PlanOfAction        `json:"plan-of-action-and-milestones,omitempty"`
}

// Metadata heads each document.
type Metadata struct {
	Title        string    `json:"title"`
	LastModified time.Time `json:"last-modified"`
	Version      string    `json:"version"`
	OSCAL        string    `json:"oscal-version"`
	Remarks      string    `json:"remarks,omitempty"`
}

// Property is a name and a value. A value has no line breaks, and no spaces around it.
type Property struct {
	Name  string `json:"name"`
	NS    string `json:"ns,omitempty"`
	Value string `json:"value"`
}

// Link leads to another place: within the document to #id.
type Link struct {
	Href string `json:"href"`
	Rel  string `json:"rel,omitempty"`
}

// Catalog is what is asked.
type Catalog struct {
	UUID     string   `json:"uuid"`
	Metadata Metadata `json:"metadata"`
	Groups   []Group  `json:"groups,omitempty"`
}

// Group is a regulation.
type Group struct {
	ID       string     `json:"id,omitempty"`
	Title    string     `json:"title"`
	Props    []Property `json:"props,omitempty"`
	Controls []Control  `json:"controls,omitempty"`
}

// Control is a requirement.
type Control struct {
	ID    string     `json:"id"`
	Title string     `json:"title"`
	Props []Property `json:"props,omitempty"`
	Links []Link     `json:"links,omitempty"`
	Parts []Part     `json:"parts,omitempty"`
}

// Part is a piece of a control's text.
type Part struct {
	Name  string `json:"name"`
	Prose string `json:"prose,omitempty"`
}

// ComponentDefinition says which requirements components implement.
type ComponentDefinition struct {
	UUID       string      `json:"uuid"`
	Metadata   Metadata    `json:"metadata"`
	Components []Component `json:"components,omitempty"`
}

// Component is a piece of software.
type Component struct {
	UUID            string           `json:"uuid"`
	Type            string           `json:"type"`
	Title           string           `json:"title"`
	Description     string           `json:"description"`
	Implementations []Implementation `json:"control-implementations,omitempty"`
}

// Implementation is of the requirements of one source.
type Implementation struct {
	UUID         string        `json:"uuid"`
	Source       string        `json:"source"`
	Description  string        `json:"description"`
	Requirements []Implemented `json:"implemented-requirements"`
}

// Implemented is how one requirement is met.
type Implemented struct {
	UUID        string     `json:"uuid"`
	Control     string     `json:"control-id"`
	Description string     `json:"description"`
	Props       []Property `json:"props,omitempty"`
}

// AssessmentResults is what was observed.
type AssessmentResults struct {
	UUID     string   `json:"uuid"`
	Metadata Metadata `json:"metadata"`
	Plan     Href     `json:"import-ap"`
	Results  []Result `json:"results"`
	Back     *Back    `json:"back-matter,omitempty"`
}

// Href leads to a document.
type Href struct {
	Href string `json:"href"`
}

// Back holds what a document refers to.
type Back struct {
	Resources []Resource `json:"resources,omitempty"`
}

// Resource is something that a document refers to.
type Resource struct {
	UUID        string `json:"uuid"`
	Title       string `json:"title,omitempty"`
	Description string `json:"description,omitempty"`
}

// Result is of one assessment.
type Result struct {
	UUID         string        `json:"uuid"`
	Title        string        `json:"title"`
	Description  string        `json:"description"`
	Start        time.Time     `json:"start"`
	End          time.Time     `json:"end,omitzero"`
	Reviewed     Reviewed      `json:"reviewed-controls"`
	Observations []Observation `json:"observations,omitempty"`
	Findings     []Finding     `json:"findings,omitempty"`
}

// Reviewed says which controls were looked at.
type Reviewed struct {
	Selections []Selection `json:"control-selections"`
}

// Selection names controls.
type Selection struct {
	Include []Selected `json:"include-controls"`
}

// Selected is one of them.
type Selected struct {
	Control string `json:"control-id"`
}

// Observation is what was seen of one thing.
type Observation struct {
	UUID        string     `json:"uuid"`
	Title       string     `json:"title,omitempty"`
	Description string     `json:"description"`
	Props       []Property `json:"props,omitempty"`
	Methods     []string   `json:"methods"` // TEST, EXAMINE, INTERVIEW
	Collected   time.Time  `json:"collected"`
	Expires     time.Time  `json:"expires,omitzero"`
}

// Finding is what that means for a control.
type Finding struct {
	UUID         string     `json:"uuid"`
	Title        string     `json:"title"`
	Description  string     `json:"description"`
	Props        []Property `json:"props,omitempty"`
	Target       Target     `json:"target"`
	Observations []Related  `json:"related-observations,omitempty"`
}

// Target is the control, and whether it is satisfied.
type Target struct {
	Type   string `json:"type"`
	ID     string `json:"target-id"`
	Status Status `json:"status"`
}

// Status is satisfied or not-satisfied.
type Status struct {
	State  string `json:"state"`
	Reason string `json:"reason,omitempty"`
}

// Related leads to an observation.
type Related struct {
	UUID string `json:"observation-uuid"`
}

// PlanOfAction is what is left to do.
type PlanOfAction struct {
	UUID         string        `json:"uuid"`
	Metadata     Metadata      `json:"metadata"`
	System       SystemID      `json:"system-id"`
	Observations []Observation `json:"observations,omitempty"`
	Items        []PlanItem    `json:"poam-items"`
}

// SystemID names the system.
type SystemID struct {
	ID string `json:"id"`
}

// PlanItem is one thing to do.
type PlanItem struct {
	UUID         string     `json:"uuid"`
	Title        string     `json:"title"`
	Description  string     `json:"description"`
	Props        []Property `json:"props,omitempty"`
	Observations []Related  `json:"related-observations,omitempty"`
}

// name gives something a UUID by its names, so that it has the same in every document: 122 bits of SHA-256 over the
// names in the form of version 4, since the language takes versions 4 and 5 alone and 5 is of SHA-1 (RFC 9562, 5.5).
func name(names ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(names, "\x00")))
	b := sum[:16]
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// own makes a property of our namespace, and none of what has no value.
func own(list []Property, name, value string) []Property {
	if value = line(value); value == "" {
		return list
	}
	return append(list, Property{Name: name, NS: Namespace, Value: value})
}

// line is a text in one line, as values of properties are.
func line(s string) string { return strings.Join(strings.Fields(s), " ") }

// token is an id as the language has them: it begins with a letter.
func token(slug string) string { return "r-" + slug }
