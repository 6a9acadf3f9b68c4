package oauth

import "net/http"

// fhirPath is where the FHIR API stands, of which SMART wants the configuration below it.
const fhirPath = "/fhir/r4"

// Mux is what routes are added to: an http.ServeMux, or what keeps account of one.
type Mux interface {
	HandleFunc(pattern string, f func(http.ResponseWriter, *http.Request))
}

// Routes adds every address of the authorization server to mux.
func (s *Server) Routes(mux Mux) {
	mux.HandleFunc("GET /.well-known/openid-configuration", s.openIDConfiguration)
	mux.HandleFunc("GET /.well-known/oauth-authorization-server", s.openIDConfiguration)
	mux.HandleFunc("GET "+fhirPath+"/.well-known/smart-configuration", s.smartConfiguration)
	mux.HandleFunc("GET /oauth2/jwks", s.jwks)
	mux.HandleFunc("GET "+authorizePath, s.authorize)
	mux.HandleFunc("POST "+authorizePath, s.authorizePost)
	mux.HandleFunc("POST "+authorizePath+"/decision", s.decide)
	mux.HandleFunc("POST "+authorizePath+"/patient", s.pick)
	mux.HandleFunc("POST "+tokenPath, s.token)
	mux.HandleFunc("POST /oauth2/introspect", s.introspect)
	mux.HandleFunc("POST /oauth2/revoke", s.revoke)
	mux.HandleFunc("GET /oauth2/userinfo", s.userinfo)
	mux.HandleFunc("POST /oauth2/userinfo", s.userinfo)
	mux.HandleFunc("POST /oauth2/launch", s.launch)
	mux.HandleFunc("GET "+logoutPath, s.logoutGet)
	mux.HandleFunc("POST "+logoutPath, s.logoutPost)
	mux.HandleFunc("POST "+logoutPath+"/decision", s.logoutDecision)
}

// Public names the routes that answer a caller whom nobody has proved, each for a reason: what is
// published, what proves people and clients itself, and what leads a person to a page.
func Public() []string {
	return []string{
		"GET /.well-known/openid-configuration", "GET /.well-known/oauth-authorization-server",
		"GET " + fhirPath + "/.well-known/smart-configuration", "GET /oauth2/jwks",
		"GET " + authorizePath, "POST " + authorizePath, "POST " + authorizePath + "/decision", "POST " + authorizePath + "/patient",
		"POST " + tokenPath, "POST /oauth2/introspect", "POST /oauth2/revoke",
		"GET " + logoutPath, "POST " + logoutPath, "POST " + logoutPath + "/decision",
	}
}
