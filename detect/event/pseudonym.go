package event

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela"
)

// Pseudonym gives the patient whom a uid means. Sixteen hexadecimal digits are a pseudonym already;
// anything else (a record number of another system) is hashed to one, so that it goes no further. The
// empty uid is nobody. The hash has no key: it hides no number from who can try them all, it keeps
// numbers out of findings and logs.
func Pseudonym(uid string) tutela.Bucket {
	if uid == "" {
		return tutela.BucketGeneral
	}
	if len(uid) == 16 {
		if n, err := strconv.ParseUint(uid, 16, 64); err == nil {
			return patient(n)
		}
	}
	return patient(fold("tutela patient\n", uid))
}

// patient keeps clear of the two buckets that are no patient's.
func patient(n uint64) tutela.Bucket {
	if b := tutela.Bucket(n); b != tutela.BucketGeneral && b != tutela.BucketShared {
		return b
	}
	return ^tutela.Bucket(0)
}

// Likeness gives what can be compared with another household or family name: hexadecimal digits (a
// hash) as they are, and the hash of anything else, without regard to case and space. The hash has no
// key. The likeness of a likeness is itself.
func Likeness(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "" {
		return ""
	}
	if _, err := hex.DecodeString(s); err == nil && len(s) >= 16 {
		return s
	}
	return fmt.Sprintf("%016x", fold("tutela likeness\n", s))
}

// fold is the first 64 bits of SHA-256 over a label and a text.
func fold(label, s string) uint64 {
	h := sha256.New()
	h.Write([]byte(label))
	h.Write([]byte(s))
	return binary.BigEndian.Uint64(h.Sum(nil))
}
