package identity

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
)

// Recovery codes stand in for a lost second factor: look-up secrets of 80 bits, each used once
// (NIST SP 800-63B-4, 3.1.2).
const (
	recoveryCodes    = 10
	recoveryCodeSize = 10 // bytes: four groups of four letters
)

// newRecoveryCodes gives codes to show once, and their hashes to keep.
func newRecoveryCodes(id tutela.UserID) (codes []string, hashes [][]byte) {
	for range recoveryCodes {
		text := strings.ToLower(base32.StdEncoding.EncodeToString(randomBytes(recoveryCodeSize)))
		code := strings.Join([]string{text[:4], text[4:8], text[8:12], text[12:]}, "-")
		codes = append(codes, code)
		hashes = append(hashes, recoveryHash(id, code))
	}
	return codes, hashes
}

// recoveryHash needs no slow function: the code is random. Case, spaces and dashes are the typist's.
func recoveryHash(id tutela.UserID, code string) []byte {
	clean := strings.NewReplacer("-", "", " ", "").Replace(strings.ToLower(code))
	sum := sha256.Sum256([]byte("recovery\x00" + string(id) + "\x00" + clean))
	return sum[:]
}

// useRecoveryCode takes a code out of those that are left; every one is compared.
func (a *account) useRecoveryCode(code string) bool {
	want, found := recoveryHash(a.ID, code), -1
	for i, h := range a.Recovery {
		if subtle.ConstantTimeCompare(h, want) == 1 {
			found = i
		}
	}
	if found < 0 {
		return false
	}
	a.Recovery = slices.Delete(slices.Clone(a.Recovery), found, found+1)
	return true
}
