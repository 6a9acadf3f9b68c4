package deid

import (
	"crypto/aes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"

	"github.com/tutela-health/tutela"
)

// A pseudonym is one AES block: the 64-bit locator of a resource, and 64 bits of the hash of its type.
// A block cipher is a pseudorandom permutation, so equal resources get equal pseudonyms, others look
// random, and what was not made here opens with a chance of 2^-64. It holds nothing of the id itself:
// the locator is a keyed hash.

// base is the alphabet of pseudonyms: FHIR ids have letters, digits, '-' and '.'.
func base() *base32.Encoding {
	return base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
}

// Name is the pseudonym of a resource in a mode; empty in a mode that nobody knows.
func (d *Deidentifier) Name(mode, typ string, l tutela.Locator) string {
	k := d.keys[Mode(mode)]
	if k == nil {
		return ""
	}
	var b [aes.BlockSize]byte
	binary.BigEndian.PutUint64(b[:8], uint64(l))
	copy(b[8:], typed(typ))
	k.block.Encrypt(b[:], b[:])
	return base().EncodeToString(b[:])
}

// Find gives what a pseudonym stands for; false for what is none of this mode and type.
func (d *Deidentifier) Find(mode, typ, id string) (tutela.Locator, bool) {
	k := d.keys[Mode(mode)]
	b, err := base().DecodeString(id)
	if k == nil || err != nil || len(b) != aes.BlockSize || base().EncodeToString(b) != id {
		return 0, false
	}
	k.block.Decrypt(b, b)
	if subtle.ConstantTimeCompare(b[8:], typed(typ)) != 1 {
		return 0, false
	}
	return tutela.Locator(binary.BigEndian.Uint64(b[:8])), true
}

// typed is the half of a block that binds it to a type.
func typed(typ string) []byte {
	sum := sha256.Sum256([]byte("tutela type " + typ))
	return sum[:8]
}
