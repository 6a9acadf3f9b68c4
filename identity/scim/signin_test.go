package scim_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
)

const appCallback = "https://app.example/callback"

// app registers an application of people.
func (n *node) app() {
	n.t.Helper()
	_, _, err := n.identity.RegisterClient(n.t.Context(), n.admin(), identity.Client{
		ID: "app", Name: "App", Public: true, RedirectURIs: []string{appCallback}, FirstParty: true,
		GrantTypes: []string{identity.GrantCode, identity.GrantRefresh}, Scopes: []string{"openid", "online_access", "user/*.cruds"},
	})
	must(n.t, err)
}

// signedIn makes a nurse who has logged in with both factors and let the application have tokens.
func (n *node) signedIn(name string) (identity.User, session) {
	n.t.Helper()
	ctx := n.t.Context()
	u, c, err := n.identity.CreateUser(ctx, maker(), identity.NewUser{
		Username: name, Kind: tutela.ActorPerson, Roles: []string{"nurse"}, Scopes: []string{identity.StaffScope},
	})
	must(n.t, err)
	attempt, err := n.identity.BeginLogin(ctx, identity.LoginRequest{Username: name, Password: c.Password, Address: "192.0.2.1", Agent: "test"})
	must(n.t, err)
	login, err := n.identity.FinishTOTP(ctx, attempt.ID, oneTime(c.TOTP, clock.System()))
	must(n.t, err)
	verifier := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	challenge := sha256.Sum256([]byte(verifier))
	code, err := n.identity.IssueCode(ctx, identity.Authorization{
		User: u.ID, Client: "app", Session: login.Session.ID, Scopes: []string{"online_access", "user/*.rs"}, ACR: login.Session.ACR,
	}, identity.Binding{RedirectURI: appCallback, Challenge: base64.RawURLEncoding.EncodeToString(challenge[:])}, "")
	must(n.t, err)
	got, err := n.identity.RedeemCode(ctx, code, identity.Proof{Client: "app", RedirectURI: appCallback, Verifier: verifier})
	must(n.t, err)
	return u, session{cookie: login.Cookie, access: got.Token, refresh: got.Refresh}
}

// oneTime is the one-time password of a moment (RFC 6238).
func oneTime(secret string, at time.Time) string {
	key, _ := base32.StdEncoding.DecodeString(secret)
	m := hmac.New(sha1.New, key)
	_ = binary.Write(m, binary.BigEndian, at.Unix()/30)
	sum := m.Sum(nil)
	i := sum[len(sum)-1] & 15
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[i:])&0x7fffffff)%1_000_000)
}
