package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/signin"
	"github.com/tutela-health/tutela/internal/clock"
)

// sessionsFile keeps the browsers of a try-out's command line: whoever signed in stays signed in,
// as long as the server says so.
const sessionsFile = "tryout-sessions.json"

// loopback is where an answer to the command line would go (RFC 8252, 7.3).
const loopback = "http://127.0.0.1/callback"

// signIn gets a token for a try-out identity of a running system: a person's by the code flow of
// the public client, with a login where no session lives; a service's through the try-out's door.
type signIn struct {
	client *client
	dir    string
	info   devInfo
	as     string
	afresh bool // not by the session that an earlier command has left
}

func (s *signIn) token(ctx context.Context) (string, error) {
	all := tryOutIdentities()
	i := slices.IndexFunc(all, func(u identity.NewUser) bool { return u.Username == s.as })
	who, known := s.info.Identities[s.as]
	if i < 0 || !known {
		return "", usage("there is no try-out identity %q", s.as)
	}
	if all[i].Kind == tutela.ActorService {
		return s.service(ctx)
	}
	turn, err := lockFile(s.dir, true) // of two commands at once, one signs in and the other finds the session
	if err != nil {
		return "", err
	}
	token, err := s.person(ctx, who, all[i].Scopes)
	return token, errors.Join(err, turn.Close())
}

// service gets a token through the try-out's door; see docs/decisions/0006.
func (s *signIn) service(ctx context.Context) (string, error) {
	ask, err := json.Marshal(map[string]string{"as": s.as})
	if err != nil {
		return "", fmt.Errorf("encode request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.client.base+"/api/v1/tryout/token", bytes.NewReader(ask))
	if err != nil {
		return "", fmt.Errorf("make request: %w", err)
	}
	req.SetBasicAuth(s.as, s.info.Secret)
	body, err := s.client.send(req)
	if err != nil {
		return "", err
	}
	var got signin.Token
	if err := json.Unmarshal(body, &got); err != nil {
		return "", fmt.Errorf("decode token: %w", err)
	}
	return got.Access, nil
}

// person signs in and agrees, as a person at a browser would.
func (s *signIn) person(ctx context.Context, who credential, scopes []string) (string, error) {
	b, err := signin.New(s.client.base, s.client.http.Transport)
	if err != nil {
		return "", err
	}
	sessions := readSessions(s.dir)
	if s.afresh {
		delete(sessions, s.as)
	}
	for name, value := range sessions[s.as] {
		b.SetCookie(name, value)
	}
	scopes, err = s.askedScopes(ctx, scopes)
	if err != nil {
		return "", err
	}
	token, err := s.flow(ctx, b, who, signin.App{
		Client: cliClient, Redirect: loopback, Audience: s.info.FHIR, Scope: strings.Join(append(scopes, "openid", "fhirUser"), " "),
	})
	if err != nil {
		return "", err
	}
	sessions[s.as] = map[string]string{}
	for _, c := range b.Cookies() {
		sessions[s.as][c.Name] = c.Value
	}
	return token.Access, sessions.write(s.dir)
}

// flow gets the token. When every one-time password of now was used by somebody, it waits for the
// next one, once.
func (s *signIn) flow(ctx context.Context, b *signin.Browser, who credential, app signin.App) (signin.Token, error) {
	for again := true; ; again = false {
		token, err := b.Token(ctx, app, signin.Person{Username: who.Username, Password: who.Password, Codes: func() ([]string, error) {
			codes, err := identity.OneTimePasswords(who.TOTP, clock.System())
			if err == nil && !again {
				codes = codes[len(codes)-1:] // the others were refused
			}
			return codes, err
		}})
		if err == nil {
			return token, nil
		}
		if !again || !errors.Is(err, signin.ErrSecondFactor) {
			return signin.Token{}, fmt.Errorf("sign in as %s: %w", s.as, err)
		}
		select {
		case <-time.After(identity.NextOneTimePassword(clock.System())):
		case <-ctx.Done():
			return signin.Token{}, ctx.Err()
		}
	}
}

// linkedWithin is how long a chart that was just imported may take to become the try-out patient's.
const linkedWithin = 2 * time.Second

// askedScopes leaves out what a patient cannot have who has no chart yet.
func (s *signIn) askedScopes(ctx context.Context, scopes []string) ([]string, error) {
	own := func(scope string) bool { return strings.HasPrefix(scope, "patient/") }
	if !slices.ContainsFunc(scopes, own) {
		return slices.Clone(scopes), nil
	}
	tick := time.NewTicker(linkedWithin / 10)
	defer tick.Stop()
	ctx, cancel := context.WithTimeoutCause(ctx, linkedWithin, errNotLinked)
	defer cancel()
	for {
		info, err := target{Data: s.dir}.running()
		if err != nil {
			return nil, err
		}
		if info.Identities[s.as].Patient != "" {
			return slices.Clone(scopes), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errNotLinked) {
				return slices.DeleteFunc(slices.Clone(scopes), own), nil
			}
			return nil, ctx.Err()
		}
	}
}

// errNotLinked says that there is no chart for the try-out patient.
var errNotLinked = errors.New("no patient is in the store")

// cookies are those of each identity's browser, by name.
type cookies map[string]map[string]string

// readSessions reads the sessions of earlier commands. What cannot be read is no session.
func readSessions(dir string) cookies {
	kept := cookies{}
	text, err := os.ReadFile(filepath.Join(dir, sessionsFile))
	if err != nil || json.Unmarshal(text, &kept) != nil || kept == nil {
		return cookies{}
	}
	return kept
}

func (c cookies) write(dir string) error {
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode sessions: %w", err)
	}
	return writePrivate(filepath.Join(dir, sessionsFile), text)
}
