package dossier

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tutela-health/tutela"
)

// Statement is a text that an organisation stands by, with the proof that its ledger names it. Whoever has the ledger's
// verifier key verifies it; of the ledger it opens the one entry that names the text.
type Statement struct {
	Version    int      `json:"version"`
	Kind       string   `json:"kind"`       // what the text is: "answers"
	Text       string   `json:"text"`       // as it was sealed
	Checkpoint string   `json:"checkpoint"` // signed note
	Seal       Line     `json:"seal"`       // the entry that names the text's digest
	Hashes     [][]byte `json:"hashes"`     // of the largest whole subtrees without that entry, from left to right
}

// MaxStatement bounds a statement's file, in bytes.
const MaxStatement = 1 << 20

// ReadStatement reads a statement. Nothing of it is verified.
func ReadStatement(text []byte) (Statement, error) {
	var s Statement
	if len(text) > MaxStatement {
		return s, fmt.Errorf("a statement has %d bytes at most", MaxStatement)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&s); err != nil || d.More() || s.Version != Version {
		return Statement{}, errors.New("this is no statement: it is of another version, or malformed")
	}
	return s, nil
}

// SHA256 is that of the text, in hexadecimal digits.
func (s Statement) SHA256() string {
	sum := sha256.Sum256([]byte(s.Text))
	return hex.EncodeToString(sum[:])
}

// Sealed is what a statement proves beside its text.
type Sealed struct {
	Kind   string       `json:"kind"`
	Origin string       `json:"origin"` // of the ledger
	Leaf   int64        `json:"leaf"`
	SHA256 string       `json:"sha256"` // of the text
	Entry  tutela.Entry `json:"entry"`  // that names it
}

// Verify holds a statement against the ledger's verifier keys, in note format.
func (s Statement) Verify(vkeys ...string) (Sealed, error) {
	head, err := openCheckpoint(s.Checkpoint, vkeys)
	if err != nil {
		return Sealed{}, err
	}
	e, err := s.Seal.open()
	if err != nil {
		return Sealed{}, fmt.Errorf("the sealing entry: %w", err)
	}
	digest := s.SHA256()
	if s.Kind == "" || e.Action != Sealing || e.Outcome != tutela.OutcomeSuccess || e.Subject == nil || e.Subject.Kind != s.Kind || e.Subject.ID != digest {
		return Sealed{}, fmt.Errorf("the sealing entry does not name this text, whose SHA-256 is %s", digest)
	}
	given := false
	got, err := root(head.size, s.Hashes, func() (int64, nodeSum, bool) {
		if given {
			return 0, nodeSum{}, false
		}
		given = true
		return s.Seal.Leaf, leafHash(s.Seal.Sealed), true
	})
	if err != nil || got != head.root {
		return Sealed{}, errors.New("the sealing entry is not of the ledger whose head was signed")
	}
	return Sealed{Kind: s.Kind, Origin: head.origin, Leaf: s.Seal.Leaf, SHA256: digest, Entry: e}, nil
}
