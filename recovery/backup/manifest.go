package backup

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/recovery/dest"
	"github.com/tutela-health/tutela/recovery/sealed"
)

// Kind says what a backup holds.
type Kind string

// The kinds.
const (
	Full      Kind = "full"         // everything: number 0 of its series
	Increment Kind = "increment"    // what changed since the one before
	Keyring   Kind = "keyring"      // every wrapped key
	NewKeys   Kind = "keyring-part" // those made since the keyring before
)

// Manifest stands beside a backup in the clear, signed. It names no patient and no account.
type Manifest struct {
	Format     int           `json:"format"`
	Kind       Kind          `json:"kind"`
	Tenant     tutela.Tenant `json:"tenant"`
	Series     string        `json:"series"`
	Sequence   int64         `json:"sequence"`
	Made       time.Time     `json:"made"`            // the moment that it shows, by the clock of then
	Order      int64         `json:"order,omitempty"` // takes the place of Made among others, in Unix milliseconds, where the clock had gone back
	Release    string        `json:"release"`
	Engine     string        `json:"engine"`
	Ledger     int64         `json:"ledger_size"`          // leaves in the tree
	Checkpoint string        `json:"checkpoint,omitempty"` // the newest that was signed by then
	Generation int           `json:"key_generation"`
	KeyPart    int64         `json:"keyring_part"` // of the keyring that holds the keys of all that this and what it follows hold
	Changes    int64         `json:"changes"`      // rows put and removed
	Size       int64         `json:"size"`         // bytes
	SHA256     string        `json:"sha256"`
	Recipients []string      `json:"recipients"`         // the keys that open it, by the start of their hashes
	Previous   string        `json:"previous,omitempty"` // SHA-256 of the manifest before it in the series
	Writer     string        `json:"writer,omitempty"`   // public key of the signature, base64

	signed []byte // the text as read or written, with its signature
}

const format = 1

// Name is the place of the backup's content at a destination.
func (m Manifest) Name() string {
	return m.stem() + "-" + m.SHA256[:min(16, len(m.SHA256))] + ".backup"
}

// ManifestName is the place of the manifest itself: it comes last, and without it there is no backup.
func (m Manifest) ManifestName() string { return m.stem() + manifestEnd }

const manifestEnd = ".manifest"

func (m Manifest) stem() string {
	if m.IsKeyring() {
		return fmt.Sprintf("%s%s-%08d", keyringFolder, m.Series, m.Sequence)
	}
	return fmt.Sprintf("%s%s/%08d", seriesFolder, m.Series, m.Sequence)
}

// The folders of a destination.
const (
	seriesFolder  = "series/"
	keyringFolder = "keyring/"
)

// IsKeyring reports whether it holds keys and no data.
func (m Manifest) IsKeyring() bool { return m.Kind == Keyring || m.Kind == NewKeys }

// place is what the content is sealed for.
func (m Manifest) place() sealed.Place {
	folder := seriesFolder
	if m.IsKeyring() {
		folder = keyringFolder
	}
	return sealed.Place{Tenant: m.Tenant, Name: folder + m.Series, Sequence: m.Sequence}
}

// Text is the manifest as it lies at a destination.
func (m Manifest) Text() []byte { return m.signed }

// Digest names the manifest in the one that follows.
func (m Manifest) Digest() string {
	sum := sha256.Sum256(m.signed)
	return hex.EncodeToString(sum[:])
}

// contentDigest is the digest of the content as bytes.
func (m Manifest) contentDigest() (d dest.Digest, err error) {
	b, err := hex.DecodeString(m.SHA256)
	if err != nil || copy(d[:], b) != len(d) {
		return d, errs.New(errs.Invalid, "%s is malformed: its digest is none", m.ManifestName())
	}
	return d, nil
}

// order tells what was made later: a clock that goes back does not bring an older backup to the front.
func (m Manifest) order() int64 { return cmp.Or(m.Order, m.Made.UnixMilli()) }

// after orders what is made next behind what was made last.
func (m *Manifest) after(last Manifest) {
	if before := last.order(); m.Made.UnixMilli() <= before {
		m.Order = before + 1
	}
}

// byOrder compares by what was made later.
func byOrder(a, b Manifest) int { return cmp.Compare(a.order(), b.order()) }

// String names the backup as people do.
func (m Manifest) String() string { return fmt.Sprintf("%s/%d", m.Series, m.Sequence) }

// signer signs manifests: whoever can write to a destination knows whom to seal to, but not this.
type signer struct{ key ed25519.PrivateKey }

const signerSecret = "backup-signer"

// openSigner gives the signer of a keyring; make says that it may be made.
func openSigner(ctx context.Context, ring *keys.Ring, create bool) (signer, error) {
	if create {
		if err := ring.MakeSecret(ctx, signerSecret); err != nil {
			return signer{}, fmt.Errorf("make the key that signs backups: %w", err)
		}
	}
	seed, err := ring.FindSecret(ctx, signerSecret)
	if err != nil {
		return signer{}, fmt.Errorf("open the key that signs backups: %w", err)
	}
	defer clear(seed)
	return signer{ed25519.NewKeyFromSeed(seed)}, nil
}

// signContext is what a signature is for, so that it passes for no other.
const signContext = "tutela backup manifest v1\n"

// sign completes a manifest.
func (s signer) sign(m Manifest) (Manifest, error) {
	public, _ := s.key.Public().(ed25519.PublicKey)
	m.Format, m.Writer = format, base64.StdEncoding.EncodeToString(public)
	text, err := json.Marshal(m)
	if err != nil {
		return m, fmt.Errorf("encode manifest: %w", err)
	}
	signature := ed25519.Sign(s.key, append([]byte(signContext), text...))
	m.signed = fmt.Appendf(nil, "%s\n%s\n", text, base64.StdEncoding.EncodeToString(signature))
	return m, nil
}

// verify tells a manifest of this system from any other.
func (s signer) verify(m Manifest) error {
	public, _ := s.key.Public().(ed25519.PublicKey)
	text, signature, _ := bytes.Cut(m.signed, []byte("\n"))
	raw, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(string(signature), "\n"))
	if err != nil || !ed25519.Verify(public, append([]byte(signContext), text...), raw) {
		return errs.New(errs.Invalid, "%s is not signed by this system: it was altered, or somebody else made it", m.ManifestName())
	}
	return nil
}

// errManifest says that a text is no manifest.
var errManifest = errors.New("it is no manifest")

// parse reads a manifest that lies under a name. Its signature is checked when the keyring is open.
func parse(name string, text []byte) (Manifest, error) {
	m, err := decodeManifest(text)
	if err != nil {
		return m, refuse(name, err)
	}
	if m.Format != format {
		return m, errs.New(errs.Unsupported, "%s is of format %d: restore it with the release that made it, or a newer one", name, m.Format)
	}
	if _, err := m.contentDigest(); err != nil || m.ManifestName() != name || m.Sequence < 0 || (m.Kind == Full) != (m.Sequence == 0 && !m.IsKeyring()) {
		return m, refuse(name, errManifest)
	}
	return m, nil
}

// decodeManifest reads a manifest's first line, and keeps all of it.
func decodeManifest(text []byte) (Manifest, error) {
	var m Manifest
	body, _, ok := bytes.Cut(text, []byte("\n"))
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil || !ok {
		return m, errManifest
	}
	m.signed = text
	return m, nil
}

// refuse names the object that is not as it was written.
func refuse(name string, err error) error {
	return errs.Wrap(errs.Invalid, err, fmt.Sprintf("%s is not as it was written: %v", name, err))
}
