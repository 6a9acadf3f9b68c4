package transit

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// Provider is a keys.Provider over a Transit engine.
type Provider struct {
	client *client
	prefix string
	// mu keeps this process from wrapping under a key while it destroys it: a token that may would
	// make the key anew by encrypting, which is why Open refuses such tokens.
	mu sync.RWMutex
}

func namePart() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,60}$`) }

// Open connects, and sees that the token may use keys and may not make them by encrypting.
func Open(ctx context.Context, cfg Config) (*Provider, error) {
	cfg.Mount = cmp.Or(cfg.Mount, "transit")
	if !namePart().MatchString(cfg.Prefix) {
		return nil, errs.New(errs.Invalid, "the prefix of transit keys is small letters, digits and dashes")
	}
	c, err := newClient(cfg)
	if err != nil {
		return nil, err
	}
	p := &Provider{client: c, prefix: cfg.Prefix}
	if _, err := p.Generations(ctx); err != nil {
		return nil, fmt.Errorf("open the transit engine: %w", err)
	}
	return p, p.checkUpsert(ctx)
}

// checkUpsert encrypts under a key that is not there. Where that makes one, a generation that was
// destroyed could come back as an empty key without anybody asking for it.
func (p *Provider) checkUpsert(ctx context.Context) error {
	name := p.prefix + "-probe-" + strings.ToLower(rand.Text())
	_, err := p.client.do(ctx, http.MethodPost, "encrypt/"+name, map[string][]byte{"plaintext": []byte("probe"), "context": []byte("probe")}, nil)
	if err != nil {
		return nil //nolint:nilerr // refused, as it should be
	}
	err = errs.New(errs.Invalid, "the token may make transit keys by encrypting: allow it update and not create on encrypt/*, or set disable_upsert")
	if failed := p.remove(ctx, name); failed != nil {
		return fmt.Errorf("%w (and the key %s that this made is left: %w)", err, name, failed)
	}
	return err
}

// Name is "transit".
func (*Provider) Name() string { return "transit" }

// key is what the engine says of a key.
type key struct {
	Type       string `json:"type"`
	Derived    bool   `json:"derived"`
	Exportable bool   `json:"exportable"`
	Backup     bool   `json:"allow_plaintext_backup"`
	Imported   bool   `json:"imported_key"`
	Oldest     int    `json:"min_decryption_version"`
}

const keyType = "aes256-gcm96"

// look reads a key, and takes none that others could have a copy of.
func (p *Provider) look(ctx context.Context, generation int) (key, error) {
	var k key
	_, err := p.client.do(ctx, http.MethodGet, "keys/"+p.name(generation), nil, &k)
	switch {
	case errs.Is(err, errs.NotFound):
		return k, missing(generation)
	case err != nil:
		return k, err
	case k.Type != keyType || !k.Derived || k.Exportable || k.Backup || k.Imported:
		return k, errs.New(errs.Conflict, "the transit key of generation %d was not made to stay there: there may be copies of it", generation)
	}
	return k, nil
}

// Create has the engine make a generation's key. Two that make it at once are told apart by its
// warning that it was there.
func (p *Provider) Create(ctx context.Context, generation int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, public := range map[string]string{
		p.name(generation): "key generation %d exists", p.name(generation) + destroyedSuffix: "key generation %d was destroyed; generations are not used twice",
	} {
		_, err := p.client.do(ctx, http.MethodGet, "keys/"+name, nil, nil)
		if err == nil {
			return errs.New(errs.Conflict, public, generation)
		}
		if !errs.Is(err, errs.NotFound) {
			return err
		}
	}
	a, err := p.client.do(ctx, http.MethodPost, "keys/"+p.name(generation), map[string]any{
		"type": keyType, "derived": true, "exportable": false, "allow_plaintext_backup": false,
	}, nil)
	if err != nil {
		return fmt.Errorf("make transit key: %w", err)
	}
	if slices.ContainsFunc(a.Warnings, func(w string) bool { return strings.Contains(w, "already existed") }) {
		return errs.New(errs.Conflict, "key generation %d exists", generation)
	}
	_, err = p.look(ctx, generation)
	return err
}

// Generations lists what is there.
func (p *Provider) Generations(ctx context.Context) ([]int, error) {
	var found struct {
		Keys []string `json:"keys"`
	}
	_, err := p.client.do(ctx, http.MethodGet, "keys?list=true", nil, &found)
	if err != nil && !errs.Is(err, errs.NotFound) { // an engine without keys says 404
		return nil, err
	}
	var list []int
	for _, name := range found.Keys {
		var n int
		if _, err := fmt.Sscanf(strings.TrimPrefix(name, p.prefix+"-"), "%d", &n); err == nil && name == p.name(n) {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list, nil
}

// sealed is what encrypt gives and decrypt takes; bytes travel in base64.
type sealed struct {
	Plaintext  []byte `json:"plaintext,omitempty"`
	Ciphertext string `json:"ciphertext,omitempty"`
	Context    []byte `json:"context,omitempty"`
	Associated []byte `json:"associated_data,omitempty"`
}

// Wrap has the engine seal plain.
func (p *Provider) Wrap(ctx context.Context, generation int, plain, aad []byte) ([]byte, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if _, err := p.look(ctx, generation); err != nil {
		return nil, err
	}
	at := place(generation, aad)
	var got sealed
	_, err := p.client.do(ctx, http.MethodPost, "encrypt/"+p.name(generation), sealed{Plaintext: plain, Context: at, Associated: at}, &got)
	if err != nil {
		return nil, fmt.Errorf("wrap: %w", err)
	}
	if !ciphertext().MatchString(got.Ciphertext) {
		return nil, errs.New(errs.Unavailable, "the key provider's answer is no ciphertext")
	}
	return []byte(got.Ciphertext), nil
}

// ciphertext is the engine's form: the version of the transit key, and base64.
func ciphertext() *regexp.Regexp {
	return regexp.MustCompile(`^vault:v[1-9][0-9]*:[A-Za-z0-9+/]+={0,2}$`)
}

// canonical reports whether the base64 has no bits that do not count: what was altered in one is not
// what was wrapped.
func canonical(wrapped []byte) bool {
	text := string(wrapped[bytes.LastIndexByte(wrapped, ':')+1:])
	_, err := base64.StdEncoding.Strict().DecodeString(text)
	return err == nil
}

// Unwrap has the engine open what Wrap sealed.
func (p *Provider) Unwrap(ctx context.Context, generation int, wrapped, aad []byte) ([]byte, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if _, err := p.look(ctx, generation); err != nil {
		return nil, err
	}
	if !ciphertext().Match(wrapped) || !canonical(wrapped) {
		return nil, fmt.Errorf("unwrap: %w", keys.ErrSealed)
	}
	at := place(generation, aad)
	var got sealed
	_, err := p.client.do(ctx, http.MethodPost, "decrypt/"+p.name(generation), sealed{Ciphertext: string(wrapped), Context: at, Associated: at}, &got)
	switch {
	case is(err, http.StatusBadRequest, "disallowed by policy"):
		return nil, errs.Wrap(errs.Unavailable, err, "min_decryption_version of the transit key was raised: set it back to 1")
	case is(err, http.StatusBadRequest, ""):
		return nil, fmt.Errorf("unwrap: %w: %w", keys.ErrSealed, err)
	case err != nil:
		return nil, fmt.Errorf("unwrap: %w", err)
	}
	return got.Plaintext, nil
}

// Destroy marks the number as used, has the engine destroy every version of a generation's key, and
// looks that it is gone.
func (p *Provider) Destroy(ctx context.Context, generation int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := p.name(generation)
	if _, err := p.client.do(ctx, http.MethodGet, "keys/"+name, nil, nil); errs.Is(err, errs.NotFound) {
		return missing(generation)
	} else if err != nil {
		return err
	}
	if _, err := p.client.do(ctx, http.MethodPost, "keys/"+name+destroyedSuffix, map[string]any{"type": keyType}, nil); err != nil {
		return fmt.Errorf("mark generation destroyed: %w", err)
	}
	if err := p.remove(ctx, name); err != nil {
		return fmt.Errorf("destroy transit key: %w", err)
	}
	return nil
}

// remove deletes a key and looks that it is gone.
func (p *Provider) remove(ctx context.Context, name string) error {
	path := "keys/" + url.PathEscape(name)
	if _, err := p.client.do(ctx, http.MethodPost, path+"/config", map[string]any{"deletion_allowed": true}, nil); err != nil {
		return err
	}
	if _, err := p.client.do(ctx, http.MethodDelete, path, nil, nil); err != nil {
		return err
	}
	_, err := p.client.do(ctx, http.MethodGet, path, nil, nil)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	if err == nil {
		err = errs.New(errs.Unavailable, "the key is still there after it was deleted")
	}
	return err
}

const destroyedSuffix = "-destroyed"

func (p *Provider) name(generation int) string { return fmt.Sprintf("%s-%06d", p.prefix, generation) }

func missing(generation int) error {
	return errs.New(errs.NotFound, "no key of generation %d", generation)
}

// place is what a wrapped key is bound to.
func place(generation int, aad []byte) []byte {
	return append(binary.BigEndian.AppendUint64([]byte("tutela keyring-key"), uint64(generation)), aad...)
}
