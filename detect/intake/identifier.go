package intake

import (
	"strings"

	"github.com/tutela-health/tutela"
)

// Identifier is what a system calls a patient.
type Identifier struct {
	Authority string // who assigned it: a name, or an OID where there is none
	Value     string
}

// Tokens turn what names a patient into what does not. They may be used by several readers at once.
type Tokens interface {
	// Patient gives the pseudonym of an identifier: the same from every source, and 0 for nobody alone.
	Patient(Identifier) tutela.Bucket
	// Likeness gives a keyed hash by which two people with the same value are known to share it: kind is "household"
	// or "family".
	Likeness(kind, value string) string
}

// ParseIdentifier reads an identifier as HL7's data type CX writes it with its default delimiters, as in
// "4711^^^HOSP&1.2.3&ISO^MR" or "4711^^^&1.2.3&ISO" (IHE ITI-20 writes patients so). A text without delimiters is a
// value that nobody is known to have assigned.
func ParseIdentifier(s string) Identifier {
	parts := strings.SplitN(s, "^", 6)
	id := Identifier{Value: strings.TrimSpace(parts[0])}
	if len(parts) > 3 {
		id.Authority = Authority(strings.SplitN(parts[3], "&", 3))
	}
	return id
}

// Authority chooses from the parts of an assigning authority (data type HD): its name, else its universal id.
func Authority(hd []string) string {
	for _, part := range hd[:min(len(hd), 2)] {
		if part = strings.TrimSpace(part); part != "" {
			return part
		}
	}
	return ""
}
