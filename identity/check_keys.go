package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// keysCheck judges what every registered application proves itself by, and tries to register weak
// keys. It reads key sets on its own: a check by the code that accepts them would prove nothing.
type keysCheck struct {
	s        *Service
	fetch    func(ctx context.Context, address string) ([]byte, error)
	register func(ctx context.Context, by tutela.Actor, c Client) error
}

func newKeysCheck(s *Service, fetch func(context.Context, string) ([]byte, error)) keysCheck {
	return keysCheck{s, fetch, s.EnsureClient}
}

func (c keysCheck) try(ctx context.Context) tutela.Evidence {
	clients, err := c.s.Clients(ctx)
	if err != nil {
		return unseen("applications", err)
	}
	on := fmt.Sprintf("%d registered applications", len(clients))
	var wrong, unread []string
	keys := 0
	for _, client := range clients {
		n, weak, err := c.judge(ctx, client)
		keys += n
		if err != nil {
			unread = append(unread, fmt.Sprintf("the key set of %s: %v", client.ID, err))
		}
		if weak != "" {
			wrong = append(wrong, client.ID+" "+weak)
		}
	}
	taken, err := c.taken(ctx)
	if err != nil {
		return unseen(on, err)
	}
	wrong = append(wrong, taken...)
	if len(wrong) == 0 && len(unread) > 0 {
		return seen(on, tutela.CouldNotCheck, "%d key sets could not be read: %s", len(unread), unread[0])
	}
	return verdictOf(on, wrong, "%d keys of applications are strong, and none proves itself by a shared secret; keys that are weak or shared could not be registered", keys)
}

// judge says what is weak about a client, and how many keys it has.
func (c keysCheck) judge(ctx context.Context, client Client) (keys int, weak string, err error) {
	switch {
	case client.Public:
		return 0, "", nil
	case !client.UsesKeys():
		return 0, "proves itself by a secret that it shares with this server", nil
	}
	set := []byte(client.JWKS)
	if client.JWKSURL != "" {
		if c.fetch == nil {
			return 0, "", errs.New(errs.Unavailable, "it lies elsewhere")
		}
		if set, err = c.fetch(ctx, client.JWKSURL); err != nil {
			return 0, "", err
		}
	}
	var raw struct {
		Keys []publicKey `json:"keys"`
	}
	if err := json.Unmarshal(set, &raw); err != nil || len(raw.Keys) == 0 {
		return 0, "", errs.New(errs.Invalid, "it is no set of keys")
	}
	for _, k := range raw.Keys {
		if w := k.weakness(); w != "" {
			return len(raw.Keys), w, nil
		}
	}
	return len(raw.Keys), "", nil
}

// publicKey is what tells a key's strength (RFC 7518, 6).
type publicKey struct {
	Kind    string `json:"kty"`
	Curve   string `json:"crv"`
	Modulus string `json:"n"`
	Secret  string `json:"k"`
	Private string `json:"d"`
}

// weakness holds a key to SP 800-131A; "" is none.
func (k publicKey) weakness() string {
	switch {
	case k.Kind == "oct" || k.Secret != "":
		return "has a shared key in its key set"
	case k.Private != "":
		return "publishes a private key"
	case k.Kind == "RSA":
		n, err := base64.RawURLEncoding.DecodeString(k.Modulus)
		if bits := new(big.Int).SetBytes(n).BitLen(); err != nil || bits < minRSABits {
			return fmt.Sprintf("has an RSA key of %d bits", bits)
		}
	case k.Kind == "EC" && slices.Contains([]string{"P-256", "P-384", "P-521"}, k.Curve):
	case k.Kind == "OKP" && k.Curve == "Ed25519":
	default:
		return "has a key of a kind that is not approved"
	}
	return ""
}

// taken tries to register weak keys, and says which were taken. What was registered is removed.
func (c keysCheck) taken(ctx context.Context) (list []string, err error) {
	modulus := make([]byte, minRSABits/2/8)
	_, _ = rand.Read(modulus) // never fails: it ends the process instead
	modulus[0] |= 0x80
	modulus[len(modulus)-1] |= 1
	for name, key := range map[string]map[string]string{
		"an RSA key of 1024 bits": {"kty": "RSA", "e": "AQAB", "n": base64.RawURLEncoding.EncodeToString(modulus)},
		"a shared key":            {"kty": "oct", "k": base64.RawURLEncoding.EncodeToString(modulus)},
	} {
		key["kid"], key["use"] = "1", "sig"
		set, err := json.Marshal(map[string]any{"keys": []any{key}})
		if err != nil {
			return nil, fmt.Errorf("encode key set: %w", err)
		}
		id := throwawayPrefix + strings.ToLower(rand.Text()[:12])
		err = c.register(ctx, assessor(), Client{
			ID: id, Name: "Assessment", JWKS: set, GrantTypes: []string{GrantCode}, RedirectURIs: []string{"https://tutela-assess.invalid/callback"},
		})
		if errs.Is(err, errs.Unprocessable) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("try to register %s: %w", name, err)
		}
		list = append(list, name+" could be registered")
		if err := c.unregister(context.WithoutCancel(ctx), id); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (c keysCheck) unregister(ctx context.Context, id string) error {
	entry := c.s.entry(tutela.ActionClientDelete, assessor(), tutela.OutcomeSuccess)
	entry.Subject = &tutela.Subject{Kind: "client", ID: id}
	return c.s.revoke(ctx, store.Op{Deletes: []store.Rows{c.s.dropItem(itemClient, id)}}, entry)
}
