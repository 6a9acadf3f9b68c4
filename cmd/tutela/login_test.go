package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/signin"
	"github.com/tutela-health/tutela/internal/clock"
)

// desk is a person's machine, on which tutela login was begun.
type desk struct {
	info   devInfo
	ask    url.Values // what the printed address asks for
	path   string     // of that address
	output *bytes.Buffer
	ended  chan int
}

// sitDown begins a login at a running system.
func sitDown(t *testing.T, dir string, flags ...string) *desk {
	t.Helper()
	info, err := target{Data: dir}.running()
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{info: info, output: &bytes.Buffer{}, ended: make(chan int, 1)}
	reader, writer := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	go func() {
		d.ended <- run(ctx, append([]string{"login", "--server", info.URL, "--ca", info.CA}, flags...), console{writer, d.output})
		_ = writer.Close()
	}()
	lines := bufio.NewScanner(reader)
	for lines.Scan() && d.path == "" {
		if u, err := url.Parse(strings.TrimSpace(lines.Text())); err == nil && u.Path == "/oauth2/authorize" {
			d.ask, d.path = u.Query(), u.RequestURI()
		}
	}
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	if d.path == "" {
		t.Fatal("login prints no address")
	}
	return d
}

// agrees signs a person in at the printed address, and gives where the browser is sent with the answer.
func (d *desk) agrees(t *testing.T, name string) *url.URL {
	t.Helper()
	conf, err := clientTLS(d.info.CA)
	if err != nil {
		t.Fatal(err)
	}
	b, err := signin.New(d.info.URL, &http.Transport{TLSClientConfig: conf})
	if err != nil {
		t.Fatal(err)
	}
	who := d.info.Identities[name]
	page, err := b.Open(t.Context(), d.path)
	if err == nil {
		page, err = b.Prove(t.Context(), page, signin.Person{Username: who.Username, Password: who.Password, Codes: func() ([]string, error) {
			return identity.OneTimePasswords(who.TOTP, clock.System())
		}})
	}
	f, asked := page.Form("/oauth2/authorize/decision")
	if err != nil || !asked {
		t.Fatalf("nobody is asked whether the command line may act: %+v %v", page, err)
	}
	if page, err = b.Submit(t.Context(), f, url.Values{"decision": {"allow"}}); err != nil || page.Away == nil {
		t.Fatalf("%+v %v", page, err)
	}
	return page.Away
}

// get asks the loopback address as a page or a program on the machine might.
func get(t *testing.T, address, host string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if host != "" {
		req.Host = host
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

// Breaking the glass takes a login within a browser's session, and says so; and what works on a system's own files says where that is.
func TestALoginWithinASessionBreaksTheGlass(t *testing.T) {
	dir := tryOutSystem(t, "--patients", "2")
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	login := func(flags ...string) (server, patient string) {
		t.Helper()
		d := sitDown(t, dir, flags...)
		if got := get(t, d.agrees(t, "physician").String(), ""); got != http.StatusOK {
			t.Fatalf("the answer: %d", got)
		}
		if code := <-d.ended; code != exitClean {
			t.Fatalf("login: %d %s", code, d.output)
		}
		return "--server=" + d.info.URL, "Patient/1" // whether there is one makes no difference
	}
	server, patient := login()
	open := []string{"break-glass", "open", patient, "--reason", "found unconscious in the lobby"}
	for words, args := range map[string][]string{
		"tutela login --session": open, "try-out": {"token", "--as", "physician"}, "on the machine": {"audit", "verify"},
	} {
		if code, out, said := command(t, append(args, server)...); code != exitError || !strings.Contains(said, words) {
			t.Errorf("%v: %d %s %s", args, code, out, said)
		}
	}
	server, _ = login("--session")
	if code, out, said := command(t, append(open, server)...); code != exitClean || !strings.Contains(out, "is open to you") {
		t.Errorf("within a session: %d %s %s", code, out, said)
	}
}

// A person signs in at the browser, and every command acts for him, with a token that lies in a file of his alone and is renewed;
// whatever else comes to the loopback address changes nothing. After logout the token is dead.
func TestLoginActsForAPerson(t *testing.T) {
	dir := tryOutSystem(t)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	d := sitDown(t, dir)
	answer := d.agrees(t, "admin")
	for name, change := range map[string]func(u *url.URL, q url.Values){
		"another state": func(_ *url.URL, q url.Values) { q.Set("state", "x") }, "another server": func(_ *url.URL, q url.Values) { q.Set("iss", "https://evil.test") },
		"no code": func(_ *url.URL, q url.Values) { q.Del("code") }, "another path": func(u *url.URL, _ url.Values) { u.Path = "/else" },
		"an error of somebody": func(_ *url.URL, q url.Values) { q.Set("error", "access_denied"); q.Set("state", "") },
	} {
		forged, q := *answer, answer.Query()
		change(&forged, q)
		forged.RawQuery = q.Encode()
		if got := get(t, forged.String(), ""); got != http.StatusBadRequest {
			t.Errorf("%s is taken: %d", name, got)
		}
	}
	if got := get(t, answer.String(), "evil.test"); got != http.StatusBadRequest {
		t.Errorf("a name that leads to this machine is taken for it: %d", got)
	}
	if got := get(t, answer.String(), ""); got != http.StatusOK {
		t.Errorf("the answer: %d", got)
	}
	if code := <-d.ended; code != exitClean {
		t.Fatalf("login: %d %s", code, d.output)
	}
	server := "--server=" + d.info.URL
	for _, args := range [][]string{{"keys", "list"}, {"backup", "list"}, {"users", "list"}, {"keys", "provider"}} {
		if code, out, said := command(t, append(args, server)...); code != exitClean {
			t.Errorf("%v: %d %s %s", args, code, out, said)
		}
	}
	path, err := loginFile(d.info.URL)
	if err != nil {
		t.Fatal(err)
	}
	before := d.ages(t)
	if code, out, said := command(t, "keys", "list", server); code != exitClean {
		t.Errorf("with a token that has ended: %d %s %s", code, out, said)
	}
	after, err := readLogin(d.info.URL)
	if err != nil || after.Access == before.Access || !after.Expires.After(clock.System()) {
		t.Errorf("the token was not renewed: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, said := command(t, "keys", "list", server); code != exitError || !strings.Contains(said, "0600") {
		t.Errorf("a login that others may read: %d %s", code, said)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, _, said := command(t, "logout", server); code != exitClean {
		t.Errorf("logout: %d %s", code, said)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the token lies there after logout")
	}
	d.dead(t, after)
	if code, _, said := command(t, "keys", "list", server); code != exitError || !strings.Contains(said, "tutela login") {
		t.Errorf("signed out: %d %s", code, said)
	}
}

// ages makes the access token one that has ended.
func (d *desk) ages(t *testing.T) login {
	t.Helper()
	l, err := readLogin(d.info.URL)
	if err != nil {
		t.Fatal(err)
	}
	l.Expires = clock.System().Add(-time.Hour)
	if err := l.write(); err != nil {
		t.Fatal(err)
	}
	return l
}

// dead sees that neither token of a login opens anything.
func (d *desk) dead(t *testing.T, l login) {
	t.Helper()
	c, err := remoteClient(l.Server, l.CA)
	if err != nil {
		t.Fatal(err)
	}
	c.token = l.Access
	if _, err := c.do(t.Context(), http.MethodGet, "/api/v1/keys", nil); err == nil {
		t.Error("the access token lives after logout")
	}
	if _, err := c.redeem(t.Context(), url.Values{"grant_type": {"refresh_token"}, "refresh_token": {l.Refresh}, "client_id": {cliClient}}); err == nil {
		t.Error("the refresh token lives after logout")
	}
}

// A code that somebody else has caught is worth nothing without what only the command line knows, and the server sends answers to
// this machine's loopback addresses alone.
func TestACodeThatWasCaughtOpensNothing(t *testing.T) {
	dir := tryOutSystem(t)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	d := sitDown(t, dir)
	answer := d.agrees(t, "admin")
	c, err := remoteClient(d.info.URL, d.info.CA)
	if err != nil {
		t.Fatal(err)
	}
	for _, verifier := range []string{"", strings.Repeat("x", 52)} {
		form := url.Values{"grant_type": {"authorization_code"}, "client_id": {cliClient}, "redirect_uri": {d.ask.Get("redirect_uri")}, "code": {answer.Query().Get("code")}, "code_verifier": {verifier}}
		if _, err := c.redeem(t.Context(), form); err == nil {
			t.Error("a caught code gives a token")
		}
	}
	for _, redirect := range []string{"http://127.0.0.1.evil.test/callback", "http://evil.test/callback", "https://127.0.0.1/callback", "http://127.0.0.1:1/else", "http://localhost/callback", "http://127.0.0.1@evil.test/callback"} {
		q := url.Values{}
		for name, values := range d.ask {
			q[name] = values
		}
		q.Set("redirect_uri", redirect)
		res, err := c.http.Get(d.info.URL + "/oauth2/authorize?" + q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if to := res.Header.Get("Location"); strings.HasPrefix(to, "http://") || strings.Contains(to, "evil") || res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: %d, sent to %q", redirect, res.StatusCode, to)
		}
	}
}

// A token goes to the server that it is of, over TLS, and nowhere else.
func TestLoginsGoToTheirServerAlone(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	for _, server := range []string{"http://clinic.test", "clinic.test", "https://clinic.test/path", "https://user@clinic.test", "https://clinic.test?x", ""} {
		if code, _, said := command(t, "login", "--server="+server); code != exitError || said == "" {
			t.Errorf("%q is taken for a server: %d", server, code)
		}
	}
	l := login{Server: "https://one.test", Access: "tua_secret", Expires: clock.System().Add(time.Hour)}
	if err := l.write(); err != nil {
		t.Fatal(err)
	}
	at, err := loginFile("https://one.test")
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(at)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	other, err := loginFile("https://two.test")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(other, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readLogin("https://two.test"); err == nil {
		t.Error("a login at one server counts at another")
	}
	if outside, err := loginFile("https://../../etc"); err == nil && filepath.Dir(outside) != filepath.Dir(at) {
		t.Errorf("a server's name leads to %s", outside)
	}
}
