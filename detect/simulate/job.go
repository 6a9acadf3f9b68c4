package simulate

import "github.com/tutela-health/tutela"

// step is one thing that a job does with a chart.
type step struct {
	action tutela.Action
	typ    string
	weight float64
	most   int // resources that it opens
}

// job is what somebody does with a chart: the steps, in which client, for what purpose.
type job struct {
	client  string
	purpose tutela.Purpose
	policy  string
	open    []step // first, in their order
	steps   []step // then some of these
	mean    float64
}

// jobs are the jobs of the house. Their steps and weights are invented.
type jobs struct {
	round, bedside, consult, prepare, document, peek, review, visit                              *job
	labWork, imaging, dispense, therapy, social, theatre, arrival, schedule, claim, code, cohort *job
	support, letter, bed, call, lesson                                                           *job
}

func read(typ string) step { return step{tutela.ActionRead, typ, 1, 1} }
func search(typ string, weight float64, most int) step {
	return step{tutela.ActionSearch, typ, weight, most}
}
func create(typ string, weight float64) step { return step{tutela.ActionCreate, typ, weight, 1} }
func update(typ string, weight float64) step { return step{tutela.ActionUpdate, typ, weight, 1} }
func get(typ string, weight float64) step    { return step{tutela.ActionRead, typ, weight, 1} }

// chartSteps are the ways to read a chart, whatever for: those who treat, who review and who snoop share them.
func chartSteps() []step {
	return []step{search("Condition", 2, 12), search("Observation", 3, 40), search("DiagnosticReport", 2, 8), get("DocumentReference", 2.5),
		search("MedicationRequest", 2, 14), search("Encounter", 1, 10), search("AllergyIntolerance", 1, 4), search("Procedure", 0.7, 6)}
}

func newJobs() *jobs {
	ehr := func(mean float64, open []step, steps ...step) *job {
		return &job{"ehr", tutela.PurposeTreatment, "house.care", open, steps, mean}
	}
	other := func(client string, purpose tutela.Purpose, policy string, mean float64, open []step, steps ...step) *job {
		return &job{client, purpose, policy, open, steps, mean}
	}
	open, chart := []step{read("Patient")}, chartSteps()
	with := func(more ...step) []step { return append(chartSteps(), more...) }
	return &jobs{
		round:    ehr(5, open, with(create("DocumentReference", 1.2), create("MedicationRequest", 1), create("ServiceRequest", 1))...),
		visit:    ehr(7, open, with(create("DocumentReference", 2), create("MedicationRequest", 1.5), create("ServiceRequest", 1), create("Condition", 0.6))...),
		bedside:  ehr(4, nil, search("Observation", 2, 20), create("Observation", 3), search("MedicationRequest", 2, 12), create("MedicationAdministration", 2), search("CarePlan", 1, 3), search("AllergyIntolerance", 0.5, 4), get("DocumentReference", 0.5)),
		consult:  ehr(4, open, with(create("DocumentReference", 0.7))...),
		prepare:  ehr(3, open, chart...),
		document: ehr(3, nil, get("DocumentReference", 1), update("DocumentReference", 2), create("DocumentReference", 1), search("Observation", 1, 20), create("MedicationRequest", 0.6)),
		peek:     ehr(1, open, search("Encounter", 1, 6), search("Observation", 1, 20)),
		lesson:   ehr(3, open, chart...),
		review:   other("ehr", tutela.PurposeOperations, "house.quality", 8, open, chart...),
		labWork:  other("laboratory", tutela.PurposeTreatment, "laboratory.work", 2, []step{search("ServiceRequest", 1, 4)}, create("Observation", 3), create("DiagnosticReport", 1), search("Observation", 1, 15)),
		imaging:  other("imaging", tutela.PurposeTreatment, "imaging.work", 2, []step{search("ServiceRequest", 1, 3)}, search("ImagingStudy", 2, 4), create("DiagnosticReport", 1), search("DiagnosticReport", 1, 5), search("Observation", 0.6, 8)),
		dispense: other("pharmacy", tutela.PurposeTreatment, "pharmacist.dispense", 3, []step{search("MedicationRequest", 1, 14)}, search("AllergyIntolerance", 2, 4), search("Observation", 1, 10), create("MedicationDispense", 2), search("Condition", 1, 8)),
		therapy:  ehr(3, open, search("CarePlan", 1, 3), search("Condition", 1, 8), create("Procedure", 1), create("DocumentReference", 1), search("Observation", 1, 15)),
		social:   ehr(3, open, search("RelatedPerson", 1, 3), search("Coverage", 1, 2), create("DocumentReference", 1), search("CarePlan", 1, 3)),
		theatre:  ehr(4, open, search("AllergyIntolerance", 1, 4), search("Procedure", 1, 6), create("Procedure", 1), create("Observation", 2), search("MedicationRequest", 1, 12)),
		arrival:  other("ehr", tutela.PurposeOperations, "registration.demographics", 2, open, update("Patient", 1), search("Coverage", 2, 2), update("Appointment", 1), create("Encounter", 1)),
		schedule: other("ehr", tutela.PurposeOperations, "registration.scheduling", 1, open, search("Appointment", 2, 4), create("Appointment", 2)),
		letter:   other("ehr", tutela.PurposeOperations, "house.letters", 2, open, get("DocumentReference", 1), update("DocumentReference", 1), search("Appointment", 1, 3)),
		claim:    other("billing", tutela.PurposePayment, "billing.financial", 2, open, search("Claim", 2, 3), search("Coverage", 2, 2), search("Encounter", 1, 4), create("Claim", 1), update("Claim", 1)),
		code:     other("billing", tutela.PurposePayment, "billing.services", 4, []step{search("Encounter", 1, 3)}, search("Condition", 2, 12), search("Procedure", 2, 8), get("DocumentReference", 1.5), search("DiagnosticReport", 1, 6), update("Claim", 1)),
		cohort:   other("research", tutela.PurposeResearch, "researcher.cohort", 3, nil, search("Observation", 3, 50), search("Condition", 2, 12), search("MedicationRequest", 1, 14), search("Encounter", 1, 10)),
		support:  other("ehr", tutela.PurposeSystem, "house.support", 1, open, search("Encounter", 1, 6), search("MedicationRequest", 1, 10)),
		bed:      other("ehr", tutela.PurposeOperations, "house.beds", 1, open, search("Encounter", 2, 3), update("Encounter", 1)),
		call:     ehr(2, open, search("MedicationRequest", 1, 12), get("DocumentReference", 1), create("Communication", 1), search("Appointment", 0.6, 4)),
	}
}
