package sigma

// Remembers is how many samples the Engine holds.
func (x *Engine) Remembers() int {
	n := 0
	for _, t := range x.trackers {
		for _, g := range t.groups {
			n += g.size()
		}
	}
	return n
}
