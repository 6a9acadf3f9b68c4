package pages

import (
	"net/url"
	"strings"
)

// home is where a person goes who came from nowhere.
const home = "/account"

// returnable are the places of ours that a login may return to; every other is refused.
func returnable() []string {
	return []string{"/oauth2/authorize", "/account", "/admin", "/emergency", "/accesses", "/console"}
}

// localReturn gives a place to return to when it is one of ours, else home. Browsers read "//host",
// "/\host" and tabs in ways of their own, so nothing but a plain path with a query passes.
func localReturn(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || u.Fragment != "" || strings.ContainsAny(u.Path, "\\\t\r\n") {
		return home
	}
	if strings.Contains(u.Path, "//") || strings.Contains(u.Path, "..") || !strings.HasPrefix(to, "/") {
		return home
	}
	for _, place := range returnable() {
		if u.Path == place || strings.HasPrefix(u.Path, place+"/") {
			return u.RequestURI()
		}
	}
	return home
}

// leadsAway tells a place that may answer with a redirect to an application. Browsers hold
// form-action against such a chain, so a form's answer links there instead of redirecting.
func leadsAway(to string) bool { return strings.HasPrefix(to, "/oauth2/") }
