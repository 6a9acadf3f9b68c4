package sample

// The resources of a chart, with the elements that it fills (FHIR R4).
type (
	patientResource struct {
		ResourceType  string          `json:"resourceType"`
		Identifier    []identifier    `json:"identifier"`
		Active        bool            `json:"active"`
		Name          []humanName     `json:"name"`
		Telecom       []contact       `json:"telecom"`
		Gender        string          `json:"gender"`
		BirthDate     string          `json:"birthDate"`
		Address       []address       `json:"address"`
		MaritalStatus *concept        `json:"maritalStatus,omitempty"`
		Communication []communication `json:"communication"`
		Practitioner  []reference     `json:"generalPractitioner"`
		Managing      reference       `json:"managingOrganization"`
	}
	communication struct {
		Language  concept `json:"language"`
		Preferred bool    `json:"preferred"`
	}
	practitionerResource struct {
		ResourceType  string          `json:"resourceType"`
		Identifier    []identifier    `json:"identifier"`
		Active        bool            `json:"active"`
		Name          []humanName     `json:"name"`
		Telecom       []contact       `json:"telecom"`
		Gender        string          `json:"gender"`
		Qualification []qualification `json:"qualification"`
	}
	qualification struct {
		Code concept `json:"code"`
	}
	organizationResource struct {
		ResourceType string       `json:"resourceType"`
		Identifier   []identifier `json:"identifier"`
		Active       bool         `json:"active"`
		Type         []concept    `json:"type"`
		Name         string       `json:"name"`
		Telecom      []contact    `json:"telecom"`
		Address      []address    `json:"address"`
	}
	coverageResource struct {
		ResourceType string       `json:"resourceType"`
		Identifier   []identifier `json:"identifier"`
		Status       string       `json:"status"`
		Type         concept      `json:"type"`
		Beneficiary  reference    `json:"beneficiary"`
		Relationship *concept     `json:"relationship"`
		Period       period       `json:"period"`
		Payor        []reference  `json:"payor"`
	}
	encounterResource struct {
		ResourceType string        `json:"resourceType"`
		Status       string        `json:"status"`
		Class        coding        `json:"class"`
		Type         []concept     `json:"type"`
		Subject      reference     `json:"subject"`
		Participant  []participant `json:"participant"`
		Period       period        `json:"period"`
		Reason       []concept     `json:"reasonCode,omitempty"`
		Provider     reference     `json:"serviceProvider"`
	}
	participant struct {
		Individual reference `json:"individual"`
	}
	conditionResource struct {
		ResourceType string    `json:"resourceType"`
		Clinical     *concept  `json:"clinicalStatus"`
		Verification *concept  `json:"verificationStatus"`
		Category     []concept `json:"category"`
		Code         concept   `json:"code"`
		Subject      reference `json:"subject"`
		Encounter    reference `json:"encounter"`
		Onset        string    `json:"onsetDateTime"`
		Abatement    string    `json:"abatementDateTime,omitempty"`
		Recorded     string    `json:"recordedDate"`
		Recorder     reference `json:"recorder"`
	}
	observationResource struct {
		ResourceType string      `json:"resourceType"`
		Status       string      `json:"status"`
		Category     []concept   `json:"category"`
		Code         concept     `json:"code"`
		Subject      reference   `json:"subject"`
		Encounter    reference   `json:"encounter"`
		Effective    string      `json:"effectiveDateTime"`
		Issued       string      `json:"issued"`
		Performer    []reference `json:"performer"`
		Value        *quantity   `json:"valueQuantity,omitempty"`
		Concept      *concept    `json:"valueCodeableConcept,omitempty"`
		Range        []bounds    `json:"referenceRange,omitempty"`
		Component    []component `json:"component,omitempty"`
	}
	component struct {
		Code  concept  `json:"code"`
		Value quantity `json:"valueQuantity"`
	}
	bounds struct {
		Low  quantity `json:"low"`
		High quantity `json:"high"`
	}
	reportResource struct {
		ResourceType string      `json:"resourceType"`
		Status       string      `json:"status"`
		Category     []concept   `json:"category"`
		Code         concept     `json:"code"`
		Subject      reference   `json:"subject"`
		Encounter    reference   `json:"encounter"`
		Effective    string      `json:"effectiveDateTime"`
		Issued       string      `json:"issued"`
		Performer    []reference `json:"performer"`
		Result       []reference `json:"result"`
	}
	medicationResource struct {
		ResourceType string      `json:"resourceType"`
		Status       string      `json:"status"`
		Intent       string      `json:"intent"`
		Medication   concept     `json:"medicationCodeableConcept"`
		Subject      reference   `json:"subject"`
		Encounter    reference   `json:"encounter"`
		Authored     string      `json:"authoredOn"`
		Requester    reference   `json:"requester"`
		Reason       []reference `json:"reasonReference"`
		Dosage       []dosage    `json:"dosageInstruction"`
	}
	dosage struct {
		Sequence int    `json:"sequence"`
		Text     string `json:"text"`
	}
	immunizationResource struct {
		ResourceType string      `json:"resourceType"`
		Status       string      `json:"status"`
		Vaccine      concept     `json:"vaccineCode"`
		Patient      reference   `json:"patient"`
		Encounter    reference   `json:"encounter"`
		Occurrence   string      `json:"occurrenceDateTime"`
		Primary      bool        `json:"primarySource"`
		Performer    []performer `json:"performer"`
	}
	performer struct {
		Actor reference `json:"actor"`
	}
	allergyResource struct {
		ResourceType string    `json:"resourceType"`
		Clinical     *concept  `json:"clinicalStatus"`
		Verification *concept  `json:"verificationStatus"`
		Type         string    `json:"type"`
		Category     []string  `json:"category"`
		Criticality  string    `json:"criticality"`
		Code         concept   `json:"code"`
		Patient      reference `json:"patient"`
		Recorded     string    `json:"recordedDate"`
		Recorder     reference `json:"recorder"`
	}
	procedureResource struct {
		ResourceType string      `json:"resourceType"`
		Status       string      `json:"status"`
		Code         concept     `json:"code"`
		Subject      reference   `json:"subject"`
		Encounter    reference   `json:"encounter"`
		Performed    period      `json:"performedPeriod"`
		Performer    []performer `json:"performer"`
		Reason       []reference `json:"reasonReference,omitempty"`
	}
	carePlanResource struct {
		ResourceType string      `json:"resourceType"`
		Status       string      `json:"status"`
		Intent       string      `json:"intent"`
		Category     []concept   `json:"category"`
		Subject      reference   `json:"subject"`
		Encounter    reference   `json:"encounter"`
		Period       period      `json:"period"`
		Author       reference   `json:"author"`
		Addresses    []reference `json:"addresses"`
		Activity     []activity  `json:"activity"`
	}
	activity struct {
		Detail detail `json:"detail"`
	}
	detail struct {
		Code   concept `json:"code"`
		Status string  `json:"status"`
	}
)
