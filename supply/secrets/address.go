package secrets

import (
	"bytes"
	"net/url"
	"strings"
)

// addresses finds passwords in URLs: scheme://user:password@host.
func (o *own) addresses(d *document) []hit {
	if d.sort == binary {
		return nil
	}
	var hits []hit
	for at := 0; ; {
		i := bytes.Index(d.text[at:], []byte("://"))
		if i < 0 {
			return hits
		}
		at += i + 3
		if h, ok := o.address(d, at); ok {
			hits = append(hits, h)
			at = h.end
		}
	}
}

// address reads what follows "://". The last @ before the host ends the password, which may have others.
func (o *own) address(d *document, at int) (hit, bool) {
	_, to := d.line(at)
	rest := d.text[at:min(to, at+512)]
	if i := bytes.IndexAny(rest, " \t\"'`<>()\\,;|"); i >= 0 {
		rest = rest[:i]
	}
	if i := bytes.IndexByte(rest, '/'); i >= 0 && bytes.IndexByte(rest[:i], '@') >= 0 {
		rest = rest[:i]
	}
	sign := bytes.LastIndexByte(rest, '@')
	colon := userEnd(rest, sign)
	if colon < 0 {
		return hit{}, false
	}
	value, host := string(rest[colon+1:sign]), string(rest[sign+1:])
	if i := strings.IndexAny(host, "?#"); i >= 0 {
		host = host[:i]
	}
	start := at
	for start > 0 && at-start < 24 && isScheme(d.text[start-1]) {
		start--
	}
	h := hit{rule: o.url, start: at + colon + 1, end: at + sign, mark: start, severity: o.url.Severity, rank: byToken}
	return h, o.opens(d, string(rest[:colon]), value, host)
}

// userEnd finds the colon between user and password: the last one before which there is a whole user
// name, since a user may be a mail address.
func userEnd(rest []byte, sign int) int {
	if sign <= 0 {
		return -1
	}
	return bytes.IndexByte(rest[:sign], ':')
}

func isScheme(c byte) bool {
	return isAlnum(c) || c == '+' || c == '-' || c == '.' || c == ':' || c == '/'
}

// opens reports whether a password in an address would open something somewhere.
func (o *own) opens(d *document, user, value, host string) bool {
	if d.store {
		return !gap(value)
	}
	if plain, err := url.PathUnescape(value); err == nil && placeholder(plain) || placeholder(value) || strings.EqualFold(user, value) {
		return false
	}
	if host == "" || strings.ContainsAny(value, "/[]$<>{}*") && !random(value) || len(value) < 4 {
		return false
	}
	if random(value) {
		return true
	}
	if d.test || d.sample || trivial(value) || reserved(host) {
		return false
	}
	switch d.sort {
	case env, config:
		return true
	}
	return literal(value) && mixed(value)
}

// reserved reports whether a host is one that examples have (RFC 2606, RFC 6761), or this machine.
func reserved(host string) bool {
	name, _, _ := strings.Cut(strings.ToLower(host), ":")
	for _, end := range []string{"localhost", "example.com", "example.org", "example.net", ".example", ".test", ".invalid", ".local", "127.0.0.1", "0.0.0.0", "domain.com", "foo.com", "bar.com", "host", "hostname", "server", "myhost"} {
		if name == strings.TrimPrefix(end, ".") || strings.HasSuffix(name, "."+strings.TrimPrefix(end, ".")) {
			return true
		}
	}
	return !strings.ContainsAny(name, ".") && len(name) < 4
}
