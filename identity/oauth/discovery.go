package oauth

import (
	"net/http"

	"github.com/go-jose/go-jose/v4"

	"github.com/tutela-health/tutela/identity"
)

// cacheFor is how long what is published may be kept. It is far below the time for which an old
// signing key stays published.
const cacheFor = "public, max-age=300"

// metadata is what clients are told of this server: OpenID Connect Discovery 1.0 section 3,
// RFC 8414 section 2, SMART App Launch 2.2 "Conformance". One document, so that they cannot differ.
type metadata struct {
	Issuer                string   `json:"issuer"`
	Authorization         string   `json:"authorization_endpoint"`
	Token                 string   `json:"token_endpoint"`
	JWKS                  string   `json:"jwks_uri"`
	UserInfo              string   `json:"userinfo_endpoint"`
	Introspection         string   `json:"introspection_endpoint"`
	Revocation            string   `json:"revocation_endpoint"`
	EndSession            string   `json:"end_session_endpoint"`
	Management            string   `json:"management_endpoint"`
	Scopes                []string `json:"scopes_supported"`
	Responses             []string `json:"response_types_supported"`
	ResponseModes         []string `json:"response_modes_supported"`
	Grants                []string `json:"grant_types_supported"`
	Subjects              []string `json:"subject_types_supported"`
	IDTokenAlgorithms     []string `json:"id_token_signing_alg_values_supported"`
	TokenMethods          []string `json:"token_endpoint_auth_methods_supported"`
	TokenAlgorithms       []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	IntrospectMethods     []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectAlgorithms  []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`
	RevokeMethods         []string `json:"revocation_endpoint_auth_methods_supported"`
	RevokeAlgorithms      []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	Challenges            []string `json:"code_challenge_methods_supported"`
	Claims                []string `json:"claims_supported"`
	ACRs                  []string `json:"acr_values_supported"`
	Prompts               []string `json:"prompt_values_supported"`
	IssuerInAnswer        bool     `json:"authorization_response_iss_parameter_supported"`
	ClaimsParameter       bool     `json:"claims_parameter_supported"`
	RequestParameter      bool     `json:"request_parameter_supported"`
	RequestURIParameter   bool     `json:"request_uri_parameter_supported"`
	BackchannelLogout     bool     `json:"backchannel_logout_supported"`
	BackchannelLogoutByID bool     `json:"backchannel_logout_session_supported"`
	Capabilities          []string `json:"capabilities,omitempty"`
}

// Endpoints are absolute URLs that others announce beside the authorization server itself.
type Endpoints struct{ Authorize, Token, Manage, Introspect, Revoke string }

// EndpointsOf returns where the authorization server of an issuer answers.
func EndpointsOf(issuer string) Endpoints {
	return Endpoints{
		Authorize: issuer + authorizePath, Token: issuer + tokenPath, Manage: issuer + "/account",
		Introspect: issuer + "/oauth2/introspect", Revoke: issuer + "/oauth2/revoke",
	}
}

func (s *Server) metadata() metadata {
	at := func(path string) string { return s.cfg.Issuer + path }
	ends := EndpointsOf(s.cfg.Issuer)
	var algorithms []string
	for _, a := range identity.AssertionAlgorithms() {
		algorithms = append(algorithms, string(a))
	}
	proofs := []string{"client_secret_basic", "client_secret_post", "private_key_jwt"}
	return metadata{
		Issuer: s.cfg.Issuer, Authorization: ends.Authorize, Token: ends.Token, JWKS: at("/oauth2/jwks"),
		UserInfo: at("/oauth2/userinfo"), Introspection: ends.Introspect, Revocation: ends.Revoke,
		EndSession: at("/oauth2/logout"), Management: ends.Manage,
		Scopes: append(identity.PlainScopes(), "patient/*.rs", "patient/*.cruds", "user/*.rs", "user/*.cruds", "system/*.rs", "system/*.cruds",
			"patient/*.read", "patient/*.write", "user/*.read", "user/*.write", "system/*.read", "system/*.write"),
		Responses: []string{"code"}, ResponseModes: []string{"query"}, Grants: grants(), Subjects: []string{"public"},
		IDTokenAlgorithms: []string{string(identity.IDTokenAlgorithm)}, Challenges: []string{"S256"},
		TokenMethods: append([]string{"none"}, proofs...), TokenAlgorithms: algorithms,
		IntrospectMethods: proofs, IntrospectAlgorithms: algorithms,
		RevokeMethods: append([]string{"none"}, proofs...), RevokeAlgorithms: algorithms,
		Claims: []string{"iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid", "preferred_username", "fhirUser"},
		ACRs:   []string{identity.ACRTwoFactors}, Prompts: []string{"none", "login", "consent", "select_account"},
		IssuerInAnswer: true, BackchannelLogout: true, BackchannelLogoutByID: true,
	}
}

// capabilities are what SMART calls the parts that are offered.
func capabilities() []string {
	return []string{
		"launch-ehr", "launch-standalone", "authorize-post",
		"client-public", "client-confidential-symmetric", "client-confidential-asymmetric",
		"sso-openid-connect", "context-banner", "context-ehr-patient", "context-ehr-encounter", "context-standalone-patient",
		"permission-offline", "permission-online", "permission-patient", "permission-user", "permission-v1", "permission-v2",
	}
}

func (s *Server) openIDConfiguration(w http.ResponseWriter, _ *http.Request) {
	publish(w, s.metadata())
}

func (s *Server) smartConfiguration(w http.ResponseWriter, _ *http.Request) {
	m := s.metadata()
	m.Capabilities = capabilities()
	publish(w, m)
}

// jwks publishes the keys that verify id_tokens and logout tokens.
func (s *Server) jwks(w http.ResponseWriter, r *http.Request) {
	keys, err := s.identity.VerificationKeys(r.Context())
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	publish(w, jose.JSONWebKeySet{Keys: keys})
}
