package pages

import (
	"net/http"
	"time"
)

// Mux takes routes, as http.ServeMux does.
type Mux interface {
	Handle(pattern string, h http.Handler)
}

// Routes names every address of people's pages. But for those of Public, each leads a caller who
// is not signed in to the login.
func (p *Pages) Routes(mux Mux) {
	for name := range assets() {
		mux.Handle("GET /assets/"+name, p.assets[name])
	}
	p.loginRoutes(mux)
	p.accountRoutes(mux)
	p.adminRoutes(mux)
}

// DeskRoutes names the addresses of the pages about emergency access and about the ledger, over the planes
// that keep them. It belongs to setting up, before the first page is served.
func (p *Pages) DeskRoutes(mux Mux, d Desk) {
	p.desk = d
	mux.Handle("GET /emergency", p.handle(person, emergency))
	mux.Handle("POST /emergency", p.handle(person, breakGlass))
	mux.Handle("POST /emergency/end", p.handle(person, endEmergency))
	mux.Handle("GET /emergency/reviews", p.handle(person, reviews))
	mux.Handle("GET /emergency/reviews/{id}", p.handle(person, review))
	mux.Handle("POST /emergency/reviews/{id}", p.handle(person, closeReview))
	mux.Handle("POST /emergency/reviews/{id}/revoke", p.handle(person, revokeEmergency))
	mux.Handle("GET /accesses", p.handle(person, accesses))
	mux.Handle("POST /accesses", p.handle(person, accesses))
	mux.Handle("GET "+reportPage, p.handle(person, report))
	mux.Handle("POST "+reportPage, p.handle(person, sendReport))
	mux.Handle("GET "+recordsPage, p.handle(person, records))
	mux.Handle("POST "+recordsPage, p.handle(person, askRight))
	mux.Handle("POST "+recordsPage+"/copy", p.handle(person, copyRecords))
}

// Public names the routes that answer a caller whom nobody has proved: where one signs in, where
// an invitation is taken up, and the files that pages load.
func Public() []string {
	list := []string{
		"GET /login", "POST /login", "POST /login/passkey/options", "POST /login/passkey",
		"GET /invitation/{token}", "POST /invitation/{token}", "POST /invitation/{token}/with/{id}",
		"GET /login/with/{id}", "GET /login/with/{id}/callback", "GET /login/with/{id}/leave",
	}
	for name := range assets() {
		list = append(list, "GET /assets/"+name)
	}
	return list
}

func (p *Pages) loginRoutes(mux Mux) {
	mux.Handle("GET /login", p.handle(anybody, loginForm))
	mux.Handle("POST /login", p.handle(anybody, login))
	mux.Handle("POST /login/passkey/options", p.handleJSON(anybody, passkeyLoginOptions))
	mux.Handle("POST /login/passkey", p.handle(anybody, passkeyLogin))
	mux.Handle("GET /login/factor", p.handle(trying, factorForm))
	mux.Handle("POST /login/factor/totp", p.handle(trying, factorTOTP))
	mux.Handle("POST /login/factor/recovery", p.handle(trying, factorRecovery))
	mux.Handle("POST /login/factor/passkey/options", p.handleJSON(trying, factorPasskeyOptions))
	mux.Handle("POST /login/factor/passkey", p.handle(trying, factorPasskey))
	mux.Handle("POST /logout", p.handle(person, logout))
	mux.Handle("GET /login/with/{id}", p.handle(anybody, enterOutside))
	mux.Handle("GET /login/with/{id}/callback", p.handle(anybody, outsideAnswer))
	mux.Handle("GET /login/with/{id}/leave", p.handle(anybody, leaveOutside))

	mux.Handle("GET /invitation/{token}", p.handle(anybody, invitationForm))
	mux.Handle("POST /invitation/{token}", p.handle(anybody, invitation))
	mux.Handle("POST /invitation/{token}/with/{id}", p.handle(anybody, invitationOutside))
	mux.Handle("GET /enrol", p.handle(trying, enrolForm))
	mux.Handle("POST /enrol/totp/new", p.handle(trying, enrolTOTP))
	mux.Handle("POST /enrol/totp", p.handle(trying, confirmTOTP))
	mux.Handle("POST /enrol/passkey/options", p.handleJSON(trying, enrolPasskeyOptions))
	mux.Handle("POST /enrol/passkey", p.handle(trying, enrolPasskey))
}

func (p *Pages) accountRoutes(mux Mux) {
	own := ageLimits{page: 3 * time.Minute, form: 5 * time.Minute}
	mux.Handle("GET /account", p.handle(person, account))
	mux.Handle("POST /account/sessions/end", p.handle(person, endSession))
	mux.Handle("POST /account/sessions/end-all", p.handle(person, endAllSessions))
	mux.Handle("POST /account/apps/revoke", p.handle(person, revokeApp))

	mux.Handle("GET /account/verify", p.handle(person, verifyForm))
	mux.Handle("POST /account/verify/totp", p.handle(person, verifyTOTP))
	mux.Handle("POST /account/verify/recovery", p.handle(person, verifyRecovery))
	mux.Handle("POST /account/verify/passkey/options", p.handleJSON(person, verifyPasskeyOptions))
	mux.Handle("POST /account/verify/passkey", p.handle(person, verifyPasskey))
	mux.Handle("POST /account/verify/with/{id}", p.handle(person, verifyOutside))
	mux.Handle("POST /account/providers/{id}/link", p.guarded(person, own, home, linkOutside))
	mux.Handle("POST /account/providers/{id}/unlink", p.guarded(person, own, home, unlinkOutside))

	mux.Handle("GET /account/password", p.guarded(person, own, "", passwordForm))
	mux.Handle("POST /account/password", p.guarded(person, own, "/account/password", changePassword))
	mux.Handle("GET /account/totp", p.guarded(person, own, "", newTOTP))
	mux.Handle("POST /account/totp", p.guarded(person, own, "/account/totp", setTOTP))
	mux.Handle("POST /account/totp/remove", p.guarded(person, own, home, removeTOTP))
	mux.Handle("GET /account/recovery", p.guarded(person, own, "", recoveryForm))
	mux.Handle("POST /account/recovery", p.guarded(person, own, "/account/recovery", newRecoveryCodes))
	mux.Handle("GET /account/passkeys/new", p.guarded(person, own, "", newPasskeyForm))
	mux.Handle("POST /account/passkeys/options", p.handleJSON(person, newPasskeyOptions))
	mux.Handle("POST /account/passkeys", p.guarded(person, own, "/account/passkeys/new", addPasskey))
	mux.Handle("POST /account/passkeys/remove", p.guarded(person, own, home, removePasskey))
}

func (p *Pages) adminRoutes(mux Mux) {
	admin := ageLimits{page: 10 * time.Minute, form: 15 * time.Minute}
	mux.Handle("GET /admin/users", p.guarded(administrator, admin, "", users))
	mux.Handle("POST /admin/users", p.guarded(administrator, admin, "/admin/users", inviteUser))
	mux.Handle("POST /admin/users/withdraw", p.guarded(administrator, admin, "/admin/users", withdrawInvitation))
	mux.Handle("GET /admin/users/{id}", p.guarded(administrator, admin, "", user))
	mux.Handle("POST /admin/users/{id}/roles", p.guarded(administrator, admin, "/admin/users", changeUser("roles", setRoles)))
	mux.Handle("POST /admin/users/{id}/clearances", p.guarded(administrator, admin, "/admin/users", changeUser("labels", askClearance)))
	mux.Handle("POST /admin/users/{id}/disable", p.guarded(administrator, admin, "/admin/users", changeUser("disable", disableUser)))
	mux.Handle("POST /admin/users/{id}/enable", p.guarded(administrator, admin, "/admin/users", changeUser("enable", enableUser)))
	mux.Handle("POST /admin/users/{id}/sessions/end", p.guarded(administrator, admin, "/admin/users", changeUser("ended", endUserSessions)))
	mux.Handle("POST /admin/users/{id}/reset", p.guarded(administrator, admin, "/admin/users", resetUser))
	mux.Handle("POST /admin/users/{id}/unlink", p.guarded(administrator, admin, "/admin/users", changeUser("unlinked", unlinkUser)))
	mux.Handle("GET /admin/providers", p.guarded(administrator, admin, "", providers))
	mux.Handle("GET /admin/providers/new", p.guarded(administrator, admin, "", newProvider))
	mux.Handle("POST /admin/providers", p.guarded(administrator, admin, "/admin/providers", addProvider))
	mux.Handle("GET /admin/providers/{id}", p.guarded(administrator, admin, "", provider))
	mux.Handle("POST /admin/providers/{id}", p.guarded(administrator, admin, "/admin/providers", updateProvider))
	mux.Handle("POST /admin/providers/{id}/try", p.guarded(administrator, admin, "/admin/providers", tryProvider))
	mux.Handle("POST /admin/providers/{id}/remove", p.guarded(administrator, admin, "/admin/providers", removeProvider))
	mux.Handle("GET /admin/clients", p.guarded(administrator, admin, "", clients))
	mux.Handle("GET /admin/clients/new", p.guarded(administrator, admin, "", newClient))
	mux.Handle("POST /admin/clients", p.guarded(administrator, admin, "/admin/clients", registerClient))
	mux.Handle("GET /admin/clients/{id}", p.guarded(administrator, admin, "", client))
	mux.Handle("POST /admin/clients/{id}", p.guarded(administrator, admin, "/admin/clients", updateClient))
	mux.Handle("POST /admin/clients/{id}/remove", p.guarded(administrator, admin, "/admin/clients", removeClient))
}
