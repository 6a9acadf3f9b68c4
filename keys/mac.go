package keys

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"sync"
)

// MAC is HMAC-SHA-256 (FIPS 198-1) under one secret, its keyed state reused. Safe for
// concurrent use.
type MAC struct{ pool sync.Pool }

// NewMAC keys a MAC and zeroes secret.
func NewMAC(secret []byte) *MAC {
	defer clear(secret)
	own := append([]byte(nil), secret...)
	m := &MAC{}
	m.pool.New = func() any { return hmac.New(sha256.New, own) }
	return m
}

// Sum appends the 32-byte MAC of parts, each length-prefixed, to dst.
func (m *MAC) Sum(dst []byte, parts ...[]byte) []byte {
	h := m.pool.Get().(hash.Hash)
	defer m.pool.Put(h)
	h.Reset()
	var n [binary.MaxVarintLen64]byte
	for _, p := range parts {
		_, _ = h.Write(n[:binary.PutUvarint(n[:], uint64(len(p)))])
		_, _ = h.Write(p)
	}
	return h.Sum(dst)
}

// Sum64 is the first 64 bits of Sum.
func (m *MAC) Sum64(parts ...[]byte) int64 {
	var buf [sha256.Size]byte
	return int64(binary.BigEndian.Uint64(m.Sum(buf[:0], parts...)))
}
