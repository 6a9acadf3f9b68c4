package sample

// kinds of visit: SNOMED CT types and classes of HL7 v3 ActCode.
func checkUp() visitKind {
	return visitKind{ambulatory(), code(snomed, "185349003", "Encounter for check up (procedure)"), 30}
}

func followUp() visitKind {
	return visitKind{ambulatory(), code(snomed, "390906007", "Follow-up encounter (procedure)"), 15}
}

func complaint() visitKind {
	return visitKind{ambulatory(), code(snomed, "185345009", "Encounter for symptom (procedure)"), 20}
}

func emergency() visitKind {
	class := coding{terminology + "v3-ActCode", "EMER", "emergency"}
	return visitKind{class, code(snomed, "50849002", "Emergency room admission (procedure)"), 150}
}

func ambulatory() coding { return coding{terminology + "v3-ActCode", "AMB", "ambulatory"} }

// measure is an observation with a number: its usual range, unit, and decimals shown.
type measure struct {
	code      string
	display   string
	unit      string // as people write it
	ucum      string
	decimals  int
	low, high float64 // reference range, both 0 where none is given
}

func bodyHeight() measure { return measure{"8302-2", "Body height", "cm", "cm", 1, 0, 0} }
func bodyWeight() measure { return measure{"29463-7", "Body weight", "kg", "kg", 1, 0, 0} }
func bodyMass() measure {
	return measure{"39156-5", "Body mass index (BMI) [Ratio]", "kg/m2", "kg/m2", 1, 0, 0}
}
func heartRate() measure { return measure{"8867-4", "Heart rate", "beats/minute", "/min", 0, 60, 100} }
func temperature() measure {
	return measure{"8310-5", "Body temperature", "°C", "Cel", 1, 36.1, 37.5}
}
func systolic() measure {
	return measure{"8480-6", "Systolic blood pressure", "mmHg", "mm[Hg]", 0, 0, 0}
}
func diastolic() measure {
	return measure{"8462-4", "Diastolic blood pressure", "mmHg", "mm[Hg]", 0, 0, 0}
}
func hemoglobinA1c() measure {
	return measure{"4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "%", "%", 1, 4, 5.6}
}

// panel is a report and the measures in it.
type panel struct {
	code     concept
	measures []measure
}

func lipids() panel {
	return panel{code(loinc, "24331-1", "Lipid 1996 panel - Serum or Plasma"), []measure{
		{"2093-3", "Cholesterol [Mass/volume] in Serum or Plasma", "mg/dL", "mg/dL", 0, 125, 200},
		{"2571-8", "Triglyceride [Mass/volume] in Serum or Plasma", "mg/dL", "mg/dL", 0, 40, 150},
		{"2085-9", "Cholesterol in HDL [Mass/volume] in Serum or Plasma", "mg/dL", "mg/dL", 0, 40, 90},
	}}
}

func chemistry() panel {
	return panel{code(loinc, "51990-0", "Basic metabolic panel - Blood"), []measure{
		{"2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL", "mg/dL", 0, 70, 99},
		{"2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", "mg/dL", 2, 0.6, 1.3},
		{"2951-2", "Sodium [Moles/volume] in Serum or Plasma", "mmol/L", "mmol/L", 0, 135, 145},
		{"2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L", "mmol/L", 1, 3.5, 5.1},
	}}
}

func bloodCount() panel {
	return panel{code(loinc, "58410-2", "CBC panel - Blood by Automated count"), []measure{
		{"718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", "g/dL", 1, 12, 17},
		{"6690-2", "Leukocytes [#/volume] in Blood by Automated count", "10*3/uL", "10*3/uL", 1, 4.5, 11},
		{"777-3", "Platelets [#/volume] in Blood by Automated count", "10*3/uL", "10*3/uL", 0, 150, 400},
	}}
}

// drug is a prescription and how to take it.
type drug struct {
	concept concept
	sig     string
}

func rx(c, display, sig string) drug { return drug{code(rxnorm, c, display), sig} }

// disease is a chronic condition: how common (percent of those of an age), and what follows.
type disease struct {
	condition concept
	from      int // youngest age
	percent   int
	drug      drug
	diabetic  bool
	pressure  float64 // added to the systolic pressure
	plan      concept // care plan category, empty for none
	activity  []concept
}

func diseases() []disease {
	exercise := code(snomed, "229065009", "Exercise therapy")
	return []disease{
		{
			condition: code(snomed, "38341003", "Hypertensive disorder, systemic arterial (disorder)"), from: 40, percent: 38, pressure: 16,
			drug:     rx("314076", "lisinopril 10 MG Oral Tablet", "Take 1 tablet by mouth every morning"),
			plan:     code(snomed, "443402002", "Lifestyle education regarding hypertension"),
			activity: []concept{exercise},
		},
		{
			condition: code(snomed, "44054006", "Diabetes mellitus type 2 (disorder)"), from: 35, percent: 16, diabetic: true,
			drug: rx("860975", "24 HR Metformin hydrochloride 500 MG Extended Release Oral Tablet",
				"Take 1 tablet by mouth with the evening meal"),
			plan:     code(snomed, "698360004", "Diabetes self management plan"),
			activity: []concept{code(snomed, "160670007", "Diabetic diet"), exercise},
		},
		{
			condition: code(snomed, "55822004", "Hyperlipidemia (disorder)"), from: 40, percent: 30,
			drug: rx("312961", "Simvastatin 20 MG Oral Tablet", "Take 1 tablet by mouth at bedtime"),
		},
		{
			condition: code(snomed, "195967001", "Asthma (disorder)"), from: 5, percent: 9,
			drug: rx("745679", "200 ACTUAT Albuterol 0.09 MG/ACTUAT Metered Dose Inhaler", "Inhale 2 puffs every 4 hours as needed"),
		},
		{
			condition: code(snomed, "396275006", "Osteoarthritis (disorder)"), from: 55, percent: 22,
			drug: rx("849574", "Naproxen sodium 220 MG Oral Tablet", "Take 1 tablet by mouth twice a day with food"),
		},
	}
}

// illness is something that passes.
type illness struct {
	condition concept
	days      int
	drug      *drug
	fever     bool
	emergency bool
	procedure *concept
}

func illnesses() []illness {
	acetaminophen := rx("313782", "Acetaminophen 325 MG Oral Tablet", "Take 2 tablets by mouth every 6 hours as needed")
	ibuprofen := rx("310965", "Ibuprofen 200 MG Oral Tablet", "Take 1 tablet by mouth every 6 hours as needed for pain")
	amoxicillin := rx("308182", "Amoxicillin 250 MG Oral Capsule", "Take 1 capsule by mouth three times a day for 7 days")
	chest, ankle := code(snomed, "399208008", "Plain X-ray of chest (procedure)"), code(snomed, "19490002", "Ankle X-ray")
	return []illness{
		{code(snomed, "444814009", "Viral sinusitis (disorder)"), 14, nil, false, false, nil},
		{code(snomed, "195662009", "Acute viral pharyngitis (disorder)"), 9, &acetaminophen, true, false, nil},
		{code(snomed, "10509002", "Acute bronchitis (disorder)"), 18, &acetaminophen, true, false, &chest},
		{code(snomed, "65363002", "Otitis media (disorder)"), 10, &amoxicillin, true, false, nil},
		{code(snomed, "44465007", "Sprain of ankle (disorder)"), 28, &ibuprofen, false, true, &ankle},
	}
}

// allergy is to something of a category of FHIR, with its criticality.
type allergy struct {
	code        concept
	category    string
	criticality string
}

func allergies() []allergy {
	return []allergy{
		{code(snomed, "91936005", "Allergy to penicillin (finding)"), "medication", "high"},
		{code(snomed, "91935009", "Allergy to peanut (finding)"), "food", "high"},
		{code(snomed, "418689008", "Allergy to grass pollen (finding)"), "environment", "low"},
		{code(snomed, "232350006", "House dust mite allergy (disorder)"), "environment", "low"},
		{code(snomed, "419474003", "Allergy to mould (finding)"), "environment", "low"},
	}
}

// vaccine is due at an age in months.
type vaccine struct {
	code  concept
	month int
}

func flu() concept { return code(cvx, "140", "Influenza, seasonal, injectable, preservative free") }

func schedule() []vaccine {
	hepB, dtap := code(cvx, "08", "Hep B, adolescent or pediatric"), code(cvx, "20", "DTaP")
	ipv, pcv := code(cvx, "10", "IPV"), code(cvx, "133", "Pneumococcal conjugate PCV 13")
	mmr, varicella := code(cvx, "03", "MMR"), code(cvx, "21", "varicella")
	return []vaccine{
		{hepB, 1}, {dtap, 2}, {ipv, 2}, {pcv, 2}, {dtap, 4}, {ipv, 4}, {pcv, 4}, {dtap, 6}, {hepB, 6}, {pcv, 6},
		{mmr, 12}, {varicella, 12}, {pcv, 12}, {dtap, 15}, {dtap, 50}, {ipv, 50}, {mmr, 50}, {varicella, 50},
		{code(cvx, "115", "Tdap"), 133}, {code(cvx, "114", "meningococcal MCV4P"), 133},
		{code(cvx, "113", "Td (adult) preservative free"), 21 * 12}, {code(cvx, "113", "Td (adult) preservative free"), 45 * 12},
		{code(cvx, "33", "pneumococcal polysaccharide PPV23"), 66 * 12},
	}
}
