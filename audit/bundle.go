package audit

import (
	"encoding/binary"
	"errors"
)

// errBundle says that a blob is no sequence of length-prefixed entries.
var errBundle = errors.New("malformed entry bundle")

// appendBundled adds one entry in the form of a C2SP entry bundle: a 16-bit big-endian
// length, then the bytes.
func appendBundled(dst, entry []byte) []byte {
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(entry)))
	return append(dst, entry...)
}

// bundle joins entries into one blob.
func bundle(entries [][]byte) []byte {
	size := 0
	for _, e := range entries {
		size += 2 + len(e)
	}
	blob := make([]byte, 0, size)
	for _, e := range entries {
		blob = appendBundled(blob, e)
	}
	return blob
}

// unbundle splits a blob into its entries, which alias it.
func unbundle(blob []byte) ([][]byte, error) {
	var entries [][]byte
	for len(blob) > 0 {
		if len(blob) < 2 {
			return nil, errBundle
		}
		n := int(binary.BigEndian.Uint16(blob))
		if len(blob) < 2+n {
			return nil, errBundle
		}
		entries = append(entries, blob[2:2+n:2+n])
		blob = blob[2+n:]
	}
	return entries, nil
}
