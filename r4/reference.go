package r4

import (
	"iter"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
)

// Reference is what a FHIR reference names (FHIR R4, references.html).
type Reference struct {
	Type    string // the target's type, as far as it is known
	ID      string // the target's logical id, for a RESTful reference
	Version string // the target's version, where one is named
	URL     string // the reference as written, when absolute (or a canonical); empty for a relative one
	// Identifier is the target's business identifier, for a logical reference.
	Identifier Token
}

// Local reports whether the reference is relative: Type/id on the same server.
func (r Reference) Local() bool { return r.URL == "" && r.ID != "" }

// Ref gives the target of a local reference.
func (r Reference) Ref() tutela.Ref { return tutela.Ref{Type: r.Type, ID: r.ID} }

// ParseReference reads a literal reference: Type/id, Type/id/_history/version, or an absolute URL,
// which may end like that. It reports false for others: fragments (#id), searches (Type?…), noise.
func ParseReference(s string) (Reference, bool) {
	if s == "" || s[0] == '#' {
		return Reference{}, false
	}
	r := restful(s)
	if i := strings.IndexByte(s, ':'); i > 0 && !strings.ContainsAny(s[:i], "/?#") {
		r.URL = s
		return r, true
	}
	return r, r.ID != "" && strings.Count(s, "/") == slashes(r)
}

func slashes(r Reference) int {
	if r.Version != "" {
		return 3
	}
	return 1
}

// restful reads Type/id or Type/id/_history/version off the end of s.
func restful(s string) Reference {
	var r Reference
	parts := strings.Split(s, "/")
	if n := len(parts); n >= 4 && parts[n-2] == "_history" && ValidID(parts[n-1]) {
		r.Version = parts[n-1]
		parts = parts[:n-2]
	}
	n := len(parts)
	if n < 2 || !IsResourceType(parts[n-2]) || !ValidID(parts[n-1]) {
		return Reference{}
	}
	r.Type, r.ID = parts[n-2], parts[n-1]
	return r
}

// References yields every literal Reference.reference in the resource, those of contained and
// bundled resources included, with the node of the reference string. Fragments and conditional
// references are left out.
func (r *Resource) References() iter.Seq2[Reference, Node] {
	return func(yield func(Reference, Node) bool) {
		root := r.Root()
		for i := root.at; i < root.node().next; i++ {
			n := Node{r.doc, i}
			if !n.isLiteral() {
				continue
			}
			if ref, ok := ParseReference(n.Text()); ok && !yield(ref, n) {
				return
			}
		}
	}
}

// isLiteral reports whether the node is the string of a Reference.reference.
func (n Node) isLiteral() bool {
	v := n.node()
	def := &types[typeReference]
	return v.kind == '"' && v.elem >= def.first && v.elem < def.end && elements[v.elem].name == "reference"
}

// Patients lists, sorted and each once, the patients that the resource concerns when it is stored under
// id: those that a relative reference names anywhere in it, itself if it is a Patient, and the Patients
// among the entries of a Bundle. The id that it came with names nobody: a create gives it another.
func (r *Resource) Patients(id string) []tutela.PatientID {
	var out []tutela.PatientID
	if r.Root().node().typ == typePatient && id != "" {
		out = append(out, tutela.PatientID(id))
	}
	for ref := range r.References() {
		if ref.Local() && ref.Type == "Patient" {
			out = append(out, tutela.PatientID(ref.ID))
		}
	}
	root := r.Root()
	for i := root.at + 1; i < root.node().next; i++ {
		n := Node{r.doc, i}
		if v := n.node(); v.typ == typePatient && v.kind == '{' && elements[v.elem].name != "contained" {
			if id := n.Child("id").Text(); id != "" {
				out = append(out, tutela.PatientID(id))
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Path renders the node's place as FHIRPath, as in "Patient.name[0].given[1]".
func (n Node) Path() string {
	var b strings.Builder
	b.WriteString(n.doc.nodes[0].typ.name())
	for at := int32(0); at != n.at; {
		child, index := n.doc.childTowards(at, n.at)
		if n.doc.nodes[at].kind == '[' {
			b.WriteString(index)
		} else {
			b.WriteString("." + elements[n.doc.nodes[child].elem].name)
		}
		at = child
	}
	return b.String()
}
