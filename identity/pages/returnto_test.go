package pages

import (
	"net/url"
	"strings"
	"testing"
)

func TestReturnLeadsNowhereElse(t *testing.T) {
	for _, evil := range []string{
		"", "https://evil.example/", "//evil.example/account", "/\\evil.example", "\\/evil.example/account", "/account\\..\\x",
		"http:/account", "https:account", "javascript:alert(1)", "data:text/html,x", "/%09/evil.example", "/account//evil.example",
		"/account/../../evil", "/account/%2e%2e/x", "/login?return=/login", "/logout", "/oauth2/token", "/fhir/r4/Patient", "account",
		"/accounts", "/account#@evil.example", "//account@evil.example/account", "/account\r\nSet-Cookie: a=b", "/account\t", "/\t/evil.example",
		"https:///account", "/oauth2/authorizer", "///evil.example/account", " /account", "/\x00account",
	} {
		if got := localReturn(evil); got != home {
			t.Errorf("localReturn(%q) = %q", evil, got)
		}
	}
}

func TestReturnKeepsOurPlaces(t *testing.T) {
	for _, own := range []string{
		"/account", "/account/password", "/admin/users", "/console/", "/oauth2/authorize?client_id=a&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&state=x%26y",
	} {
		if got := localReturn(own); got != own {
			t.Errorf("localReturn(%q) = %q", own, got)
		}
	}
}

func FuzzReturn(f *testing.F) {
	f.Add("/account")
	f.Add("//evil.example")
	f.Add("/account/%5c%5cevil")
	f.Fuzz(func(t *testing.T, to string) {
		got := localReturn(to)
		u, err := url.Parse(got)
		if err != nil || u.Host != "" || u.Scheme != "" || strings.HasPrefix(got, "//") || !strings.HasPrefix(got, "/") || strings.ContainsAny(got, "\\\r\n\t") {
			t.Errorf("localReturn(%q) = %q", to, got)
		}
	})
}

func TestFormTargetCannotWidenThePolicy(t *testing.T) {
	plain := policy("")
	for _, evil := range []string{"https://a.example; script-src *", "*", "'unsafe-inline'", "https://a.example https://b.example", "https://*.example", "a,b"} {
		if got := policy(evil); got != plain {
			t.Errorf("policy(%q) = %q", evil, got)
		}
	}
	if got := policy("https://app.example"); !strings.Contains(got, "form-action 'self' https://app.example;") {
		t.Errorf("policy = %q", got)
	}
}
