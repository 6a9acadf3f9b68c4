package identity

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// AllowsRedirect reports whether an address is one that the client registered, by simple string
// comparison (RFC 9700, 4.1.3). On a loopback address the port is the application's choice
// (RFC 8252, 7.3).
func (c Client) AllowsRedirect(uri string) bool {
	if uri == "" || len(uri) > maxURI {
		return false
	}
	if slices.Contains(c.RedirectURIs, uri) {
		return true
	}
	bare, ok := withoutLoopbackPort(uri)
	return ok && c.Public && slices.ContainsFunc(c.RedirectURIs, func(registered string) bool {
		r, ok := withoutLoopbackPort(registered)
		return ok && r == bare
	})
}

// withoutLoopbackPort takes the port out of http://127.0.0.1:port/… and http://[::1]:port/….
// Names do not count: they may lead elsewhere (RFC 8252, 8.3).
func withoutLoopbackPort(uri string) (string, bool) {
	const scheme = "http://"
	u, err := plainURI(uri)
	if err != nil || !strings.HasPrefix(uri, scheme+u.Host) {
		return "", false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil || !ip.IsLoopback() || ip.String() != u.Hostname() {
		return "", false
	}
	host := u.Host
	if port := u.Port(); port != "" {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return "", false
		}
		host = strings.TrimSuffix(host, ":"+port)
	}
	return scheme + host + strings.TrimPrefix(uri, scheme+u.Host), true
}

// AllowsPostLogout reports whether an address is registered to return to after a logout.
func (c Client) AllowsPostLogout(uri string) bool {
	return slices.Contains(c.PostLogoutRedirectURIs, uri)
}

// AllowsOrigin reports whether a web origin is that of one of the client's redirect URIs.
func (c Client) AllowsOrigin(origin string) bool {
	return slices.ContainsFunc(c.RedirectURIs, func(uri string) bool { return OriginOf(uri) == origin && origin != "" })
}

// OriginOf is the web origin of an http or https address (RFC 6454, 6.1); "" for any other.
func OriginOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	if u.Port() == map[string]string{"https": "443", "http": "80"}[u.Scheme] {
		host = strings.TrimSuffix(host, ":"+u.Port())
	}
	return u.Scheme + "://" + host
}
