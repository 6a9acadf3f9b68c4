package secrets

import (
	"bytes"
	"encoding/asn1"
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// keys finds private keys: PEM in any wrapping, PuTTY's, JSON web keys, and files of keys by their first bytes.
type keys struct {
	own   *own
	begin *regexp.Regexp
	ppk   *regexp.Regexp
	d     *regexp.Regexp
}

func newKeys(o *own) *keys {
	return &keys{
		own:   o,
		begin: regexp.MustCompile(`-{4,5} ?BEGIN ([A-Z0-9 ]{0,40})PRIVATE KEY( BLOCK)? ?-{4,5}`),
		ppk:   regexp.MustCompile(`PuTTY-User-Key-File-[0-9]: `),
		d:     regexp.MustCompile(`["'](d|k)["']\s{0,8}:\s{0,8}["']([A-Za-z0-9_-]{22,})["']`),
	}
}

func (k *keys) find(d *document) []hit {
	if h, ok := k.stored(d); ok {
		return []hit{h}
	}
	if !d.has("private") && !d.has(`kty`) {
		return nil
	}
	hits := append(k.pem(d), k.putty(d)...)
	return append(hits, k.web(d)...)
}

// weigh says how bad a key is: one among tests less.
func (k *keys) weigh(d *document, h hit) hit {
	h.rank, h.severity = byFormat, h.rule.Severity
	if d.test && h.rule == k.own.key {
		h.rule, h.severity = k.own.testKey, k.own.testKey.Severity
	}
	return h
}

// longestKey is how many bytes after its first mark the last one stands at most: RSA keys of 16384
// bits in quotes with line ends.
const longestKey = 24 << 10

// pem finds blocks of RFC 7468 and OpenSSH and OpenPGP ones. A block counts when it holds a key: marks
// alone, as in programs that look for them, are none.
func (k *keys) pem(d *document) []hit {
	var hits []hit
	for _, m := range k.begin.FindAllSubmatchIndex(d.text, -1) {
		kind := string(d.text[m[2]:m[3]])
		block := d.text[m[1]:min(len(d.text), m[1]+longestKey)]
		end := endOf(block)
		body, sealed := armor(block[:end])
		if !holdsKey(kind, body) {
			continue
		}
		h := hit{rule: k.own.key, start: m[1], end: m[1] + end, mark: m[0], note: strings.ToLower(strings.TrimSpace(kind))}
		if h = k.weigh(d, h); sealed || strings.HasPrefix(kind, "ENCRYPTED") {
			h.severity, h.note = min(h.severity, supply.High), "encrypted with a passphrase"
		}
		if !published(string(body)) {
			hits = append(hits, h)
		}
	}
	return hits
}

// endOf finds the mark that ends a block; one that is cut off ends where the next begins.
func endOf(block []byte) int {
	if i := bytes.Index(block, []byte("-BEGIN ")); i >= 0 {
		block = block[:i]
	}
	if i := bytes.Index(block, []byte("-END ")); i >= 0 {
		return i
	}
	return len(block)
}

// armor gives the base64 of a block, whatever it is wrapped in: line ends as \n, quotes, plus signs
// between strings, comment signs. Headers say whether it is encrypted.
func armor(block []byte) (body []byte, sealed bool) {
	text := strings.NewReplacer(`\r`, "\n", `\n`, "\n", `\\n`, "\n", `" +`, "\n", `' +`, "\n", `"`, "\n", `'`, "\n", "`", "\n").Replace(string(block))
	for line := range strings.Lines(text) {
		line = strings.Trim(line, " \t\r\n,;\\#*|>-")
		if strings.Contains(line, ": ") || strings.Contains(line, ":\t") {
			sealed = sealed || strings.Contains(line, "ENCRYPTED")
			continue
		}
		if strings.Trim(line, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=") == "" {
			body = append(body, line...)
		}
	}
	return body, sealed
}

// shortestRSA is less base64 than any RSA key has (RFC 8017, A.1.2): one of 512 bits takes some 430. What is shorter
// only shows how a key begins.
const shortestRSA = 300

// holdsKey reports whether the base64 of a block is a key: DER that begins as one, OpenSSH's own form,
// or enough random bytes where it is encrypted or OpenPGP's.
func holdsKey(kind string, body []byte) bool {
	if len(body) < 56 || monotonous(string(body[:56])) || strings.HasPrefix(kind, "RSA") && len(body) < shortestRSA {
		return false
	}
	raw, err := base64.RawStdEncoding.DecodeString(string(bytes.TrimRight(body[:len(body)/4*4], "=")))
	if err != nil && len(raw) < 40 {
		return false
	}
	switch {
	case bytes.HasPrefix(raw, []byte("openssh-key-v1\x00")):
		return true
	case strings.HasPrefix(kind, "PGP"), strings.HasPrefix(kind, "SSH2"):
		return entropy(string(body)) > 4.5
	}
	var outer asn1.RawValue
	if _, err := asn1.Unmarshal(raw, &outer); err == nil {
		return outer.Tag == asn1.TagSequence
	}
	// Cut off, or encrypted in the old way (RFC 1421).
	return entropy(string(body)) > 4.5
}

// putty finds keys of PuTTY, versions 2 and 3.
func (k *keys) putty(d *document) []hit {
	var hits []hit
	for _, m := range k.ppk.FindAllIndex(d.text, -1) {
		block := d.text[m[1]:min(len(d.text), m[1]+longestKey)]
		i := bytes.Index(block, []byte("Private-Lines:"))
		if i < 0 {
			continue
		}
		end := len(block)
		if n := bytes.Index(block[i:], []byte("Private-MAC:")); n >= 0 {
			end = i + n
		}
		if body, _ := armor(block[i:end]); len(body) < 64 {
			continue
		}
		h := k.weigh(d, hit{rule: k.own.key, start: m[1] + i + len("Private-Lines:"), end: m[1] + end, mark: m[0], note: "PuTTY"})
		if !bytes.Contains(block[:i], []byte("Encryption: none")) {
			h.severity = min(h.severity, supply.High)
		}
		hits = append(hits, h)
	}
	return hits
}

// web finds private JSON web keys (RFC 7517, RFC 7518 section 6): an object with kty and d, or a
// symmetric one with k.
func (k *keys) web(d *document) []hit {
	if !d.has(`"kty"`) && !d.has(`'kty'`) && !d.has(`\"kty\"`) {
		return nil
	}
	var hits []hit
	for _, m := range k.d.FindAllSubmatchIndex(d.text, -1) {
		from, to := around(d.text, m[0], m[1])
		object := d.text[from:to]
		if !bytes.Contains(object, []byte("kty")) || d.text[m[2]] == 'k' && !bytes.Contains(object, []byte("oct")) {
			continue
		}
		value := string(d.text[m[4]:m[5]])
		if placeholder(value) || !random(value) && entropy(value) < 4 {
			continue
		}
		h := hit{rule: k.own.jwk, start: m[4], end: m[5], mark: m[0], severity: k.own.jwk.Severity, rank: byFormat}
		if d.test {
			h.rule, h.severity = k.own.testKey, k.own.testKey.Severity
		}
		hits = append(hits, h)
	}
	return hits
}

// around gives the object in braces that a place is in, as far as keys are long.
func around(text []byte, from, to int) (start, end int) {
	low, high := max(0, from-4096), min(len(text), to+8192)
	start, end = low, high
	if i := bytes.LastIndexByte(text[low:from], '{'); i >= 0 {
		start = low + i
	}
	if i := bytes.IndexByte(text[to:high], '}'); i >= 0 {
		end = to + i
	}
	return start, end
}

// stored recognises files of keys by their first bytes and their name: Java key stores, PKCS #12,
// Firefox's key database, keys in DER.
func (k *keys) stored(d *document) (hit, bool) {
	h := hit{rule: k.own.keystore, end: len(d.text), rank: byFormat, severity: k.own.keystore.Severity}
	t := d.text
	switch {
	case bytes.HasPrefix(t, []byte{0xfe, 0xed, 0xfe, 0xed}), bytes.HasPrefix(t, []byte{0xce, 0xce, 0xce, 0xce}):
		h.note = "Java key store"
	case isPKCS12(t):
		h.note = "PKCS #12"
	case bytes.HasPrefix(t, []byte("SQLite format 3\x00")) && (d.base == "key4.db" || bytes.Contains(t, []byte("nssPrivate"))):
		h.note = "Firefox key database"
	case d.base == "key3.db" && len(t) > 8:
		h.note = "Firefox key database"
	case isPKCS8(t):
		h.rule, h.note, h.severity = k.own.key, "DER", k.own.key.Severity
	case isKDBX(t):
		h.note = "KeePass database"
	default:
		return h, false
	}
	if d.test {
		h.severity = supply.Low
	}
	return h, true
}

func isKDBX(t []byte) bool {
	return bytes.HasPrefix(t, []byte{0x03, 0xd9, 0xa2, 0x9a}) && len(t) > 12
}

// isPKCS12 reads the beginning of a PFX (RFC 7292, section 4): version 3 and a content of PKCS #7.
func isPKCS12(t []byte) bool {
	if len(t) < 64 || t[0] != 0x30 {
		return false
	}
	head := t[:32]
	return bytes.Contains(head[:12], []byte{0x02, 0x01, 0x03, 0x30}) && bytes.Contains(head, []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07})
}

// isPKCS8 reads the beginning of a PrivateKeyInfo (RFC 5208, section 5) or an RSAPrivateKey (RFC 8017, A.1.2).
func isPKCS8(t []byte) bool {
	if len(t) < 48 || len(t) > longestKey || t[0] != 0x30 {
		return false
	}
	var key struct {
		Version   int
		Algorithm struct {
			OID        asn1.ObjectIdentifier
			Parameters asn1.RawValue `asn1:"optional"`
		}
		Key        []byte
		Attributes asn1.RawValue `asn1:"optional,tag:0"`
	}
	rest, err := asn1.Unmarshal(t, &key)
	return err == nil && len(rest) == 0 && len(key.Key) > 16
}
