package federation

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// Purpose is what a login outside is for. The zero value is to sign in.
type Purpose string

// The purposes.
const (
	Enter  Purpose = ""
	Link   Purpose = "link"   // to tie it to the account of a session
	Accept Purpose = "accept" // to take up an invitation
	StepUp Purpose = "verify" // to prove the factors of a session anew
)

// Ask is a wish to go to a provider and come back.
type Ask struct {
	Provider   string  `json:"provider"`
	Purpose    Purpose `json:"purpose,omitempty"`
	Session    string  `json:"session,omitempty"`    // id of the session that Link and StepUp are for
	Invitation string  `json:"invitation,omitempty"` // token of the one that Accept takes up
	Return     string  `json:"return,omitempty"`     // where the person goes in the end
	Address    string  `json:"-"`                    // network address of the peer
}

// Flow is a login outside on its way, as the browser carries it, sealed.
type Flow struct {
	Ask

	Epoch    int64     `json:"epoch"`    // of the provider's configuration
	State    string    `json:"state"`    // comes back with the answer (RFC 6749, 10.12)
	Nonce    string    `json:"nonce"`    // comes back in the id_token
	Verifier string    `json:"verifier"` // of PKCE (RFC 7636)
	Asked    time.Time `json:"asked"`
	Ends     time.Time `json:"ends"`
}

// Start is where to send the browser, and what it carries meanwhile.
type Start struct {
	URL    string
	Cookie string
}

// flowLife is how long a person may take at the provider.
const flowLife = 10 * time.Minute

// wantedClaims asks for how and when a person signed in, of providers that give it when it is asked
// for alone (OpenID Connect Core 1.0, 5.5).
const wantedClaims = `{"id_token":{"acr":null,"amr":null,"auth_time":null}}`

const sealFlow = "outside-login"

// Begin readies a login at a provider. One that cannot be reached is errs.Unavailable.
func (s *Service) Begin(ctx context.Context, a Ask) (Start, error) {
	if err := s.slowed(a.Address); err != nil {
		return Start{}, err
	}
	p, err := s.offered(ctx, a.Provider)
	if err != nil {
		return Start{}, err
	}
	got, err := s.discover(ctx, p)
	if err != nil {
		return Start{}, err
	}
	now := s.cfg.Clock()
	f := Flow{Ask: a, Epoch: p.Epoch, State: rand.Text(), Nonce: rand.Text(), Verifier: oauth2.GenerateVerifier(), Asked: now, Ends: now.Add(flowLife)}
	plain, err := json.Marshal(f)
	if err != nil {
		return Start{}, fmt.Errorf("encode login: %w", err)
	}
	cookie, err := s.cfg.Identity.SealText(ctx, sealFlow, plain)
	return Start{URL: s.authorization(p, got, f), Cookie: cookie}, err
}

// authorization is the request that the browser takes to the provider (OpenID Connect Core 1.0,
// 3.1.2.1). max_age has it say when the person signed in there.
func (s *Service) authorization(p identity.Provider, got *published, f Flow) string {
	age := int64(s.cfg.Identity.MaxAge().Seconds())
	options := []oauth2.AuthCodeOption{oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)}
	if got.TakesClaims {
		options = append(options, oauth2.SetAuthURLParam("claims", wantedClaims))
	}
	if len(p.ACR) > 0 {
		options = append(options, oauth2.SetAuthURLParam("acr_values", strings.Join(p.ACR, " ")))
	}
	if f.Purpose == Link || f.Purpose == StepUp { // the person at this browser, now
		age = 0
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"))
	}
	options = append(options, oauth2.SetAuthURLParam("max_age", strconv.FormatInt(age, 10)))
	return s.oauth2(p, got).AuthCodeURL(f.State, options...)
}

func (s *Service) oauth2(p identity.Provider, got *published) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.ClientID, Endpoint: got.provider.Endpoint(), RedirectURL: s.Callback(p.ID),
		Scopes: append([]string{oidc.ScopeOpenID}, p.Scopes...),
	}
}

// open gives the login that a browser carries.
func (s *Service) open(ctx context.Context, cookie string) (Flow, error) {
	var f Flow
	plain, err := s.cfg.Identity.OpenText(ctx, sealFlow, cookie)
	if errs.Is(err, errs.Invalid) {
		return f, notAsked()
	}
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(plain, &f); err != nil {
		return f, fmt.Errorf("decode login: %w", err)
	}
	if !s.cfg.Clock().Before(f.Ends) {
		return f, errs.New(errs.Unauthenticated, "you were away for too long; begin again")
	}
	return f, nil
}

// notAsked is said of every answer that this browser did not ask this provider for.
func notAsked() error {
	return errs.New(errs.Unauthenticated, "this browser did not begin this login, or began another since; begin again")
}
