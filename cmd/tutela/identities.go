package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/identity"
)

// cliClient is the public OAuth client whose tokens people of a try-out system get.
const cliClient = "tutela-cli"

// tryOutFile keeps the try-out identities' credentials between starts, beside the other keys.
const tryOutFile = "tryout.json"

// credential is what dev.json tells of an identity. FHIRUser and Patient are never written
// elsewhere: they say who is treated here.
type credential struct {
	Username string `json:"username"`
	Password string `json:"password"`
	TOTP     string `json:"totp"`
	FHIRUser string `json:"fhirUser,omitempty"`
	Patient  string `json:"patient,omitempty"`
}

// tryOutIdentities are the identities of a try-out system. loader is a service; the others are people.
func tryOutIdentities() []identity.NewUser {
	person := func(name string, role access.Role, scopes ...string) identity.NewUser {
		return identity.NewUser{Username: name, Kind: tutela.ActorPerson, Roles: []string{string(role)}, Scopes: scopes, Client: cliClient}
	}
	physician := person("physician", access.RolePhysician, "user/*.cruds")
	physician.FHIRUser, physician.Unit = tutela.Ref{Type: "Practitioner", ID: "tryout-physician"}, "ward-1"
	nurse := person("nurse", access.RoleNurse, "user/*.cruds")
	nurse.FHIRUser, nurse.Unit = tutela.Ref{Type: "Practitioner", ID: "tryout-nurse"}, "ward-1"
	return []identity.NewUser{
		{Username: "loader", Kind: tutela.ActorService, Roles: []string{string(access.RoleService)}, Scopes: []string{"system/*.cruds"}, Client: "loader"},
		person("admin", access.RoleAdmin), person("privacy", access.RolePrivacy), physician, nurse,
		person("registration", access.RoleRegistration, "user/*.crus"),
		person("billing", access.RoleBilling, "user/*.rs"),
		person("researcher", access.RoleResearcher, "user/*.rs"),
		person("developer", access.RoleDeveloper, "user/*.rs"),
		person("auditor", access.RoleAuditor),
		person("patient", access.RolePatient, "patient/*.rs", "user/Practitioner.rs", "user/Organization.rs"),
	}
}

// createTryOut makes the try-out identities and keeps their credentials in the keys' directory.
func (s *system) createTryOut(ctx context.Context) error {
	list := map[string]credential{}
	for _, n := range tryOutIdentities() {
		_, c, err := s.identity.CreateUser(ctx, systemActor("dev"), n)
		if err != nil {
			return fmt.Errorf("create identity %s: %w", n.Username, err)
		}
		list[n.Username] = credential{Username: c.Username, Password: c.Password, TOTP: c.TOTP}
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return fmt.Errorf("encode credentials: %w", err)
	}
	return writePrivate(s.tryOutPath(), text)
}

func (s *system) tryOutPath() string {
	return filepath.Join(s.config.keysFolder(), tryOutFile)
}

// credentials reads what createTryOut kept and adds who each identity is.
func (s *system) credentials(ctx context.Context) (map[string]credential, error) {
	text, err := os.ReadFile(s.tryOutPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage("%s is missing: this is no try-out system", s.tryOutPath())
	}
	if err != nil {
		return nil, fmt.Errorf("read credentials: %w", err)
	}
	list := map[string]credential{}
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("decode credentials: %w", err)
	}
	for name, c := range list {
		u, err := s.identity.User(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("find identity %s: %w", name, err)
		}
		if u.FHIRUser.ID != "" {
			c.FHIRUser = u.FHIRUser.String()
		}
		c.Patient = string(u.Patient)
		list[name] = c
	}
	return list, nil
}

func systemActor(what string) tutela.Actor {
	return tutela.Actor{ID: tutela.UserID("tutela-" + what), Kind: tutela.ActorSystem, Name: "tutela " + what}
}

// writePrivate writes a file of mode 0600 by rename, so that a reader sees all of it or none.
func writePrivate(path string, data []byte) error {
	temp := path + ".new"
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(path), err)
	}
	return nil
}
