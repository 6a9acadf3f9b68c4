package sealed

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// Place says which stream it is. A stream opens at its own place only.
type Place struct {
	Tenant   tutela.Tenant
	Name     string // of the series, e.g. a backup's id
	Sequence int64  // in the series
}

// String names the place.
func (p Place) String() string {
	return fmt.Sprintf("%s of tenant %s, number %d", p.Name, p.Tenant, p.Sequence)
}

// Damage says which part of a stream is not as it was written.
type Damage struct{ Part, Why string }

// Error names part and reason.
func (d *Damage) Error() string { return d.Part + ": " + d.Why }

func damaged(part, format string, args ...any) error {
	return &Damage{part, fmt.Sprintf(format, args...)}
}

// ErrNotRecipient says that none of the keys at hand is one that the stream was sealed to.
var ErrNotRecipient = errs.New(errs.Invalid, "it is sealed to other keys than those given")

const (
	magic      = "tutela-sealed-1\n"
	mostKeys   = 16
	sealSize   = keys.Overhead
	stanzaSize = idSize + pointSize + wrapSize
)

func (p Place) encode(dst []byte) []byte {
	for _, s := range []string{string(p.Tenant), p.Name} {
		dst = binary.AppendUvarint(dst, uint64(len(s)))
		dst = append(dst, s...)
	}
	return binary.BigEndian.AppendUint64(dst, uint64(p.Sequence))
}

// header is what stands before the chunks, and the key that it leads to.
type header struct {
	tenant tutela.Tenant
	digest [sha256.Size]byte // of all but the header's seal
	key    *keys.Key
}

// aad binds the header's seal and the chunks to the stream.
func (h header) aad(purpose string, number, version int64) keys.AAD {
	return keys.AAD{Tenant: h.tenant, Purpose: purpose, Subject: h.digest[:], ID: number, Version: version}
}

func (h header) sealAAD() keys.AAD { return h.aad("sealed-header", 0, 0) }

// chunkAAD binds a chunk to its number and to being the last or not.
func (h header) chunkAAD(number int64, last bool) keys.AAD {
	if last {
		return h.aad("sealed-chunk", number, 1)
	}
	return h.aad("sealed-chunk", number, 0)
}

// newHeader makes a file key and the header that leads its recipients to it.
func newHeader(p Place, to []Recipient) (header, []byte, error) {
	if len(to) == 0 || len(to) > mostKeys {
		return header{}, nil, errs.New(errs.Invalid, "a backup is sealed to 1 to %d keys", mostKeys)
	}
	secret := keys.NewSecret()
	text := append(p.encode([]byte(magic)), byte(len(to)))
	for _, r := range to {
		stanza, err := r.stanza(secret)
		if err != nil {
			return header{}, nil, err
		}
		text = append(text, stanza...)
	}
	h := header{tenant: p.Tenant, digest: sha256.Sum256(text)}
	var err error
	if h.key, err = keys.NewKey(secret, 1); err != nil {
		return header{}, nil, err
	}
	return h, h.key.Seal(text, nil, h.sealAAD()), nil
}

// readHeader finds the file key by one of the Openers, and holds the header against its seal.
func readHeader(r *bufio.Reader, p Place, by []Opener) (header, error) {
	var text bytes.Buffer
	in := io.TeeReader(r, &text)
	if err := readPlace(in, p); err != nil {
		return header{}, err
	}
	var n [1]byte
	if _, err := io.ReadFull(in, n[:]); err != nil || n[0] == 0 || n[0] > mostKeys {
		return header{}, headerErr(err, "it names no recipients")
	}
	stanzas := make([]byte, int(n[0])*stanzaSize)
	if _, err := io.ReadFull(in, stanzas); err != nil {
		return header{}, headerErr(err, "the recipients are cut off")
	}
	h := header{tenant: p.Tenant, digest: sha256.Sum256(text.Bytes())}
	seal := make([]byte, sealSize)
	if _, err := io.ReadFull(r, seal); err != nil {
		return header{}, headerErr(err, "its seal is cut off")
	}
	secret, err := fileKey(stanzas, by)
	if err != nil {
		return header{}, err
	}
	if h.key, err = keys.NewKey(secret, 1); err != nil {
		return header{}, err
	}
	if _, err := h.key.Open(nil, seal, h.sealAAD()); err != nil {
		return header{}, damaged("header", "it is not as it was written")
	}
	return h, nil
}

func fileKey(stanzas []byte, by []Opener) ([]byte, error) {
	for _, o := range by {
		if secret, err := o.open(stanzas); secret != nil || err != nil {
			return secret, err
		}
	}
	return nil, ErrNotRecipient
}

// readPlace reads magic and place, and compares them with what is expected.
func readPlace(r io.Reader, want Place) error {
	expected := want.encode([]byte(magic))
	got := make([]byte, len(expected))
	if _, err := io.ReadFull(r, got); err != nil {
		return headerErr(err, "it is cut off")
	}
	switch {
	case !bytes.Equal(got[:len(magic)], expected[:len(magic)]):
		return damaged("header", "it is no sealed stream")
	case !bytes.Equal(got, expected):
		return damaged("header", "it is not %s", want)
	}
	return nil
}

// headerErr tells a header that ends early from a source that fails.
func headerErr(err error, why string) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return damaged("header", "%s", why)
	}
	return fmt.Errorf("read header: %w", err)
}
