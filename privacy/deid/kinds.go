package deid

import (
	"slices"
	"strings"
)

// kind is what becomes of an object of a type.
type kind int

const (
	plain   kind = iota // its members, each by its type
	removed             // nothing of it shows
	ofReference
	ofAddress
	ofCoding
	ofQuantity
	ofExtension
)

// kindOf sorts the complex types of FHIR R4. The plain ones have members of their own, each of which is
// judged again: what they hold of strings goes in any case.
func kindOf(typ string) kind {
	switch typ {
	case "HumanName", "ContactPoint", "ContactDetail", "Identifier", "Attachment", "Narrative", "Signature", "Contributor",
		"RelatedArtifact", "Meta", "Location.position", "Device.udiCarrier", "Patient.contact", "Patient.link", "Person.link",
		"SubstanceAmount", "ProdCharacteristic", "ElementDefinition", "Expression", "ParameterDefinition", "TriggerDefinition":
		return removed
	case "Reference":
		return ofReference
	case "Address":
		return ofAddress
	case "Coding":
		return ofCoding
	case "Quantity", "SimpleQuantity", "Age", "Duration", "Distance", "Count", "MoneyQuantity":
		return ofQuantity
	case "Extension":
		return ofExtension
	}
	return plain
}

// knownExtension tells the extensions that are shown, and the parts of which the first two consist.
func knownExtension(url string) bool {
	const us = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
	switch url {
	case us + "race", us + "ethnicity", us + "birthsex", "ombCategory", "detailed":
		return true
	}
	return false
}

// shaped accepts codes that the specification does not list, by the form that their standard gives them:
// languages (BCP 47), currencies (ISO 4217), sexes (v3 AdministrativeGender). All others are not known.
func shaped(element, code string) bool {
	switch element {
	case "language":
		return language(code)
	case "valueCode": // of a known extension: sex at birth
		return slices.Contains([]string{"M", "F", "UNK", "OTH"}, code)
	case "currency":
		return len(code) == 3 && strings.Trim(code, upper) == ""
	}
	return false
}

const (
	upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower = "abcdefghijklmnopqrstuvwxyz"
)

// language accepts a language of two or three letters, and a region of two.
func language(code string) bool {
	lang, region, more := strings.Cut(code, "-")
	return (len(lang) == 2 || len(lang) == 3) && strings.Trim(lang, lower) == "" &&
		(!more || len(region) == 2 && strings.Trim(region, upper) == "")
}
