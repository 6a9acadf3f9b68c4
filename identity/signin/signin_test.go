package signin_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/identity/signin"
)

// site is a site of the test's own, and a browser for it.
func site(t *testing.T, handle http.HandlerFunc) (*httptest.Server, *signin.Browser) {
	t.Helper()
	srv := httptest.NewTLSServer(handle)
	t.Cleanup(srv.Close)
	b, err := signin.New(srv.URL, srv.Client().Transport)
	if err != nil {
		t.Fatal(err)
	}
	return srv, b
}

func page(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprint(w, body)
}

// A form is sent as a browser sends it: hidden and ticked fields as they stand, what is not ticked
// or disabled not at all, and what somebody filled in.
func TestFormsAreSentAsDrawn(t *testing.T) {
	var sent url.Values
	var origin string
	srv, b := site(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			_ = r.ParseForm()
			sent, origin = r.PostForm, r.Header.Get("Origin")
			http.Redirect(w, r, "/done", http.StatusSeeOther)
			return
		}
		page(w, http.StatusOK, `<h1>A <em>question</em></h1><form action="/other"><input name=x value=1></form>
<form method="post" action="/answer"><input type="hidden" name="token" value="a&amp;b"><input type=checkbox name=scope value=one checked>
<input type=checkbox name=scope value=two><input type=checkbox name=scope value=three checked disabled><input type=checkbox name=scope value=four checked>
<input name="said" value="old"></form><div id="problem"><p>That was wrong.</p></div>
<form method="post"><input name="here" value="1"></form>Key: <code id="secret">ABC</code>`)
	})
	p, err := b.Open(t.Context(), "/ask")
	if err != nil {
		t.Fatal(err)
	}
	f, ok := p.Form("/answer")
	if !ok || p.Title != "A question" || p.Problem != "That was wrong." || p.Secret != "ABC" {
		t.Fatalf("%+v", p)
	}
	if here, ok := p.Form("/ask"); !ok || here.Fields.Get("here") != "1" {
		t.Errorf("the form without an action: %+v", p.Forms)
	}
	p, err = b.Submit(t.Context(), f, url.Values{"said": {"new"}, "decision": {"allow"}})
	if err != nil || p.Path != "/done" {
		t.Fatalf("%+v, %v", p, err)
	}
	want := url.Values{"token": {"a&b"}, "scope": {"one", "four"}, "said": {"new"}, "decision": {"allow"}}
	if d := cmp.Diff(want, sent); d != "" || origin != srv.URL {
		t.Errorf("from %s: %s", origin, d)
	}
}

// Cookies and forms never leave the site, and no site can keep a browser for ever.
func TestABrowserStaysOnItsSite(t *testing.T) {
	asked := false
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	t.Cleanup(elsewhere.Close)
	_, b := site(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, elsewhere.URL+"/callback?code=1", http.StatusSeeOther)
		case "/refresh":
			w.Header().Set("Refresh", "0; url="+elsewhere.URL+"/callback")
		default:
			http.Redirect(w, r, "/round", http.StatusSeeOther)
		}
	})
	for _, path := range []string{"/away", "/refresh", elsewhere.URL} {
		if p, err := b.Open(t.Context(), path); err != nil || p.Away == nil || !strings.HasPrefix(p.Away.String(), elsewhere.URL) {
			t.Errorf("%s: %+v, %v", path, p, err)
		}
	}
	if asked {
		t.Error("another site was visited")
	}
	if _, err := b.Open(t.Context(), "/round"); err == nil || !strings.Contains(err.Error(), "circle") {
		t.Errorf("round: %v", err)
	}
	if _, err := signin.New("http://clinic.test", nil); err == nil {
		t.Error("a site without TLS was accepted")
	}
}

// An answer that is not to this request, from this server, to this application is no answer
// (RFC 6749, 10.12; RFC 9207).
func TestOnlyTheAnswerToTheRequestCounts(t *testing.T) {
	const redirect = "http://127.0.0.1/callback"
	var answer func(issuer, state string) string
	var srv *httptest.Server
	redeemed := false
	srv, b := site(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth2/token" {
			redeemed = true
			_, _ = fmt.Fprint(w, `{"access_token":"tut_1"}`)
			return
		}
		w.Header().Set("Location", answer(srv.URL, r.URL.Query().Get("state")))
		w.WriteHeader(http.StatusSeeOther)
	})
	app := signin.App{Client: "app", Redirect: redirect, Scope: "openid"}
	for name, a := range map[string]func(issuer, state string) string{
		"another state":  func(iss, _ string) string { return redirect + "?code=1&state=x&iss=" + url.QueryEscape(iss) },
		"another issuer": func(_, s string) string { return redirect + "?code=1&iss=https://evil.test&state=" + s },
		"no issuer":      func(_, s string) string { return redirect + "?code=1&state=" + s },
		"another address": func(iss, s string) string {
			return "http://127.0.0.1/other?code=1&state=" + s + "&iss=" + url.QueryEscape(iss)
		},
		"a refusal": func(iss, s string) string {
			return redirect + "?error=access_denied&state=" + s + "&iss=" + url.QueryEscape(iss)
		},
	} {
		answer = a
		if got, err := b.Token(t.Context(), app, signin.Person{}); err == nil || redeemed {
			t.Errorf("%s: %+v", name, got)
		}
	}
	answer = func(iss, s string) string { return redirect + "?code=1&state=" + s + "&iss=" + url.QueryEscape(iss) }
	if got, err := b.Token(t.Context(), app, signin.Person{}); err != nil || got.Access != "tut_1" {
		t.Errorf("%+v, %v", got, err)
	}
}

// What a page refuses is told apart: one waits, another has no code, the rest is said as it stands.
func TestRefusalsAreToldApart(t *testing.T) {
	status, problem := 0, ""
	_, b := site(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodGet:
			page(w, http.StatusOK, `<form action="/login"><input name=username></form>`)
		case r.URL.Path == "/login" && status == 0:
			page(w, http.StatusOK, `<form action="/login/factor/totp"></form>`)
		case r.URL.Path == "/login":
			page(w, status, `<form action="/login"></form><div id="problem">`+problem+`</div>`)
		default:
			page(w, http.StatusUnauthorized, `<form action="/login/factor/totp"></form><div id="problem">The code is wrong.</div>`)
		}
	})
	who := signin.Person{Username: "nora", Password: "x", Codes: func() ([]string, error) { return []string{"000000", "111111"}, nil }}
	if _, err := b.Login(t.Context(), who); !errors.Is(err, signin.ErrSecondFactor) {
		t.Errorf("codes: %v", err)
	}
	status, problem = http.StatusTooManyRequests, "Wait."
	if _, err := b.Login(t.Context(), who); !errors.Is(err, signin.ErrTooMany) {
		t.Errorf("brake: %v", err)
	}
	status, problem = http.StatusUnauthorized, "Username or password is wrong."
	if _, err := b.Login(t.Context(), who); err == nil || err.Error() != problem {
		t.Errorf("password: %v", err)
	}
}
