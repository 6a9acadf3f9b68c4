package redact

import (
	"regexp"
	"strings"
)

// Kind is what was taken out.
type Kind string

// The kinds.
const (
	Secret  Kind = "secret" // passwords, tokens, keys, cookies
	Name    Kind = "name"
	Email   Kind = "email"
	Phone   Kind = "phone"
	SSN     Kind = "ssn"    // social security number
	Record  Kind = "record" // number of a chart, a member, a patient
	Birth   Kind = "birth"  // date of birth
	Address Kind = "address"
	Card    Kind = "card" // number of a payment card
)

// Mark is what stands in the place of what was taken out.
func (k Kind) Mark() string { return "[tutela:" + string(k) + "]" }

// Redactor takes patient data and secrets out of text. Its zero value is ready. Safe for concurrent use.
type Redactor struct {
	// Patient gives what stands for a patient's logical id in a FHIR reference: a pseudonym of sixteen hexadecimal
	// digits. Nil strikes the id out.
	Patient func(id string) string
}

// rounds bounds how often a text is gone over: what was taken out may lay something else bare.
const rounds = 8

// Text takes everything out of a text. Doing it again changes nothing.
func (r Redactor) Text(s string) string {
	for range rounds {
		next := r.once(s)
		if next == s {
			break
		}
		s = next
	}
	return s
}

// Field takes everything out of the value of a named field, such as a member of a JSON object by dotted name.
func (r Redactor) Field(name, value string) string {
	for _, l := range labelled {
		if l.field.MatchString(name) && l.fits(value) {
			return l.kind.Mark()
		}
	}
	return r.Text(value)
}

// once goes over a text.
func (r Redactor) once(s string) string {
	lower := strings.ToLower(s)
	for i := range shapes {
		if shapes[i].maybe(lower) {
			s = shapes[i].strike(s)
		}
	}
	if strings.Contains(s, "Patient") {
		s = reference.ReplaceAllStringFunc(s, r.patient)
	}
	return s
}

// reference is a FHIR reference to a patient, also in an address; percent-encoded too.
var reference = regexp.MustCompile(`\bPatient(?:/|%2[Ff])[A-Za-z0-9.-]{1,64}`)

// pseudonymous is an id that was replaced before.
var pseudonymous = regexp.MustCompile(`^p-[0-9a-f]{16}$`)

// Known reports whether an id in a reference is a pseudonym that a Redactor put there.
func Known(id string) bool { return pseudonymous.MatchString(id) }

func (r Redactor) patient(ref string) string {
	at := len("Patient/")
	if ref[at-1] == '%' {
		at = len("Patient%2F")
	}
	id := ref[at:]
	switch {
	case Known(id):
		return ref
	case r.Patient == nil:
		return ref[:at] + "p-0000000000000000"
	}
	return ref[:at] + "p-" + r.Patient(id)
}

// strike replaces what a shape finds: its first group that is there, or else all of it.
func (s *shape) strike(text string) string {
	var out strings.Builder
	last := 0
	for _, m := range s.is.FindAllStringSubmatchIndex(text, -1) {
		from, to := group(m)
		if from < last || s.fits != nil && !s.fits(text[from:to]) {
			continue
		}
		out.WriteString(text[last:from])
		out.WriteString(s.kind.Mark())
		last = to
	}
	if last == 0 {
		return text
	}
	out.WriteString(text[last:])
	return out.String()
}

func group(m []int) (from, to int) {
	for i := 2; i < len(m); i += 2 {
		if m[i] >= 0 {
			return m[i], m[i+1]
		}
	}
	return m[0], m[1]
}

func (s *shape) maybe(lower string) bool {
	for _, h := range s.hints {
		if strings.Contains(lower, h) {
			return true
		}
	}
	return len(s.hints) == 0 && strings.ContainsAny(lower, "0123456789")
}
