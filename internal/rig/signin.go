package rig

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 as authenticators speak it
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
)

// Person is an account whose owner signs in as people do.
type Person struct {
	identity.User

	rig         *Rig
	credentials identity.Credentials
	clock       func() time.Time
}

// Person makes the account of somebody who can sign in.
func (r *Rig) Person(t testing.TB, clock func() time.Time, n identity.NewUser) *Person {
	t.Helper()
	u, c, err := r.Identity.CreateUser(t.Context(), tutela.Actor{ID: "rig", Kind: tutela.ActorSystem}, n)
	if err != nil {
		t.Fatalf("create %s: %v", n.Username, err)
	}
	return &Person{User: u, rig: r, credentials: c, clock: clock}
}

// SignIn gives a new session, by password and one-time password, from an address.
func (p *Person) SignIn(t testing.TB, address string) (identity.Login, error) {
	t.Helper()
	attempt, err := p.rig.Identity.BeginLogin(t.Context(), identity.LoginRequest{Username: p.Username, Password: p.credentials.Password, Address: address})
	if err != nil {
		return identity.Login{}, err
	}
	return p.rig.Identity.FinishTOTP(t.Context(), attempt.ID, p.code(t))
}

// Token gives an access token of a session, as a client gets it.
func (p *Person) Token(t testing.TB, session identity.Session, client string) string {
	t.Helper()
	issued, err := p.rig.Identity.IssueFor(t.Context(), identity.IssueRequest{
		User: p.ID, Client: client, Session: session.ID, Scopes: p.Scopes, Assurance: identity.ACRTwoFactors,
	})
	if err != nil {
		t.Fatalf("token for %s: %v", p.Username, err)
	}
	return issued.Token
}

// Guess fails to sign in once.
func (p *Person) Guess(t testing.TB, address string) {
	t.Helper()
	if _, err := p.rig.Identity.BeginLogin(t.Context(), identity.LoginRequest{Username: p.Username, Password: "guessed", Address: address}); err == nil {
		t.Fatal("a guess was right")
	}
}

// code is the one-time password of now (RFC 6238).
func (p *Person) code(t testing.TB) string {
	t.Helper()
	secret, err := base32.StdEncoding.DecodeString(p.credentials.TOTP)
	if err != nil {
		t.Fatal(err)
	}
	m := hmac.New(sha1.New, secret)
	m.Write(binary.BigEndian.AppendUint64(nil, uint64(p.clock().Unix()/30)))
	sum := m.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", binary.BigEndian.Uint32(sum[at:])&0x7fffffff%1_000_000)
}
