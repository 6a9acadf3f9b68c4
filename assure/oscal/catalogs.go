package oscal

import (
	"encoding/json"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/internal/errs"
)

// Names of properties of our namespace in a catalog.
const (
	propCitation   = "citation"
	propStatus     = "status"
	propLevel      = "level"
	propUnverified = "unverified"
	propAs         = "as"
	propRecorded   = "recorded"
	propUnbuilt    = "unbuilt"
	propLacks      = "lacks"
	propLabel      = "label" // the language's own: the id as citations write it
)

// Catalogs writes regulations as one catalog, a group each.
func Catalogs(list []catalog.Regulation, at time.Time) Document {
	c := Catalog{UUID: name("catalog"), Metadata: metadata("What is asked of an organisation", at)}
	c.Metadata.Remarks = "Ids are those of the sources; the wording is not. What is marked unverified was not held against an official source. No legal advice."
	for _, reg := range list {
		g := Group{ID: token(reg.ID), Title: reg.Title}
		g.Props = own(own(g.Props, propCitation, reg.Citation), propStatus, string(reg.Status))
		for _, r := range reg.Requirements {
			g.Controls = append(g.Controls, written(r))
		}
		c.Groups = append(c.Groups, g)
	}
	return Document{Catalog: &c}
}

func metadata(title string, at time.Time) Metadata {
	return Metadata{Title: title, LastModified: at.UTC(), Version: at.UTC().Format(time.RFC3339), OSCAL: Version}
}

func written(r catalog.Requirement) Control {
	c := Control{ID: token(r.Slug()), Title: r.Title, Props: []Property{{Name: propLabel, Value: r.ID}}}
	c.Props = own(own(c.Props, propLevel, string(r.Level)), propLacks, r.Lacks)
	for prop, set := range map[string]bool{propUnverified: r.Unverified, propUnbuilt: r.Unbuilt} {
		if set {
			c.Props = own(c.Props, prop, "true")
		}
	}
	for _, as := range r.As {
		c.Props = own(c.Props, propAs, as)
	}
	for _, p := range r.Recorded {
		c.Props = own(c.Props, propRecorded, string(p))
	}
	slices.SortStableFunc(c.Props, func(a, b Property) int { return strings.Compare(a.Name, b.Name) })
	if r.Says != "" {
		c.Parts = []Part{{Name: "statement", Prose: r.Says}}
	}
	return c
}

// maxDocument bounds a document that is read, in bytes.
const maxDocument = 16 << 20

// ReadCatalogs reads regulations from a catalog: ours, or one that somebody else wrote, whose groups are regulations of
// the organisation's own and whose controls are called by their label, else by their id.
func ReadCatalogs(r io.Reader) ([]catalog.Regulation, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(text) > maxDocument {
		return nil, errs.New(errs.TooLarge, "an OSCAL catalog has %d bytes at most", maxDocument)
	}
	var d Document
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "this is no OSCAL document in JSON")
	}
	if d.Catalog == nil || len(d.Catalog.Groups) == 0 {
		return nil, errs.New(errs.Invalid, "this is no OSCAL catalog with groups")
	}
	list := make([]catalog.Regulation, len(d.Catalog.Groups))
	for i, g := range d.Catalog.Groups {
		list[i] = g.regulation()
	}
	return list, nil
}

func (g Group) regulation() catalog.Regulation {
	reg := catalog.Regulation{ID: strings.TrimPrefix(g.ID, "r-"), Title: g.Title, Status: catalog.OurOwn, Citation: value(g.Props, propCitation)}
	if s := value(g.Props, propStatus); s != "" {
		reg.Status = catalog.Status(s)
	}
	for _, c := range g.Controls {
		reg.Requirements = append(reg.Requirements, c.requirement())
	}
	return reg
}

func (c Control) requirement() catalog.Requirement {
	r := catalog.Requirement{
		ID: c.ID, Title: c.Title, Level: catalog.Level(value(c.Props, propLevel)), Lacks: value(c.Props, propLacks),
		Unverified: value(c.Props, propUnverified) == "true", Unbuilt: value(c.Props, propUnbuilt) == "true",
	}
	for _, p := range c.Props {
		switch {
		case p.Name == propLabel && p.NS == "":
			r.ID = p.Value
		case p.NS == Namespace && p.Name == propAs:
			r.As = append(r.As, p.Value)
		case p.NS == Namespace && p.Name == propRecorded:
			r.Recorded = append(r.Recorded, catalog.Population(p.Value))
		}
	}
	for _, p := range c.Parts {
		if p.Name == "statement" && r.Says == "" {
			r.Says = p.Prose
		}
	}
	return r
}

// value is of a property of our namespace.
func value(list []Property, name string) string {
	for _, p := range list {
		if p.NS == Namespace && p.Name == name {
			return p.Value
		}
	}
	return ""
}
