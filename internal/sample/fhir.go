package sample

import (
	"encoding/json"
	"time"
)

// The data types of FHIR R4 as far as the charts use them (FHIR R4, 2.24).
type (
	coding struct {
		System  string `json:"system"`
		Code    string `json:"code"`
		Display string `json:"display,omitempty"`
	}
	concept struct {
		Coding []coding `json:"coding,omitempty"`
		Text   string   `json:"text,omitempty"`
	}
	reference struct {
		Reference string `json:"reference"`
		Display   string `json:"display,omitempty"`
	}
	identifier struct {
		Use    string   `json:"use,omitempty"`
		Type   *concept `json:"type,omitempty"`
		System string   `json:"system"`
		Value  string   `json:"value"`
	}
	period struct {
		Start string `json:"start,omitempty"`
		End   string `json:"end,omitempty"`
	}
	quantity struct {
		Value  json.Number `json:"value"`
		Unit   string      `json:"unit"`
		System string      `json:"system"`
		Code   string      `json:"code"`
	}
	humanName struct {
		Use    string   `json:"use,omitempty"`
		Family string   `json:"family"`
		Given  []string `json:"given"`
		Prefix []string `json:"prefix,omitempty"`
	}
	contact struct {
		System string `json:"system"`
		Value  string `json:"value"`
		Use    string `json:"use"`
	}
	address struct {
		Use        string   `json:"use,omitempty"`
		Line       []string `json:"line"`
		City       string   `json:"city"`
		State      string   `json:"state"`
		PostalCode string   `json:"postalCode"`
		Country    string   `json:"country"`
	}
)

// bundle is a transaction (FHIR R4, 3.1.0.11).
type bundle struct {
	ResourceType string  `json:"resourceType"`
	Type         string  `json:"type"`
	Entry        []entry `json:"entry"`
}

type entry struct {
	FullURL  string          `json:"fullUrl"`
	Resource json.RawMessage `json:"resource"`
	Request  request         `json:"request"`
}

type request struct {
	Method      string `json:"method"`
	URL         string `json:"url"`
	IfNoneExist string `json:"ifNoneExist,omitempty"`
}

// code makes a concept of one coding, with its display as text.
func code(system, code, display string) concept {
	return concept{Coding: []coding{{system, code, display}}, Text: display}
}

// status makes a concept that is only a code of an HL7 terminology.
func status(system, code string) *concept {
	return &concept{Coding: []coding{{System: terminology + system, Code: code}}}
}

func instant(t time.Time) string { return t.Format("2006-01-02T15:04:05Z07:00") }

func day(t time.Time) string { return t.Format("2006-01-02") }

// terminology is the stem of HL7's own code systems.
const terminology = "http://terminology.hl7.org/CodeSystem/"

// The code systems and identifier systems.
const (
	loinc  = "http://loinc.org"
	snomed = "http://snomed.info/sct"
	rxnorm = "http://www.nlm.nih.gov/research/umls/rxnorm"
	cvx    = "http://hl7.org/fhir/sid/cvx"
	ucum   = "http://unitsofmeasure.org"
	npi    = "http://hl7.org/fhir/sid/us-npi"
	ssn    = "http://hl7.org/fhir/sid/us-ssn"
	mrn    = "https://alder-valley.example/mrn"
	site   = "https://alder-valley.example/organization"
	member = "https://alder-valley.example/member"
)
