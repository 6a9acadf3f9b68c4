package fhir_test

// form is how the naive evaluator reads an element.
type form string

const (
	formCode       form = "code"       // code, boolean or string: no system of its own
	formCoding     form = "coding"     //
	formConcept    form = "concept"    // CodeableConcept
	formIdentifier form = "identifier" //
	formContact    form = "contact"    // ContactPoint
	formText       form = "text"       // string
	formName       form = "name"       // HumanName
	formAddress    form = "address"    //
	formDate       form = "date"       // date, dateTime, instant or Period
	formReference  form = "reference"  //
	formQuantity   form = "quantity"   //
	formNumber     form = "number"     //
	formURI        form = "uri"        //
)

// where says by which elements a search parameter is answered, as the specification's tables say it,
// written down by hand.
type where struct {
	form  form
	paths []string
}

func in(f form, paths ...string) where { return where{f, paths} }

// commonPaths are the parameters of every type.
func commonPaths() map[string]where {
	return map[string]where{
		"_id":          in(formCode, "id"),
		"_lastUpdated": in(formDate, "meta.lastUpdated"),
		"_tag":         in(formCoding, "meta.tag"),
		"_security":    in(formCoding, "meta.security"),
		"_profile":     in(formURI, "meta.profile"),
	}
}

// naivePaths are the parameters that the naive evaluator knows.
func naivePaths() map[string]map[string]where {
	return map[string]map[string]where{
		"Patient": {
			"name": in(formName, "name"), "family": in(formText, "name.family"), "given": in(formText, "name.given"),
			"gender": in(formCode, "gender"), "birthdate": in(formDate, "birthDate"), "identifier": in(formIdentifier, "identifier"),
			"address": in(formAddress, "address"), "address-city": in(formText, "address.city"),
			"address-state": in(formText, "address.state"), "address-postalcode": in(formText, "address.postalCode"),
			"address-country": in(formText, "address.country"), "telecom": in(formContact, "telecom"), "active": in(formCode, "active"),
			"death-date": in(formDate, "deceasedDateTime"), "language": in(formConcept, "communication.language"),
			"general-practitioner": in(formReference, "generalPractitioner"), "link": in(formReference, "link.other"),
		},
		"Observation": {
			"code": in(formConcept, "code"), "category": in(formConcept, "category"), "status": in(formCode, "status"),
			"date":    in(formDate, "effectiveDateTime", "effectivePeriod", "effectiveInstant"),
			"subject": in(formReference, "subject"), "encounter": in(formReference, "encounter"), "performer": in(formReference, "performer"),
			"has-member": in(formReference, "hasMember"), "derived-from": in(formReference, "derivedFrom"),
			"value-quantity": in(formQuantity, "valueQuantity"), "value-concept": in(formConcept, "valueCodeableConcept"),
			"component-code":           in(formConcept, "component.code"),
			"component-value-quantity": in(formQuantity, "component.valueQuantity"),
			"combo-code":               in(formConcept, "code", "component.code"),
			"combo-value-quantity":     in(formQuantity, "valueQuantity", "component.valueQuantity"),
			"value-date":               in(formDate, "valueDateTime", "valuePeriod"),
			"identifier":               in(formIdentifier, "identifier"), "specimen": in(formReference, "specimen"),
			"data-absent-reason": in(formConcept, "dataAbsentReason"),
		},
		"Condition": {
			"code": in(formConcept, "code"), "clinical-status": in(formConcept, "clinicalStatus"),
			"verification-status": in(formConcept, "verificationStatus"), "onset-date": in(formDate, "onsetDateTime", "onsetPeriod"),
			"abatement-date": in(formDate, "abatementDateTime", "abatementPeriod"), "recorded-date": in(formDate, "recordedDate"),
			"subject": in(formReference, "subject"), "encounter": in(formReference, "encounter"), "category": in(formConcept, "category"),
		},
		"Encounter": {
			"class": in(formCoding, "class"), "status": in(formCode, "status"), "type": in(formConcept, "type"), "date": in(formDate, "period"),
			"subject": in(formReference, "subject"), "participant": in(formReference, "participant.individual"),
			"service-provider": in(formReference, "serviceProvider"), "reason-code": in(formConcept, "reasonCode"),
			"identifier": in(formIdentifier, "identifier"),
		},
		"Procedure": {
			"code": in(formConcept, "code"), "status": in(formCode, "status"), "date": in(formDate, "performedDateTime", "performedPeriod"),
			"subject": in(formReference, "subject"), "encounter": in(formReference, "encounter"), "reason-reference": in(formReference, "reasonReference"),
		},
		"Claim": {
			"status": in(formCode, "status"), "use": in(formCode, "use"), "created": in(formDate, "created"), "patient": in(formReference, "patient"),
			"provider": in(formReference, "provider"), "priority": in(formConcept, "priority"), "encounter": in(formReference, "item.encounter"),
		},
		"ExplanationOfBenefit": {
			"status": in(formCode, "status"), "created": in(formDate, "created"), "patient": in(formReference, "patient"),
			"provider": in(formReference, "provider"), "claim": in(formReference, "claim"), "identifier": in(formIdentifier, "identifier"),
			"encounter": in(formReference, "item.encounter"),
		},
		"Immunization": {
			"status": in(formCode, "status"), "date": in(formDate, "occurrenceDateTime"), "vaccine-code": in(formConcept, "vaccineCode"),
			"patient": in(formReference, "patient"),
		},
		"MedicationRequest": {
			"status": in(formCode, "status"), "intent": in(formCode, "intent"), "code": in(formConcept, "medicationCodeableConcept"),
			"authoredon": in(formDate, "authoredOn"), "subject": in(formReference, "subject"), "encounter": in(formReference, "encounter"),
			"requester": in(formReference, "requester"),
		},
		"DiagnosticReport": {
			"code": in(formConcept, "code"), "status": in(formCode, "status"), "issued": in(formDate, "issued"),
			"date":    in(formDate, "effectiveDateTime", "effectivePeriod"),
			"subject": in(formReference, "subject"), "encounter": in(formReference, "encounter"), "result": in(formReference, "result"),
		},
		"CarePlan": {
			"status": in(formCode, "status"), "date": in(formDate, "period"), "category": in(formConcept, "category"),
			"subject": in(formReference, "subject"), "activity-code": in(formConcept, "activity.detail.code"), "condition": in(formReference, "addresses"),
			"goal": in(formReference, "goal"),
		},
		"RiskAssessment": {
			"probability": in(formNumber, "prediction.probabilityDecimal"), "subject": in(formReference, "subject"),
			"date": in(formDate, "occurrenceDateTime"), // R4 leaves the Period out
		},
		"ValueSet": {
			"url": in(formURI, "url"), "name": in(formText, "name"), "status": in(formCode, "status"), "date": in(formDate, "date"),
		},
		"Practitioner": {
			"name": in(formName, "name"), "family": in(formText, "name.family"), "given": in(formText, "name.given"),
			"identifier": in(formIdentifier, "identifier"), "active": in(formCode, "active"), "gender": in(formCode, "gender"),
			"address-city": in(formText, "address.city"), "address": in(formAddress, "address"),
		},
		"Organization": {
			"identifier": in(formIdentifier, "identifier"), "type": in(formConcept, "type"), "active": in(formCode, "active"),
			"address-city": in(formText, "address.city"), "address-state": in(formText, "address.state"),
		},
	}
}

// wherever finds a parameter; not ok when the naive evaluator does not know it.
func wherever(typ, param string) (where, bool) {
	if w, ok := commonPaths()[param]; ok {
		return w, true
	}
	w, ok := naivePaths()[typ][param]
	return w, ok
}
