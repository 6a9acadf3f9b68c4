package deid

import (
	_ "embed"
	"regexp"
	"strings"

	"github.com/tutela-health/tutela/r4"
)

//go:embed codes.tsv
var publication string //nolint:gochecknoglobals // a file of the binary

// codes say which codes are no more than codes: a local one may be a name or a record number.
type codes struct {
	listed map[string]map[string]bool // systems of FHIR R4's publication, all of whose codes are known
	formed map[string]func(string) bool
	units  units
}

// published knows the systems of FHIR R4's publication, the great terminologies by the form and the check
// digits of their codes, and an organisation's own.
func published(own []string) codes {
	c := codes{listed: map[string]map[string]bool{}, formed: terminologies(), units: commonUnits()}
	c.formed["http://unitsofmeasure.org"] = c.units.known
	for line := range strings.Lines(publication) {
		system, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		list := c.listed[system]
		if list == nil {
			list = map[string]bool{}
			c.listed[system] = list
		}
		for code := range strings.SplitSeq(rest, "\t") {
			list[code] = true
		}
	}
	for _, system := range own {
		c.formed[system] = form(`^[A-Za-z0-9][A-Za-z0-9._/-]{0,31}$`)
	}
	return c
}

// known reports whether a code is one of its system's.
func (c codes) known(system, code string) bool {
	if list, ok := c.listed[system]; ok && list[code] {
		return true
	}
	formed, ok := c.formed[system]
	return ok && formed(code)
}

func form(pattern string) func(string) bool { return regexp.MustCompile(pattern).MatchString }

// terminologies are systems whose codes cannot be listed, and what their codes look like.
func terminologies() map[string]func(string) bool {
	icd10 := form(`^[A-Z]\d[0-9A-Z](\.?[0-9A-Z]{1,4})?$`)
	return map[string]func(string) bool{
		"http://snomed.info/sct":                       snomed,
		"http://loinc.org":                             loinc,
		"http://www.nlm.nih.gov/research/umls/rxnorm":  form(`^\d{1,7}$`),
		"http://hl7.org/fhir/sid/icd-10":               icd10,
		"http://hl7.org/fhir/sid/icd-10-cm":            icd10,
		"http://hl7.org/fhir/sid/icd-10-de":            icd10,
		"http://fhir.de/CodeSystem/bfarm/icd-10-gm":    icd10,
		"http://hl7.org/fhir/sid/icd-9-cm":             form(`^[EV]?\d{2,3}(\.\d{1,2})?$`),
		"http://www.cms.gov/Medicare/Coding/ICD10":     form(`^[0-9A-HJ-NP-Z]{7}$`),
		"http://hl7.org/fhir/sid/cvx":                  form(`^\d{1,3}$`),
		"http://hl7.org/fhir/sid/ndc":                  form(`^\d{4,5}-\d{3,4}-\d{1,2}$`),
		"http://www.ama-assn.org/go/cpt":               form(`^\d{4}[0-9FTU]$`),
		"http://www.whocc.no/atc":                      form(`^[A-Z](\d\d([A-Z]([A-Z](\d\d)?)?)?)?$`),
		"urn:oid:2.16.840.1.113883.6.238":              form(`^\d{4}-\d$`),
		"urn:ietf:bcp:47":                              language,
		"urn:iso:std:iso:4217":                         form(`^[A-Z]{3}$`),
		"http://dicom.nema.org/resources/ontology/DCM": form(`^([A-Z]{2,4}|\d{6})$`),
	}
}

// coding writes a Coding whose code is known.
func (p *pass) coding(n r4.Node) bool {
	system, code := n.Child("system").Text(), n.Child("code").Text()
	if !p.d.codes.known(system, code) {
		return false
	}
	w := p.open('{')
	p.text("system", system)
	p.text("code", code)
	for _, name := range []string{"display", "userSelected"} {
		if m := n.Child(name); m.Exists() {
			p.member(name, m)
		}
	}
	return p.close(w, '}')
}

// loinc accepts a code with its check digit (Luhn's, as LOINC Users' Guide, appendix), and a part's or
// answer's by its form.
func loinc(code string) bool {
	number, check, ok := strings.Cut(code, "-")
	if answer := strings.TrimPrefix(strings.TrimPrefix(number, "LA"), "LP"); answer != number {
		return ok && len(answer) <= 6 && digits(answer) && len(check) == 1 && digits(check)
	}
	if !ok || len(check) != 1 || len(number) > 7 || !digits(number) || !digits(check) {
		return false
	}
	sum := 0
	for i := range len(number) {
		n := int(number[len(number)-1-i] - '0')
		if i%2 == 0 {
			n *= 2
		}
		sum += n/10 + n%10
	}
	return (10-sum%10)%10 == int(check[0]-'0')
}

// snomed accepts an identifier with its check digit (Verhoeff's, as SNOMED CT Technical Implementation
// Guide, appendix C).
func snomed(code string) bool {
	if len(code) < 6 || len(code) > 18 || !digits(code) {
		return false
	}
	check := 0
	for i := range len(code) {
		check = dihedral(check, permuted(i, int(code[len(code)-1-i]-'0')))
	}
	return check == 0
}

// dihedral multiplies in the dihedral group of the pentagon.
func dihedral(a, b int) int {
	switch {
	case a < 5 && b < 5:
		return (a + b) % 5
	case a < 5:
		return 5 + (a+b-5)%5
	case b < 5:
		return 5 + (a-5+5-b)%5
	}
	return (a - b + 5) % 5
}

// permuted is Verhoeff's permutation, as often as the place says.
func permuted(times, digit int) int {
	for range times % 8 {
		digit = int("1576283094"[digit] - '0')
	}
	return digit
}
