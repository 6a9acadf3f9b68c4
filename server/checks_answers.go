package server

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
)

// oneYear is the least that browsers have to remember for that only HTTPS is spoken here, in seconds.
const oneYear = 365 * 24 * 3600

// hardenedAnswers looks at the headers of all kinds of answers: of pages, of the API, of refusals and of what is not there.
func hardenedAnswers(ctx context.Context, s *stranger) (wrong []string, told string, err error) {
	list := []asking{
		get("/healthz"), get("/login"), get("/account"), get("/console/"), get(fhirPrefix + "/Patient"),
		get("/api/v1/keys"), get("/ledger/checkpoint"), get("/tutela-nowhere"), postForm("/login", "username=x"), postForm("/oauth2/token", "x=y"),
	}
	wrong, err = s.each(ctx, list, func(_ asking, got said) string { return unhardened(got.header) })
	return wrong, fmt.Sprintf("%d answers of all kinds forbid framing, sniffing, foreign scripts and keeping copies, have browsers come back by HTTPS only, "+
		"and name no product", len(list)), err
}

// unhardened says what browsers are not forbidden.
func unhardened(h http.Header) string {
	policy := strings.ReplaceAll(h.Get("Content-Security-Policy"), " ", "")
	for _, rule := range []struct {
		holds bool
		text  string
	}{
		{lasts(h.Get("Strict-Transport-Security")), "lets browsers come back without TLS"},
		{h.Get("X-Content-Type-Options") == "nosniff", "lets browsers guess at what it is"},
		{strings.Contains(policy, "default-src'none'"), "lets browsers load what the page does not name"},
		{strings.Contains(policy, "frame-ancestors'none'"), "may be framed by other sites"},
		{h.Get("Referrer-Policy") == "no-referrer" || h.Get("Referrer-Policy") == "same-origin", "has browsers tell other sites where they were"},
		{strings.Contains(h.Get("Cache-Control"), "no-store"), "may be kept by browsers and proxies"},
		{h.Get("Server") == "" && h.Get("X-Powered-By") == "", "names the product that answers"},
	} {
		if !rule.holds {
			return rule.text
		}
	}
	return ""
}

// lasts tells a Strict-Transport-Security of a year or more (RFC 6797, 6.1.1).
func lasts(value string) bool {
	for part := range strings.SplitSeq(value, ";") {
		if age, found := strings.CutPrefix(strings.TrimSpace(part), "max-age="); found {
			n, err := strconv.Atoi(strings.Trim(age, `"`))
			return err == nil && n >= oneYear
		}
	}
	return false
}

// inside finds what only the inside of a program says: traces, statements of SQL, and the names of what it is made of.
func inside() *regexp.Regexp {
	return regexp.MustCompile(`(?i)goroutine \d|runtime error|panic:|\.go:\d|\bsqlite|\bpgx|SQLSTATE|syntax error at|select .* from |/(home|usr|root|tmp|var)/|nil pointer|stack trace`)
}

// quietErrors sends what is malformed, forged or meant as an injection, and looks at what the answers give away.
func quietErrors(ctx context.Context, s *stranger) (wrong []string, told string, err error) {
	mark := "tutela-canary-" + strings.ToLower(rand.Text())
	list := malformed(mark)
	tell := inside()
	wrong, err = s.each(ctx, list, func(_ asking, got said) string {
		switch {
		case got.status >= http.StatusInternalServerError && got.status != http.StatusServiceUnavailable:
			return fmt.Sprintf("is answered %d: what a stranger sends breaks it", got.status)
		case got.status < http.StatusMultipleChoices:
			return fmt.Sprintf("is answered %d, as if it made sense", got.status)
		case strings.Contains(got.body, mark):
			return "is answered with what was sent"
		case tell.MatchString(got.body):
			return fmt.Sprintf("is answered with %q", tell.FindString(got.body))
		}
		return ""
	})
	return wrong, fmt.Sprintf("%d malformed, forged and injected requests were refused, and no answer repeats them or tells of the inside", len(list)), err
}

// malformed are requests that make no sense, with a mark in them.
func malformed(mark string) []asking {
	injected := mark + "%27%20OR%201%3D1--%3Cscript%3E"
	list := []asking{
		get(fhirPrefix + "/Patient?name=" + injected), get(fhirPrefix + "/" + mark), get("/api/v1/" + mark), get("/api/v1/incidents/" + injected),
		get("/ledger/tile/0/" + mark), get("/ledger/tile/99/x000"), get("/ledger/tile/entries/" + mark), get("/login/with/" + mark), get("/invitation/" + mark),
		get("/oauth2/authorize?response_type=code&client_id=" + injected), get("/scim/v2/Users?filter=" + injected), get("/" + mark),
		postForm("/oauth2/token", "grant_type="+injected), postForm("/oauth2/token", "grant_type=refresh_token&client_id="+mark+"&refresh_token="+mark),
		postForm("/oauth2/token", "%%%"+mark), postForm("/oauth2/revoke", "token="+mark), postForm("/oauth2/introspect", "token="+mark),
		{method: http.MethodPost, path: "/login/passkey", body: `{"id":"` + mark + `"`, header: map[string]string{"Content-Type": "application/json"}},
		{method: http.MethodPost, path: "/intake/tracker/" + mark, body: "[[[" + mark, header: map[string]string{"Content-Type": "application/json"}},
		{method: http.MethodPost, path: fhirPrefix + "/Patient", body: `{"resourceType":"` + mark, header: map[string]string{"Content-Type": "application/fhir+json"}},
	}
	return append(list,
		get(fhirPrefix+"/Patient").with("Authorization", "Bearer "+mark), get(fhirPrefix+"/Patient").with("Authorization", "Basic "+mark),
		get("/account").with("Cookie", "__Host-tutela-session="+mark+"; __Host-tutela-session="+mark))
}

// boundedRequests sends bodies, addresses and headers that are longer than anybody needs.
func boundedRequests(ctx context.Context, s *stranger) (wrong []string, told string, err error) {
	long := strings.Repeat("x", maxHeader+8<<10)
	list := []asking{
		postForm("/oauth2/token", "grant_type="+long), postForm("/oauth2/revoke", "token="+long), postForm("/oauth2/introspect", "token="+long),
		{method: http.MethodPost, path: "/intake/tracker/tutela-nobody", body: `{"x":"` + long + `"}`, header: map[string]string{"Content-Type": "application/json"}},
		get("/healthz?" + long), get("/healthz").with("X-Long", long),
	}
	wrong, err = s.each(ctx, list, func(_ asking, got said) string {
		switch got.status {
		case http.StatusRequestEntityTooLarge, http.StatusRequestHeaderFieldsTooLarge, http.StatusRequestURITooLong:
			return ""
		}
		return fmt.Sprintf("with %d bytes too many is answered %d", len(long), got.status)
	})
	return wrong, fmt.Sprintf("%d requests with bodies, addresses or headers of %d bytes were refused", len(list), len(long)), err
}

// foreignOrigins asks as the script of another site, and as a form that stands there.
func foreignOrigins(ctx context.Context, s *stranger) (wrong []string, told string, err error) {
	const site = "https://tutela-canary.invalid"
	scripts := []asking{}
	for _, path := range []string{fhirPrefix + "/Patient", fhirPrefix, "/oauth2/token", "/oauth2/userinfo", "/api/v1/users", "/api/v1/ledger/entries", "/login", "/account", "/console/", "/metrics"} {
		scripts = append(scripts, get(path).with("Origin", site),
			asking{method: http.MethodOptions, path: path, header: map[string]string{"Origin": site, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}})
	}
	wrong, err = s.each(ctx, scripts, func(_ asking, got said) string {
		if to := got.header.Get("Access-Control-Allow-Origin"); to != "" {
			return "lets scripts of " + to + " read the answer"
		}
		return ""
	})
	open, err2 := s.each(ctx, []asking{get("/oauth2/jwks").with("Origin", site), get(fhirPrefix+"/metadata").with("Origin", site)}, func(_ asking, got said) string {
		if got.header.Get("Access-Control-Allow-Credentials") != "" {
			return "lets scripts of another site use people's cookies"
		}
		return ""
	})
	if err == nil {
		err = err2
	}
	return append(wrong, open...), fmt.Sprintf("%d requests of another site's scripts were answered so that no browser shows them the answer", len(scripts)), err
}

// foreignForms sends forms as another site's page would have a browser do, and without what our own pages put into theirs.
func foreignForms(ctx context.Context, s *stranger) (wrong []string, told string, err error) {
	var forms []asking
	for _, path := range []string{"/login", "/logout", "/account/password", "/account/totp/remove", "/account/sessions/end-all", "/emergency", "/report", "/admin/users", "/admin/clients"} {
		forms = append(forms, postForm(path, "x=y").with("Origin", "https://tutela-canary.invalid").with("Sec-Fetch-Site", "cross-site"))
	}
	wrong, err = s.each(ctx, forms, func(_ asking, got said) string {
		if got.status != http.StatusForbidden {
			return fmt.Sprintf("from another site's page is answered %d instead of 403", got.status)
		}
		return ""
	})
	if err != nil {
		return nil, "", err
	}
	own, err := s.each(ctx, []asking{postForm("/login", "username=tutela-nobody&password=x").with("Sec-Fetch-Site", "same-origin")}, func(_ asking, got said) string {
		if got.status < http.StatusBadRequest {
			return fmt.Sprintf("without the form's own secret is answered %d", got.status)
		}
		return ""
	})
	return append(wrong, own...), fmt.Sprintf("%d forms that another site's page sent were refused, and so was one that no page of ours drew", len(forms)), err
}
