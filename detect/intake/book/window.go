package book

// window remembers the ids of the last batches: of Window records at least, where there were so many.
type window struct {
	ids     map[recordID]struct{}
	batches [][]recordID
	size    int
	dropped int // batches that fell out of it since it was asked
}

func (w *window) has(id recordID) bool {
	_, ok := w.ids[id]
	return ok
}

// add takes a batch in and drops those that are out of it.
func (w *window) add(batch []recordID) {
	if w.ids == nil {
		w.ids = make(map[recordID]struct{})
	}
	for _, id := range batch {
		w.ids[id] = struct{}{}
	}
	w.batches, w.size = append(w.batches, batch), w.size+len(batch)
	for n := w.stale(0); n > 0; n-- {
		for _, id := range w.batches[0] {
			delete(w.ids, id)
		}
		w.size -= len(w.batches[0])
		w.batches[0] = nil
		w.batches = w.batches[1:]
	}
}

// stale counts the batches that are out of the window once more records come.
func (w *window) stale(more int) int {
	n, left := 0, w.size+more
	for n < len(w.batches) && left-len(w.batches[n]) >= Window {
		left -= len(w.batches[n])
		n++
	}
	return n
}
