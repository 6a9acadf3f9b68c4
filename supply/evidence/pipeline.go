package evidence

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/supply/attest"
)

// Pipeline is who may report about a repository: the holder of a key.
type Pipeline struct {
	ID         string    `json:"id"` // its client's, made of the key's
	Name       string    `json:"name"`
	Repository string    `json:"repository"` // as in git.example/clinic/portal
	Key        string    `json:"key"`        // the key's id: SHA-256 of it, in hex
	Registered time.Time `json:"registered"`
}

// ClientOf is the id of the client whose key this is. The key makes the pipeline: who has another is
// another one.
func ClientOf(v *attest.Verifier) string { return "pipeline-" + v.ID()[:24] }

// Register lets the holder of a key report about a repository, for an administrator.
func (s *Service) Register(ctx context.Context, by tutela.Principal, name, repository string, publicKey []byte) (Pipeline, error) {
	key, err := attest.ReadVerifier(publicKey)
	if err != nil {
		return Pipeline{}, errs.New(errs.Unprocessable, "the key is %s", strings.TrimPrefix(err.Error(), "not "))
	}
	repo := attest.Repository(repository)
	if repo == "" {
		return Pipeline{}, errs.New(errs.Unprocessable, "name the repository by its address, as in https://git.example/clinic/portal")
	}
	set, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{key.JWK()}})
	if err != nil {
		return Pipeline{}, fmt.Errorf("encode a key: %w", err)
	}
	c, _, err := s.cfg.Identity.RegisterClient(ctx, by, identity.Client{
		ID: ClientOf(key), Name: name, Repository: repo, JWKS: set,
		GrantTypes: []string{identity.GrantCredentials}, Scopes: []string{identity.ScopePipeline},
	})
	if errs.Is(err, errs.Conflict) {
		err = errs.New(errs.Conflict, "a pipeline with this key is registered, or was: make it a key of its own")
	}
	return pipelineOf(c), err
}

// Revoke ends a pipeline, for an administrator: what it was given is dead at once, and its key is never
// taken again.
func (s *Service) Revoke(ctx context.Context, by tutela.Principal, id string) error {
	c, err := s.cfg.Identity.Client(ctx, id)
	if err == nil && !c.Reports() || errs.Is(err, errs.NotFound) {
		return errs.New(errs.NotFound, "there is no such pipeline")
	}
	if err != nil {
		return err
	}
	return s.cfg.Identity.DeleteClient(ctx, by, id)
}

// Pipelines lists those that are registered, by name.
func (s *Service) Pipelines(ctx context.Context) ([]Pipeline, error) {
	all, err := s.cfg.Identity.Clients(ctx)
	list := []Pipeline{}
	for _, c := range all {
		if c.Reports() {
			list = append(list, pipelineOf(c))
		}
	}
	return list, err
}

func pipelineOf(c identity.Client) Pipeline {
	p := Pipeline{ID: c.ID, Name: c.Name, Repository: c.Repository, Registered: c.Created}
	if keys, err := c.Keys(); err == nil && len(keys) > 0 {
		p.Key = keys[0].KeyID
	}
	return p
}

// reporter is the pipeline that calls, with the keys that its statements are signed by. Anybody else is
// errs.Denied, whatever the token says.
func (s *Service) reporter(ctx context.Context, by tutela.Principal) (Pipeline, []*attest.Verifier, error) {
	denied := errs.New(errs.Denied, "only a pipeline that is registered may report")
	if by.Kind != tutela.ActorService || !slices.Equal(by.Scopes, []string{identity.ScopePipeline}) {
		return Pipeline{}, nil, denied
	}
	c, err := s.cfg.Identity.Client(ctx, by.Client)
	if errs.Is(err, errs.NotFound) || err == nil && (!c.Reports() || c.Account != by.ID) {
		return Pipeline{}, nil, denied
	}
	if err != nil {
		return Pipeline{}, nil, err
	}
	keys, err := c.Keys()
	if err != nil {
		return Pipeline{}, nil, err
	}
	var list []*attest.Verifier
	for _, k := range keys {
		if v, ok := attest.VerifierOf(k); ok {
			list = append(list, v)
		}
	}
	return pipelineOf(c), list, nil
}
