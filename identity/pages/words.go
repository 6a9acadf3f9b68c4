package pages

import (
	"net/url"
	"strings"
	"unicode"

	"github.com/tutela-health/tutela"
)

// scopeWords says in plain words what a scope allows. A scope that it does not know is shown as
// it is written: a person is told less rather than something wrong.
func scopeWords(scope string, resource *tutela.Scope) string {
	if resource != nil {
		return resourceWords(*resource)
	}
	switch scope {
	case "openid":
		return "Know that it is you who signs in"
	case "profile", "fhirUser":
		return "Know who you are: your name and your own record as a person"
	case "launch", "launch/patient":
		return "Know which patient's record is open"
	case "launch/encounter":
		return "Know which visit is open"
	case "offline_access":
		return "Keep its access when you are not here, until you end it"
	case "online_access":
		return "Keep its access for as long as you are signed in"
	default:
		return "Use “" + scope + "”"
	}
}

// resourceWords says a SMART scope on FHIR resources (SMART App Launch 2.2, "Scopes for requesting
// FHIR Resources").
func resourceWords(s tutela.Scope) string {
	text := deeds(s.Letters) + " " + kindWords(s.Type)
	switch s.Context {
	case "patient":
		text += " of the one patient"
	case "user":
		text += " that you may reach yourself"
	case "system":
		text += " of all patients"
	}
	if s.Query != "" {
		text += ", only where " + queryWords(s.Query)
	}
	return text
}

// queryWords says what narrows a scope.
func queryWords(query string) string {
	var list []string
	for part := range strings.SplitSeq(query, "&") {
		name, value, _ := strings.Cut(part, "=")
		if plain, err := url.QueryUnescape(value); err == nil {
			value = plain
		}
		list = append(list, name+" is "+value)
	}
	return strings.Join(list, " and ")
}

// deeds says the letters of a scope.
func deeds(letters string) string {
	var list []string
	if strings.ContainsAny(letters, "rs") {
		list = append(list, map[bool]string{true: "read", false: "find"}[strings.Contains(letters, "r")])
	}
	for _, l := range []struct{ letter, deed string }{{"c", "add"}, {"u", "change"}, {"d", "delete"}} {
		if strings.Contains(letters, l.letter) {
			list = append(list, l.deed)
		}
	}
	text := strings.Join(list, ", ")
	if i := strings.LastIndex(text, ", "); i >= 0 {
		text = text[:i] + " and " + text[i+2:]
	}
	if text == "" {
		return "Nothing of"
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// kindWords says a type of FHIR resource in the plural: the words of care where they are known,
// else those of the type's name.
func kindWords(typ string) string {
	known := map[string]string{
		"*": "everything in the record", "Patient": "name, address and the like", "Observation": "measurements and laboratory results",
		"Condition": "diagnoses and problems", "AllergyIntolerance": "allergies", "Immunization": "vaccinations",
		"MedicationRequest": "prescriptions", "MedicationStatement": "medicines taken", "Procedure": "procedures",
		"Encounter": "visits and stays", "DiagnosticReport": "findings and reports", "DocumentReference": "documents",
		"CarePlan": "care plans", "CareTeam": "care teams", "Goal": "goals of treatment", "Device": "devices and implants",
		"Practitioner": "practitioners", "Organization": "organisations", "Location": "places", "Coverage": "insurance",
	}
	if words, ok := known[typ]; ok {
		return words
	}
	return typeName(typ) + " entries"
}

// typeName splits the name of a type into words: "RiskAssessment" is "risk assessment".
func typeName(typ string) string {
	var b strings.Builder
	for i, r := range typ {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte(' ')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
