package server

import (
	"crypto/fips140"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/tutela-health/tutela"
)

// CheckConfig says how the running server is reached from outside.
type CheckConfig struct {
	Base string      // its base URL, as users know it
	TLS  *tls.Config // trusts the authority that it has its certificate from
}

// checkedFor is how long the evidence of these checks counts.
const checkedFor = 24 * time.Hour

// Checks are what this plane can show of itself by trying: nothing without a token, nothing over
// old TLS, and approved cryptography only.
func (s *Server) Checks(c CheckConfig) []tutela.Check {
	token := tokenCheck{base: c.Base, tls: c.TLS, routes: s.guardedRoutes()}
	exposure := exposureCheck{base: c.Base, tls: c.TLS}
	version := versionCheck{base: c.Base, tls: c.TLS}
	fips := fipsCheck{base: c.Base, enabled: fips140.Enabled, module: fips140.Version, certified: certifiedModules()}
	return []tutela.Check{{
		ID: "protect.token-required", Title: "Nothing is answered without a valid access token",
		Controls: []string{"P05", "P10", "45 CFR 164.312(a)(1)", "45 CFR 164.312(d)"}, Fresh: checkedFor, Try: token.try,
	}, {
		ID: "protect.exposed-operations", Title: "Only the operations that are listed exist",
		Controls: []string{"P13", "45 CFR 164.312(a)(1)"}, Fresh: checkedFor, Try: exposure.try,
	}, {
		ID: "protect.rate-limit", Title: "Networks and callers that call too fast are held back",
		Controls: []string{"P13", "45 CFR 164.308(a)(1)(ii)(B)"}, Fresh: checkedFor, Try: s.tryRates,
	}, {
		ID: "protect.tls-version", Title: "Only TLS 1.2 and 1.3 are spoken",
		Controls: []string{"P04", "45 CFR 164.312(e)(1)", "45 CFR 164.312(e)(2)(ii)"}, Fresh: checkedFor, Try: version.try,
	}, {
		ID: "protect.fips", Title: "Cryptography is the FIPS 140-3 validated module, in FIPS mode",
		Controls: []string{"P02", "P04", "45 CFR 164.312(a)(2)(iv)", "45 CFR 164.312(e)(2)(ii)"}, Fresh: checkedFor, Try: fips.try,
	}}
}

// guardedRoutes are the routes that no stranger may get an answer from.
func (s *Server) guardedRoutes() []string {
	var list []string
	for _, p := range s.mounted.patterns {
		if who := s.mounted.exposed[p].who; who != anyone && who != scraper && who != tryOutOwner {
			list = append(list, p)
		}
	}
	return append(list, "GET /ledger/tile/entries/000")
}

// observed is evidence of a verdict.
func observed(on string, v tutela.Verdict, format string, args ...any) tutela.Evidence {
	return tutela.Evidence{On: on, Verdict: v, Observed: fmt.Sprintf(format, args...)}
}

// endpoint is where a base URL leads: the address to connect to, and the name to ask for.
func endpoint(base string) (address, name string, err error) {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return "", "", errors.New("the base URL is not an https address")
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return net.JoinHostPort(u.Hostname(), port), u.Hostname(), nil
}
