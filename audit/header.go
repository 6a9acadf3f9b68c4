package audit

import (
	"encoding/binary"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/tutela-health/tutela"
)

// writeFlagDeleted marks a version that deletes its resource.
const writeFlagDeleted = 1

// encodeHeader appends a header's plaintext: uvarint length ‖ JSON of the entry ‖ its writes in binary.
func encodeHeader(dst []byte, e *tutela.Entry) ([]byte, error) {
	at := len(dst)
	const usual = 2 // bytes of a length between 128 and 16,383
	dst, err := appendEntry(append(dst, make([]byte, usual)...), e)
	if err != nil {
		return nil, err
	}
	var room [binary.MaxVarintLen64]byte
	length := binary.AppendUvarint(room[:0], uint64(len(dst)-at-usual))
	return appendWrites(slices.Replace(dst, at, at+usual, length...), e.Writes), nil
}

// decodeHeader is encodeHeader's reverse.
func decodeHeader(plain []byte) (tutela.Entry, error) {
	body, writes, err := splitHeader(plain)
	if err != nil {
		return tutela.Entry{}, err
	}
	e, ok := readEntry(body)
	if !ok {
		e = tutela.Entry{}
		if err := json.Unmarshal(body, &e); err != nil {
			return tutela.Entry{}, errLeaf // the decoder's text may quote the entry
		}
	}
	e.Writes = writes
	return e, nil
}

// splitHeader gives a header's JSON and its writes.
func splitHeader(plain []byte) ([]byte, []tutela.Write, error) {
	c := cursor{rest: plain}
	body := c.prefixed()
	writes := c.writes()
	if c.bad || len(c.rest) > 0 {
		return nil, nil, errLeaf
	}
	return body, writes, nil
}

// maxWrite is the most that one Write takes in binary.
const maxWrite = 8 + binary.MaxVarintLen64 + 8 + 1 + 32

func appendWrites(dst []byte, writes []tutela.Write) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(writes)))
	for _, w := range writes {
		dst = binary.BigEndian.AppendUint64(dst, uint64(w.Locator))
		dst = binary.AppendUvarint(dst, uint64(w.Version))
		dst = binary.BigEndian.AppendUint64(dst, uint64(w.Bucket))
		var flags byte
		if w.Deleted {
			flags = writeFlagDeleted
		}
		dst = append(dst, flags)
		dst = append(dst, w.Digest[:]...)
	}
	return dst
}

func (c *cursor) writes() []tutela.Write {
	var writes []tutela.Write
	for n := c.uvarint(); n > 0 && !c.bad; n-- {
		w := tutela.Write{
			Locator: tutela.Locator(c.uint64()),
			Version: int64(c.uvarint()),
			Bucket:  tutela.Bucket(c.uint64()),
		}
		flags := c.byte()
		w.Deleted = flags == writeFlagDeleted
		c.bad = c.bad || flags > writeFlagDeleted
		w.Digest = c.hash()
		writes = append(writes, w)
	}
	return writes
}
