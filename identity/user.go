package identity

import (
	"context"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
)

// User is an account. It is kept sealed: even its name says who works here, and a patient's
// account says who is treated here.
type User struct {
	ID       tutela.UserID    `json:"id"`
	Username string           `json:"username"`
	Kind     tutela.ActorKind `json:"kind"`
	Roles    []string         `json:"roles"`
	Unit     string           `json:"unit,omitempty"`
	Scopes   []string         `json:"scopes"` // the most that a token of this account may carry
	Client   string           `json:"client"` // the OAuth client whose tokens it uses
	FHIRUser tutela.Ref       `json:"fhirUser"`
	Patient  tutela.PatientID `json:"patient,omitempty"`
	Created  time.Time        `json:"created"`
	Verifier Verifier         `json:"verifier"`
	TOTP     string           `json:"totp,omitempty"` // RFC 6238 secret, base32
}

// Verifier is a password in the only form that is kept: PBKDF2-HMAC-SHA-256 (SP 800-132).
type Verifier struct {
	Salt       []byte `json:"salt"`
	Iterations int    `json:"iterations"`
	Hash       []byte `json:"hash"`
}

// iterations follows OWASP's Password Storage Cheat Sheet for PBKDF2-HMAC-SHA-256.
const iterations = 600_000

// NewVerifier derives a verifier.
func NewVerifier(password string) (Verifier, error) {
	v := Verifier{Salt: make([]byte, 16), Iterations: iterations}
	_, _ = rand.Read(v.Salt) // never fails: it ends the process instead
	var err error
	v.Hash, err = v.derive(password)
	return v, err
}

func (v Verifier) derive(password string) ([]byte, error) {
	h, err := pbkdf2.Key(sha256.New, password, v.Salt, max(v.Iterations, 1), sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive password verifier: %w", err)
	}
	return h, nil
}

// Credentials prove an account. They exist in this form only while it is made.
type Credentials struct {
	Username string
	Password string
	TOTP     string // base32
}

// NewUser is what an administrator says of an account to be made.
type NewUser struct {
	Username string
	Kind     tutela.ActorKind
	Roles    []string
	Unit     string
	Scopes   []string
	Client   string
	FHIRUser tutela.Ref
	Patient  tutela.PatientID
}

// CreateUser makes an account with a generated password and one-time-password secret.
func (s *Service) CreateUser(ctx context.Context, by tutela.Actor, n NewUser) (User, Credentials, error) {
	c := Credentials{Username: n.Username, Password: randomText(18), TOTP: base32.StdEncoding.EncodeToString(randomBytes(20))}
	v, err := NewVerifier(c.Password)
	if err != nil {
		return User{}, Credentials{}, err
	}
	u := User{
		ID: tutela.UserID(randomText(12)), Username: n.Username, Kind: n.Kind, Roles: n.Roles, Unit: n.Unit,
		Scopes: n.Scopes, Client: n.Client, FHIRUser: n.FHIRUser, Patient: n.Patient,
		Created: s.clock(), Verifier: v, TOTP: c.TOTP,
	}
	entry := s.entry(tutela.ActionUserCreate, by, tutela.OutcomeSuccess)
	entry.Subject = &tutela.Subject{Kind: "user", ID: string(u.ID)}
	if err := s.insertUser(ctx, u, entry); err != nil {
		return User{}, Credentials{}, err
	}
	return u, c, nil
}

// LinkPatient says which FHIR resource an account is of: whose chart a patient may see.
func (s *Service) LinkPatient(ctx context.Context, by tutela.Actor, username string, ref tutela.Ref) error {
	u, err := s.userByName(ctx, username)
	if err != nil {
		return err
	}
	u.FHIRUser = ref
	if ref.Type == "Patient" {
		u.Patient = tutela.PatientID(ref.ID)
	}
	entry := s.entry(tutela.ActionUserUpdate, by, tutela.OutcomeSuccess)
	entry.Subject = &tutela.Subject{Kind: "user", ID: string(u.ID), Detail: "fhirUser"}
	return s.replaceUser(ctx, u, entry)
}

func (u User) principal(t tutela.Tenant) tutela.Principal {
	return tutela.Principal{
		Tenant: t, ID: u.ID, Kind: u.Kind, Username: u.Username, Roles: u.Roles, Unit: u.Unit,
		FHIRUser: u.FHIRUser, Patient: u.Patient,
	}
}

func actorOf(u User) tutela.Actor {
	return tutela.Actor{ID: u.ID, Kind: u.Kind, Name: u.Username, Roles: u.Roles, Unit: u.Unit}
}

// encode gives the form that is sealed.
func (u User) encode() ([]byte, error) { return json.Marshal(u) }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}

func randomText(n int) string { return base64.RawURLEncoding.EncodeToString(randomBytes(n)) }

// User finds an account by its name; errs.NotFound when there is none.
func (s *Service) User(ctx context.Context, username string) (User, error) {
	return s.userByName(ctx, username)
}
