package identity

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238 as every authenticator speaks it; HMAC-SHA-1 is approved (SP 800-131A, 10)
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// One-time passwords by time: RFC 6238 over RFC 4226, with a secret of 160 bits.
const (
	totpSecretSize = 20
	totpPeriod     = 30 // seconds
	totpModulus    = 1_000_000
	totpSkew       = 1 // steps that a clock may be off, RFC 6238, 5.2
)

// totpStep is the time step at t (RFC 6238, 4.2).
func totpStep(t time.Time) int64 { return t.Unix() / totpPeriod }

// totpCode is the code of a step (RFC 4226, 5.3).
func totpCode(secret []byte, step int64) string {
	h := hmac.New(sha1.New, secret)
	_, _ = h.Write(binary.BigEndian.AppendUint64(nil, uint64(step))) //nolint:gosec // no step is before 1970
	sum := h.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n := binary.BigEndian.Uint32(sum[at:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%totpModulus)
}

// verifyTOTP gives the step of which code is, among those around now that are newer than last: a
// code is taken once (RFC 6238, 5.2). Every candidate is compared, in constant time.
func verifyTOTP(secret, code string, now time.Time, last int64) (step int64, ok bool) {
	key, err := base32.StdEncoding.DecodeString(secret)
	if err != nil || len(key) < totpSecretSize {
		return 0, false
	}
	code = strings.Join(strings.Fields(code), "")
	for n := totpStep(now) - totpSkew; n <= totpStep(now)+totpSkew; n++ {
		same := subtle.ConstantTimeCompare([]byte(totpCode(key, n)), []byte(code)) == 1
		if same && n > last {
			step, ok = n, true
		}
	}
	return step, ok
}

// OneTimePasswords are the codes of a secret that would be taken at now, the oldest first: for a
// program that signs in as a person of a try-out.
func OneTimePasswords(secret string, now time.Time) ([]string, error) {
	key, err := base32.StdEncoding.DecodeString(secret)
	if err != nil {
		return nil, fmt.Errorf("decode one-time-password secret: %w", err)
	}
	var codes []string
	for n := totpStep(now) - totpSkew; n <= totpStep(now)+totpSkew; n++ {
		codes = append(codes, totpCode(key, n))
	}
	return codes, nil
}

// NextOneTimePassword is how long it takes from now until a code that nobody has used.
func NextOneTimePassword(now time.Time) time.Duration {
	return time.Unix((totpStep(now)+1)*totpPeriod, 0).Sub(now)
}

// totpURI is what an authenticator scans:
// https://github.com/google/google-authenticator/wiki/Key-Uri-Format
func totpURI(issuer, username, secret string) string {
	q := url.Values{
		"secret": {secret}, "issuer": {issuer}, "algorithm": {"SHA1"}, "digits": {"6"}, "period": {fmt.Sprint(totpPeriod)},
	}
	label := url.PathEscape(issuer) + ":" + url.PathEscape(username)
	return "otpauth://totp/" + label + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}
