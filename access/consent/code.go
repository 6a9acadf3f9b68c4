package consent

import (
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// The code systems that decide. FHIR and HL7 terminology (THO) define them.
const (
	systemScope           = "http://terminology.hl7.org/CodeSystem/consentscope"
	systemAction          = "http://terminology.hl7.org/CodeSystem/consentaction"
	systemPolicy          = "http://terminology.hl7.org/CodeSystem/consentpolicycodes"
	systemActCode         = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
	systemPurpose         = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
	systemConfidentiality = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
	systemParticipation   = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
	systemFunction        = "http://terminology.hl7.org/CodeSystem/v3-ParticipationFunction"
	systemRoleCode        = "http://terminology.hl7.org/CodeSystem/v3-RoleCode"
	systemResourceTypes   = "http://hl7.org/fhir/resource-types"
)

func token(coding r4.Node) r4.Token {
	return r4.Token{System: coding.Child("system").Text(), Code: coding.Child("code").Text()}
}

// tokens reads a list of Codings; the result is never nil.
func tokens(list r4.Node) []r4.Token {
	out := []r4.Token{}
	for n := range list.Items() {
		out = append(out, token(n))
	}
	return out
}

// concept reads the codings of a CodeableConcept.
func concept(n r4.Node) []r4.Token { return tokens(n.Child("coding")) }

// within reports whether code is top or lies below it in a tree, of which parent gives each code's parent,
// "" at the root.
func within(parent func(string) string, code, top string) bool {
	for ; code != ""; code = parent(code) {
		if code == top {
			return true
		}
	}
	return false
}

// broaderPurpose gives the parent of a purpose in v3 PurposeOfUse (THO 7.0.1).
func broaderPurpose(code string) string {
	switch code {
	case "CLINTRL", "COC", "ETREAT", "POPHLTH", "TREATDS":
		return "TREAT"
	case "BTG", "ERTREAT":
		return "ETREAT"
	case "CLMATTCH", "COVAUTH", "COVERAGE", "PMTDS", "REMITADV":
		return "HPAYMT"
	case "ELIGDTRM", "ELIGVER", "ENROLLM", "MILDCRG":
		return "COVERAGE"
	case "CAREMGT", "DONAT", "FRAUD", "GOV", "HACCRED", "HCOMPL", "HDECD", "HDIRECT", "HDM", "HLEGAL", "HOUTCOMS",
		"HPRGRP", "HQUALIMP", "HSYSADMIN", "MEMADMIN", "MILCDM", "MLTRAINING", "PATADMIN", "PATSFTY", "PERFMSR",
		"RECORDMGT", "SYSDEV", "TRAIN":
		return "HOPERAT"
	case "LABELING", "METAMGT":
		return "HSYSADMIN"
	case "HTEST":
		return "SYSDEV"
	case "BIORCH", "CLINTRCH", "DSRCH", "POARCH", "TRANSRCH":
		return "HRESCH"
	case "CLINTRCHNPC", "CLINTRCHPC", "PRECLINTRCH":
		return "CLINTRCH"
	case "FAMRQT", "PWATRNY", "SUPNWK":
		return "PATRQT"
	case "DISASTER", "THREAT":
		return "PUBHLTH"
	}
	return ""
}

// broaderLabel gives the parent of a sensitivity (THO 7.0.1, ActInformationSensitivityPolicy). ETH is older
// than SPI, whose definition includes substance abuse.
func broaderLabel(code string) string {
	switch code {
	case "ETH", "BH", "MH", "PSY", "PSYTHPN", "SUD":
		return "SPI"
	case "COGN", "DVD", "EMOTDIS":
		return "BH"
	case "ETHUD", "OPIOIDUD":
		return "SUD"
	}
	return ""
}

// isPurpose reports whether a purpose is top or a kind of it.
func isPurpose(p, top tutela.Purpose) bool { return within(broaderPurpose, string(p), string(top)) }

// routine reports whether a purpose is treatment, payment or health care operations (45 CFR 164.506).
func routine(p tutela.Purpose) bool {
	return isPurpose(p, tutela.PurposeTreatment) || isPurpose(p, tutela.PurposePayment) || isPurpose(p, tutela.PurposeOperations)
}

// rank orders v3 Confidentiality from unrestricted up; 0 for what is none of its codes.
func rank(code string) int {
	if len(code) != 1 {
		return 0
	}
	return 1 + strings.Index("ULMNRV", code)
}

// confidentiality is the highest rank among labels, that of N where none is stated.
func confidentiality(labels []r4.Token) int {
	highest := 0
	for _, l := range labels {
		if l.System == systemConfidentiality {
			highest = max(highest, rank(l.Code))
		}
	}
	if highest == 0 {
		return rank("N")
	}
	return highest
}
