package dossier

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tutela-health/tutela"
)

// errLeaf says that bytes are no leaf, or no header. It quotes none of them.
var errLeaf = errors.New("malformed ledger entry")

// maxLeaf is the most bytes of a leaf, and of its header.
const maxLeaf = 60 << 10

// open gives the entry of a line whose header is what the leaf's commitment says.
func (l Line) open() (tutela.Entry, error) {
	want, err := commitment(l.Sealed)
	if err != nil {
		return tutela.Entry{}, err
	}
	const saltSize = 16
	if len(l.Salt) != saltSize || len(l.Header) > maxLeaf {
		return tutela.Entry{}, errLeaf
	}
	got := sha256.Sum256(append(append([]byte{}, l.Salt...), l.Header...))
	if subtle.ConstantTimeCompare(got[:], want) == 0 {
		return tutela.Entry{}, errors.New("the header is not the one that was sealed there")
	}
	n, width := binary.Uvarint(l.Header)
	if width <= 0 || n > uint64(len(l.Header)-width) {
		return tutela.Entry{}, errLeaf
	}
	var e tutela.Entry
	if err := json.Unmarshal(l.Header[width:width+int(n)], &e); err != nil {
		return tutela.Entry{}, fmt.Errorf("%w: its header is no JSON", errLeaf)
	}
	return e, nil
}

// commitment finds the header's in a leaf: version 1, day in 4 bytes, the key's version, 32 bytes.
func commitment(leaf []byte) ([]byte, error) {
	const before = 1 + 4
	if len(leaf) < before || len(leaf) > maxLeaf || leaf[0] != 1 {
		return nil, errLeaf
	}
	_, width := binary.Uvarint(leaf[before:])
	if width <= 0 || len(leaf) < before+width+sha256.Size {
		return nil, errLeaf
	}
	return leaf[before+width : before+width+sha256.Size], nil
}
