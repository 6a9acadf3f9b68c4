package keys

import (
	"encoding/binary"

	"github.com/tutela-health/tutela"
)

// AAD names the one place where a ciphertext belongs. Moved to another tenant, purpose,
// subject, id or version it does not open.
//
// For a record Subject is the bucket (whose key) and ID the locator, the keyed hash of
// type and id: ids live inside the seal, so a row must open without knowing its id; the
// caller compares the id found inside with the locator.
type AAD struct {
	Tenant  tutela.Tenant
	Purpose string
	Subject []byte
	ID      int64
	Version int64
}

// encode gives the length-prefixed form, ending in the key's version. No two AADs share one.
func (a AAD) encode(dst []byte, keyVersion int) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(a.Tenant)))
	dst = append(dst, a.Tenant...)
	dst = binary.AppendUvarint(dst, uint64(len(a.Purpose)))
	dst = append(dst, a.Purpose...)
	dst = binary.AppendUvarint(dst, uint64(len(a.Subject)))
	dst = append(dst, a.Subject...)
	dst = binary.BigEndian.AppendUint64(dst, uint64(a.ID))
	dst = binary.BigEndian.AppendUint64(dst, uint64(a.Version))
	return binary.BigEndian.AppendUint64(dst, uint64(keyVersion))
}

// Subject64 is the eight-byte form of a bucket or other number for AAD.Subject.
func Subject64(n int64) []byte {
	return binary.BigEndian.AppendUint64(nil, uint64(n))
}
