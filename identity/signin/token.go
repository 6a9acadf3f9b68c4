package signin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// App is a public application on the person's machine (RFC 8252).
type App struct {
	Client   string
	Redirect string // a loopback address (RFC 8252, 7.3)
	Scope    string
	Audience string // base address of the FHIR API
}

// Token is what an App gets.
type Token struct {
	Access    string `json:"access_token"`
	Scope     string `json:"scope"`
	ExpiresIn int    `json:"expires_in"` // seconds
	Patient   string `json:"patient"`
}

const consentForm = "/oauth2/authorize/decision"

// Token lets an application have a token: by the session that the browser has, else by a login of
// the person, who agrees to all that is asked. Codes travel with PKCE (RFC 7636). Browser and
// application are one program, so the answer is taken where it would leave the browser.
func (b *Browser) Token(ctx context.Context, a App, p Person) (Token, error) {
	verifier, state := rand.Text()+rand.Text(), rand.Text()
	page, err := b.Open(ctx, "/oauth2/authorize?"+a.request(verifier, state).Encode())
	if _, asked := page.Form(passwordForm); err == nil && asked {
		page, err = b.Prove(ctx, page, p)
	}
	if f, asked := page.Form(consentForm); err == nil && asked {
		page, err = b.Submit(ctx, f, url.Values{"decision": {"allow"}})
	}
	if err != nil {
		return Token{}, err
	}
	code, err := b.answered(page, a, state)
	if err != nil {
		return Token{}, err
	}
	return b.redeem(ctx, a, code, verifier)
}

func (a App) request(verifier, state string) url.Values {
	sum := sha256.Sum256([]byte(verifier))
	return url.Values{
		"response_type": {"code"}, "client_id": {a.Client}, "redirect_uri": {a.Redirect}, "scope": {a.Scope}, "aud": {a.Audience}, "state": {state},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
}

// answered takes the code out of the answer, if it is ours: sent to the application's address, for
// its request (RFC 6749, 10.12) and by this server (RFC 9207).
func (b *Browser) answered(page Page, a App, state string) (string, error) {
	if page.Away == nil {
		return "", page.unexpected("the application")
	}
	q := page.Away.Query()
	to := *page.Away
	to.RawQuery = ""
	issuer := b.site.Scheme + "://" + b.site.Host
	if to.String() != a.Redirect || q.Get("state") != state || q.Get("iss") != issuer {
		return "", errors.New("the answer is not to what the application asked of this server")
	}
	if code := q.Get("error"); code != "" {
		return "", fmt.Errorf("the server refused: %s: %s", code, q.Get("error_description"))
	}
	return q.Get("code"), nil
}

// redeem exchanges a code (RFC 6749, 4.1.3).
func (b *Browser) redeem(ctx context.Context, a App, code, verifier string) (t Token, err error) {
	f := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {a.Client}, "redirect_uri": {a.Redirect}, "code": {code}, "code_verifier": {verifier},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, b.site.JoinPath("/oauth2/token").String(), strings.NewReader(f.Encode()))
	if err != nil {
		return t, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := b.http.Do(r)
	if err != nil {
		return t, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxPage))
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return t, fmt.Errorf("read token: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return t, fmt.Errorf("the server gave no token for the code: status %d", res.StatusCode)
	}
	if err := json.Unmarshal(body, &t); err != nil {
		return t, fmt.Errorf("decode token: %w", err)
	}
	return t, nil
}
