package report

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// The parts of CycloneDX 1.6 (ECMA-424) that we fill.
type (
	bill struct {
		Schema       string            `json:"$schema"`
		Format       string            `json:"bomFormat"`
		Spec         string            `json:"specVersion"`
		Serial       string            `json:"serialNumber,omitempty"`
		Version      int               `json:"version"`
		Metadata     billMetadata      `json:"metadata"`
		Components   []billComponent   `json:"components"`
		Dependencies []billDependency  `json:"dependencies"`
		Compositions []billComposition `json:"compositions"`
		Faults       []billFault       `json:"vulnerabilities,omitempty"`
	}
	billMetadata struct {
		Time  string `json:"timestamp"`
		Tools struct {
			Components []billComponent `json:"components"`
		} `json:"tools"`
		Component billComponent `json:"component"`
	}
	billComponent struct {
		Type       string         `json:"type"`
		Ref        string         `json:"bom-ref,omitempty"`
		Name       string         `json:"name"`
		Version    string         `json:"version,omitempty"`
		Scope      string         `json:"scope,omitempty"`
		Hashes     []billHash     `json:"hashes,omitempty"`
		Licenses   []billLicense  `json:"licenses,omitempty"`
		PURL       string         `json:"purl,omitempty"`
		Evidence   *billEvidence  `json:"evidence,omitempty"`
		Properties []billProperty `json:"properties,omitempty"`
	}
	billHash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	billLicense struct {
		Expression string       `json:"expression,omitempty"`
		License    *billLicence `json:"license,omitempty"`
	}
	billLicence struct {
		Name string `json:"name"`
	}
	billEvidence struct {
		Occurrences []billOccurrence `json:"occurrences"`
	}
	billOccurrence struct {
		Location string `json:"location"`
	}
	billProperty struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	billDependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn,omitempty"`
	}
	billComposition struct {
		Aggregate  string   `json:"aggregate"`
		Assemblies []string `json:"assemblies"`
	}
	billFault struct {
		Ref            string          `json:"bom-ref"`
		ID             string          `json:"id"`
		Source         billSource      `json:"source"`
		References     []billReference `json:"references,omitempty"`
		Ratings        []billRating    `json:"ratings"`
		CWE            []int           `json:"cwes,omitempty"`
		Description    string          `json:"description,omitempty"`
		Recommendation string          `json:"recommendation,omitempty"`
		Analysis       *billAnalysis   `json:"analysis,omitempty"`
		Affects        []billAffected  `json:"affects"`
		Properties     []billProperty  `json:"properties,omitempty"`
	}
	billSource struct {
		Name string `json:"name"`
		URL  string `json:"url,omitempty"`
	}
	billReference struct {
		ID     string     `json:"id"`
		Source billSource `json:"source"`
	}
	billRating struct {
		Severity string `json:"severity"`
	}
	billAnalysis struct {
		Detail string `json:"detail"`
	}
	billAffected struct {
		Ref string `json:"ref"`
	}
)

// root is how the tree itself is called in the bill.
const root = "tree"

// CycloneDX writes the bill of materials as CycloneDX 1.6, with the faults that are known of its parts. The same
// report gives the same bytes. Whether all parts are in it stands among the compositions.
func CycloneDX(w io.Writer, r *supply.Report) error {
	b := bill{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", Spec: "1.6", Version: 1,
		Components: []billComponent{}, Compositions: []billComposition{{completeness(r), []string{root}}},
	}
	name, version, _ := strings.Cut(r.Tool, " ")
	b.Metadata.Time = r.Began.UTC().Format("2006-01-02T15:04:05Z")
	b.Metadata.Tools.Components = []billComponent{{Type: "application", Name: name, Version: version}}
	b.Metadata.Component = billComponent{Type: "application", Ref: root, Name: target(r.Target)}
	b.addComponents(r.Components)
	b.addFaults(r.Findings)
	if err := b.number(); err != nil {
		return err
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(b)
}

// target is the tree's name, without the folders that it lies in.
func target(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	return filepath.Base(path)
}

// number gives the bill a serial number that follows from what is in it: a UUID of version 8 (RFC 9562).
func (b *bill) number() error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	s := sha256.Sum256(text)
	s[6], s[8] = s[6]&0x0f|0x80, s[8]&0x3f|0x80
	b.Serial = fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", s[:4], s[4:6], s[6:8], s[8:10], s[10:16])
	return nil
}

// completeness says whether all parts are there: not when something could not be checked.
func completeness(r *supply.Report) string {
	for _, c := range r.Checked {
		if c.Class == supply.Dependencies {
			if len(c.Failed) > 0 {
				return "incomplete"
			}
			return "complete"
		}
	}
	return "unknown"
}

// addComponents adds each part once, with all places that name it, and what needs what.
func (b *bill) addComponents(list []supply.Component) {
	at, needs := map[string]int{}, map[string][]string{}
	for _, c := range list {
		i, seen := at[c.PURL]
		if !seen {
			i = len(b.Components)
			at[c.PURL] = i
			b.Components = append(b.Components, part(c))
		}
		if !c.Develop {
			b.Components[i].Scope = ""
		}
		if e := b.Components[i].Evidence; !slices.Contains(e.Occurrences, billOccurrence{c.Path}) {
			e.Occurrences = append(e.Occurrences, billOccurrence{c.Path})
		}
		needs[c.PURL] = append(needs[c.PURL], c.Requires...)
		if c.Direct {
			needs[root] = append(needs[root], c.PURL)
		}
	}
	known := func(ref string) bool { _, ok := at[ref]; return ok }
	b.Dependencies = []billDependency{{root, distinct(needs[root], known)}}
	for _, c := range b.Components {
		b.Dependencies = append(b.Dependencies, billDependency{c.Ref, distinct(needs[c.Ref], known)})
	}
}

func distinct(list []string, known func(string) bool) []string {
	list = slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !known(s) })
	slices.Sort(list)
	return slices.Compact(list)
}

// part describes one component.
func part(c supply.Component) billComponent {
	p := billComponent{Type: "library", Ref: c.PURL, Name: c.Name, Version: c.Version, PURL: c.PURL, Licenses: licences(c.Licenses), Evidence: &billEvidence{}}
	if c.Develop {
		p.Scope = "excluded"
	}
	for _, h := range c.Hashes {
		algorithm, content, _ := strings.Cut(h, ":")
		p.Hashes = append(p.Hashes, billHash{algorithm, content})
	}
	p.Properties = append(p.Properties, billProperty{"tutela:ecosystem", c.Ecosystem})
	if c.Deprecated != "" {
		p.Properties = append(p.Properties, billProperty{"tutela:deprecated", c.Deprecated})
	}
	return p
}

// expression is what an SPDX licence expression looks like (SPDX 2.3, annex D).
var expression = regexp.MustCompile(`^\(*[A-Za-z0-9][A-Za-z0-9.+-]*\)*(?: (?:AND|OR|WITH) \(*[A-Za-z0-9][A-Za-z0-9.+-]*\)*)*$`)

// licences gives one expression, or names: the schema takes one expression alone.
func licences(list []string) []billLicense {
	if len(list) == 1 && expression.MatchString(list[0]) && list[0] != "UNLICENSED" {
		return []billLicense{{Expression: list[0]}}
	}
	var out []billLicense
	for _, l := range list {
		out = append(out, billLicense{License: &billLicence{l}})
	}
	return out
}

// addFaults adds what is known of the parts: a fault once, with all parts that have it.
func (b *bill) addFaults(found []supply.Finding) {
	at := map[string]int{}
	refs := map[string]bool{}
	for _, c := range b.Components {
		refs[c.Ref] = true
	}
	for _, f := range found {
		if f.Class != supply.Dependencies || f.Component == nil || f.Rule.URL == "" || !refs[f.Component.PURL] {
			continue // what a publisher gave up is a property of the part
		}
		i, seen := at[f.Rule.ID]
		if !seen {
			i = len(b.Faults)
			at[f.Rule.ID] = i
			b.Faults = append(b.Faults, describeFault(f))
		}
		if a := (billAffected{f.Component.PURL}); !slices.Contains(b.Faults[i].Affects, a) {
			b.Faults[i].Affects = append(b.Faults[i].Affects, a)
		}
	}
}

func describeFault(f supply.Finding) billFault {
	v := billFault{
		Ref: "fault:" + f.Rule.ID, ID: f.Rule.ID, Source: billSource{"OSV", f.Rule.URL}, Ratings: []billRating{{f.Rule.Severity.String()}},
		Description: cut(f.Rule.Name), Recommendation: cut(f.Fix),
	}
	for _, a := range f.Aliases {
		v.References = append(v.References, billReference{a, billSource{Name: "OSV"}})
	}
	for _, c := range f.Rule.CWE {
		if n, err := strconv.Atoi(strings.TrimPrefix(c, "CWE-")); err == nil && n > 0 && !slices.Contains(v.CWE, n) {
			v.CWE = append(v.CWE, n)
		}
	}
	if f.Waiver != nil {
		v.Analysis = &billAnalysis{cut(f.Waiver.Reason)}
	}
	if f.Exploited {
		v.Properties = append(v.Properties, billProperty{"tutela:exploited", "true"})
	}
	if f.Reachable != nil {
		v.Properties = append(v.Properties, billProperty{"tutela:imported", strconv.FormatBool(*f.Reachable)})
	}
	return v
}
