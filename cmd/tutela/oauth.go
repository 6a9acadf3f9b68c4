package main

import (
	"context"
	"fmt"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/oauth"
	"github.com/tutela-health/tutela/identity/pages"
	"github.com/tutela-health/tutela/identity/scim"
)

// oauth makes the authorization server, with people's pages. In a try-out, applications may run on
// this machine, and their addresses lead to it.
func (s *system) oauth(people *pages.Pages) *oauth.Server {
	return oauth.New(oauth.Config{
		Identity: s.identity, Audit: s.audit, Pages: people.Authorize(), Session: pages.SessionCookie,
		Clock: s.clock, Log: s.log, Issuer: s.config.base(), FHIR: s.config.base() + "/fhir/r4", Private: s.config.TryOut,
	})
}

// scim makes the address at which a directory keeps people's accounts in step.
func (s *system) scim() *scim.Handler {
	return scim.New(scim.Config{Identity: s.identity, Base: s.config.base(), Clock: s.clock})
}

// cliRedirect is where the command line waits for its code; the port is its choice (RFC 8252, 7.3).
const cliRedirect = "http://127.0.0.1/callback"

// ensureCLI registers the command line, a public client. It is no first party: whatever runs on a
// person's machine can pose as a client that has no secret (RFC 8252, 8.6), so people are asked.
func (s *system) ensureCLI(ctx context.Context) error {
	err := s.identity.EnsureClient(ctx, systemActor("dev"), identity.Client{
		ID: cliClient, Name: "Tutela command line", Public: true,
		RedirectURIs: []string{cliRedirect, "http://[::1]/callback"},
		GrantTypes:   []string{identity.GrantCode, identity.GrantRefresh},
		Scopes:       append(identity.PlainScopes(), "user/*.cruds", "patient/*.cruds"),
	})
	if err != nil {
		return fmt.Errorf("register %s: %w", cliClient, err)
	}
	return nil
}
