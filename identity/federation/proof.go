package federation

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// maxSecret bounds a client secret, in bytes.
const maxSecret = 4096

// assertionLife is how long an assertion of ours counts. It is used at once.
const assertionLife = time.Minute

// proof says to a provider's token endpoint who we are: by the secret of a file, else by our key.
func (s *Service) proof(ctx context.Context, p identity.Provider, got *published, c *oauth2.Config) ([]oauth2.AuthCodeOption, error) {
	c.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	if p.SecretFile == "" {
		assertion, err := s.assertion(ctx, p)
		return []oauth2.AuthCodeOption{
			oauth2.SetAuthURLParam("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
			oauth2.SetAuthURLParam("client_assertion", assertion),
		}, err
	}
	if len(got.AuthMethods) == 0 || slices.Contains(got.AuthMethods, "client_secret_basic") {
		c.Endpoint.AuthStyle = oauth2.AuthStyleInHeader // OpenID Connect Core 1.0, 9: the default
	}
	var err error
	c.ClientSecret, err = s.secret(p)
	return nil, err
}

// secret reads a client's secret. The name leads out of the folder by no way, links included.
func (s *Service) secret(p identity.Provider) (string, error) {
	unread := func(err error) error {
		return errs.Wrap(errs.Unavailable, err, "the secret for "+p.Name+" is not in the folder of secrets")
	}
	if s.cfg.Secrets == "" {
		return "", unread(fmt.Errorf("no folder of secrets is configured"))
	}
	dir, err := os.OpenRoot(s.cfg.Secrets)
	if err != nil {
		return "", unread(err)
	}
	defer func() { _ = dir.Close() }() // it was read
	f, err := dir.Open(p.SecretFile)
	if err != nil {
		return "", unread(err)
	}
	defer func() { _ = f.Close() }() // it was read
	b, err := io.ReadAll(io.LimitReader(f, maxSecret))
	secret := strings.TrimSpace(string(b))
	if err == nil && secret == "" {
		err = fmt.Errorf("the file is empty")
	}
	return secret, unread(err)
}

// assertion proves us by the key that we publish (private_key_jwt: OpenID Connect Core 1.0, 9). Its
// audience is the issuer alone, so that no other provider can use it.
func (s *Service) assertion(ctx context.Context, p identity.Provider) (string, error) {
	key, err := s.cfg.Identity.SigningKey(ctx)
	if err != nil {
		return "", err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: identity.IDTokenAlgorithm, Key: key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return "", fmt.Errorf("sign client assertion: %w", err)
	}
	now := s.cfg.Clock()
	claims, err := json.Marshal(map[string]any{
		"iss": p.ClientID, "sub": p.ClientID, "aud": p.Issuer, "jti": rand.Text(), "iat": now.Unix(), "exp": now.Add(assertionLife).Unix(),
	})
	if err != nil {
		return "", fmt.Errorf("sign client assertion: %w", err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		return "", fmt.Errorf("sign client assertion: %w", err)
	}
	return signed.CompactSerialize()
}
