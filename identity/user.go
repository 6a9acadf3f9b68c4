package identity

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// User is an account, without what proves it. It is kept sealed: even its name says who works
// here, and a patient's account says who is treated here.
type User struct {
	ID        tutela.UserID    `json:"id"`
	Username  string           `json:"username"`
	Kind      tutela.ActorKind `json:"kind"`
	Roles     []string         `json:"roles"`
	Unit      string           `json:"unit,omitempty"`
	Scopes    []string         `json:"scopes"` // the most that a token of this account may carry
	Client    string           `json:"client"` // the OAuth client whose tokens it uses
	FHIRUser  tutela.Ref       `json:"fhirUser"`
	Patient   tutela.PatientID `json:"patient,omitempty"`
	Created   time.Time        `json:"created"`
	LastLogin time.Time        `json:"lastLogin,omitzero"`
	Disabled  bool             `json:"disabled,omitempty"`
	Enrolled  bool             `json:"-"` // a second factor is there; without one a person may do nothing
	Linked    bool             `json:"-"` // to an outside provider, which may prove both factors
	Waiting   bool             `json:"-"` // nobody has a password, a factor or an invitation's answer yet
	// Clearances are the sensitivity labels that the account may see; Clearing are those asked for.
	Clearances []string  `json:"clearances,omitempty"`
	Clearing   *Clearing `json:"clearing,omitempty"`
	Employment
}

// Employment is what the organisation's own records say of a person: a roster or a directory.
type Employment struct {
	Name        Name      `json:"name,omitzero"`
	Email       string    `json:"email,omitempty"`
	External    string    `json:"external,omitempty"`    // the person's id in those records
	Groups      []string  `json:"groups,omitempty"`      // of the SCIM client that the account belongs to
	Provisioner string    `json:"provisioner,omitempty"` // the SCIM client that the account belongs to
	Ends        time.Time `json:"ends,omitzero"`         // when access ends by itself
	Held        bool      `json:"held,omitempty"`        // an administrator disabled it, and only one enables it again
	Removed     time.Time `json:"removed,omitzero"`      // when it gave its name up; it never acts again
	Changed     time.Time `json:"changed,omitzero"`      // when any of this, the name or the roles last changed
}

// Name is a person's name (RFC 7643, 4.1.1).
type Name struct {
	Display   string `json:"display,omitempty"` // as it is shown
	Formatted string `json:"formatted,omitempty"`
	Given     string `json:"given,omitempty"`
	Family    string `json:"family,omitempty"`
}

// String gives the name as people read it, empty when none is known.
func (n Name) String() string {
	return cmp.Or(n.Display, n.Formatted, strings.TrimSpace(n.Given+" "+n.Family))
}

// State says in a word or two what an account may.
func (u User) State() string {
	switch {
	case !u.Removed.IsZero():
		return "removed"
	case u.Disabled:
		return "disabled"
	case u.Waiting:
		return "to be invited"
	case u.Kind == tutela.ActorPerson && !u.Enrolled && !u.Linked:
		return "not enrolled"
	default:
		return "active"
	}
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

// Credentials prove an account. They exist in this form only while it is made.
type Credentials struct {
	Username string
	Password string
	TOTP     string // base32
}

// CreateUser makes an account with a generated password and one-time-password secret: a try-out
// identity's. People elsewhere are invited.
func (s *Service) CreateUser(ctx context.Context, by tutela.Actor, n NewUser) (User, Credentials, error) {
	if err := s.CheckRoles(n.Roles); err != nil {
		return User{}, Credentials{}, err
	}
	c := Credentials{Username: n.Username, Password: randomText(18), TOTP: base32.StdEncoding.EncodeToString(randomBytes(totpSecretSize))}
	v, err := s.hasher.make(ctx, c.Password)
	if err != nil {
		return User{}, Credentials{}, err
	}
	a := s.newAccount(n)
	a.Verifier, a.TOTP = v, c.TOTP
	claim, err := s.accountClaim(ctx, a)
	if err != nil {
		return User{}, Credentials{}, err
	}
	entry := s.about(tutela.ActionUserCreate, by, a.ID)
	if err := s.commit(ctx, store.Op{Claims: []store.Claim{claim}}, entry); err != nil {
		return User{}, Credentials{}, taken(err)
	}
	return a.public(), c, nil
}

// taken says what a conflict means where an account is made.
func taken(err error) error {
	if errs.Is(err, errs.Conflict) {
		return errs.Wrap(errs.Conflict, err, "the username is taken")
	}
	return err
}

// LinkPatient says which FHIR resource an account is of: whose chart a patient may see.
func (s *Service) LinkPatient(ctx context.Context, by tutela.Actor, username string, ref tutela.Ref) error {
	return retried(func() error {
		a, err := s.accountByName(ctx, username)
		if err != nil {
			return err
		}
		a.FHIRUser = ref
		if ref.Type == "Patient" {
			a.Patient = tutela.PatientID(ref.ID)
		}
		entry := s.about(tutela.ActionUserUpdate, by, a.ID)
		entry.Subject.Detail = "fhirUser"
		claim, err := s.accountClaim(ctx, a)
		if err != nil {
			return err
		}
		return s.revoke(ctx, store.Op{Claims: []store.Claim{claim}}, entry)
	})
}

// User finds an account by its name; errs.NotFound when there is none.
func (s *Service) User(ctx context.Context, username string) (User, error) {
	a, err := s.accountByName(ctx, username)
	return a.public(), err
}

// UserByID finds an account by its id; errs.NotFound when there is none.
func (s *Service) UserByID(ctx context.Context, id tutela.UserID) (User, error) {
	a, err := s.accountByID(ctx, id)
	return a.public(), err
}

// PersonNamed gives the id and the username of a person's account by either; one that is not there, or that is no
// person's, is errs.NotFound.
func (s *Service) PersonNamed(ctx context.Context, name string) (tutela.UserID, string, error) {
	u, err := s.User(ctx, name)
	if errs.Is(err, errs.NotFound) {
		u, err = s.UserByID(ctx, tutela.UserID(name))
	}
	if err == nil && (u.Kind != tutela.ActorPerson || !u.Removed.IsZero()) {
		err = errs.New(errs.NotFound, "no such person")
	}
	return u.ID, u.Username, err
}

// Users gives every account, in no order.
func (s *Service) Users(ctx context.Context) ([]User, error) {
	all, err := s.accounts(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]User, len(all))
	for i, a := range all {
		list[i] = a.public()
	}
	return list, nil
}

func (u User) principal(t tutela.Tenant) tutela.Principal {
	return tutela.Principal{
		Tenant: t, ID: u.ID, Kind: u.Kind, Username: u.Username, Roles: u.Roles, Unit: u.Unit,
		Clearances: u.Clearances, FHIRUser: u.FHIRUser, Patient: u.Patient,
	}
}

func actorOf(u User) tutela.Actor {
	return tutela.Actor{ID: u.ID, Kind: u.Kind, Name: u.Username, Roles: u.Roles, Unit: u.Unit}
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return b
}

func randomText(n int) string { return base64.RawURLEncoding.EncodeToString(randomBytes(n)) }
