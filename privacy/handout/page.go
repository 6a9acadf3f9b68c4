package handout

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// page is what the document draws.
type page struct {
	Name, Born, Ref, By string
	Made                time.Time
	Whole               bool
	Groups              []group
}

// group are the resources of one type.
type group struct {
	Type, Title string
	Items       []item
}

// item is one resource.
type item struct {
	Anchor, Title, When string
	Parts               []node
}

func (h *Handout) page() (page, error) {
	p := page{Ref: "Patient/" + string(h.Patient), By: h.By, Made: h.Made.UTC(), Whole: h.Whole}
	roots := make([]node, len(h.Entries))
	anchors := map[string]string{}
	for i, e := range h.Entries {
		var err error
		if roots[i], err = read(e.JSON); err != nil {
			return p, err
		}
		ref := roots[i].text("resourceType") + "/" + roots[i].text("id")
		anchors[ref] = strings.ReplaceAll(ref, "/", "-")
	}
	at := map[string]int{}
	for i := range roots {
		root := &roots[i]
		typ := root.text("resourceType")
		ref := typ + "/" + root.text("id")
		if ref == p.Ref {
			p.Name, p.Born = nameOf(root), root.text("birthDate")
		}
		n, known := at[typ]
		if !known {
			n = len(p.Groups)
			at[typ] = n
			p.Groups = append(p.Groups, group{Type: typ, Title: words(typ)})
		}
		p.Groups[n].Items = append(p.Groups[n].Items, item{Anchor: anchors[ref], Title: titleOf(root), When: whenOf(root), Parts: shown(root.Parts, anchors)})
	}
	for i := range p.Groups {
		slices.SortStableFunc(p.Groups[i].Items, func(a, b item) int { return cmp.Compare(b.When, a.When) })
	}
	p.Name = cmp.Or(p.Name, p.Ref)
	return p, nil
}

// shown are the parts as people read them: lists drawn out, what is no text cut short, references led to
// where they are.
func shown(parts []node, anchors map[string]string) []node {
	var list []node
	for _, n := range parts {
		if len(n.Parts) > 0 && n.Parts[0].Name == n.Name {
			list = append(list, shown(n.Parts, anchors)...)
			continue
		}
		out := node{Name: words(n.Name), Text: plain(n.Name, n.Text), Parts: shown(n.Parts, anchors)}
		if n.Name == "reference" {
			out.Link = anchors[n.Text]
		}
		list = append(list, out)
	}
	return list
}

func nameOf(patient *node) string {
	name := patient.child("name")
	if text := name.text("text"); text != "" {
		return text
	}
	return strings.TrimSpace(name.text("given") + " " + name.text("family"))
}

// titleOf is what a resource is about, in a few words.
func titleOf(n *node) string {
	for _, name := range []string{"code", "vaccineCode", "medicationCodeableConcept", "type", "category", "class", "specialty"} {
		if text := conceptOf(n.child(name)); text != "" {
			return text
		}
	}
	if text := nameOf(n); text != "" {
		return text
	}
	return cmp.Or(n.text("name"), n.text("title"), n.text("description"), n.text("id"))
}

// conceptOf is a CodeableConcept or a Coding in words.
func conceptOf(n *node) string {
	if n == nil {
		return ""
	}
	return cmp.Or(n.text("text"), n.text("coding", "display"), n.text("coding", "code"), n.text("display"), n.text("code"), n.Text)
}

// whenOf is the day that a resource tells of.
func whenOf(n *node) string {
	for _, path := range [][]string{{"effectiveDateTime"}, {"effectivePeriod", "start"}, {"performedDateTime"}, {"performedPeriod", "start"},
		{"occurrenceDateTime"}, {"onsetDateTime"}, {"authoredOn"}, {"recordedDate"}, {"period", "start"}, {"billablePeriod", "start"}, {"date"}, {"created"}, {"issued"}, {"start"}} {
		if text := n.text(path...); text != "" {
			return text[:min(len(text), len("2006-01-02"))]
		}
	}
	return ""
}
