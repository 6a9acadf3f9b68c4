package logs

import "strconv"

// A filter says of a batch which terms are not in it (Bloom, Space/time trade-offs in hash coding, CACM 13/7, 1970): with
// ten bits a term and seven hashes it is wrong about one in a hundred. Its hashes are keyed and bound to the
// batch, so that filters of two batches tell nothing about what they share.
const (
	bitsPerTerm = 10
	hashes      = 7
	maxFilter   = 1 << 18 // bytes
)

// hash is a keyed hash of a term in a batch.
func (s *Store) hash(seq int64, term string) uint64 {
	return uint64(s.cfg.Alias("log-term", strconv.FormatInt(seq, 10)+" "+term))
}

// newFilter makes the filter of a batch.
func (s *Store) newFilter(seq int64, all map[string]struct{}) []byte {
	f := make([]byte, min(maxFilter, (len(all)*bitsPerTerm+63)/64*8))
	for term := range all {
		each(f, s.hash(seq, term), func(at, bit int) bool {
			f[at] |= 1 << bit
			return true
		})
	}
	return f
}

// maybe reports whether a batch may have a term.
func maybe(filter []byte, h uint64) bool {
	there := len(filter) > 0
	each(filter, h, func(at, bit int) bool {
		there = filter[at]&(1<<bit) != 0
		return there
	})
	return there
}

// each calls f with the places of a hash, as long as it returns true.
func each(filter []byte, h uint64, f func(at, bit int) bool) {
	n := uint64(len(filter)) * 8
	a, b := h&0xffffffff, h>>32|1
	for i := uint64(0); i < hashes && n > 0; i++ {
		place := (a + i*b) % n
		if !f(int(place/8), int(place%8)) {
			return
		}
	}
}
