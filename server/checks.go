package server

import (
	"crypto/fips140"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
)

// CheckConfig says how the running server is reached from outside.
type CheckConfig struct {
	Base string      // its base URL, as users know it
	TLS  *tls.Config // trusts the authority that it has its certificate from
	// Application and Redirect are a public client that is registered, and an address that it may be sent back to; where
	// there is none, what concerns authorization could not be checked.
	Application, Redirect string
}

// checkedFor is how long the evidence of these checks counts.
const checkedFor = 24 * time.Hour

// Checks are what this plane can show of itself by trying, as a stranger who reaches its address can.
func (s *Server) Checks(c CheckConfig) []tutela.Check {
	return slices.Concat(s.boundaries(c), s.transport(c), answers(c), authorization(c), s.watching(c))
}

// hipaa names a section of the Security Rule.
func hipaa(section string) string { return "45 CFR 164." + section }

// boundaries: nothing without a token, nothing that is not listed, nobody faster than he may.
func (s *Server) boundaries(c CheckConfig) []tutela.Check {
	token := tokenCheck{base: c.Base, tls: c.TLS, routes: s.guardedRoutes(), marked: s.marks}
	exposure := exposureCheck{base: c.Base, tls: c.TLS}
	return []tutela.Check{{
		ID: "protect.token-required", Title: "Nothing is answered without a valid access token",
		Controls: []string{"P05", "P10", "45 CFR 164.312(a)(1)", "45 CFR 164.312(d)"}, Fresh: checkedFor, Try: token.try,
	}, {
		ID: "protect.exposed-operations", Title: "Only the operations that are listed exist",
		Controls: []string{"P13", "45 CFR 164.312(a)(1)"}, Fresh: checkedFor, Try: exposure.try,
	}, {
		ID: "protect.rate-limit", Title: "Networks and callers that call too fast are held back",
		Controls: []string{"P13", "45 CFR 164.308(a)(1)(ii)(B)"}, Fresh: checkedFor, Try: s.tryRates,
	}}
}

// transport: what is spoken, and by what it is encrypted.
func (s *Server) transport(c CheckConfig) []tutela.Check {
	version := versionCheck{base: c.Base, tls: c.TLS}
	fips := fipsCheck{base: c.Base, enabled: fips140.Enabled, module: fips140.Version, certified: certifiedModules()}
	return []tutela.Check{{
		ID: "protect.tls-version", Title: "Only TLS 1.2 and 1.3 are spoken",
		Controls: []string{"P04", "45 CFR 164.312(e)(1)", "45 CFR 164.312(e)(2)(ii)"}, Fresh: checkedFor, Try: version.try,
	}, {
		ID: "protect.fips", Title: "Cryptography is the FIPS 140-3 validated module, in FIPS mode",
		Controls: []string{"P02", "P04", "45 CFR 164.312(a)(2)(iv)", "45 CFR 164.312(e)(2)(ii)"}, Fresh: checkedFor, Try: fips.try,
	}, {
		ID: "protect.old-ciphers", Title: "No suite without forward secrecy or with a broken cipher is spoken",
		Controls: []string{"P04", hipaa("312(e)(1)"), hipaa("312(e)(2)(ii)")}, Fresh: checkedFor, Try: c.tried(oldCiphers),
	}, {
		ID: "protect.no-plaintext", Title: "Without TLS nothing is answered",
		Controls: []string{"P04", hipaa("312(e)(1)")}, Fresh: checkedFor, Try: c.tried(noPlaintext),
	}, {
		ID: "protect.certificate", Title: "The certificate is trusted, strong, and good for two weeks more",
		Controls: []string{"P04", hipaa("312(e)(1)"), hipaa("312(d)")}, Fresh: checkedFor, Try: c.tried(certificate(s.cfg.Clock)),
	}}
}

// answers: what strangers send, and what they are told.
func answers(c CheckConfig) []tutela.Check {
	return []tutela.Check{{
		ID: "protect.hardened-answers", Title: "Every answer forbids what browsers could be made to do with it",
		Controls: []string{"P14", "P04", hipaa("312(e)(1)")}, Fresh: checkedFor, Try: c.tried(hardenedAnswers),
	}, {
		ID: "protect.quiet-errors", Title: "Errors repeat nothing and tell nothing of the inside",
		Controls: []string{"P14", hipaa("312(a)(1)")}, Fresh: checkedFor, Try: c.tried(quietErrors),
	}, {
		ID: "protect.bounded-requests", Title: "What is longer than anybody needs is refused",
		Controls: []string{"P14", "P13"}, Fresh: checkedFor, Try: c.tried(boundedRequests),
	}, {
		ID: "protect.one-reading", Title: "A request that could be read in two ways is refused",
		Controls: []string{"P14", "P13"}, Fresh: checkedFor, Try: c.tried(oneReading),
	}, {
		ID: "protect.foreign-scripts", Title: "Scripts of other sites read no answer",
		Controls: []string{"P13", "P14", hipaa("312(a)(1)")}, Fresh: checkedFor, Try: c.tried(foreignOrigins),
	}, {
		ID: "protect.foreign-forms", Title: "Forms of other sites do nothing",
		Controls: []string{"P07", "P14", hipaa("312(a)(1)")}, Fresh: checkedFor, Try: c.tried(foreignForms),
	}}
}

// authorization: how applications get tokens.
func authorization(c CheckConfig) []tutela.Check {
	app := application{c.Application, c.Redirect}
	return []tutela.Check{{
		ID: "identity.registered-redirects", Title: "Codes go to no address that an application did not register",
		Controls: []string{"P05", hipaa("312(d)")}, Fresh: checkedFor, Try: c.tried(app.redirects),
	}, {
		ID: "identity.proof-of-code", Title: "A code is given only to whoever can prove that he asked for it",
		Controls: []string{"P05", hipaa("312(d)")}, Fresh: checkedFor, Try: c.tried(app.proofs),
	}, {
		ID: "identity.old-grants", Title: "No token is to be had by a password, through the address bar or for nothing",
		Controls: []string{"P05", hipaa("312(d)")}, Fresh: checkedFor, Try: c.tried(app.oldGrants),
	}, {
		ID: "identity.forged-assertions", Title: "An application cannot be somebody else",
		Controls: []string{"P05", "P10", hipaa("312(d)")}, Fresh: checkedFor, Try: c.tried(app.forgeries),
	}, {
		ID: "identity.stray-returns", Title: "No page of ours sends people on to another site",
		Controls: []string{"P05", "P14"}, Fresh: checkedFor, Try: c.tried(strayReturns),
	}}
}

// watching: what is measured, for whom, and what anybody can prove of the ledger.
func (s *Server) watching(c CheckConfig) []tutela.Check {
	m := metricsCheck{s.cfg.Hosts[0], s.Handler}
	return []tutela.Check{{
		ID: "watch.metrics-closed", Title: "Strangers are shown no measurements",
		Controls: []string{"W07", hipaa("312(a)(1)")}, Fresh: checkedFor, Try: m.closed,
	}, {
		ID: "watch.requests-measured", Title: "What happens is measured in the same moment",
		Controls: []string{"W01", hipaa("308(a)(1)(ii)(D)")}, Fresh: time.Hour, Try: m.counted,
	}, {
		ID: "watch.ledger-provable", Title: "Anybody can verify the ledger by what is published",
		Controls: []string{"P12", hipaa("312(b)"), hipaa("312(c)(2)"), "21 CFR 11.10(e)"}, Fresh: checkedFor, Try: c.tried(provableLedger),
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
