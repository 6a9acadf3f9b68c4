package server_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/server"
)

func TestOnlyTheTenantsHostsAreKnown(t *testing.T) {
	s := newSite(t, nil)
	for host, want := range map[string]int{
		rig.Host: 200, rig.Host + ":8443": 200, strings.ToUpper(rig.Host): 200, "[::1]:8443": 200, "[::1]": 200,
		"": 404, "other.test": 404, "rig.test.other.test": 404, "other.test:8443": 404, "127.0.0.1": 404,
	} {
		r := request(t, http.MethodGet, "/healthz", "")
		r.Host = host
		if got := s.send(r).Code; got != want {
			t.Errorf("host %q: %d, want %d", host, got, want)
		}
	}
}

func TestEveryAnswerIsHardened(t *testing.T) {
	s := newSite(t, nil)
	want := map[string]string{
		"Strict-Transport-Security":    "max-age=63072000",
		"X-Content-Type-Options":       "nosniff",
		"X-Frame-Options":              "DENY",
		"Content-Security-Policy":      "default-src 'none'; frame-ancestors 'none'",
		"Referrer-Policy":              "no-referrer",
		"Cache-Control":                "no-store",
		"Cross-Origin-Resource-Policy": "same-origin",
	}
	ids := map[string]bool{}
	for _, path := range []string{"/healthz", "/nowhere", "/fhir/r4/Patient/1", "/fhir/r4/metadata", "/api/v1/keys", "/ledger/checkpoint", "//", "https://other.test/healthz"} {
		h := s.send(request(t, http.MethodGet, path, "")).Header()
		got := map[string]string{}
		for name := range want {
			got[name] = h.Get(name)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", path, d)
		}
		if id := h.Get("X-Request-Id"); len(id) != 32 || ids[id] {
			t.Errorf("%s: request id %q", path, id)
		} else {
			ids[id] = true
		}
	}
}

func TestStrangersAreRefusedInTheFormOfTheAddress(t *testing.T) {
	s := newSite(t, nil)
	for _, authorization := range []string{"", "Bearer", "Bearer tut_nobody", "Basic dXNlcjpwYXNz", "Bearer " + s.Token(t, rig.Loader) + "x"} {
		for path, want := range map[string]string{
			"/fhir/r4/Patient/1":           `"resourceType":"OperationOutcome"`,
			"/api/v1/keys":                 `"title":"Unauthorized"`,
			"/ledger/tile/entries/000.p/1": `"title":"Unauthorized"`,
		} {
			r := request(t, http.MethodGet, path, "")
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
			w := s.send(r)
			if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") != "Bearer" || !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s with %q: %d %v %s", path, authorization, w.Code, w.Header(), w.Body)
			}
		}
	}
}

// Refused strangers are counted by address, and the count is in the ledger when the server has closed.
func TestRefusedStrangersAreCounted(t *testing.T) {
	s := newSite(t, nil)
	for range 3 {
		s.send(request(t, http.MethodGet, "/fhir/r4/Patient", ""))
	}
	if err := s.server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := s.entries(t, tutela.ActionAuthenticate)
	if len(list) != 1 || list[0].Count != 3 || list[0].Address != "192.0.2.1" || list[0].Outcome != tutela.OutcomeDenied || list[0].Status != 401 {
		t.Errorf("entries %+v", list)
	}
}

// A panic is a bare 500; its value, which may hold anything, is neither answered nor logged.
func TestPanicIsABare500(t *testing.T) {
	var log bytes.Buffer
	s := newSite(t, func(c *server.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		c.API.Keys = func(context.Context, func(tutela.WrappedKey) error) error { panic("Quillfeather") }
	})
	a := s.Do(t, rig.Call{As: admin, Method: http.MethodGet, Path: "/api/v1/keys"})
	if a.Status != http.StatusInternalServerError || len(a.Body) > 0 {
		t.Errorf("%d %q", a.Status, a.Body)
	}
	if text := log.String(); !strings.Contains(text, "panic while serving") || !strings.Contains(text, a.Header.Get("X-Request-Id")) || strings.Contains(text, "Quillfeather") {
		t.Errorf("log: %s", text)
	}
	expect(t, s.Do(t, rig.Call{As: auditor, Method: http.MethodGet, Path: "/api/v1/ledger/entries"}), http.StatusOK)
}

// An error of ours says nothing but that; the operator's log has the rest.
func TestInternalErrorsRevealNothing(t *testing.T) {
	var log bytes.Buffer
	s := newSite(t, func(c *server.Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		c.API.Keys = func(context.Context, func(tutela.WrappedKey) error) error {
			return errors.New("table wrapped_keys is gone")
		}
	})
	a := s.Do(t, rig.Call{As: admin, Method: http.MethodGet, Path: "/api/v1/keys"})
	want := `{"title":"Internal Server Error","status":500,"detail":"internal error"}`
	if d := cmp.Diff(want, strings.TrimSpace(string(a.Body))); d != "" || a.Status != 500 {
		t.Errorf("%d %s", a.Status, d)
	}
	if !strings.Contains(log.String(), "wrapped_keys is gone") {
		t.Errorf("log: %s", log.String())
	}
	e := s.entries(t, tutela.ActionKeyList)
	if len(e) != 1 || e[0].Outcome != tutela.OutcomeError || e[0].Status != 500 {
		t.Errorf("entries %+v", e)
	}
}

func TestBodiesAreBounded(t *testing.T) {
	s := newSite(t, nil)
	huge := `{"resourceType":"Patient","id":"1","text":"` + strings.Repeat("x", 16<<20) + `"}`
	expect(t, s.Do(t, rig.Call{As: rig.Loader, Method: http.MethodPut, Path: "Patient/1", Body: huge}), http.StatusRequestEntityTooLarge)
	r := request(t, http.MethodPost, "/api/v1/tryout/token", strings.Repeat("x", 1<<20+1))
	r.SetBasicAuth("", secret)
	if w := s.send(r); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("try-out: %d %s", w.Code, w.Body)
	}
}

func TestReadinessIsTheDatabases(t *testing.T) {
	var down error
	s := newSite(t, func(c *server.Config) { c.Ready = func(context.Context) error { return down } })
	for _, want := range []int{200, 503, 200} {
		down = nil
		if want == 503 {
			down = errors.New("no route to Quillfeather's database")
		}
		w := s.send(request(t, http.MethodGet, "/readyz", ""))
		if w.Code != want || strings.Contains(w.Body.String(), "Quillfeather") {
			t.Errorf("%d %s, want %d", w.Code, w.Body, want)
		}
		if w := s.send(request(t, http.MethodGet, "/healthz", "")); w.Code != 200 {
			t.Errorf("healthz %d", w.Code)
		}
	}
}

// Without a receipt nothing leaves, refusals included.
func TestNothingIsAnsweredThatTheLedgerDidNotTake(t *testing.T) {
	s := newSite(t, nil)
	token := s.Token(t, admin)
	if err := s.DB.Close(); err != nil {
		t.Fatal(err)
	}
	r := request(t, http.MethodGet, "/api/v1/ledger/entries", "")
	r.Header.Set("Authorization", "Bearer "+token)
	if w := s.send(r); w.Code < 500 || strings.Contains(w.Body.String(), "role") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestCallsAreDecidedAndRecorded(t *testing.T) {
	s := newSite(t, nil)
	for _, c := range []struct {
		as, method, path string
		status           int
		action           tutela.Action
		outcome          tutela.Outcome
	}{
		{admin, "GET", "/api/v1/keys", 200, tutela.ActionKeyList, tutela.OutcomeSuccess},
		{auditor, "POST", "/api/v1/assess", 403, tutela.ActionAssess, tutela.OutcomeDenied},
		{auditor, "GET", "/api/v1/ledger/entries?limit=none", 400, tutela.ActionAuditSearch, tutela.OutcomeFailed},
		{admin, "GET", "/api/v1/ledger/entries", 403, tutela.ActionAuditSearch, tutela.OutcomeDenied},
		{auditor, "GET", "/api/v1/ledger/proof", 400, tutela.ActionAuditProve, tutela.OutcomeFailed},
	} {
		a := s.Do(t, rig.Call{As: c.as, Method: c.method, Path: c.path})
		expect(t, a, c.status)
		var got []tutela.Outcome
		for _, e := range s.entries(t, c.action) {
			if e.Request == a.Header.Get("X-Request-Id") && e.Status == c.status && e.Actor.Name == c.as {
				got = append(got, e.Outcome)
			}
		}
		if d := cmp.Diff([]tutela.Outcome{c.outcome}, got); d != "" {
			t.Errorf("%s %s: %s", c.method, c.path, d)
		}
	}
}

// Whose chart was asked about is in the ledger, and only under a seal.
func TestAQuestionAboutAPatientIsASection(t *testing.T) {
	s := newSite(t, nil)
	a := s.Do(t, rig.Call{As: auditor, Method: "GET", Path: "/api/v1/ledger/entries?patient=quillfeather-1"})
	expect(t, a, http.StatusOK)
	var asked []string
	err := s.Audit.Search(t.Context(), audit.Query{Action: tutela.ActionAuditSearch}, func(o audit.Opened) error {
		sections, err := s.Audit.Sections(t.Context(), o)
		for _, p := range sections {
			asked = append(asked, string(p.Body))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{`{"query":"Patient/quillfeather-1"}`}, asked); d != "" {
		t.Error(d)
	}
}

func TestTryOutSecretStandsForItsIdentities(t *testing.T) {
	s := newSite(t, nil)
	s.Token(t, "physician") // makes the account
	s.Token(t, rig.Loader)
	ask := func(secret, body string) rig.Answer {
		r := request(t, http.MethodPost, "/api/v1/tryout/token", body)
		if secret != "" {
			r.SetBasicAuth("loader", secret)
		}
		w := s.send(r)
		return rig.Answer{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes()}
	}
	expect(t, ask("", `{"as":"loader"}`), 401)
	expect(t, ask("another", `{"as":"loader"}`), 401)
	expect(t, ask(secret, `loader`), 400)
	expect(t, ask(secret, `{"as":"nobody"}`), 404)
	expect(t, ask(secret, `{"as":"physician"}`), 403) // people sign in
	a := ask(secret, `{"as":"loader"}`)
	expect(t, a, 200)
	got := decode[struct {
		Token   string `json:"access_token"`
		Type    string `json:"token_type"`
		Expires int    `json:"expires_in"`
		Scope   string `json:"scope"`
	}](t, a.Body)
	if got.Type != "Bearer" || got.Expires <= 0 || got.Scope != "system/*.cruds" || a.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%+v", got)
	}
	r := request(t, http.MethodGet, "/fhir/r4/Patient", "")
	r.Header.Set("Authorization", "Bearer "+got.Token)
	if w := s.send(r); w.Code != 200 {
		t.Errorf("with the token: %d %s", w.Code, w.Body)
	}
	without := newSite(t, func(c *server.Config) { c.TryOut = nil })
	if w := without.send(request(t, http.MethodPost, "/api/v1/tryout/token", `{}`)); w.Code != 404 {
		t.Errorf("outside a try-out: %d", w.Code)
	}
}

// What stands in front of a server may set headers, and so may whoever reaches past it: none of
// them says who calls or from where.
func TestHeadersProveNobody(t *testing.T) {
	s := newSite(t, nil)
	claims := []string{"X-Forwarded-User", "X-Remote-User", "Remote-User", "Remote_user", "X-User", "X-Authenticated", "X-Authenticated-User",
		"X-Auth-Request-User", "X-Webauth-User", "X-Forwarded-Email", "X-Forwarded-Client-Cert", "X-Ssl-Client-S-Dn", "X-Tutela-User", "X-Roles"}
	for _, path := range []string{"/fhir/r4/Patient", "/api/v1/keys", "/ledger/tile/entries/000"} {
		r := request(t, http.MethodGet, path, "")
		for _, name := range claims {
			r.Header.Set(name, admin)
		}
		if a := s.send(r); a.Code != http.StatusUnauthorized {
			t.Errorf("%s with headers that name the administrator: %d", path, a.Code)
		}
	}
	for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "True-Client-Ip", "Forwarded", "Cf-Connecting-Ip"} {
		r := request(t, http.MethodGet, "/api/v1/keys", "")
		r.Header.Set("Authorization", "Bearer "+s.Token(t, admin))
		r.Header.Set(name, "203.0.113.77")
		for _, other := range claims {
			r.Header.Set(other, auditor)
		}
		a := s.send(r)
		if a.Code != http.StatusOK {
			t.Fatalf("%s: %d", name, a.Code)
		}
		list := s.entries(t, tutela.ActionKeyList)
		last := list[len(list)-1]
		if last.Address != "192.0.2.1" || last.Actor.Name != admin || !slices.Equal(last.Actor.Roles, []string{admin}) {
			t.Errorf("%s: the ledger has %+v from %q", name, last.Actor, last.Address)
		}
	}
}
