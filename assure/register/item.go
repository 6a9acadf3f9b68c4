package register

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// Item is one revision of one thing that is kept.
type Item struct {
	Kind     Kind          `json:"kind"`
	ID       string        `json:"id"`       // of the kind's own
	Revision int64         `json:"revision"` // from 1, without gaps
	State    State         `json:"state"`    // of the kind's own
	Owner    tutela.UserID `json:"owner,omitempty"`
	// Due is when somebody has to do something about it, to the millisecond; zero is never.
	Due  time.Time       `json:"due,omitzero"`
	Body json.RawMessage `json:"body"`
	At   time.Time       `json:"at"` // of the revision
	By   tutela.Actor    `json:"by"`
}

// Kind says what an item is: risk, vendor, policy …
type Kind string

// State says where an item is in its life.
type State string

// Decode reads the body of an item.
func Decode[T any](it Item) (T, error) {
	var body T
	if err := json.Unmarshal(it.Body, &body); err != nil {
		return body, fmt.Errorf("decode %s %s: %w", it.Kind, it.ID, err)
	}
	return body, nil
}

// Digest is SHA-256 of what a revision says, in hexadecimal digits, as the entry of its change names it.
func (it Item) Digest() (string, error) {
	text, err := json.Marshal(it)
	if err != nil {
		return "", fmt.Errorf("encode %s %s: %w", it.Kind, it.ID, err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// Bounds of an item.
const (
	maxBody = 1 << 20
	maxName = 64
)

// check refuses what cannot be kept.
func (it Item) check() error {
	switch {
	case !word(string(it.Kind)):
		return errs.New(errs.Invalid, "a kind is a word of a-z and -, of %d characters at most", maxName)
	case !word(string(it.State)):
		return errs.New(errs.Invalid, "a state is a word of a-z and -, of %d characters at most", maxName)
	case !Named(it.ID):
		return errs.New(errs.Invalid, "an id is of a-z, 0-9, '-', '.' and '_', begins with a letter or a digit, and has %d characters at most", maxName)
	case len(it.Body) > maxBody:
		return errs.New(errs.Invalid, "%s %s has %d bytes; %d is the most", it.Kind, it.ID, len(it.Body), maxBody)
	}
	return nil
}

// Named reports whether an item may have an id.
func Named(id string) bool {
	for i, c := range []byte(id) {
		letter := 'a' <= c && c <= 'z' || '0' <= c && c <= '9'
		if !letter && (i == 0 || c != '-' && c != '.' && c != '_') {
			return false
		}
	}
	return id != "" && len(id) <= maxName
}

func word(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}
