package audit

import "sync"

// recent remembers what the entries that this node sealed a moment ago are found under, so that
// its sequencer need not open them again. It is a help and no more: what is not here is opened.
type recent struct {
	mu    sync.Mutex
	words map[[32]byte][]word // guarded by mu; by the header's commitment
}

// maxRecent bounds what waits to be sequenced; beyond it entries are opened.
const maxRecent = 32 << 10

func (r *recent) put(commitment [32]byte, list []word) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.words == nil || len(r.words) >= maxRecent {
		r.words = make(map[[32]byte][]word)
	}
	r.words[commitment] = list
}

// take gives the words of an entry, once.
func (r *recent) take(commitment [32]byte) ([]word, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	list, ok := r.words[commitment]
	delete(r.words, commitment)
	return list, ok
}
