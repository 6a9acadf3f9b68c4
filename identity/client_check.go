package identity

import (
	"encoding/json"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Bounds on what a client is registered with.
const (
	maxClientURIs = 32
	maxURI        = 2048
	maxJWKS       = 64 << 10
)

// check holds a client to the rules of registration (RFC 7591 section 2, RFC 9700 sections 2 and
// 4, SMART App Launch 2.2).
func (c Client) check() error {
	if !validClientID(c.ID) || c.Name == "" || len(c.Name) > 128 || strings.ContainsFunc(c.Name, unprintable) {
		return errs.New(errs.Unprocessable, "a client has an id of 2 to 64 of the characters a–z, A–Z, 0–9 . _ - and a name of at most 128")
	}
	for _, rule := range []func(Client) error{checkGrants, checkURIs, checkKeys, checkClientScopes, checkPipeline} {
		if err := rule(c); err != nil {
			return err
		}
	}
	return nil
}

func validClientID(id string) bool {
	bad := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("._-", r)
	}
	return len(id) >= 2 && len(id) <= 64 && !strings.ContainsFunc(id, bad)
}

func unprintable(r rune) bool {
	return r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

func checkGrants(c Client) error {
	for _, g := range c.GrantTypes {
		if g != GrantCode && g != GrantRefresh && g != GrantCredentials {
			return errs.New(errs.Unprocessable, "the grant %q is not offered", g)
		}
	}
	switch {
	case c.Grants(GrantCredentials) && len(c.GrantTypes) > 1:
		return errs.New(errs.Unprocessable, "a service is a client of its own: client_credentials stands alone")
	case c.Grants(GrantCredentials) && (c.Public || !c.UsesKeys()):
		return errs.New(errs.Unprocessable, "a service proves itself by a key: give jwks or jwksURL")
	case c.Grants(GrantCredentials):
		return nil
	case !c.Grants(GrantCode) || len(c.RedirectURIs) == 0:
		return errs.New(errs.Unprocessable, "a client has the authorization_code grant and a redirect URI, or client_credentials")
	case c.Public && c.UsesKeys():
		return errs.New(errs.Unprocessable, "a public client has no keys")
	}
	return nil
}

func checkURIs(c Client) error {
	if len(c.RedirectURIs)+len(c.PostLogoutRedirectURIs) > maxClientURIs {
		return errs.New(errs.Unprocessable, "more than %d addresses", maxClientURIs)
	}
	for _, uri := range slices.Concat(c.RedirectURIs, c.PostLogoutRedirectURIs) {
		if err := checkRedirectURI(uri, c.Public); err != nil {
			return err
		}
	}
	for _, uri := range []string{c.BackchannelLogoutURI, c.LaunchURI, c.JWKSURL} {
		if uri == "" {
			continue
		}
		if u, err := plainURI(uri); err != nil || u.Scheme != "https" || u.Host == "" {
			return errs.New(errs.Unprocessable, "addresses of a client are https, without fragment, user or dot segments")
		}
	}
	return nil
}

// checkRedirectURI accepts https; http on a loopback address for clients on a person's device
// (RFC 8252, 7.3); and, for those, a scheme of their own in reverse domain form (7.1).
func checkRedirectURI(uri string, public bool) error {
	u, err := plainURI(uri)
	if err != nil {
		return err
	}
	switch {
	case u.Scheme == "https" && u.Host != "" && u.Opaque == "":
		return nil
	case u.Scheme == "http" && public && isLoopback(u):
		return nil
	case public && strings.Contains(u.Scheme, ".") && u.Host == "":
		return nil
	}
	return errs.New(errs.Unprocessable, "a redirect URI is https; of a public client also http on a loopback address, or of a scheme like com.example.app")
}

// plainURI parses an absolute address that every browser and library reads alike.
func plainURI(uri string) (*url.URL, error) {
	u, err := url.Parse(uri)
	lower := strings.ToLower(uri)
	if err != nil || len(uri) > maxURI || u.Scheme == "" || u.User != nil || strings.ContainsAny(uri, "#*\\\"<>") ||
		strings.ContainsFunc(uri, func(r rune) bool { return r <= ' ' || r >= 0x7f }) ||
		strings.Contains(lower, "/..") || strings.Contains(lower, "%2e") || strings.Contains(lower, "%5c") {
		return nil, errs.New(errs.Unprocessable, "an address is absolute and plain: no user, fragment, wildcard or dot segments")
	}
	return u, nil
}

func isLoopback(u *url.URL) bool {
	if u.Hostname() == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return err == nil && ip.IsLoopback()
}

func checkKeys(c Client) error {
	if len(c.JWKS) > 0 && c.JWKSURL != "" {
		return errs.New(errs.Unprocessable, "give keys by value or by address, not both (RFC 7591, 2)")
	}
	if len(c.JWKS) > maxJWKS || len(c.JWKS) > 0 && !json.Valid(c.JWKS) {
		return errs.New(errs.Unprocessable, "the key set cannot be read")
	}
	if len(c.JWKS) == 0 {
		return nil
	}
	if usable, err := c.Keys(); err != nil || len(usable) == 0 {
		return errs.New(errs.Unprocessable, "the key set holds no usable key: public RSA of at least 2048 bits or P-384, each with a kid, for RS384 and ES384; a pipeline's may be P-256, for ES256")
	}
	return nil
}

// checkClientScopes accepts what the server knows. system/, scim and pipeline are for services, all else for people.
func checkClientScopes(c Client) error {
	for _, text := range c.Scopes {
		s, resource := tutela.ParseScope(text)
		own := slices.Contains(ownScopes(), text)
		if !resource && !own && !slices.Contains(plainScopes(), text) {
			return errs.New(errs.Unprocessable, "the scope %q is not offered", text)
		}
		if c.Grants(GrantCredentials) != (s.Context == "system" || own) {
			return errs.New(errs.Unprocessable, "a service has system/ scopes, scim or pipeline, and nobody else has")
		}
		if own && len(c.Scopes) > 1 {
			return errs.New(errs.Unprocessable, "the scope %s stands alone: who has it reads no records", text)
		}
	}
	return nil
}

// plainScopes are the scopes that are about no resource type.
func plainScopes() []string {
	return []string{"openid", "profile", "fhirUser", "launch", "launch/patient", "online_access", "offline_access"}
}

// PlainScopes lists the scopes that are about no resource type.
func PlainScopes() []string { return plainScopes() }
