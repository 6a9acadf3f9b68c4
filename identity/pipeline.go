package identity

import (
	"encoding/json"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/tutela-health/tutela/internal/errs"
)

// ScopePipeline lets a service report what a pipeline found out about one repository. A client that has
// it has no other.
const ScopePipeline = "pipeline"

// rolePipeline is the role of accounts that pipelines act as.
const rolePipeline = "pipeline"

// maxRepository bounds the name of a repository.
const maxRepository = 512

// Reports reports whether the client is a pipeline.
func (c Client) Reports() bool { return slices.Contains(c.Scopes, ScopePipeline) }

// Keys are the keys by value that count for the client.
func (c Client) Keys() ([]jose.JSONWebKey, error) {
	if c.Reports() {
		return PipelineKeys(c.JWKS)
	}
	return ClientKeys(c.JWKS)
}

// checkPipeline holds a pipeline to one repository, which nobody else names, and to keys by value: what
// it signed is judged by the same.
func checkPipeline(c Client) error {
	if c.Reports() != (c.Repository != "") || len(c.Repository) > maxRepository {
		return errs.New(errs.Unprocessable, "a client with the scope pipeline speaks of one repository, and no other client names one: register it with tutela pipeline register")
	}
	if c.Reports() && (len(c.JWKS) == 0 || !json.Valid(c.JWKS)) {
		return errs.New(errs.Unprocessable, "a pipeline gives its keys by value")
	}
	return nil
}

// ownScopes are those that stand alone: of services that read no record.
func ownScopes() []string { return []string{ScopeSCIM, ScopePipeline} }

// serviceRole is the role of the account that a client acts as.
func (c Client) serviceRole() string {
	switch {
	case c.Provisions():
		return roleProvisioner
	case c.Reports():
		return rolePipeline
	}
	return roleService
}
