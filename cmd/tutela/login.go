package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/tutela-health/tutela/internal/clock"
)

// loginScopes are what the command line asks for: what of it the person's roles give, the server says. A login of its own outlives
// the browser's; a session's ends with it, and carries what counts for a session alone.
const (
	loginScopes   = "openid fhirUser offline_access user/*.cruds"
	sessionScopes = "openid fhirUser online_access user/*.cruds"
)

type loginCmd struct {
	Server string        `required:"" env:"TUTELA_SERVER" help:"Address of the server, https://HOST[:PORT]."`
	CA     string        `type:"existingfile" help:"PEM file of the authority that signed its certificate, where the machine does not know it."`
	Port   int           `help:"Port on this machine that the browser's answer comes to; any by default. Name one to forward it over SSH."`
	Wait   time.Duration `default:"5m" help:"How long to wait for the browser."`

	Session bool `help:"Act within the browser's session, and end with it: break-glass asks for that."`
}

// Help gives an example.
func (loginCmd) Help() string {
	return `Example: tutela login --server https://fhir.clinic.example
         tutela keys rotate --server https://fhir.clinic.example

It prints an address to open in a browser, where you sign in with both factors and let the command line act for you. The
token lies in a file of yours alone. Commands that want a login of the last minutes say so: sign in again. tutela logout ends it.`
}

// Run signs in: the authorization code flow with PKCE, answered on a loopback address (RFC 8252, 7.3; RFC 7636).
func (cmd loginCmd) Run(ctx context.Context, c console) error {
	server, err := serverURL(cmd.Server)
	if err != nil {
		return err
	}
	ca := cmd.CA
	if ca != "" {
		if ca, err = filepath.Abs(ca); err != nil {
			return err
		}
	}
	remote, err := remoteClient(server, ca)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", cmd.Port))
	if err != nil {
		return usage("cannot listen on port %d: %v (choose another with --port)", cmd.Port, err)
	}
	ask := newAsk(server, "http://"+listener.Addr().String()+"/callback")
	if cmd.Session {
		ask.scopes = sessionScopes
	}
	fmt.Fprintf(c.out, "open this in a browser on this machine, and sign in:\n\n  %s\n\n", ask.address())
	ctx, cancel := context.WithTimeout(ctx, cmd.Wait)
	defer cancel()
	code, err := ask.await(ctx, listener)
	if err != nil {
		return err
	}
	l, err := remote.redeem(ctx, url.Values{
		"grant_type": {"authorization_code"}, "client_id": {cliClient}, "redirect_uri": {ask.redirect}, "code": {code}, "code_verifier": {ask.verifier},
	})
	if err != nil {
		return err
	}
	l.CA = ca
	if err := l.write(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "signed in to %s\n", server)
	return err
}

// ask is a request for authorization, and what its answer is known by.
type ask struct{ server, redirect, state, verifier, scopes string }

func newAsk(server, redirect string) ask {
	return ask{server, redirect, rand.Text() + rand.Text(), rand.Text() + rand.Text(), loginScopes}
}

func (a ask) address() string {
	sum := sha256.Sum256([]byte(a.verifier))
	return a.server + "/oauth2/authorize?" + url.Values{
		"response_type": {"code"}, "client_id": {cliClient}, "redirect_uri": {a.redirect}, "scope": {a.scopes}, "aud": {a.server + "/fhir/r4"}, "state": {a.state},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}, "prompt": {"login consent"},
	}.Encode()
}

// answeredAsk is what came to the loopback address.
type answeredAsk struct {
	code string
	err  error
}

// await takes the one answer that is to this request, by this server (RFC 9207). Whatever else comes to the address, from pages
// or programs on this machine, is refused, and changes nothing.
func (a ask) await(ctx context.Context, listener net.Listener) (string, error) {
	answers := make(chan answeredAsk, 1)
	srv := &http.Server{ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Referrer-Policy", "no-referrer")
		got, ours := a.read(r)
		if !ours {
			http.Error(w, "This is no answer to tutela login.", http.StatusBadRequest)
			return
		}
		fmt.Fprintln(w, "You may close this page, and go on at the command line.")
		select {
		case answers <- got:
		default: // only the first counts
		}
	})}
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(listener) }()
	var got answeredAsk
	select {
	case got = <-answers:
	case <-ctx.Done():
		got.err = usage("nobody signed in: try again")
	case err := <-ended:
		return "", err
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = srv.Shutdown(stop) // the browser has its page, or does without
	return got.code, got.err
}

// read tells whether a request is the answer, and what it says.
func (a ask) read(r *http.Request) (answeredAsk, bool) {
	q := r.URL.Query()
	at, _ := url.Parse(a.redirect)
	if r.Method != http.MethodGet || r.URL.Path != at.Path || r.Host != at.Host || subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(a.state)) != 1 || q.Get("iss") != a.server {
		return answeredAsk{}, false
	}
	if code := q.Get("error"); code != "" {
		return answeredAsk{err: usage("the server let nobody in: %s", code)}, true
	}
	return answeredAsk{code: q.Get("code")}, q.Get("code") != ""
}

// remoteClient talks to a server elsewhere, without a token yet. It follows no redirect: a token goes to the server alone.
func remoteClient(server, ca string) (*client, error) {
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		var err error
		if conf, err = clientTLS(ca); err != nil {
			return nil, err
		}
	}
	transport := &http.Transport{TLSClientConfig: conf, Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute}
	return &client{base: server, http: &http.Client{
		Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// redeem gets tokens for a code or a refresh token (RFC 6749, 4.1.3 and 6).
func (c *client) redeem(ctx context.Context, form url.Values) (login, error) {
	body, err := c.form(ctx, "/oauth2/token", form)
	if err != nil {
		return login{}, err
	}
	var got struct {
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
		Life    int64  `json:"expires_in"` // seconds
	}
	if err := json.Unmarshal(body, &got); err != nil || got.Access == "" {
		return login{}, errors.New("the server's answer holds no token")
	}
	return login{Server: c.base, Access: got.Access, Refresh: got.Refresh, Expires: clock.System().Add(time.Duration(got.Life) * time.Second).UTC()}, nil
}

func (c *client) form(ctx context.Context, path string, form url.Values) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.send(req)
}

// soon is how long before its end a token is renewed.
const soon = time.Minute

// signedInTo gives a client by the login at a server, renewed where it ends soon. Of two commands at once one renews: a refresh
// token counts once.
func signedInTo(ctx context.Context, text string) (*client, error) {
	server, err := serverURL(text)
	if err != nil {
		return nil, err
	}
	l, err := readLogin(server)
	if err != nil {
		return nil, err
	}
	c, err := remoteClient(server, l.CA)
	if err != nil {
		return nil, err
	}
	if l.Expires.Sub(clock.System()) < soon {
		if l, err = c.renewed(ctx, server); err != nil {
			return nil, err
		}
	}
	c.token = l.Access
	return c, nil
}

func (c *client) renewed(ctx context.Context, server string) (l login, err error) {
	path, err := loginFile(server)
	if err != nil {
		return l, err
	}
	turn, err := lockFile(filepath.Dir(path), true)
	if err != nil {
		return l, err
	}
	defer func() { err = errors.Join(err, turn.Close()) }()
	if l, err = readLogin(server); err != nil || l.Expires.Sub(clock.System()) >= soon {
		return l, err // another command was first
	}
	next, err := c.redeem(ctx, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {l.Refresh}, "client_id": {cliClient}})
	if l.Refresh == "" || err != nil {
		return l, usage("the login at %s has ended: tutela login --server %s", server, server)
	}
	if next.CA = l.CA; next.Refresh == "" {
		next.Refresh = l.Refresh
	}
	return next, next.write()
}

type logoutCmd struct {
	Server string `required:"" env:"TUTELA_SERVER" help:"Address of the server."`
}

// Help gives an example.
func (logoutCmd) Help() string { return `Example: tutela logout --server https://fhir.clinic.example` }

// Run gives the tokens back (RFC 7009) and removes the file, whatever the server says.
func (cmd logoutCmd) Run(ctx context.Context, c console) error {
	server, err := serverURL(cmd.Server)
	if err != nil {
		return err
	}
	l, err := readLogin(server)
	if err == nil {
		var remote *client
		if remote, err = remoteClient(server, l.CA); err == nil {
			for _, token := range []string{l.Refresh, l.Access} {
				if token != "" {
					_, failed := remote.form(ctx, "/oauth2/revoke", url.Values{"token": {token}, "client_id": {cliClient}})
					err = errors.Join(err, failed)
				}
			}
		}
	}
	if err = errors.Join(err, forgetLogin(server)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "signed out of %s\n", server)
	return err
}
