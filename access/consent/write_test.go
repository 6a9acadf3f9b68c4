package consent_test

import (
	"strings"
	"testing"
)

const (
	actCode = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	scopes  = "http://terminology.hl7.org/CodeSystem/consentscope"
)

// readConsent writes the FHIR of a line "consent id word…".
func readConsent(t testing.TB, id string, words []string) object {
	c := object{
		"resourceType": "Consent", "id": id, "status": "active",
		"scope": codeable(scopes + "|patient-privacy"), "patient": object{"reference": "Patient/p"},
		"category": []object{codeable("http://loinc.org|59284-0")},
	}
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "status":
			c["status"] = value
		case "given":
			c["dateTime"] = value
		case "scope":
			c["scope"] = codeable(inSystem(scopes, value))
		case "base":
			c["policyRule"] = codeable(inSystem(actCode, value))
		case "patient":
			c["patient"] = party(value)
		case "modifier":
			c["modifierExtension"] = modifier()
		case "rules":
			c["implicitRules"] = "http://example.org/rules"
		case "verified", "unverified":
			c["verification"] = []object{{"verified": key == "verified"}}
		default:
			t.Fatalf("what is %q?", w)
		}
	}
	return c
}

// readProvision writes the FHIR of a line "permit word…".
func readProvision(t testing.TB, kind string, words []string) object {
	p := object{}
	if kind == "permit" || kind == "deny" {
		p["type"] = kind
	}
	add := func(key string, item object) {
		list, _ := p[key].([]object)
		p[key] = append(list, item)
	}
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		switch key {
		case "to":
			add("actor", actor("PRCP", value))
		case "actor":
			i := strings.LastIndex(value, ":")
			add("actor", actor(value[:i], value[i+1:]))
		case "period":
			p["period"] = period(value)
		case "data-period":
			p["dataPeriod"] = period(value)
		case "purpose":
			add("purpose", coding(inSystem("http://terminology.hl7.org/CodeSystem/v3-ActReason", value)))
		case "action":
			add("action", codeable(inSystem("http://terminology.hl7.org/CodeSystem/consentaction", value)))
		case "label":
			add("securityLabel", coding(inSystem(labelSystem(value), value)))
		case "class":
			add("class", coding(inSystem("http://hl7.org/fhir/resource-types", value)))
		case "code":
			add("code", codeable(value))
		case "data":
			meaning, ref, _ := strings.Cut(value, ":")
			add("data", object{"meaning": meaning, "reference": party(ref)})
		case "modifier":
			p["modifierExtension"] = modifier()
		case "modified":
			for _, item := range p[value].([]object) {
				item["modifierExtension"] = modifier()
			}
		default:
			t.Fatalf("what is %q?", w)
		}
	}
	if len(p) == 0 {
		p["id"] = "all"
	}
	return p
}

func actor(role, who string) object {
	return object{
		"role":      codeable(inSystem("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", role)),
		"reference": party(who),
	}
}

// party writes a reference: Type/id, system|value, or else words.
func party(who string) object {
	if system, value, ok := strings.Cut(who, "|"); ok {
		return object{"identifier": object{"system": system, "value": value}}
	}
	if strings.Contains(who, "/") {
		return object{"reference": who}
	}
	return object{"display": "somebody"}
}

// inSystem gives a code without a system the one that is usual.
func inSystem(usual, code string) string {
	if strings.Contains(code, "|") || code == "text" || code == "words" {
		return code
	}
	return usual + "|" + code
}

// codeable writes a CodeableConcept of system|code (several with commas between), or of words alone.
func codeable(code string) object {
	if !strings.Contains(code, "|") {
		return object{"text": "in words"}
	}
	var list []object
	for c := range strings.SplitSeq(code, ",") {
		list = append(list, coding(c))
	}
	return object{"coding": list}
}

func coding(code string) object {
	system, code, _ := strings.Cut(code, "|")
	if system == "" {
		return object{"code": code}
	}
	return object{"system": system, "code": code}
}

// period writes from/to, either of which may be empty.
func period(value string) object {
	from, to, _ := strings.Cut(value, "/")
	p := object{}
	if from != "" {
		p["start"] = from
	}
	if to != "" {
		p["end"] = to
	}
	if len(p) == 0 {
		p["id"] = "open"
	}
	return p
}

func modifier() []object {
	return []object{{"url": "http://example.org/only-on-weekends", "valueBoolean": true}}
}
