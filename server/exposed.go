package server

import (
	"net/http"
	"strings"
	"time"

	"github.com/tutela-health/tutela/console"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/supply/evidence"
)

// audience is who may call an operation; a plane decides further.
type audience string

// The audiences. The zero value is nobody: what the table does not name is not there.
const (
	anyone        audience = "anyone"                                                             // and the operation proves people and clients itself, where it does
	scraper       audience = "this machine, or a token that policy lets"                          // metrics
	entrant       audience = "whoever has begun to sign in"                                       // a second factor, an enrolment
	person        audience = "people who are signed in"                                           // pages
	administrator audience = "administrators who are signed in"                                   // pages
	proven        audience = "callers with a token, as policy lets them"                          // the API
	treating      audience = "callers with a token, as policy, relationship and consent let them" // FHIR
	tryOutOwner   audience = "whoever can read dev.json"
)

// kind is what the operations of one kind are held to: the most bytes of a body, and the time for
// sending it and for the answer. Planes bound theirs closer.
type kind struct {
	body   int64
	within time.Duration
}

// exposed is one operation that exists.
type exposed struct {
	pattern string
	who     audience
	kind
}

// operations is the one list of what is exposed; all else is 404, also what a plane would mount.
func operations() map[string]exposed {
	const soon = time.Minute
	form, call := kind{256 << 10, soon}, kind{2 << 20, soon}
	record, work := kind{32 << 20, writeTimeout}, kind{2 << 20, writeTimeout}
	statement, delivery := kind{evidence.MaxReport + 1, soon}, kind{maxPacked + 1, writeTimeout}
	all := map[string]exposed{}
	add := func(who audience, k kind, patterns ...string) {
		for _, p := range patterns {
			all[p] = exposed{p, who, k}
		}
	}
	add(anyone, form, "GET /healthz", "GET /readyz", "GET /ledger/checkpoint", "GET /ledger/key", "GET /ledger/tile/{path...}", "GET /api/v1/openapi.json")
	add(scraper, form, "GET /metrics")
	add(tryOutOwner, form, "POST /api/v1/tryout/token")

	add(anyone, form, "GET /.well-known/openid-configuration", "GET /.well-known/oauth-authorization-server",
		"GET "+fhirPrefix+"/.well-known/smart-configuration", "GET /oauth2/jwks", "GET /oauth2/authorize", "POST /oauth2/authorize",
		"POST /oauth2/authorize/decision", "POST /oauth2/authorize/patient", "POST /oauth2/token", "POST /oauth2/introspect",
		"POST /oauth2/revoke", "GET /oauth2/logout", "POST /oauth2/logout", "POST /oauth2/logout/decision")
	add(proven, form, "GET /oauth2/userinfo", "POST /oauth2/userinfo", "POST /oauth2/launch")

	add(anyone, form, "GET /login", "POST /login", "POST /login/passkey/options", "POST /login/passkey",
		"GET /login/with/{id}", "GET /login/with/{id}/callback", "GET /login/with/{id}/leave",
		"GET /invitation/{token}", "POST /invitation/{token}", "POST /invitation/{token}/with/{id}")
	for _, p := range pages.Public() {
		if strings.HasPrefix(p, "GET /assets/") {
			add(anyone, form, p)
		}
	}
	add(entrant, form, "GET /login/factor", "POST /login/factor/totp", "POST /login/factor/recovery", "POST /login/factor/passkey/options",
		"POST /login/factor/passkey", "GET /enrol", "POST /enrol/totp/new", "POST /enrol/totp", "POST /enrol/passkey/options", "POST /enrol/passkey")
	add(person, form, "POST /logout", "GET /account", "POST /account/sessions/end", "POST /account/sessions/end-all", "POST /account/apps/revoke",
		"GET /account/verify", "POST /account/verify/totp", "POST /account/verify/recovery", "POST /account/verify/passkey/options",
		"POST /account/verify/passkey", "POST /account/verify/with/{id}", "POST /account/providers/{id}/link", "POST /account/providers/{id}/unlink",
		"GET /account/password", "POST /account/password", "GET /account/totp", "POST /account/totp", "POST /account/totp/remove",
		"GET /account/recovery", "POST /account/recovery", "GET /account/passkeys/new", "POST /account/passkeys/options",
		"POST /account/passkeys", "POST /account/passkeys/remove",
		"GET /emergency", "POST /emergency", "POST /emergency/end", "GET /emergency/reviews", "GET /emergency/reviews/{id}",
		"POST /emergency/reviews/{id}", "POST /emergency/reviews/{id}/revoke", "GET /accesses", "POST /accesses",
		"GET /report", "POST /report", "GET /account/records", "POST /account/records", "POST /account/records/copy")
	for _, p := range console.Public() {
		add(anyone, form, p)
	}
	add(person, form, "GET /console", "GET /console/{$}", "GET /console/controls", "GET /console/controls/{id}", "POST /console/controls/{id}/attest", "POST /console/controls/{id}/withdraw", "GET /console/{path...}",
		"GET /console/findings", "GET /console/findings/{id}", "POST /console/findings/{id}/verdict", "POST /console/findings/{id}/incident",
		"GET /console/answers", "POST /console/answers/{id}/undo", "GET /console/alerts", "POST /console/alerts/{id}/seen",
		"GET /console/incidents", "POST /console/incidents", "POST /console/incidents/drills", "GET /console/incidents/{id}", "POST /console/incidents/{id}/state", "POST /console/incidents/{id}/notes", "POST /console/incidents/{id}/steps/{step}",
		"GET /console/breaches", "POST /console/breaches", "GET /console/breaches/new", "POST /console/breaches/scope", "GET /console/breaches/{id}", "POST /console/breaches/{id}/assessment", "POST /console/breaches/{id}/deliveries",
		"POST /console/breaches/{id}/delay", "POST /console/breaches/{id}/close", "GET /console/breaches/{id}/letters", "POST /console/breaches/{id}/letters",
		"GET /console/ledger", "GET /console/ledger/{id}", "GET /console/duties", "GET /console/policies", "GET /console/policies/{id}", "POST /console/policies/{id}/acknowledge", "GET /console/training", "GET /console/training/{id}", "GET /console/training/{id}/certificate", "POST /console/training/{id}/answers",
		"GET /console/gaps", "GET /console/reviews", "GET /console/reviews/{sort}", "GET /console/risks", "GET /console/vendors")
	add(administrator, form, "GET /admin/users", "POST /admin/users", "POST /admin/users/withdraw", "GET /admin/users/{id}", "POST /admin/users/{id}/roles",
		"POST /admin/users/{id}/clearances",
		"POST /admin/users/{id}/disable", "POST /admin/users/{id}/enable", "POST /admin/users/{id}/sessions/end", "POST /admin/users/{id}/reset",
		"POST /admin/users/{id}/unlink", "GET /admin/providers", "GET /admin/providers/new", "POST /admin/providers", "GET /admin/providers/{id}",
		"POST /admin/providers/{id}", "POST /admin/providers/{id}/try", "POST /admin/providers/{id}/remove", "GET /admin/clients",
		"GET /admin/clients/new", "POST /admin/clients", "GET /admin/clients/{id}", "POST /admin/clients/{id}", "POST /admin/clients/{id}/remove")

	add(anyone, form, "GET "+fhirPrefix+"/metadata")
	add(treating, record, "POST "+fhirPrefix, "POST "+fhirPrefix+"/{$}", "GET "+fhirPrefix, "GET "+fhirPrefix+"/{type}", "POST "+fhirPrefix+"/{type}/_search",
		"POST "+fhirPrefix+"/{type}", "GET "+fhirPrefix+"/{type}/{id}", "PUT "+fhirPrefix+"/{type}/{id}", "DELETE "+fhirPrefix+"/{type}/{id}",
		"GET "+fhirPrefix+"/Patient/{id}/$everything",
		"GET "+fhirPrefix+"/{type}/{id}/_history", "GET "+fhirPrefix+"/{type}/{id}/_history/{vid}")
	add(proven, call, "GET /api/v1/ledger/entries", "GET /api/v1/ledger/proof", "GET /api/v1/keys", "GET /api/v1/index", "GET /api/v1/routes",
		"GET /api/v1/users", "POST /api/v1/users/{id}/invitation", "GET /api/v1/invitations", "DELETE /api/v1/invitations/{id}",
		"POST /api/v1/keys/signing/rotate", "GET /api/v1/keys/generations", "POST /api/v1/keys/generation/rotate", "POST /api/v1/keys/index/rotate",
		"POST /api/v1/keys/generations/{n}/destroy", "POST /api/v1/break-glass", "GET /api/v1/break-glass", "DELETE /api/v1/break-glass/{id}",
		"POST /api/v1/break-glass/{id}/revoke", "POST /api/v1/break-glass/{id}/review",
		"GET /api/v1/clearances", "POST /api/v1/policy/explain", "POST /api/v1/users/{id}/clearances", "DELETE /api/v1/users/{id}/clearances",
		"POST /api/v1/users/{id}/clearances/give", "POST /api/v1/users/{id}/clearances/refuse",
		"POST /api/v1/downtime", "POST /api/v1/downtime/{id}/report", "POST /api/v1/backups", "GET /api/v1/backups")
	add(proven, call, "GET /api/v1/patients/{id}/requests", "POST /api/v1/patients/{id}/requests", "POST /api/v1/patients/{id}/restriction",
		"POST /api/v1/patients/{id}/restriction/lift", "POST /api/v1/patients/{id}/disclosures", "GET /api/v1/requests",
		"POST /api/v1/requests/{id}/extend", "POST /api/v1/requests/{id}/grant", "POST /api/v1/requests/{id}/refuse",
		"POST /api/v1/requests/{id}/fulfil", "POST /api/v1/requests/{id}/notices", "GET /api/v1/requests/{id}/recipients")
	add(proven, call, "GET /api/v1/erasures", "GET /api/v1/erasures/{id}", "POST /api/v1/erasures/{id}/approve", "POST /api/v1/erasures/{id}/withdraw",
		"POST /api/v1/patients/{id}/erasure", "POST /api/v1/patients/{id}/hold", "DELETE /api/v1/patients/{id}/hold")
	add(proven, statement, "POST /api/v1/evidence")
	add(proven, call, "GET /api/v1/pipelines", "POST /api/v1/pipelines", "DELETE /api/v1/pipelines/{id}", "POST /api/v1/approvals",
		"GET /api/v1/sboms", "GET /api/v1/sboms/{id}")
	add(proven, call, "GET /api/v1/findings", "GET /api/v1/findings/{id}", "POST /api/v1/findings/{id}/feedback")
	add(proven, call, "GET /api/v1/events", "GET /api/v1/events/sources")
	add(proven, delivery, "POST /api/v1/events")
	add(proven, call, "GET /api/v1/answers", "GET /api/v1/answers/{id}", "POST /api/v1/answers/{id}/undo",
		"GET /api/v1/alerts", "GET /api/v1/alerts/digest", "POST /api/v1/alerts/{id}/acknowledge", "POST /api/v1/alerts/test", "GET /api/v1/export-targets")
	add(proven, call, "GET /api/v1/trackers", "POST /api/v1/trackers/sync", "POST /api/v1/trackers/tickets/{id}/decline")
	add(proven, work, "POST /api/v1/trackers/test")
	add(anyone, form, "POST /intake/tracker/{name}") // whose signature the operation holds to the tracker's secret
	add(proven, call, "GET /api/v1/controls", "GET /api/v1/controls/{id}", "GET /api/v1/oscal/{model}", "GET /api/v1/controls/{id}/attestation", "PUT /api/v1/controls/{id}/attestation",
		"DELETE /api/v1/controls/{id}/attestation")
	add(proven, call, "GET /api/v1/incidents", "POST /api/v1/incidents", "GET /api/v1/incidents/{id}", "POST /api/v1/incidents/{id}/state",
		"POST /api/v1/incidents/{id}/notes", "GET /api/v1/incidents/{id}/score",
		"POST /api/v1/incidents/mail", "GET /api/v1/incidents/runbooks", "POST /api/v1/incidents/drills", "GET /api/v1/incidents/reports", "POST /api/v1/incidents/reports")
	add(proven, work, "GET /api/v1/patients/{id}/disclosures", "GET /api/v1/patients/{id}/accesses", "GET /api/v1/patients/{id}/export")
	add(proven, call, "GET /api/v1/keys/recovery", "POST /api/v1/keys/recovery/split", "POST /api/v1/keys/recovery/renew", "POST /api/v1/keys/recovery/confirm",
		"GET /api/v1/keys/recovery/drill", "POST /api/v1/keys/recovery/drill", "GET /api/v1/keys/provider")
	add(proven, work, "POST /api/v1/packages")
	add(proven, call, "GET /api/v1/risks", "GET /api/v1/risks/{id}", "PUT /api/v1/risks/{id}", "POST /api/v1/risks/starter", "POST /api/v1/risks/{id}/agree", "POST /api/v1/risks/{id}/close")
	add(proven, call, "GET /api/v1/vendors", "GET /api/v1/vendors/{id}", "PUT /api/v1/vendors/{id}", "POST /api/v1/vendors/{id}/act", "POST /api/v1/vendors/{id}/statement",
		"POST /api/v1/vendors/{id}/close", "GET /api/v1/questionnaire", "GET /api/v1/questionnaire/answers", "PUT /api/v1/questionnaire/answers")
	add(proven, record, "PUT /api/v1/vendors", "POST /api/v1/vendors/assess")
	add(proven, work, "POST /api/v1/questionnaire/answers/share")
	add(proven, call, "GET /api/v1/reviews", "GET /api/v1/reviews/{sort}", "PUT /api/v1/reviews/{sort}", "POST /api/v1/reviews/{sort}/decisions",
		"POST /api/v1/reviews/{sort}/carry", "POST /api/v1/follow-ups/{id}/done", "GET /api/v1/duties", "GET /api/v1/duties/mine")
	add(proven, work, "POST /api/v1/reviews/{sort}/rounds")
	add(proven, call, "GET /api/v1/training", "GET /api/v1/training/mine", "PUT /api/v1/training/{id}", "DELETE /api/v1/training/{id}", "POST /api/v1/training/starter",
		"POST /api/v1/training/{id}/answers", "POST /api/v1/training/{id}/lab", "POST /api/v1/training/{id}/certificate", "POST /api/v1/training/{id}/results")
	add(proven, call, "GET /api/v1/policies", "GET /api/v1/policies/mine", "GET /api/v1/policies/{id}", "PUT /api/v1/policies/{id}", "POST /api/v1/policies/starter",
		"POST /api/v1/policies/{id}/approve", "POST /api/v1/policies/{id}/withdraw", "POST /api/v1/policies/{id}/acknowledge")
	add(proven, call, "GET /api/v1/gaps", "PUT /api/v1/gaps/{id}/assignment", "POST /api/v1/gaps/{id}/dispute", "POST /api/v1/gaps/{id}/agree",
		"GET /api/v1/tests", "PUT /api/v1/tests/{id}", "POST /api/v1/tests/{id}/runs", "GET /api/v1/scores")
	add(proven, work, "POST /api/v1/breaches/scope", "POST /api/v1/breaches", "POST /api/v1/breaches/{id}/letters")
	add(proven, call, "GET /api/v1/breaches", "GET /api/v1/breaches/{id}", "POST /api/v1/breaches/{id}/assessment", "POST /api/v1/breaches/{id}/close",
		"POST /api/v1/breaches/{id}/delay", "POST /api/v1/breaches/{id}/deliveries")
	add(proven, work, "POST /api/v1/incidents/{id}/steps/{step}", "POST /api/v1/keys/provider/move", "POST /api/v1/policy/diff", "POST /api/v1/assess", "POST /api/v1/index/rebuild", "POST /api/v1/users/import")

	for _, address := range []string{"ServiceProviderConfig", "ResourceTypes", "ResourceTypes/{id}", "Schemas", "Schemas/{id}", "Users", "Users/{id}", "Groups", "Groups/{id}"} {
		add(proven, call, "GET /scim/v2/"+address)
	}
	for _, people := range []string{"Users", "Groups"} {
		add(proven, call, "POST /scim/v2/"+people, "PUT /scim/v2/"+people+"/{id}", "PATCH /scim/v2/"+people+"/{id}", "DELETE /scim/v2/"+people+"/{id}")
	}
	// What is asked of FHIR and SCIM and not offered is refused by them, in their form and in the ledger.
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
		add(proven, form, method+" "+fhirPrefix+"/{path...}", method+" /scim/v2/{path...}")
	}
	add(proven, form, "OPTIONS "+fhirPrefix+"/{path...}")
	return all
}

// held holds an operation to its limits: a body that is too long, or that comes too slowly, is cut
// off, and so is an answer that nobody takes. Requests whose caller nobody has proved take from
// their network's budget.
func (s *Server) held(e exposed, next http.Handler) http.Handler {
	charged := e.who == anyone || e.who == entrant || e.who == person || e.who == administrator || e.who == tryOutOwner
	charged = charged && e.pattern != "GET /healthz" && e.pattern != "GET /readyz"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if charged {
			if err := s.slow(w, r, 1); err != nil {
				s.refuse(w, r, err)
				return
			}
		}
		if r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0 {
			r.Body = http.MaxBytesReader(w, r.Body, e.body)
			_ = http.NewResponseController(w).SetReadDeadline(s.cfg.Clock().Add(min(e.within, readTimeout))) // in memory there is nothing to wait for
		}
		if e.within < writeTimeout {
			_ = http.NewResponseController(w).SetWriteDeadline(s.cfg.Clock().Add(e.within))
		}
		next.ServeHTTP(w, r)
	})
}
