package server

import "github.com/tutela-health/tutela"

const fhirPrefix = "/fhir/r4"

// routes has the planes mount what they offer; exposed.go lists what of it is there.
func (s *Server) routes(mux *router) {
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("GET /metrics", s.metrics)
	mux.HandleFunc("GET /ledger/checkpoint", s.checkpoint)
	mux.HandleFunc("GET /ledger/key", s.verifierKeys)
	mux.HandleFunc("GET /ledger/tile/{path...}", s.tile)
	mux.HandleFunc("GET /api/v1/openapi.json", s.openAPI)
	if s.cfg.TryOut != nil {
		mux.HandleFunc("POST /api/v1/tryout/token", s.tryOutToken)
	}
	if s.cfg.Pages != nil {
		s.cfg.Pages.Routes(mux)
		s.cfg.Pages.DeskRoutes(mux, desk{s})
	}
	if s.cfg.Console != nil {
		s.cfg.Console.Routes(mux, inner{s})
	}
	if s.cfg.OAuth != nil {
		s.cfg.OAuth.Routes(mux)
	}
	if s.cfg.SCIM != nil {
		s.provisioning(mux)
	}
	s.cfg.FHIR.Routes(mux, fhirPrefix, s.guarded)
	s.call(mux, "GET /api/v1/ledger/entries", tutela.ActionAuditSearch, s.ledgerEntries)
	s.call(mux, "GET /api/v1/ledger/proof", tutela.ActionAuditProve, s.ledgerProof)
	s.call(mux, "GET /api/v1/routes", tutela.ActionRoutes, s.routeList)
	s.call(mux, "GET /api/v1/keys", tutela.ActionKeyList, s.keyList)
	s.call(mux, "POST /api/v1/assess", tutela.ActionAssess, s.assess)
	s.call(mux, "POST /api/v1/index/rebuild", tutela.ActionReindex, s.rebuildIndex)
	s.call(mux, "GET /api/v1/index", tutela.ActionReindex, s.indexState)
	s.call(mux, "GET /api/v1/users", tutela.ActionUserList, s.users)
	s.call(mux, "POST /api/v1/users/import", tutela.ActionUserImport, s.importRoster)
	s.call(mux, "POST /api/v1/users/{id}/invitation", tutela.ActionUserInvite, s.inviteUser)
	s.call(mux, "GET /api/v1/invitations", tutela.ActionUserList, s.invitations)
	s.call(mux, "DELETE /api/v1/invitations/{id}", tutela.ActionUserUninvite, s.withdrawInvitation)
	s.call(mux, "POST /api/v1/keys/signing/rotate", tutela.ActionSignerRotate, s.rotateSigner)
	s.call(mux, "GET /api/v1/keys/generations", tutela.ActionKeyList, s.generations)
	s.call(mux, "POST /api/v1/keys/generation/rotate", tutela.ActionKeyRotate, s.rotateGeneration)
	s.call(mux, "POST /api/v1/keys/index/rotate", tutela.ActionKeyRotate, s.rotateIndex)
	s.call(mux, "POST /api/v1/keys/generations/{n}/destroy", tutela.ActionKeyDestroy, s.destroyGeneration)
	s.call(mux, "POST /api/v1/policy/explain", tutela.ActionPolicyExplain, s.explainPolicy)
	s.call(mux, "POST /api/v1/policy/diff", tutela.ActionPolicyDiff, s.diffPolicies)
	s.call(mux, "POST /api/v1/backups", tutela.ActionBackupAsk, s.askBackup)
	s.call(mux, "GET /api/v1/backups", tutela.ActionBackupList, s.backups)
	s.erasureRoutes(mux)
	s.breakGlassRoutes(mux)
	s.findingRoutes(mux)
	s.eventRoutes(mux)
	s.answerRoutes(mux)
	s.incidentRoutes(mux)
	s.breachRoutes(mux)
	s.alertRoutes(mux)
	s.trackerRoutes(mux)
	s.controlRoutes(mux)
	s.packageRoutes(mux)
	s.riskRoutes(mux)
	s.vendorRoutes(mux)
	s.reviewRoutes(mux)
	s.gapRoutes(mux)
	s.policyRoutes(mux)
	s.trainingRoutes(mux)
	s.clearanceRoutes(mux)
	s.rightsRoutes(mux)
	s.recoveryRoutes(mux)
	s.supplyRoutes(mux)
	s.call(mux, "POST /api/v1/downtime", tutela.ActionDowntimeCreate, s.downtime)
	s.call(mux, "POST /api/v1/downtime/{id}/report", tutela.ActionDowntimeReport, s.downtimeReport)
}
