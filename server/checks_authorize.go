package server

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// application is a public client that is registered, and an address that it may be sent back to.
type application struct{ id, redirect string }

// elsewhere is an address that no application registered.
const elsewhere = "https://tutela-canary.invalid/callback"

// request is a sound authorization request but for what is changed; an empty value leaves a parameter out.
func (a application) request(change map[string]string) asking {
	q := url.Values{
		"response_type": {"code"}, "client_id": {a.id}, "redirect_uri": {a.redirect}, "scope": {"openid"}, "state": {"tutela-canary-state"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"},
	}
	for name, value := range change {
		if q.Del(name); value != "" {
			q.Set(name, value)
		}
	}
	return get("/oauth2/authorize?" + q.Encode())
}

// asked says where an answer of the authorization endpoint leads: to a login, back to an address, or nowhere.
func asked(got said) (login bool, back *url.URL) {
	to, err := url.Parse(got.header.Get("Location"))
	if err != nil || got.status < 300 || got.status >= 400 || to.String() == "" {
		return false, nil
	}
	if to.Host == "" && strings.HasPrefix(to.Path, "/login") {
		return true, nil
	}
	return false, to
}

// sound makes sure that a request as it should be leads to a login: that another does not proves something then.
func (a application) sound(ctx context.Context, s *stranger) error {
	if a.id == "" {
		return errors.New("no public application is registered to ask as")
	}
	got, err := s.ask(ctx, a.request(nil))
	if err != nil {
		return err
	}
	if login, _ := asked(got); !login {
		return fmt.Errorf("a sound authorization request is answered %d and leads to no login: a refusal would prove nothing", got.status)
	}
	return nil
}

// redirects asks for codes to be sent to addresses that nobody registered.
func (a application) redirects(ctx context.Context, s *stranger) (wrong []string, told string, err error) {
	if err := a.sound(ctx, s); err != nil {
		return nil, "", err
	}
	own, err := url.Parse(a.redirect)
	if err != nil {
		return nil, "", err
	}
	list := []string{
		elsewhere, "//tutela-canary.invalid", "javascript:alert(1)", "data:text/html,x", own.String() + "/../x", own.String() + "@tutela-canary.invalid",
		own.Scheme + "://" + own.Hostname() + ".tutela-canary.invalid" + own.Path, own.Scheme + "://tutela-canary@" + own.Host + own.Path, own.String() + "#fragment",
	}
	for _, to := range list {
		got, err := s.ask(ctx, a.request(map[string]string{"redirect_uri": to}))
		if err != nil {
			return nil, "", err
		}
		if login, back := asked(got); login || back != nil {
			wrong = append(wrong, fmt.Sprintf("%q is taken for an address to return to (%d)", to, got.status))
		}
	}
	return wrong, fmt.Sprintf("codes are sent to no address but the registered: %d others were refused without a redirect", len(list)), nil
}

// proofs asks for codes without a proof that only the asking application has (PKCE, RFC 7636), or with one that anybody reads.
func (a application) proofs(ctx context.Context, s *stranger) (wrong []string, told string, err error) {
	if err := a.sound(ctx, s); err != nil {
		return nil, "", err
	}
	list := map[string]map[string]string{
		"no challenge":         {"code_challenge": "", "code_challenge_method": ""},
		"the method plain":     {"code_challenge_method": "plain"},
		"no method":            {"code_challenge_method": ""},
		"a challenge too weak": {"code_challenge": "short"},
	}
	for name, change := range list {
		got, err := s.ask(ctx, a.request(change))
		if err != nil {
			return nil, "", err
		}
		if login, back := asked(got); login || back != nil && back.Query().Get("error") == "" {
			wrong = append(wrong, fmt.Sprintf("an authorization with %s goes on (%d)", name, got.status))
		}
	}
	slices.Sort(wrong)
	return wrong, fmt.Sprintf("%d authorizations without a proof of SHA-256 were sent back", len(list)), nil
}

// oldGrants asks for tokens by the ways that OAuth gave up (RFC 9700, 2.1.2 and 2.4), and by a code to be put into the address.
func (a application) oldGrants(ctx context.Context, s *stranger) (wrong []string, told string, err error) {
	if err := a.sound(ctx, s); err != nil {
		return nil, "", err
	}
	asks := 0
	for _, change := range []map[string]string{{"response_type": "token"}, {"response_type": "id_token token"}, {"response_type": "code token"}, {"response_mode": "fragment"}} {
		got, err := s.ask(ctx, a.request(change))
		if err != nil {
			return nil, "", err
		}
		asks++
		if login, back := asked(got); login || back != nil && back.Query().Get("error") == "" && !strings.Contains(back.Fragment, "error=") {
			wrong = append(wrong, fmt.Sprintf("an authorization with %v goes on (%d)", change, got.status))
		}
	}
	id := url.QueryEscape(a.id)
	grants := []asking{
		postForm("/oauth2/token", "grant_type=password&username=tutela-nobody&password=x&client_id="+id),
		postForm("/oauth2/token", "grant_type=client_credentials&scope=system%2F*.rs&client_id="+id),
		postForm("/oauth2/token", "grant_type=authorization_code&code=tutela-canary&client_id="+id+"&redirect_uri="+url.QueryEscape(a.redirect)),
		postForm("/oauth2/token", "grant_type=refresh_token&refresh_token=tutela-canary&client_id="+id),
	}
	more, err := s.each(ctx, grants, func(_ asking, got said) string {
		if got.status < http.StatusBadRequest || strings.Contains(got.body, "access_token") {
			return fmt.Sprintf("gives tokens to nobody in particular (%d)", got.status)
		}
		return ""
	})
	return append(wrong, more...), fmt.Sprintf("%d authorizations and grants that OAuth gave up, or that prove nothing, were refused", asks+len(grants)), err
}

// forgeries proves a client by assertions that nobody signed, or by another's key, where tokens are given and where they are asked about.
func (a application) forgeries(ctx context.Context, s *stranger) (wrong []string, told string, err error) {
	var list []asking
	for _, algorithm := range []string{"none", "HS256", "ES384"} {
		assertion := url.QueryEscape(forged(algorithm, a.id, s.base+"/oauth2/token"))
		proof := "client_id=" + url.QueryEscape(a.id) + "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion=" + assertion
		list = append(list, postForm("/oauth2/token", "grant_type=client_credentials&scope=system%2F*.rs&"+proof), postForm("/oauth2/introspect", "token=x&"+proof))
	}
	basic := base64.StdEncoding.EncodeToString([]byte(a.id + ":tutela-canary"))
	list = append(list, postForm("/oauth2/introspect", "token=x"), postForm("/oauth2/introspect", "token=x").with("Authorization", "Basic "+basic))
	wrong, err = s.each(ctx, list, func(_ asking, got said) string {
		if got.status != http.StatusBadRequest && got.status != http.StatusUnauthorized && got.status != http.StatusForbidden {
			return fmt.Sprintf("takes a forged proof of an application (%d)", got.status)
		}
		return ""
	})
	return wrong, fmt.Sprintf("%d requests of applications that proved nothing, or by forged assertions, were refused", len(list)), err
}

// forged is an assertion with a signature of nonsense.
func forged(algorithm, client, audience string) string {
	part := func(v map[string]any) string {
		text, _ := json.Marshal(v) // strings and numbers alone
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signature := ""
	if algorithm != "none" {
		signature = base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("tutela", 16)))
	}
	return part(map[string]any{"alg": algorithm, "typ": "JWT", "kid": "1"}) + "." +
		part(map[string]any{"iss": client, "sub": client, "aud": audience, "jti": "tutela-canary", "exp": int64(4102444800)}) + "." + signature
}

// strayReturns asks pages to send a browser on to another site when they are done.
func strayReturns(ctx context.Context, s *stranger) (wrong []string, told string, err error) {
	var list []asking
	for _, to := range []string{elsewhere, "//tutela-canary.invalid/x", `/\tutela-canary.invalid`, "https:tutela-canary.invalid", "/%09/tutela-canary.invalid"} {
		q := url.QueryEscape(to)
		list = append(list, get("/login?return="+q), get("/login?next="+q), get("/login?to="+q), get("/oauth2/logout?post_logout_redirect_uri="+q), get("/account/verify?return="+q), get("/account?return="+q))
	}
	wrong, err = s.each(ctx, list, func(_ asking, got said) string {
		to := got.header.Get("Location")
		if host, err := url.Parse(strings.ReplaceAll(to, `\`, "/")); err != nil || host.Host != "" && !strings.HasPrefix(s.base, "https://"+host.Host) {
			return "sends browsers on to " + to
		}
		return ""
	})
	return wrong, fmt.Sprintf("%d requests that name another site as the place to go on to were answered without a way there", len(list)), err
}
