package console

// The calls that more than one page asks about, as the API lists them.
const (
	listFindings  = "GET /api/v1/findings"
	listIncidents = "GET /api/v1/incidents"
	listAlerts    = "GET /api/v1/alerts"
	listAnswers   = "GET /api/v1/answers"
	listBreaches  = "GET /api/v1/breaches"
	listGlass     = "GET /api/v1/break-glass"
	listRequests  = "GET /api/v1/requests"
	listErasures  = "GET /api/v1/erasures"
	listClearings = "GET /api/v1/clearances"
	listBackups   = "GET /api/v1/backups"
	listTargets   = "GET /api/v1/export-targets"
	readProvider  = "GET /api/v1/keys/provider"
	readRecovery  = "GET /api/v1/keys/recovery"
	searchLedger  = "GET /api/v1/ledger/entries"
	approveErase  = "POST /api/v1/erasures/{id}/approve"
	breakGlass    = "POST /api/v1/break-glass"
	listControls  = "GET /api/v1/controls"
	listDuties    = "GET /api/v1/duties"
	listPolicies  = "GET /api/v1/policies"
	listTraining  = "GET /api/v1/training"
	report        = "POST /api/v1/incidents/reports"
)
