package scim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/tutela-health/tutela/internal/errs"
)

// versioned adds to a resource the version of what it says, which is also its ETag (RFC 7644, 3.14): a
// hash, so that a login, which changes the account and nothing here, changes no version.
func versioned(o object) object {
	plain, _ := json.Marshal(o) // maps of strings and truths; their names are sorted
	sum := sha256.Sum256(plain)
	tag := `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	partOf(o, "meta")["version"] = tag
	return o
}

// mayChange holds a request's If-Match to the version that is there.
func (v *visit) mayChange(tag string) error {
	if !matches(v.r.Header, "If-Match", tag, true) {
		return errs.New(errs.Precondition, "the resource is not of the version that If-Match names")
	}
	return nil
}

// matches reports whether a header names a version (RFC 9110, 13.1); otherwise says what holds without
// the header. SCIM's versions are weak, and compared as such (RFC 7644, 3.14).
func matches(h http.Header, name, tag string, otherwise bool) bool {
	values := h.Values(name)
	if len(values) == 0 {
		return otherwise
	}
	for item := range strings.SplitSeq(strings.Join(values, ","), ",") {
		item = strings.TrimSpace(item)
		if item == "*" || strings.TrimPrefix(item, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}
