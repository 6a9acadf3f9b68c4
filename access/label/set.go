package label

import (
	"fmt"
	"strings"

	"github.com/tutela-health/tutela/r4"
)

// Set is some labels, and the clearances to see what carries them. The zero Set is nothing: the label of
// what everybody may see, the clearance of whoever may see no more.
type Set uint16

// The labels. All but Part2 and Other are named by their codes of v3 Confidentiality and v3 ActCode.
const (
	Restricted     Set = 1 << iota // R: more than the usual protection
	VeryRestricted                 // V: by decision of patient or author for a few
	Part2                          // 42 CFR Part 2: from a federally assisted substance use programme
	SUD                            // substance use
	PSY                            // psychiatry, mental and behavioural health
	PSYTHPN                        // psychotherapy notes (45 CFR 164.501)
	HIV                            // HIV and AIDS
	STD                            // sexually transmitted disease
	SEX                            // sexuality and reproductive health
	SDV                            // sexual assault, abuse, domestic violence
	GDIS                           // genetic disease
	Other                          // a label whose meaning is not known here, or another sensitivity
)

// All is every label: the clearance for everything.
const All = Other<<1 - 1

// names gives the labels' names in the order of their bits.
func names() [12]string {
	return [...]string{"R", "V", "42CFRPart2", "SUD", "PSY", "PSYTHPN", "HIV", "STD", "SEX", "SDV", "GDIS", "OTHER"}
}

// Needs lists the clearances that one needs to see what carries the Set, by name; none for the zero Set.
func (s Set) Needs() []string {
	var out []string
	for i, name := range names() {
		if s&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	return out
}

// Within reports whether whoever holds the clearances may see what carries the Set. Clearance for very
// restricted includes that for restricted.
func (s Set) Within(clearances Set) bool { return s&^clearances.Widened() == 0 }

// Widened adds to clearances those that they include.
func (s Set) Widened() Set {
	if s&VeryRestricted != 0 {
		s |= Restricted
	}
	return s
}

// String gives the names with commas between.
func (s Set) String() string { return strings.Join(s.Needs(), ",") }

// ParseSet reads names with commas or spaces between; "*" is all.
func ParseSet(text string) (Set, error) {
	var s Set
	for name := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		bit := named(name)
		if bit == 0 {
			return 0, fmt.Errorf("label: %q is no label; there are %s and *", name, All)
		}
		s |= bit
	}
	return s, nil
}

func named(name string) Set {
	if name == "*" {
		return All
	}
	for i, n := range names() {
		if n == name {
			return 1 << i
		}
	}
	return 0
}

// The code systems of labels.
const (
	systemConfidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
	systemActCode         = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	systemPrivacyLaw      = "http://terminology.hl7.org/CodeSystem/v3-ActUSPrivacyLaw"
	systemActReason       = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	systemObservation     = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue"
)

// Codes gives the Set as security labels. Other has no code and is left out.
func (s Set) Codes() []r4.Token {
	out := []r4.Token{}
	for _, name := range (s &^ Other).Needs() {
		system := systemActCode
		if len(name) == 1 {
			system = systemConfidentiality
		}
		out = append(out, r4.Token{System: system, Code: name})
	}
	return out
}
