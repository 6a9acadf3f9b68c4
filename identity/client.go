package identity

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// The grants of OAuth that a client may be registered for (RFC 6749, RFC 7591 section 2).
const (
	GrantCode        = "authorization_code"
	GrantRefresh     = "refresh_token"
	GrantCredentials = "client_credentials"
)

// Client is an application as an administrator registered it.
type Client struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Public bool   `json:"public,omitempty"` // cannot keep a secret (RFC 6749, 2.1)

	RedirectURIs           []string `json:"redirectURIs,omitempty"`
	PostLogoutRedirectURIs []string `json:"postLogoutRedirectURIs,omitempty"`
	BackchannelLogoutURI   string   `json:"backchannelLogoutURI,omitempty"`
	LaunchURI              string   `json:"launchURI,omitempty"` // where an EHR launch starts

	JWKS    json.RawMessage `json:"jwks,omitempty"` // its public keys by value, or
	JWKSURL string          `json:"jwksURL,omitempty"`

	GrantTypes []string    `json:"grantTypes"`
	Scopes     []string    `json:"scopes"`               // the most that it may get
	Groups     []GroupRole `json:"groups,omitempty"`     // of a SCIM client: what it may give
	Repository string      `json:"repository,omitempty"` // of a pipeline: what it may speak of
	FirstParty bool        `json:"firstParty,omitempty"` // of this organisation: people are not asked for consent

	Account tutela.UserID `json:"account,omitempty"` // of the service that client_credentials act as
	Created time.Time     `json:"created"`
	// Epoch rises with the client's changes, from a number of chance: what it, or an earlier client of
	// the same id, was given before is dead.
	Epoch int64 `json:"epoch"`
}

// clientRecord is a client as its item holds it.
type clientRecord struct {
	Client
	Secret []byte `json:"secret,omitempty"` // SHA-256 of the secret, which is 256 random bits
}

// Confidential reports whether the client can prove itself by a secret or a key.
func (c Client) Confidential() bool { return !c.Public }

// UsesKeys reports whether the client proves itself by a key, and not by a secret.
func (c Client) UsesKeys() bool { return len(c.JWKS) > 0 || c.JWKSURL != "" }

// Grants reports whether the client may use a grant.
func (c Client) Grants(grant string) bool { return slices.Contains(c.GrantTypes, grant) }

// RegisterClient makes a client for an administrator. A confidential one without keys gets a
// secret, which is shown this once.
func (s *Service) RegisterClient(ctx context.Context, by tutela.Principal, c Client) (Client, string, error) {
	entry := s.aboutClient(tutela.ActionClientCreate, by, c.ID)
	op, err := s.administering(ctx, by)
	if err != nil {
		return Client{}, "", s.noteRefusal(ctx, entry, err)
	}
	if strings.HasPrefix(c.ID, throwawayPrefix) { // what those do is passed over by detection
		return Client{}, "", errs.New(errs.Unprocessable, "ids that begin with %s are those of checks", throwawayPrefix)
	}
	return s.addClient(ctx, c, op, entry)
}

// administering begins an op of an administrator: it holds only while the account may do this.
func (s *Service) administering(ctx context.Context, by tutela.Principal) (store.Op, error) {
	a, err := s.administrator(ctx, by)
	if err != nil {
		return store.Op{}, err
	}
	claim, err := s.accountClaim(ctx, a)
	return store.Op{Claims: []store.Claim{claim}}, err
}

// EnsureClient makes a client of the system's own, unless it is there.
func (s *Service) EnsureClient(ctx context.Context, by tutela.Actor, c Client) error {
	if _, err := s.Client(ctx, c.ID); !errs.Is(err, errs.NotFound) {
		return err
	}
	_, _, err := s.addClient(ctx, c, store.Op{}, s.entry(tutela.ActionClientCreate, by, tutela.OutcomeSuccess))
	if errs.Is(err, errs.Conflict) {
		return nil // another node was first
	}
	return err
}

func (s *Service) addClient(ctx context.Context, c Client, op store.Op, entry tutela.Entry) (Client, string, error) {
	if c.ID == "" {
		c.ID = randomText(15)
	}
	c.Created, c.Epoch = s.clock(), firstEpoch()
	if err := errors.Join(c.check(), s.checkGroups(c)); err != nil {
		return Client{}, "", err
	}
	record := clientRecord{Client: c}
	secret := ""
	if c.Confidential() && !c.UsesKeys() {
		secret = randomText(32)
		sum := sha256.Sum256([]byte(secret))
		record.Secret = sum[:]
	}
	if err := s.serviceAccount(ctx, &op, &record.Client); err != nil {
		return Client{}, "", err
	}
	entry.Subject = &tutela.Subject{Kind: "client", ID: c.ID}
	claim, err := putItem(ctx, s, itemClient, item[clientRecord]{Name: c.ID, Value: record}, "", time.Time{})
	if err != nil {
		return Client{}, "", err
	}
	op.Claims = append(op.Claims, claim)
	if err := s.commit(ctx, op, entry); err != nil {
		if errs.Is(err, errs.Conflict) {
			err = errs.Wrap(errs.Conflict, err, "the client id is taken")
		}
		return Client{}, "", err
	}
	return record.Client, secret, nil
}

// firstEpoch is never 0, which is that of tokens without a registered client.
func firstEpoch() int64 { return int64(binary.BigEndian.Uint64(randomBytes(8))>>2) + 1 }

// roleService is the role of accounts that clients act as without a person, but for those of SCIM and pipelines.
const roleService = "service"

// serviceAccount makes the account that a client acts as on its own. It has no password.
func (s *Service) serviceAccount(ctx context.Context, op *store.Op, c *Client) error {
	if !c.Grants(GrantCredentials) {
		return nil
	}
	a := s.newAccount(NewUser{Username: c.ID, Kind: tutela.ActorService, Roles: []string{c.serviceRole()}, Scopes: c.Scopes, Client: c.ID})
	c.Account = a.ID
	claim, err := s.accountClaim(ctx, a)
	op.Claims = append(op.Claims, claim)
	return err
}

// UpdateClient replaces what a client is registered with, for an administrator. Its id, secret,
// account and kind stay; what it was given before ends.
func (s *Service) UpdateClient(ctx context.Context, by tutela.Principal, c Client) (Client, error) {
	err := s.changeClient(ctx, by, c.ID, tutela.ActionClientUpdate, func(op *store.Op, it item[clientRecord]) error {
		old := it.Value.Client
		c.Public, c.Account, c.Created, c.Epoch, c.Repository = old.Public, old.Account, old.Created, old.Epoch+1, old.Repository
		if old.Grants(GrantCredentials) != c.Grants(GrantCredentials) || c.UsesKeys() != old.UsesKeys() || c.serviceRole() != old.serviceRole() {
			return errs.New(errs.Unprocessable, "register a new client to change how it proves itself, or whether it is a pipeline or one of SCIM")
		}
		if err := errors.Join(c.check(), s.checkGroups(c)); err != nil {
			return err
		}
		it.Value.Client = c
		claim, err := putItem(ctx, s, itemClient, it, "", time.Time{})
		op.Claims = append(op.Claims, claim)
		if err != nil || c.Account == "" {
			return err
		}
		return s.changeService(ctx, op, c.Account, func(a *account) { a.Scopes = c.Scopes })
	})
	return c, err
}

// DeleteClient removes a client for an administrator, and disables the account that it acted as.
// What it was given ends.
func (s *Service) DeleteClient(ctx context.Context, by tutela.Principal, id string) error {
	return s.changeClient(ctx, by, id, tutela.ActionClientDelete, func(op *store.Op, it item[clientRecord]) error {
		op.Deletes = append(op.Deletes, s.dropItem(itemClient, id))
		if it.Value.Account == "" {
			return nil
		}
		return s.changeService(ctx, op, it.Value.Account, func(a *account) { a.Disabled = true })
	})
}

// changeClient carries out a change of a client that an administrator asks for.
func (s *Service) changeClient(ctx context.Context, by tutela.Principal, id string, action tutela.Action, change func(*store.Op, item[clientRecord]) error) error {
	return s.clients().change(ctx, by, s.aboutClient(action, by, id), change)
}

// changeService adds to an op a change of the account that a client acts as.
func (s *Service) changeService(ctx context.Context, op *store.Op, id tutela.UserID, change func(*account)) error {
	a, err := s.accountByID(ctx, id)
	if err != nil {
		return err
	}
	change(&a)
	claim, err := s.accountClaim(ctx, a)
	op.Claims = append(op.Claims, claim)
	return err
}

// Clients lists every client by name.
func (s *Service) Clients(ctx context.Context) ([]Client, error) {
	records, err := s.clients().all(ctx, func(r clientRecord) string { return r.Name + "\x00" + r.ID })
	list := make([]Client, len(records))
	for i, r := range records {
		list[i] = r.Client
	}
	return list, err
}

// Client finds a client by its id; errs.NotFound when there is none.
func (s *Service) Client(ctx context.Context, id string) (Client, error) {
	it, err := s.clients().find(ctx, id)
	return it.Value.Client, err
}

// ClientBySecret finds a client that proves itself by its secret. Every failure says the same.
func (s *Service) ClientBySecret(ctx context.Context, id, secret string) (Client, error) {
	it, err := s.clients().find(ctx, id)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return Client{}, err
	}
	sum := sha256.Sum256([]byte(secret))
	if subtle.ConstantTimeCompare(sum[:], it.Value.Secret) != 1 {
		return Client{}, errs.New(errs.Unauthenticated, "the client is not known by this id and secret")
	}
	return it.Value.Client, nil
}

// errClientChanged says that a client is gone, or not the one that something was given to.
var errClientChanged = errors.New("the client changed or is gone")

// clientSince finds a client that did not change since it had this epoch.
func (s *Service) clientSince(ctx context.Context, id string, epoch int64) (Client, error) {
	c, err := s.Client(ctx, id)
	if errs.Is(err, errs.NotFound) || err == nil && c.Epoch != epoch {
		return Client{}, errClientChanged
	}
	return c, err
}

// aboutClient is the entry of what by did to a client.
func (s *Service) aboutClient(action tutela.Action, by tutela.Principal, id string) tutela.Entry {
	e := s.entry(action, actorOfPrincipal(by), tutela.OutcomeSuccess)
	e.Session, e.Client, e.Address, e.Assurance = by.Session, by.Client, by.Address, by.Assurance
	e.Subject = &tutela.Subject{Kind: "client", ID: id}
	return e
}
