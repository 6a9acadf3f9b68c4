package identity

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/internal/errs"
)

const (
	webCallback    = "https://app.example/callback"
	nativeCallback = "http://127.0.0.1/callback"
)

// smartApp is a client that registration accepts.
func smartApp() Client {
	return Client{
		ID: "app", Name: "App", Public: true, GrantTypes: []string{GrantCode, GrantRefresh}, Scopes: []string{"openid", "patient/*.rs"},
		RedirectURIs: []string{webCallback, webCallback + "?tenant=a", nativeCallback, "http://[::1]/callback", "http://localhost:3000/callback", "com.example.app:/callback"},
	}
}

func TestRedirectsMatchExactly(t *testing.T) {
	c := smartApp()
	for _, uri := range []string{
		webCallback, webCallback + "?tenant=a", nativeCallback, "http://127.0.0.1:1/callback", "http://127.0.0.1:51004/callback",
		"http://[::1]/callback", "http://[::1]:65535/callback", "http://localhost:3000/callback", "com.example.app:/callback",
	} {
		if !c.AllowsRedirect(uri) {
			t.Errorf("%q is refused", uri)
		}
	}
	for _, uri := range []string{
		"", "/callback", "callback", "//app.example/callback", "https:app.example/callback", "https:///callback", "https://app.example",
		webCallback + "/", webCallback + "x", webCallback + "?", webCallback + "#", webCallback + "#f", webCallback + "?tenant=b", webCallback + "?tenant=a&x=1",
		webCallback + "%2f..%2fevil", "https://app.example/../callback", "https://app.example/./callback", "https://app.example//callback",
		"https://app.example/Callback", "https://app.example/%63allback", "https://APP.example/callback", "HTTPS://app.example/callback",
		"https://app.example:443/callback", "https://app.example:8443/callback", "https://app.example./callback", "https://app.example.evil.example/callback",
		"https://evil.example/callback", "https://evil.example/?https://app.example/callback", "https://app.example@evil.example/callback",
		"https://evil.example#@app.example/callback", "https://evil.example\\@app.example/callback", "https://evil.example%2f@app.example/callback",
		"https://xn--pp-fka.example/callback", "https://аpp.example/callback", "http://app.example/callback",
		" " + webCallback, webCallback + " ", webCallback + "\n", webCallback + "\x00", "https://app.example\t/callback",
		"http://127.0.0.1:0/callback", "http://127.0.0.1:65536/callback", "http://127.0.0.1:/callback", "http://127.0.0.1:80:80/callback",
		"http://127.0.0.1:x/callback", "http://127.0.0.1/callback/", "http://127.0.0.1:51004/other", "http://127.0.0.1.evil.example/callback",
		"http://127.0.0.1:51004@evil.example/callback", "http://user@127.0.0.1:51004/callback", "https://127.0.0.1:51004/callback", "http://127.0.0.2:51004/callback",
		"http://127.1:51004/callback", "http://2130706433/callback", "http://0x7f.0.0.1/callback", "http://0.0.0.0:51004/callback", "http://[::ffff:127.0.0.1]/callback",
		"http://[::1%25eth0]/callback", "http://[0:0:0:0:0:0:0:1]/callback", "http://localhost:3001/callback", "http://localhost/callback",
		"HTTP://127.0.0.1:51004/callback", "http://127.0.0.1:51004/callback?x", "http://127.0.0.1:51004/callback#x",
		"com.example.app:/callback2", "com.example.app://callback", "COM.EXAMPLE.APP:/callback", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd",
		webCallback + strings.Repeat("a", maxURI),
	} {
		if c.AllowsRedirect(uri) {
			t.Errorf("%q is taken", uri)
		}
	}
	c.Public = false
	if c.AllowsRedirect("http://127.0.0.1:51004/callback") {
		t.Error("a confidential client has any port")
	}
}

func FuzzLoopbackPort(f *testing.F) {
	for _, uri := range []string{nativeCallback, "http://127.0.0.1:80/callback", "http://[::1]:1/callback", "http://127.0.0.1:1@evil.example/callback"} {
		f.Add(uri)
	}
	c := Client{Public: true, RedirectURIs: []string{nativeCallback}}
	f.Fuzz(func(t *testing.T, uri string) {
		if c.AllowsRedirect(uri) && uri != nativeCallback && !strings.HasPrefix(uri, "http://127.0.0.1:") {
			t.Errorf("%q is taken", uri)
		}
	})
}

func TestOrigins(t *testing.T) {
	for uri, want := range map[string]string{
		webCallback: "https://app.example", "https://App.example:8443/x": "https://app.example:8443", "https://app.example:443/x": "https://app.example",
		"http://127.0.0.1:80/": "http://127.0.0.1", "com.example.app:/x": "", "javascript:alert(1)": "", "https:///x": "", "%": "",
	} {
		if got := OriginOf(uri); got != want {
			t.Errorf("OriginOf(%q) = %q, want %q", uri, got, want)
		}
	}
}

const (
	goodKeys = `{"keys":[{"kty":"EC","crv":"P-384","kid":"k","x":"JQKTsV6PT5Szf4QtDA1qrs0EJ1pbimQmM2SKvzOlIAqlph3h1OHmZ2i7MXahIF2bRxPsyMwPtmQlMHlPQAWOkAJEzYKE5cgpBGTg3XuN5eX4tmvRmTxeYNRf7gDI7hnR","y":"x"}]}`
	p256Keys = `{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}]}`
)

func TestRegistrationRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, by := admin(t, w, s)
		refuses := func(name string, change func(*Client)) {
			c := smartApp()
			change(&c)
			if _, _, err := s.RegisterClient(t.Context(), by, c); !errs.Is(err, errs.Unprocessable) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, id := range []string{throwawayPrefix, throwawayPrefix + "mine"} { // detection passes over what such do
			refuses("id "+id, func(c *Client) { c.ID = id })
		}
		for _, uri := range []string{
			"", "/cb", "https://", "http://app.example/cb", "http://10.0.0.1/cb", "https://u@app.example/cb", "https://app.example/cb#f", "https://*.example/cb",
			"https://app.example/../cb", "https://app.example/%2e%2e/cb", "https://app.example\\cb", "https://app.example/c b", "https://äpp.example/cb",
			"javascript:alert(1)", "data:text/html,x", "app:/cb", "com.example.app://host/cb", "https:opaque", "%zz", "https://app.example/" + strings.Repeat("a", maxURI),
		} {
			refuses("redirect "+uri, func(c *Client) { c.RedirectURIs = []string{uri} })
			refuses("after logout "+uri, func(c *Client) { c.PostLogoutRedirectURIs = []string{uri} })
			if uri != "" {
				refuses("launch "+uri, func(c *Client) { c.LaunchURI = uri })
				refuses("logout "+uri, func(c *Client) { c.BackchannelLogoutURI = uri })
			}
		}
		for name, change := range map[string]func(*Client){
			"a short id":               func(c *Client) { c.ID = "x" },
			"an id with a space":       func(c *Client) { c.ID = "a b" },
			"an id with a colon":       func(c *Client) { c.ID = "a:b" },
			"no name":                  func(c *Client) { c.Name = "" },
			"a long name":              func(c *Client) { c.Name = strings.Repeat("a", 129) },
			"a name that turns around": func(c *Client) { c.Name = "App \u202egnp" },
			"a name of lines":          func(c *Client) { c.Name = "App\nby us" },
			"no grant":                 func(c *Client) { c.GrantTypes = nil },
			"an unknown grant":         func(c *Client) { c.GrantTypes = []string{"password"} },
			"a refresh alone":          func(c *Client) { c.GrantTypes = []string{GrantRefresh} },
			"no address":               func(c *Client) { c.RedirectURIs = nil },
			"many addresses":           func(c *Client) { c.RedirectURIs = make([]string, maxClientURIs+1) },
			"an unknown scope":         func(c *Client) { c.Scopes = []string{"root"} },
			"a service's scope":        func(c *Client) { c.Scopes = []string{"system/*.rs"} },
			"loopback of a web app":    func(c *Client) { c.Public = false; c.RedirectURIs = []string{nativeCallback} },
			"a scheme of a web app":    func(c *Client) { c.Public = false; c.RedirectURIs = []string{"com.example.app:/cb"} },
			"keys of a public client":  func(c *Client) { c.JWKSURL = "https://app.example/jwks" },
			"a service without keys":   func(c *Client) { *c = aService(nil) },
			"a public service":         func(c *Client) { *c = aService(nil); c.JWKSURL = "https://a.example/k"; c.Public = true },
			"a service with codes": func(c *Client) {
				*c = aService(nil)
				c.JWKSURL = "https://a.example/k"
				c.GrantTypes = append(c.GrantTypes, GrantCode)
			},
			"a service with user scopes": func(c *Client) {
				*c = aService(nil)
				c.JWKSURL = "https://a.example/k"
				c.Scopes = []string{"user/*.rs"}
			},
			"keys by value and by address": func(c *Client) { *c = aService([]byte(goodKeys)); c.JWKSURL = "https://a.example/k" },
			"keys in plain HTTP":           func(c *Client) { *c = aService(nil); c.JWKSURL = "http://a.example/k" },
			"no JSON":                      func(c *Client) { *c = aService([]byte("x")) },
			"no keys":                      func(c *Client) { *c = aService([]byte(`{"keys":[]}`)) },
			"a key off the curve":          func(c *Client) { *c = aService([]byte(goodKeys)) },
			"a key of P-256":               func(c *Client) { *c = aService([]byte(p256Keys)) },
			"a shared secret":              func(c *Client) { *c = aService([]byte(`{"keys":[{"kty":"oct","kid":"k","k":"c2VjcmV0"}]}`)) },
			"an RSA key of 1024 bits":      func(c *Client) { *c = aService([]byte(rsa1024)) },
		} {
			refuses(name, change)
		}
		if list, err := s.Clients(t.Context()); err != nil || len(list) != 0 {
			t.Errorf("registered: %v, %v", list, err)
		}
		if _, _, err := s.RegisterClient(t.Context(), by, smartApp()); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.RegisterClient(t.Context(), by, smartApp()); !errs.Is(err, errs.Conflict) {
			t.Errorf("the same id twice: %v", err)
		}
	})
}

func aService(keys json.RawMessage) Client {
	return Client{ID: "svc", Name: "Service", GrantTypes: []string{GrantCredentials}, Scopes: []string{"system/*.rs"}, JWKS: keys}
}

const rsa1024 = `{"keys":[{"kty":"RSA","kid":"k","alg":"RS384","e":"AQAB","n":"wNKOv6bSYxzfA1XZXeh4w4KzeXjTTmp6XfKW-VwO2JXVUs9JQvqP5Kw3Oc6oQyJ8yVYV0HnVxvNkYqCBjiK6xyNJcL0n5nh4tYgpmbMTUQzYxRDYCRsSMc5IEwx8pWqEITN93BJN0mB5PB3nNq1p8W9vTn6wYvlO5gkzk3wVLRE"}]}`

func TestOnlyTheHashOfASecretIsKept(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		_, by := admin(t, w, s)
		web := smartApp()
		web.Public, web.RedirectURIs = false, []string{webCallback}
		c, secret, err := s.RegisterClient(t.Context(), by, web)
		must(t, err)
		it, err := s.clients().find(t.Context(), c.ID)
		must(t, err)
		kept, err := json.Marshal(it.Value)
		must(t, err)
		if len(secret) < 43 || strings.Contains(string(kept), secret) {
			t.Errorf("a secret of %d characters, kept in the clear: %v", len(secret), strings.Contains(string(kept), secret))
		}
		if _, err := s.ClientBySecret(t.Context(), c.ID, secret); err != nil {
			t.Error(err)
		}
		c.Name = "Renamed"
		changed, err := s.UpdateClient(t.Context(), by, c)
		must(t, err)
		if changed.Epoch != c.Epoch+1 {
			t.Errorf("epoch %d after %d", changed.Epoch, c.Epoch)
		}
		if _, err := s.ClientBySecret(t.Context(), c.ID, secret); err != nil {
			t.Errorf("after a change: %v", err)
		}
		c.Public = true
		kind, err := s.UpdateClient(t.Context(), by, c)
		must(t, err)
		if kind.Public {
			t.Error("a client became public and kept its tokens' standing")
		}
	})
}
