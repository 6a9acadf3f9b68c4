package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela/internal/errs"
)

// Checkpoint is a tree head that the ledger has signed (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// errCheckpoint says that a text is no checkpoint.
var errCheckpoint = errors.New("malformed checkpoint")

// text is the note's text: origin, size and root, a line each.
func (c Checkpoint) text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.Size, base64.StdEncoding.EncodeToString(c.Root[:]))
}

// parseCheckpoint reads a note's text. Extension lines are not accepted: this ledger writes none.
func parseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[0] == "" || lines[3] != "" {
		return Checkpoint{}, errCheckpoint
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 {
		return Checkpoint{}, errCheckpoint
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, errCheckpoint
	}
	c := Checkpoint{lines[0], size, root}
	if c.text() != text {
		return Checkpoint{}, errCheckpoint
	}
	return c, nil
}

// OpenCheckpoint verifies a signed checkpoint against verifier keys in note format. The origin
// must be the name of a key that signed it.
func OpenCheckpoint(signed []byte, vkeys ...string) (Checkpoint, error) {
	list := make([]note.Verifier, len(vkeys))
	for i, k := range vkeys {
		v, err := note.NewVerifier(k)
		if err != nil {
			return Checkpoint{}, errs.Wrap(errs.Invalid, err, "malformed verifier key")
		}
		list[i] = v
	}
	n, err := note.Open(signed, note.VerifierList(list...))
	if err != nil {
		return Checkpoint{}, errs.Wrap(errs.Invalid, err, "checkpoint is not signed by a known key")
	}
	c, err := parseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, errs.Wrap(errs.Invalid, err, "malformed checkpoint")
	}
	for _, s := range n.Sigs {
		if s.Name == c.Origin {
			return c, nil
		}
	}
	return Checkpoint{}, errs.New(errs.Invalid, "checkpoint is not signed under its origin")
}

// signer is the ledger's Ed25519 key (FIPS 186-5) as a note.Signer. It prints nothing of itself.
type signer struct {
	verifier note.Verifier
	vkey     string
	key      ed25519.PrivateKey
}

// newSigner derives the key pair from 32 secret bytes and zeroes them.
func newSigner(origin string, seed []byte) (*signer, error) {
	defer clear(seed)
	key := ed25519.NewKeyFromSeed(seed)
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errs.New(errs.Internal, "not an Ed25519 key")
	}
	vkey, err := note.NewEd25519VerifierKey(origin, public)
	if err != nil {
		return nil, fmt.Errorf("name the ledger's key: %w", err)
	}
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "ledger origin must not hold spaces or plus signs")
	}
	return &signer{v, vkey, key}, nil
}

// Name implements note.Signer.
func (s *signer) Name() string { return s.verifier.Name() }

// KeyHash implements note.Signer.
func (s *signer) KeyHash() uint32 { return s.verifier.KeyHash() }

// Sign implements note.Signer.
func (s *signer) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }

// Format hides the key from every verb of fmt.
func (s *signer) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(s.vkey)) }

// checkpoint signs a tree head.
func (s *signer) checkpoint(size int64, root tlog.Hash) ([]byte, error) {
	c := Checkpoint{s.Name(), size, root}
	signed, err := note.Sign(&note.Note{Text: c.text()}, s)
	if err != nil {
		return nil, fmt.Errorf("sign checkpoint: %w", err)
	}
	return signed, nil
}
