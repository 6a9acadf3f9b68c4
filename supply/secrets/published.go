package secrets

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// published reports whether a value is in documentation that everybody has, so that it opens nothing.
// The values are kept as digests, so that this file does not hold what it looks for.
func published(v string) bool {
	sum := sha256.Sum256([]byte(strings.Join(strings.Fields(v), "")))
	switch hex.EncodeToString(sum[:8]) {
	case
		"7f75367e78812551", "da816f9f2c16e6c5", // the tokens on the front page of jwt.io, now and before
		"8d4ef6536dc8895f", // RFC 7519, section 3.1
		"0011cc25eb432071", // the account of Azure's storage emulator
		"df452eef23e8cf2c": // MinIO's playground, open to everybody
		return true
	}
	return false
}
