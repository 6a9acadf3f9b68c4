package replay

import (
	"container/heap"
	"time"

	"github.com/tutela-health/tutela/detect/event"
)

// Window is by how much events may be out of the order of time and still be sorted into it; maxHeld
// bounds how many are held back for that.
const (
	Window  = 10 * time.Minute
	maxHeld = 200_000
)

// numbered is an event with its place in the input.
type numbered struct {
	*event.Event

	place int
}

// order holds events back until no earlier one is to be expected.
type order struct {
	held   held
	newest time.Time
}

// add takes an event in and calls f with those whose turn has come.
func (o *order) add(n numbered, f func(numbered) error) error {
	if n.Time.After(o.newest) {
		o.newest = n.Time
	}
	heap.Push(&o.held, n)
	for len(o.held) > 0 && (len(o.held) > maxHeld || o.newest.Sub(o.held[0].Time) >= Window) {
		if err := f(heap.Pop(&o.held).(numbered)); err != nil {
			return err
		}
	}
	return nil
}

// end calls f with the rest.
func (o *order) end(f func(numbered) error) error {
	for len(o.held) > 0 {
		if err := f(heap.Pop(&o.held).(numbered)); err != nil {
			return err
		}
	}
	return nil
}

// held is a heap by time, and by place among those of one time.
type held []numbered

// Len implements heap.Interface.
func (h held) Len() int { return len(h) }

// Less implements heap.Interface.
func (h held) Less(i, j int) bool {
	if h[i].Time.Equal(h[j].Time) {
		return h[i].place < h[j].place
	}
	return h[i].Time.Before(h[j].Time)
}

// Swap implements heap.Interface.
func (h held) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *held) Push(x any) { *h = append(*h, x.(numbered)) }

// Pop implements heap.Interface.
func (h *held) Pop() any {
	last := len(*h) - 1
	n := (*h)[last]
	(*h)[last] = numbered{}
	*h = (*h)[:last]
	return n
}
