package deid

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// Mode says what becomes of dates, and whose pseudonyms are given: two modes share none.
type Mode string

// The modes.
const (
	SafeHarbor Mode = "safe-harbor"
	Pseudonyms Mode = "pseudonyms"
)

// KeySize is the length of the secret, in bytes.
const KeySize = 32

// ErrWithheld says that nothing of a resource can be shown: something in it changes the meaning of the
// rest, and is not known here.
var ErrWithheld = errors.New("the resource cannot be de-identified")

// Config says what a Deidentifier works with.
type Config struct {
	Key  []byte           // KeySize bytes, of this tenant alone; New zeroes them
	Now  func() time.Time // ages are of this moment
	Text bool             // keep free text, without what patterns recognise (docs/de-identification.md)
	// Systems are code systems beside the published ones whose codes are shown: an organisation's own.
	Systems []string
}

// Deidentifier takes out of resources what tells who somebody is. Safe for concurrent use.
type Deidentifier struct {
	now   func() time.Time
	text  *scrubber // nil: no free text
	codes codes
	keys  map[Mode]*secrets
}

// secrets are a mode's keys.
type secrets struct {
	block cipher.Block // of pseudonyms
	shift []byte       // of how far a patient's dates are moved
	link  []byte       // of names that hold a questionnaire together
}

// New returns a Deidentifier.
func New(c Config) (*Deidentifier, error) {
	if len(c.Key) != KeySize || c.Now == nil {
		return nil, fmt.Errorf("de-identification needs a secret of %d bytes and a clock", KeySize)
	}
	defer clear(c.Key)
	d := &Deidentifier{now: c.Now, codes: published(c.Systems), keys: map[Mode]*secrets{}}
	if c.Text {
		d.text = newScrubber()
	}
	for _, m := range []Mode{SafeHarbor, Pseudonyms} {
		block, err := aes.NewCipher(derive(c.Key, m, "pseudonyms"))
		if err != nil {
			return nil, fmt.Errorf("make key of pseudonyms: %w", err)
		}
		d.keys[m] = &secrets{block, derive(c.Key, m, "dates"), derive(c.Key, m, "links")}
	}
	return d, nil
}

// derive is HMAC-SHA-256 of a purpose, as NIST SP 800-108 uses it for one block of key.
func derive(key []byte, m Mode, purpose string) []byte {
	return digest(key, "tutela de-identification", string(m), purpose)
}

// digest is HMAC-SHA-256 of parts, each ended by NUL, which none contains.
func digest(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		_, _ = h.Write(append([]byte(p), 0))
	}
	return h.Sum(nil)
}

// Show gives what may be shown of a resource in a mode, as compact JSON. Dates are moved as patient's are;
// where none is named (BucketGeneral) only their years show, in every mode. name gives the
// pseudonym of what a reference names. A mode that nobody knows shows nothing.
func (d *Deidentifier) Show(mode string, res *r4.Resource, patient tutela.Bucket, name func(tutela.Ref) string) ([]byte, error) {
	k := d.keys[Mode(mode)]
	if k == nil || res == nil {
		return nil, ErrWithheld
	}
	p := &pass{d: d, keys: k, name: name, oldest: d.now().UTC().Year() - oldestYears, out: make([]byte, 0, len(res.JSON()))}
	if Mode(mode) == Pseudonyms && patient != tutela.BucketGeneral {
		p.days = k.days(patient)
	}
	p.label, p.earliest = label(Mode(mode)), p.first(res.Root())
	if !p.resource(res.Root(), whole) {
		return nil, ErrWithheld
	}
	return p.out, nil
}

// label says of a resource how it was changed (HL7 v3 ObservationValue).
func label(m Mode) string {
	code := "ANONYED"
	if m == Pseudonyms {
		code = "PSEUDED"
	}
	return `{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"` + code + `"}`
}
