package pack

import (
	_ "embed"
	"encoding/binary"
)

// current is the version that Pack writes with; dictionaries lists all that Unpack knows.
const current = 1

// dictionaryV1 was trained in 2026 on FHIR R4 as Synthea and internal/sample write it.
//
//go:embed dict/v1.dict
var dictionaryV1 string

// dictionaries gives every dictionary ever shipped, the one of version n at n-1.
func dictionaries() [][]byte {
	return [][]byte{[]byte(dictionaryV1)}
}

// dictionaryIDs reads the id inside each zstd dictionary (RFC 8878, section 5).
func dictionaryIDs(all [][]byte) []uint32 {
	ids := make([]uint32, len(all))
	for i, d := range all {
		ids[i] = binary.LittleEndian.Uint32(d[4:8])
	}
	return ids
}
