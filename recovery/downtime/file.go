package downtime

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/tutela-health/tutela/internal/errs"
)

// magic is the first line of a file.
const magic = "tutela-downtime/1\n"

// How keys come from a passphrase (NIST SP 800-132; the count of rounds is OWASP's of 2023 for
// HMAC-SHA-256). A file that asks for more than mostRounds was not made by this package.
const (
	rounds     = 600_000
	mostRounds = 10_000_000
	saltSize   = 32
)

// ShortestPassphrase is how many characters a passphrase has at least.
const ShortestPassphrase = 12

// Longest is how long an extract may be opened at most.
const Longest = 7 * 24 * time.Hour

// Head is what a file says to who lacks the passphrase.
type Head struct {
	ID      string    `json:"id"` // of the ledger entry that tells of it
	Ward    string    `json:"ward"`
	By      string    `json:"by"` // username of who made it
	Created time.Time `json:"created"`
	Expires time.Time `json:"expires"`
}

// Chart is what of one patient's record is kept.
type Chart struct {
	Patient   string            `json:"patient"`   // Patient/ID
	Resources []json.RawMessage `json:"resources"` // the Patient first
}

// Extract is what a file holds.
type Extract struct {
	Head
	Charts []Chart `json:"charts"`
}

// sealedHead is the second line of a file.
type sealedHead struct {
	Head
	Rounds int    `json:"pbkdf2_hmac_sha256_rounds"`
	Salt   []byte `json:"salt"`
}

// secrets are what comes from a passphrase.
type secrets struct {
	aead   cipher.AEAD
	logKey []byte
}

func (h sealedHead) secrets(passphrase string) (secrets, error) {
	if h.Rounds < rounds || h.Rounds > mostRounds || len(h.Salt) != saltSize {
		return secrets{}, errs.New(errs.Invalid, "this is no extract that can be trusted: its key derivation is not ours")
	}
	key, err := pbkdf2.Key(sha256.New, passphrase, h.Salt, h.Rounds, 64)
	if err != nil {
		return secrets{}, fmt.Errorf("derive keys: %w", err)
	}
	block, err := aes.NewCipher(key[:32])
	if err != nil {
		return secrets{}, fmt.Errorf("derive keys: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return secrets{aead, key[32:]}, err
}

// CheckPassphrase holds a passphrase to its length.
func CheckPassphrase(passphrase string) error {
	if utf8.RuneCountInString(passphrase) < ShortestPassphrase {
		return errs.New(errs.Invalid, "the passphrase has at least %d characters", ShortestPassphrase)
	}
	return nil
}

// Seal makes the file of an extract.
func Seal(x Extract, passphrase string) ([]byte, error) {
	if err := CheckPassphrase(passphrase); err != nil {
		return nil, err
	}
	if life := x.Expires.Sub(x.Created); life <= 0 || life > Longest {
		return nil, errs.New(errs.Invalid, "an extract may be opened for %v at most", Longest)
	}
	h := sealedHead{Head: x.Head, Rounds: rounds, Salt: make([]byte, saltSize)}
	_, _ = rand.Read(h.Salt) // never fails: it ends the process instead
	line, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("encode head: %w", err)
	}
	var plain bytes.Buffer
	e := json.NewEncoder(&plain)
	e.SetEscapeHTML(false) // resources stay as they are
	if err := e.Encode(x); err != nil {
		return nil, fmt.Errorf("encode extract: %w", err)
	}
	s, err := h.secrets(passphrase)
	if err != nil {
		return nil, err
	}
	clear := append(append([]byte(magic), line...), '\n')
	return append(clear, s.aead.Seal(nil, nil, plain.Bytes(), clear)...), nil
}

// File is a file whose passphrase was right.
type File struct {
	Head
	charts []Chart
	logKey []byte
	origin [32]byte // of the log's chain: SHA-256 of the file
}

// Unlock opens a file with its passphrase, whatever the time: for the log. What is to be shown comes
// from Open.
func Unlock(file []byte, passphrase string) (*File, error) {
	invalid := errs.New(errs.Invalid, "this is no downtime extract, or it was changed, or the passphrase is another")
	rest, ok := bytes.CutPrefix(file, []byte(magic))
	line, sealed, ok2 := bytes.Cut(rest, []byte("\n"))
	var h sealedHead
	if !ok || !ok2 || json.Unmarshal(line, &h) != nil {
		return nil, invalid
	}
	s, err := h.secrets(passphrase)
	if err != nil {
		return nil, err
	}
	plain, err := s.aead.Open(nil, nil, sealed, file[:len(magic)+len(line)+1])
	if err != nil {
		return nil, invalid
	}
	var x Extract
	if err := json.Unmarshal(plain, &x); err != nil || !x.Expires.Equal(h.Expires) {
		return nil, invalid
	}
	return &File{Head: x.Head, charts: x.Charts, logKey: s.logKey, origin: sha256.Sum256(file)}, nil
}

// Open gives the charts, unless the end has passed by the clock of this machine.
func (f *File) Open(now time.Time) ([]Chart, error) {
	if !now.Before(f.Expires) {
		return nil, errs.New(errs.Gone, "this extract ended at %s: make a new one", f.Expires.Format(time.RFC3339))
	}
	if now.Before(f.Created.Add(-time.Hour)) {
		return nil, errs.New(errs.Gone, "the clock of this machine is before the making of this extract: set it right")
	}
	return f.charts, nil
}
