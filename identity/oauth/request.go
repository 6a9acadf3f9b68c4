package oauth

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// request is an authorization request on its way: what was asked, and what was settled since. It
// travels sealed, so that what was checked once stays checked.
type request struct {
	Client      string        `json:"client"`
	RedirectURI string        `json:"redirectURI"`
	State       string        `json:"state,omitempty"`
	Nonce       string        `json:"nonce,omitempty"`
	Challenge   string        `json:"challenge"`
	Scopes      []string      `json:"scopes"` // as asked
	Launch      string        `json:"launch,omitempty"`
	Prompt      []string      `json:"prompt,omitempty"`
	MaxAge      *int64        `json:"maxAge,omitempty"` // seconds
	Hint        tutela.UserID `json:"hint,omitempty"`   // who it must be, where the application says so
	Asked       time.Time     `json:"asked"`

	Session string           `json:"session,omitempty"` // of whom a page asked
	Patient tutela.PatientID `json:"patient,omitempty"` // as picked
	Granted []string         `json:"granted,omitempty"` // as put to the person
}

// requestLife is how long a person may take over the pages of one authorization.
const requestLife = 15 * time.Minute

// The purposes of sealed requests: what one page got counts on no other.
const (
	sealLogin   = "authorize-login"
	sealPatient = "authorize-patient"
	sealConsent = "authorize-consent"
)

// maxState bounds what is carried back to the application.
const maxState = 4 << 10

func (q *request) prompts(what string) bool { return slices.Contains(q.Prompt, what) }

// seal writes a request for a page to carry.
func (s *Server) seal(ctx context.Context, purpose string, v any) (string, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	return s.identity.SealText(ctx, purpose, plain)
}

// reopen reads a request that a page carried.
func (s *Server) reopen(ctx context.Context, purpose, text string) (*request, error) {
	plain, err := s.identity.OpenText(ctx, purpose, text)
	if err != nil {
		return nil, err
	}
	var q request
	if err := json.Unmarshal(plain, &q); err != nil {
		return nil, err
	}
	if s.cfg.Clock().Sub(q.Asked) > requestLife {
		return nil, errs.New(errs.Invalid, "the request is too old: start again in the application")
	}
	return &q, nil
}

// readRequest reads an authorization request. client and redirect address are settled first: q is
// nil while they are not, and then nothing may be sent to that address.
func (s *Server) readRequest(ctx context.Context, p params) (q *request, c identity.Client, err error) {
	c, err = s.identity.Client(ctx, p["client_id"])
	if errs.Is(err, errs.NotFound) {
		return nil, c, badRequest(codeUnauthorizedClient, "the application is not registered here")
	}
	if err != nil {
		return nil, c, err
	}
	if !c.AllowsRedirect(p["redirect_uri"]) {
		return nil, c, badRequest(codeInvalidRequest, "the address to return to is not one that the application registered")
	}
	q = &request{
		Client: c.ID, RedirectURI: p["redirect_uri"], State: p["state"], Nonce: p["nonce"], Challenge: p["code_challenge"],
		Scopes: splitScopes(p["scope"]), Launch: p["launch"], Prompt: strings.Fields(p["prompt"]), Asked: s.cfg.Clock(),
	}
	for _, rule := range []func(params, *request, identity.Client) error{checkResponse, checkPKCE, s.checkAudience, checkPrompt, checkLaunch} {
		if err := rule(p, q, c); err != nil {
			return q, c, err
		}
	}
	return q, c, s.readHint(ctx, p["id_token_hint"], q)
}

// readHint reads whom the application expects: nobody else may answer (OpenID Connect Core, 3.1.2.2).
func (s *Server) readHint(ctx context.Context, text string, q *request) error {
	if text == "" {
		return nil
	}
	hint, err := s.readIDToken(ctx, text)
	if err == nil && hint.Audience != q.Client {
		err = badRequest(codeInvalidRequest, "id_token_hint is another application's")
	}
	q.Hint = hint.Subject
	return err
}

// checkResponse holds a request to the code flow, answered in the query.
func checkResponse(p params, q *request, c identity.Client) error {
	_, object := p["request"]
	_, objectURI := p["request_uri"]
	mode, hasMode := p["response_mode"]
	switch {
	case len(q.State) > maxState || len(q.Nonce) > maxState:
		q.State, q.Nonce = "", ""
		return badRequest(codeInvalidRequest, "state or nonce is too long")
	case object:
		return badRequest(codeNoRequest, "request objects are not offered")
	case objectURI:
		return badRequest(codeNoRequestURI, "request objects are not offered")
	case p["response_type"] == "":
		return badRequest(codeInvalidRequest, "response_type is missing")
	case p["response_type"] != "code":
		return badRequest(codeUnsupportedResponse, "the only response type is code")
	case hasMode && mode != "query":
		return badRequest(codeInvalidRequest, "the only response mode is query")
	case !c.Grants(identity.GrantCode):
		return badRequest(codeUnauthorizedClient, "the client may not ask for codes")
	}
	return nil
}

// checkPKCE demands an S256 challenge (RFC 7636; RFC 9700, 2.1.1). No method would mean plain.
func checkPKCE(p params, q *request, _ identity.Client) error {
	if p["code_challenge_method"] != "S256" || !isChallenge(q.Challenge) {
		return badRequest(codeInvalidRequest, "code_challenge with code_challenge_method S256 is required")
	}
	return nil
}

// isChallenge tells the base64url form of a SHA-256 hash.
func isChallenge(text string) bool {
	return len(text) == 43 && !strings.ContainsFunc(text, notBase64URL)
}

func notBase64URL(r rune) bool {
	return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
}

// checkAudience holds aud to our FHIR base: a request that was meant for another server is refused
// before a token of ours could leak to it (SMART App Launch 2.2, "Obtain authorization code").
func (s *Server) checkAudience(p params, q *request, _ identity.Client) error {
	aud, given := p["aud"]
	if !given && slices.ContainsFunc(q.Scopes, isSMART) {
		return badRequest(codeInvalidRequest, "aud is required and is the FHIR base address")
	}
	if given && strings.TrimSuffix(aud, "/") != s.cfg.FHIR {
		return badRequest(codeInvalidRequest, "aud is not this server's FHIR base address")
	}
	if resource, ok := p["resource"]; ok && strings.TrimSuffix(resource, "/") != s.cfg.FHIR {
		return badRequest("invalid_target", "the resource is not this server's FHIR base address") // RFC 8707, 2
	}
	return nil
}

func checkPrompt(p params, q *request, _ identity.Client) error {
	for _, word := range q.Prompt {
		if !slices.Contains([]string{"none", "login", "consent", "select_account"}, word) {
			return badRequest(codeInvalidRequest, "prompt is none, login, consent or select_account")
		}
	}
	if q.prompts("none") && len(q.Prompt) > 1 {
		return badRequest(codeInvalidRequest, "prompt=none stands alone")
	}
	if text, ok := p["max_age"]; ok {
		age, err := strconv.ParseInt(text, 10, 32)
		if err != nil || age < 0 {
			return badRequest(codeInvalidRequest, "max_age is a number of seconds")
		}
		q.MaxAge = &age
	}
	return nil
}

// checkLaunch holds the scope launch and what the EHR handed over together.
func checkLaunch(_ params, q *request, _ identity.Client) error {
	if slices.Contains(q.Scopes, "launch") != (q.Launch != "") {
		return badRequest(codeInvalidRequest, "the scope launch and the parameter launch belong together")
	}
	return nil
}

// stale reports whether a session's proof is too old for what was asked, or another person's.
func (q *request) stale(session identity.Session) bool {
	if q.Hint != "" && session.User != q.Hint {
		return true
	}
	if (q.prompts("login") || q.prompts("select_account")) && session.AuthTime.Before(q.Asked) {
		return true
	}
	return q.MaxAge != nil && session.AuthTime.Add(time.Duration(*q.MaxAge)*time.Second).Before(q.Asked)
}

// queryOf reads the parameters of an authorization request from its address.
func queryOf(r *http.Request) (params, error) {
	if len(r.URL.RawQuery) > maxParams {
		return nil, badRequest(codeInvalidRequest, "the request is too long")
	}
	return single(r.URL.Query())
}
