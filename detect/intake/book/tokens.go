package book

import (
	"strconv"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/intake"
)

// Tokens make pseudonyms of identifiers: the same from every source that means the same authority by the same name.
// They are safe for concurrent use.
type Tokens struct {
	// Alias is a keyed hash.
	Alias func(what, value string) int64
	// Authorities are names of assigning authorities by what sources call them: "urn:oid:1.2.3" and "1.2.3" are the same,
	// and case does not count. A name that is not listed stands for itself.
	Authorities map[string]string
	// Default is whose identifiers are those without an authority.
	Default string
}

// NewTokens normalises the names of authorities.
func NewTokens(alias func(what, value string) int64, authorities map[string]string, byDefault string) *Tokens {
	t := &Tokens{Alias: alias, Authorities: make(map[string]string, len(authorities)), Default: plainName(byDefault)}
	for name, means := range authorities {
		t.Authorities[plainName(name)] = plainName(means)
	}
	for name := range t.Authorities { // what a name means is resolved already: resolving it again changes nothing
		t.Authorities[name] = t.end(name)
	}
	return t
}

// end follows a name to what it means at last.
func (t *Tokens) end(name string) string {
	for range len(t.Authorities) {
		means, ok := t.Authorities[name]
		if !ok || means == name {
			break
		}
		name = means
	}
	return name
}

// In are the same tokens where identifiers without an authority are another's.
func (t *Tokens) In(authority string) *Tokens {
	if authority == "" {
		return t
	}
	other := *t
	other.Default = plainName(authority)
	return &other
}

func plainName(s string) string {
	return strings.TrimPrefix(strings.ToLower(strings.TrimSpace(s)), "urn:oid:")
}

// Resolve gives an identifier with its authority as the tenant calls it.
func (t *Tokens) Resolve(id intake.Identifier) intake.Identifier {
	name := plainName(id.Authority)
	if name == "" {
		name = t.Default
	}
	if means, ok := t.Authorities[name]; ok {
		name = means
	}
	return intake.Identifier{Authority: name, Value: strings.TrimSpace(id.Value)}
}

// Patient implements intake.Tokens.
func (t *Tokens) Patient(id intake.Identifier) tutela.Bucket {
	id = t.Resolve(id)
	if id.Value == "" {
		return tutela.BucketGeneral
	}
	b := tutela.Bucket(t.Alias("foreign-patient", joined(id.Authority, strings.ToLower(id.Value))))
	if b == tutela.BucketGeneral || b == tutela.BucketShared {
		return ^tutela.Bucket(0)
	}
	return b
}

// Named gives the pseudonym of a patient as people write him: sixteen hexadecimal digits are a pseudonym, and anything else
// is AUTHORITY|NUMBER, or a number of the default authority.
func (t *Tokens) Named(s string) tutela.Bucket {
	if len(s) == 16 {
		if n, err := strconv.ParseUint(s, 16, 64); err == nil {
			return tutela.Bucket(n)
		}
	}
	authority, value, found := strings.Cut(s, "|")
	if !found {
		authority, value = "", s
	}
	return t.Patient(intake.Identifier{Authority: authority, Value: value})
}

// Likeness implements intake.Tokens.
func (t *Tokens) Likeness(kind, value string) string {
	return hex64(t.Alias("likeness", joined(kind, value)))
}

func hex64(n int64) string {
	s := strconv.FormatUint(uint64(n), 16)
	return strings.Repeat("0", 16-len(s)) + s
}

// joined joins texts so that no two lists of them give the same.
func joined(of ...string) string {
	var b strings.Builder
	for _, s := range of {
		b.WriteString(strconv.Itoa(len(s)))
		b.WriteByte(':')
		b.WriteString(s)
	}
	return b.String()
}
