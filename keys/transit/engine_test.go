package transit

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const engineToken = "s.a-token-that-must-not-show"

// engine speaks the Transit API as its documentation has it: versions of keys, derivation by
// context, associated data, min_decryption_version, deletion_allowed, upsert; sealed, throttled, slow.
type engine struct {
	*httptest.Server
	tokenFile string

	mu      sync.Mutex            // guards all below
	keys    map[string]*engineKey // by name
	answer  int                   // status of every answer; 0: as it should be
	hang    chan struct{}         // requests wait until it is closed; nil: they do not
	upsert  bool                  // encrypting makes keys
	deny    string                // a path that the token may not
	garbage bool                  // answers are no JSON
	vain    bool                  // deleting says yes and does nothing
}

type engineKey struct {
	Type       string         `json:"type"`
	Derived    bool           `json:"derived"`
	Exportable bool           `json:"exportable"`
	Backup     bool           `json:"allow_plaintext_backup"`
	Deletable  bool           `json:"deletion_allowed"`
	Oldest     int            `json:"min_decryption_version"`
	Latest     int            `json:"latest_version"`
	Keys       map[string]int `json:"keys"`
	versions   [][]byte
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	e := &engine{keys: map[string]*engineKey{}, tokenFile: filepath.Join(t.TempDir(), "token")}
	if err := os.WriteFile(e.tokenFile, []byte(engineToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	e.Server = httptest.NewServer(e)
	t.Cleanup(e.Server.Close)
	return e
}

func (e *engine) config() Config {
	return Config{Address: e.URL, Prefix: "clinic", TokenFile: e.tokenFile}
}

// set changes how the engine behaves.
func (e *engine) set(change func(*engine)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(e)
}

func (e *engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	hang := e.hang
	e.mu.Unlock()
	if hang != nil {
		select {
		case <-hang:
		case <-r.Context().Done():
			return
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	path, ok := strings.CutPrefix(r.URL.Path, "/v1/transit/")
	switch {
	case e.answer != 0:
		say(w, e.answer, "Vault is sealed")
	case e.garbage:
		_, _ = w.Write([]byte("<html>"))
	case r.Header.Get("X-Vault-Token") != engineToken, e.deny != "" && strings.HasPrefix(path, e.deny):
		say(w, http.StatusForbidden, "permission denied")
	case !ok:
		say(w, http.StatusNotFound, "no handler for route")
	default:
		e.route(w, r, path)
	}
}

func say(w http.ResponseWriter, status int, errors ...string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"errors": errors})
}

func give(w http.ResponseWriter, data any, warnings ...string) {
	_ = json.NewEncoder(w).Encode(map[string]any{"data": data, "warnings": warnings})
}

func (e *engine) route(w http.ResponseWriter, r *http.Request, path string) {
	verb, name, _ := strings.Cut(path, "/")
	name, config := strings.CutSuffix(name, "/config")
	k := e.keys[name]
	switch {
	case path == "keys" && r.URL.Query().Get("list") == "true":
		e.list(w)
	case verb == "keys" && r.Method == http.MethodPost && !config:
		e.create(w, r, name)
	case verb == "encrypt":
		if k == nil && e.upsert {
			k = &engineKey{Type: keyType, Derived: true}
			k.rotate()
			e.keys[name] = k
		}
		k.encrypt(w, r)
	case k == nil:
		say(w, http.StatusNotFound)
	case verb == "keys" && r.Method == http.MethodGet:
		give(w, k)
	case config:
		e.configure(w, r, k)
	case verb == "keys" && r.Method == http.MethodDelete:
		e.remove(w, name, k)
	case verb == "decrypt":
		k.decrypt(w, r)
	default:
		say(w, http.StatusMethodNotAllowed, "unsupported operation")
	}
}

func (e *engine) list(w http.ResponseWriter) {
	names := []string{}
	for name := range e.keys {
		names = append(names, name)
	}
	if len(names) == 0 {
		say(w, http.StatusNotFound)
		return
	}
	give(w, map[string]any{"keys": names})
}

func (e *engine) create(w http.ResponseWriter, r *http.Request, name string) {
	if k := e.keys[name]; k != nil {
		give(w, k, "key "+name+" already existed")
		return
	}
	k := &engineKey{}
	if json.NewDecoder(r.Body).Decode(k) != nil {
		say(w, http.StatusBadRequest, "cannot be read")
		return
	}
	k.rotate()
	e.keys[name] = k
	give(w, k)
}

func (e *engine) configure(w http.ResponseWriter, r *http.Request, k *engineKey) {
	if json.NewDecoder(r.Body).Decode(k) != nil {
		say(w, http.StatusBadRequest, "cannot be read")
		return
	}
	give(w, k)
}

func (e *engine) remove(w http.ResponseWriter, name string, k *engineKey) {
	if !k.Deletable {
		say(w, http.StatusBadRequest, "error deleting policy "+name+": deletion is not allowed for this key")
		return
	}
	if !e.vain {
		delete(e.keys, name)
	}
	w.WriteHeader(http.StatusNoContent)
}

// rotate adds a version.
func (k *engineKey) rotate() {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret)
	k.versions = append(k.versions, secret)
	k.Latest = len(k.versions)
	k.Oldest = max(k.Oldest, 1)
	k.Keys = map[string]int{}
	for i := range k.versions {
		k.Keys[strconv.Itoa(i+1)] = 1700000000
	}
}

type asked struct {
	Plaintext  []byte `json:"plaintext"`
	Ciphertext string `json:"ciphertext"`
	Context    []byte `json:"context"`
	Associated []byte `json:"associated_data"`
}

// aead derives a version's key for a context, as a derived key demands.
func (k *engineKey) aead(version int, context []byte) (cipher.AEAD, error) {
	if k.Derived && len(context) == 0 {
		return nil, fmt.Errorf("missing 'context' for key derivation; the key was created using a derived key")
	}
	secret := k.versions[version-1]
	if k.Derived {
		var err error
		if secret, err = hkdf.Key(sha256.New, secret, nil, string(context), 32); err != nil {
			return nil, err
		}
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

func (k *engineKey) encrypt(w http.ResponseWriter, r *http.Request) {
	var a asked
	if k == nil {
		say(w, http.StatusBadRequest, "encryption key not found")
		return
	}
	err := json.NewDecoder(r.Body).Decode(&a)
	if err == nil {
		var aead cipher.AEAD
		if aead, err = k.aead(k.Latest, a.Context); err == nil {
			text := base64.StdEncoding.EncodeToString(aead.Seal(nil, nil, a.Plaintext, a.Associated))
			give(w, map[string]any{"ciphertext": fmt.Sprintf("vault:v%d:%s", k.Latest, text), "key_version": k.Latest})
			return
		}
	}
	say(w, http.StatusBadRequest, err.Error())
}

func (k *engineKey) decrypt(w http.ResponseWriter, r *http.Request) {
	var a asked
	if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
		say(w, http.StatusBadRequest, err.Error())
		return
	}
	rest, _ := strings.CutPrefix(a.Ciphertext, "vault:v")
	number, text, _ := strings.Cut(rest, ":")
	version, err := strconv.Atoi(number)
	raw, decodeErr := base64.StdEncoding.DecodeString(text)
	switch {
	case err != nil || decodeErr != nil || version < 1 || version > k.Latest:
		say(w, http.StatusBadRequest, "invalid ciphertext: no prefix")
		return
	case version < k.Oldest:
		say(w, http.StatusBadRequest, "ciphertext or signature version is disallowed by policy (too old)")
		return
	}
	aead, err := k.aead(version, a.Context)
	if err == nil {
		var plain []byte
		if plain, err = aead.Open(nil, nil, raw, a.Associated); err == nil {
			give(w, map[string]any{"plaintext": bytes.Clone(plain)})
			return
		}
	}
	say(w, http.StatusBadRequest, "invalid ciphertext: "+err.Error())
}
