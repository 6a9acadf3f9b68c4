package answer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync/atomic"
)

// Book keeps the policy in force. A changed one takes its place whole, or not at all.
type Book struct {
	// Read gives the text of the house's own policy; nil leaves the shipped one in force.
	Read func() ([]byte, error)
	// Record makes a Reload durable. What could not be recorded does not count and is tried again.
	Record func(context.Context, Reload) error

	now     atomic.Pointer[Policy]
	problem atomic.Pointer[string]
	seen    string // hash of the text that was looked at last; for one goroutine
}

// Reload is what came of a changed policy.
type Reload struct {
	Before, Now string // versions
	Refused     string // why it is not in force; empty: it is
}

// Open reads the policy that is to be in force from the beginning.
func (b *Book) Open() error {
	text := shipped
	if b.Read != nil {
		var err error
		if text, err = b.Read(); err != nil {
			return fmt.Errorf("read the policy of answers: %w", err)
		}
	}
	p, err := Parse(text)
	if err != nil {
		return err
	}
	b.seen = hashOf(text)
	b.now.Store(p)
	return nil
}

// Policy is the one in force.
func (b *Book) Policy() *Policy { return b.now.Load() }

// Problem says why what the file says now is not in force; empty: it is.
func (b *Book) Problem() string {
	if p := b.problem.Load(); p != nil {
		return *p
	}
	return ""
}

// Look takes up a changed policy. One that is not understood leaves the one before in force.
func (b *Book) Look(ctx context.Context) error {
	if b.Read == nil {
		return nil
	}
	text, err := b.Read()
	if err != nil {
		return fmt.Errorf("read the policy of answers: %w", err)
	}
	hash := hashOf(text)
	if hash == b.seen {
		return nil
	}
	next, err := Parse(text)
	said := Reload{Before: b.now.Load().version, Now: hash[:16]}
	if err != nil {
		said.Refused = err.Error()
	}
	if err := b.Record(ctx, said); err != nil {
		return fmt.Errorf("record a reload of the policy of answers: %w", err)
	}
	b.seen = hash
	b.problem.Store(&said.Refused)
	if said.Refused == "" {
		b.now.Store(next)
	}
	return nil
}

func hashOf(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}
