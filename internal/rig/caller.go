package rig

import (
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/errs"
)

// Loader is the service that may do everything; Nobody sends no token.
const (
	Loader = "loader"
	Nobody = ""
)

// identityOf is the try-out identity of a name. A name that is none is a patient of that id.
func identityOf(name string) identity.NewUser {
	person := func(role access.Role, scopes ...string) identity.NewUser {
		return identity.NewUser{Kind: tutela.ActorPerson, Roles: []string{string(role)}, Scopes: scopes, Client: "rig"}
	}
	var u identity.NewUser
	switch name {
	case Loader, "other-loader":
		u = identity.NewUser{Kind: tutela.ActorService, Roles: []string{string(access.RoleService)}, Scopes: []string{"system/*.cruds"}, Client: name}
	case "physician", "nurse":
		u = person(access.Role(name), "user/*.cruds")
		u.FHIRUser = tutela.Ref{Type: "Practitioner", ID: name}
	case "registration":
		u = person(access.Role(name), "user/*.crus")
	case "billing", "researcher", "developer", "pharmacist", "laboratory":
		u = person(access.Role(name), "user/*.rs")
	case "admin", "privacy", "auditor":
		u = person(access.Role(name))
	default:
		u = person(access.RolePatient, "patient/*.rs")
		u.FHIRUser, u.Patient = tutela.Ref{Type: "Patient", ID: name}, tutela.PatientID(name)
	}
	u.Username = name
	return u
}

// Token gives a caller's access token; the account is made when it is first asked for.
func (r *Rig) Token(t testing.TB, name string) string {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if token, ok := r.tokens[name]; ok {
		return token
	}
	return r.enroll(t, identityOf(name))
}

// Enroll makes an account of the test's own making, which calls by its username.
func (r *Rig) Enroll(t testing.TB, u identity.NewUser) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.enroll(t, u)
}

// enroll needs mu.
func (r *Rig) enroll(t testing.TB, n identity.NewUser) string {
	t.Helper()
	by := tutela.Actor{ID: "rig", Kind: tutela.ActorSystem}
	u, _, err := r.Identity.CreateUser(t.Context(), by, n)
	if errs.Is(err, errs.Conflict) && r.filled {
		u, err = r.Identity.User(t.Context(), n.Username)
	}
	if err != nil {
		t.Fatalf("create %s: %v", n.Username, err)
	}
	issued, err := r.issue(t, u)
	if err != nil {
		t.Fatalf("issue token for %s: %v", n.Username, err)
	}
	r.tokens[n.Username] = issued.Token
	return issued.Token
}

// issue gives a person a token as a client's, and a service one that outlives a long test.
func (r *Rig) issue(t testing.TB, u identity.User) (identity.Issued, error) {
	t.Helper()
	if u.Kind == tutela.ActorService {
		return r.Identity.IssueTryOut(t.Context(), u.Username, "rig")
	}
	return r.Identity.IssueFor(t.Context(), identity.IssueRequest{User: u.ID, Client: "rig", Scopes: u.Scopes, Assurance: identity.ACRTwoFactors})
}

// Forget has every caller get another token: a clock that was moved by much ends those of before.
func (r *Rig) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.tokens)
	r.filled = true // the accounts are there
}
