package audit

import (
	"encoding/binary"
	"errors"

	"github.com/tutela-health/tutela"
)

// MaxLeaf is the size in bytes that no leaf exceeds: C2SP entry bundles have 16-bit
// lengths, and some room is left below them.
const MaxLeaf = 60 << 10

// leafVersion is the first byte of every leaf.
const leafVersion = 1

// errLeaf says that bytes are no leaf. It names no byte of them.
var errLeaf = errors.New("malformed ledger entry")

// leaf is one entry as the tree holds it: a header under a day's key and personal sections
// under their patients' keys. Only days, buckets and sizes are in the clear.
type leaf struct {
	day      uint32 // days since 1970-01-01 UTC; names the header's key
	header   box
	sections []section
}

// box is a sealed plaintext with the commitment that outlives its key.
type box struct {
	keyVersion int
	commitment [32]byte // SHA-256(salt ‖ plaintext)
	sealed     []byte   // of salt ‖ plaintext
}

// section is the part of a leaf that lies under one patient's key.
type section struct {
	patient tutela.Bucket
	box
}

// beginLeaf is what stands before a leaf's header.
func beginLeaf(dst []byte, day uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, leafVersion), day)
}

// beginBox is what stands before a box's sealed bytes.
func beginBox(dst []byte, keyVersion int, commitment [32]byte, sealed int) []byte {
	dst = binary.AppendUvarint(dst, uint64(keyVersion))
	dst = append(dst, commitment[:]...)
	return binary.AppendUvarint(dst, uint64(sealed))
}

// usualSections bounds the room that is made for sections before they are read.
const usualSections = 4

// parseLeaf reads a leaf. Its boxes alias b. A leaf has one encoding: what parses is what
// append would write.
func parseLeaf(b []byte) (leaf, error) {
	if len(b) > MaxLeaf {
		return leaf{}, errLeaf
	}
	c := cursor{rest: b}
	if c.byte() != leafVersion {
		return leaf{}, errLeaf
	}
	l := leaf{day: c.uint32(), header: c.box()}
	n := c.uvarint()
	if n > 0 {
		l.sections = make([]section, 0, min(n, usualSections))
	}
	for ; n > 0 && !c.bad; n-- {
		l.sections = append(l.sections, section{tutela.Bucket(c.uint64()), c.box()})
	}
	if c.bad || len(c.rest) > 0 {
		return leaf{}, errLeaf
	}
	return l, nil
}

// cursor reads a byte string from the front. After the first thing that is not there it is
// bad and gives zeroes.
type cursor struct {
	rest []byte
	bad  bool
}

func (c *cursor) take(n uint64) []byte {
	if n > uint64(len(c.rest)) {
		c.bad, c.rest = true, nil
		return nil
	}
	b := c.rest[:n:n]
	c.rest = c.rest[n:]
	return b
}

func (c *cursor) byte() byte {
	if b := c.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (c *cursor) uint32() uint32 {
	if b := c.take(4); b != nil {
		return binary.BigEndian.Uint32(b)
	}
	return 0
}

func (c *cursor) uint64() uint64 {
	if b := c.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (c *cursor) hash() (h [32]byte) {
	copy(h[:], c.take(32))
	return h
}

// uvarint reads a number in its shortest form and no other.
func (c *cursor) uvarint() uint64 {
	v, n := binary.Uvarint(c.rest)
	if n <= 0 || n > 1 && c.rest[n-1] == 0 {
		c.bad, c.rest = true, nil
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

// prefixed reads a byte string behind its length.
func (c *cursor) prefixed() []byte { return c.take(c.uvarint()) }

func (c *cursor) box() box {
	v := c.uvarint()
	if v > 1<<31-1 {
		c.bad = true
	}
	return box{keyVersion: int(v), commitment: c.hash(), sealed: c.prefixed()}
}
