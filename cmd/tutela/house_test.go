package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/server"
	"github.com/tutela-health/tutela/store"
)

// lodger is one tenant of a test's house.
type lodger struct {
	conf   config
	token  string // of its loader
	sealed []byte // its patient's row
}

// moveIn makes a tenant with a patient and two organizations, called alike in every tenant.
func moveIn(t *testing.T, root, name, database string, hosts ...string) *lodger {
	t.Helper()
	return moveInWith(t, localKeys("keys/provider"), root, name, database, hosts...)
}

// moveInWith has the tenant's keys kept elsewhere.
func moveInWith(t *testing.T, provider providerSettings, root, name, database string, hosts ...string) *lodger {
	t.Helper()
	l := &lodger{conf: config{
		Tenant: tutela.Tenant(name), Origin: name + ".test/ledger", Node: "node-1", Hosts: append([]string{name + ".test"}, hosts...), Listen: "127.0.0.1:0",
		URL: "https://" + name + ".test", Certificate: certificateTLS, Key: keyTLS, Keys: provider, TryOut: true, dir: filepath.Join(root, name),
	}}
	if err := makeSystem(t.Context(), l.conf, database); err != nil {
		t.Fatal(err)
	}
	var err error
	if l.conf, err = readConfig(filepath.Join(l.conf.dir, configFile)); err != nil {
		t.Fatal(err)
	}
	l.inside(t, func(s *system) error {
		if err := s.createTryOut(t.Context()); err != nil {
			return err
		}
		issued, err := s.identity.IssueTryOut(t.Context(), "loader", "loader")
		l.token = issued.Token
		c := s.directClient("test")
		for _, id := range []string{"Patient/1", "Organization/1", "Organization/2"} {
			typ, rest, _ := strings.Cut(id, "/")
			body := fmt.Sprintf(`{"resourceType":%q,"id":%q,"identifier":[{"value":"of %s"}]}`, typ, rest, name)
			if _, put := c.do(t.Context(), http.MethodPut, "/fhir/r4/"+id, []byte(body)); put != nil {
				return put
			}
		}
		if err == nil {
			_, err = s.db.QueryRow(t.Context(), "SELECT sealed FROM versions WHERE bucket NOT IN (0, 1)", nil, &l.sealed)
		}
		return err
	})
	return l
}

// inside opens the stopped tenant.
func (l *lodger) inside(t *testing.T, f func(*system) error) {
	t.Helper()
	s, err := openSystem(t.Context(), l.conf, "", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := f(s); err != nil {
		t.Error(err)
	}
	if err := s.close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// street is a running house.
type street struct {
	address string
	roots   *x509.CertPool
	said    bytes.Buffer
	stop    func() error
}

// open serves tenants until the test ends or stop is called.
func open(t *testing.T, lodgers ...*lodger) *street {
	t.Helper()
	st := &street{roots: x509.NewCertPool()}
	var confs []config
	for _, l := range lodgers {
		text, err := os.ReadFile(l.conf.path(caFile))
		if err != nil {
			t.Fatal(err)
		}
		st.roots.AppendCertsFromPEM(text)
		confs = append(confs, l.conf)
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	st.address = listener.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- serveTenants(ctx, console{io.Discard, &st.said}, confs, listener, slog.New(slog.DiscardHandler))
	}()
	st.stop = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = st.stop() })
	return st
}

// ask sends a request to a host, over a connection opened by the name sni, or else by the host's.
func (st *street) ask(t *testing.T, host, sni, path, token string) (status int, body string) {
	t.Helper()
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: st.roots, ServerName: sni, MinVersion: tls.VersionTLS12},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, st.address)
		},
	}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// What is one tenant's is noise in another: its token, its page links, its rows, its ledger's keys.
func TestNothingCrossesBetweenTenants(t *testing.T) {
	for _, engine := range []store.Engine{store.SQLite, store.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			database := func() string {
				if engine == store.Postgres {
					return testkit.Postgres(t)
				}
				return ""
			}
			root := t.TempDir()
			a, b := moveIn(t, root, "alpha", database()), moveIn(t, root, "beta", database())
			b.inside(t, func(s *system) error { // a row of alpha in beta's place
				return s.db.Update(t.Context(), func(tx *store.Tx) error {
					_, err := tx.Exec(t.Context(), "UPDATE versions SET sealed = ? WHERE bucket NOT IN (0, 1)", a.sealed)
					return err
				})
			})
			st := open(t, a, b)

			if status, body := st.ask(t, "alpha.test", "", "/fhir/r4/Patient/1", a.token); status != 200 || !strings.Contains(body, "of alpha") {
				t.Errorf("alpha's patient in alpha: %d %s", status, body)
			}
			if status, body := st.ask(t, "beta.test", "", "/fhir/r4/Patient/1", b.token); status < 400 || strings.Contains(body, "alpha") {
				t.Errorf("alpha's row in beta: %d %s", status, body)
			}
			if status, body := st.ask(t, "beta.test", "", "/fhir/r4/Organization/1", b.token); status != 200 || !strings.Contains(body, "of beta") {
				t.Errorf("beta's organization in beta: %d %s", status, body)
			}
			theirs, body := st.ask(t, "beta.test", "", "/fhir/r4/Organization/1", a.token)
			nonsense, want := st.ask(t, "beta.test", "", "/fhir/r4/Organization/1", "tut_nonsense")
			if theirs != 401 || theirs != nonsense || body != want {
				t.Errorf("alpha's token in beta: %d %s; nonsense: %d %s", theirs, body, nonsense, want)
			}
			link := strings.Replace(nextPage(t, st, a), "https://alpha.test", "", 1)
			if status, body := st.ask(t, "alpha.test", "", link, a.token); status != 200 || !strings.Contains(body, "of alpha") {
				t.Errorf("alpha's page in alpha: %d %s", status, body)
			}
			theirs, body = st.ask(t, "beta.test", "", link, b.token)
			nonsense, want = st.ask(t, "beta.test", "", link[:len(link)-9]+"nonsense0", b.token)
			if theirs < 400 || theirs != nonsense || body != want {
				t.Errorf("alpha's page in beta: %d %s; nonsense: %d %s", theirs, body, nonsense, want)
			}
			for _, path := range []string{"/ledger/key", "/ledger/checkpoint", "/oauth2/jwks", "/.well-known/openid-configuration"} {
				one, ofAlpha := st.ask(t, "alpha.test", "", path, "")
				other, ofBeta := st.ask(t, "beta.test", "", path, "")
				if one != 200 || other != 200 || ofAlpha == ofBeta {
					t.Errorf("%s: %d %d, of both %s", path, one, other, ofAlpha)
				}
			}
			_, measured := st.ask(t, "beta.test", "", "/metrics", "")
			if !strings.Contains(measured, `tenant="beta",route="GET /fhir/r4/{type}/{id}"`) || strings.Contains(measured, "alpha") {
				t.Errorf("beta's metrics: %s", measured)
			}
			if err := st.stop(); err != nil {
				t.Errorf("stop: %v", err)
			}
		})
	}
}

// Each tenant of a house tries its own token on the others, and all of them pass.
func TestTenantsTryTheirTokensOnEachOther(t *testing.T) {
	root := t.TempDir()
	confs := []config{moveIn(t, root, "alpha", "", "localhost").conf, moveIn(t, root, "beta", "").conf}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	confs[0].URL = "https://" + net.JoinHostPort("localhost", portOf(listener))
	all := &tenants{}
	for _, conf := range confs {
		if err := all.open(t.Context(), conf, slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	}
	door, err := server.NewHouse(server.HouseConfig{Tenants: all.servers, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- all.serve(ctx, door, listener) }()
	for _, c := range all.systems[0].planeChecks {
		if c.ID != "access.across-tenants" {
			continue
		}
		if e := c.Try(t.Context()); e.Verdict != tutela.Pass || !strings.Contains(e.Observed, "by 1 other tenants") {
			t.Errorf("%v: %s", e.Verdict, e.Observed)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// nextPage gives the link to a tenant's second page of organizations.
func nextPage(t *testing.T, st *street, l *lodger) string {
	t.Helper()
	var page struct {
		Link []struct{ Relation, URL string }
	}
	status, body := st.ask(t, l.conf.Hosts[0], "", "/fhir/r4/Organization?_count=1", l.token)
	if err := json.Unmarshal([]byte(body), &page); err != nil || status != 200 {
		t.Fatalf("%d %v %s", status, err, body)
	}
	for _, link := range page.Link {
		if link.Relation == "next" {
			return link.URL
		}
	}
	t.Fatalf("no second page: %s", body)
	return ""
}

// A host that nobody has, and another tenant's host on a connection opened for the first, are 404.
func TestTenantsAreChosenByHost(t *testing.T) {
	root := t.TempDir()
	a, b := moveIn(t, root, "alpha", ""), moveIn(t, root, "beta", "")
	st := open(t, a, b)
	for _, c := range []struct {
		host, sni string
		want      int
	}{
		{"alpha.test", "", 200}, {"BETA.test:8443", "beta.test", 200}, {"gamma.test", "alpha.test", 404}, {"beta.test", "alpha.test", 404},
	} {
		if got, _ := st.ask(t, c.host, c.sni, "/healthz", ""); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// A tenant that cannot be opened does not keep the others from serving, nor is it passed over in silence.
func TestATenantThatFailsLeavesTheOthers(t *testing.T) {
	root := t.TempDir()
	a, b := moveIn(t, root, "alpha", ""), moveIn(t, root, "beta", "")
	if err := os.Rename(b.conf.path(b.conf.Keys.Dir), b.conf.path("lost")); err != nil {
		t.Fatal(err)
	}
	st := open(t, a, b)
	if status, _ := st.ask(t, "alpha.test", "", "/fhir/r4/Patient/1", a.token); status != 200 {
		t.Errorf("alpha: %d", status)
	}
	if status, _ := st.ask(t, "beta.test", "alpha.test", "/healthz", ""); status != 404 {
		t.Errorf("beta on alpha's connection: %d", status)
	}
	if err := st.stop(); err == nil || !strings.Contains(err.Error(), "tenant beta") {
		t.Errorf("the command ends with %v", err)
	}
	if !strings.Contains(st.said.String(), "tenant beta is not served") {
		t.Errorf("the console has %s", st.said.String())
	}
}

// Tenants that share what keeps them apart are refused, and a command says of which it speaks.
func TestHousesAreReadAndRefused(t *testing.T) {
	root := t.TempDir()
	for name, text := range map[string]string{
		"alpha": sound, "beta": strings.NewReplacer("clinic", "other", "keys/provider", "keys/b").Replace(sound), "copy": sound,
		"host": strings.NewReplacer("tenant: clinic", "tenant: third", "origin: clinic", "origin: third", "[fhir.clinic.example]", "[FHIR.clinic.example]").Replace(sound),
	} {
		text = strings.Replace(text, "listen: :8443", "listen: :8443\nurl: https://"+name+".example", 1)
		if err := os.MkdirAll(filepath.Join(root, name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name, configFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	house := func(text string) {
		if err := os.WriteFile(filepath.Join(root, configFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	home := func(tenant string) string {
		dir, err := target{Data: root, Tenant: tenant}.home()
		if err != nil {
			return err.Error()
		}
		return strings.TrimPrefix(dir, root)
	}
	house("listen: :8443\ntenants: [alpha, beta]\n")
	if d := cmp.Diff([]string{"/alpha", "/beta"}, []string{home("clinic"), home("other")}); d != "" {
		t.Error(d)
	}
	for text, say := range map[string]string{
		"listen: :8443\ntenants: [alpha, copy]\n":          "the tenant clinic",
		"listen: :8443\ntenants: [alpha, host]\n":          "the host fhir.clinic.example",
		"listen: :8443\ntenants: [alpha, missing]\n":       "no system at",
		"tenants: [alpha]\n":                               "listen is missing",
		"listen: :8443\ntenants: [alpha]\nnode: node-1\n":  "node",
		"listen: :8443\ntenants: [alpha, beta]\n#nobody\n": "name one of them by --tenant",
	} {
		house(text)
		if got := home("nobody"); !strings.Contains(got, say) {
			t.Errorf("%q: %s", text, got)
		}
	}
}
