package sigma

import (
	"strings"

	"github.com/tutela-health/tutela/detect/event"
)

// view is one event as rules look at it: each field is looked up once, however many rules ask for it.
type view struct {
	e     *event.Event
	turn  uint64
	known []values // by field

	answers []answer // by what is asked
}

// answer is what was found in one turn.
type answer struct {
	turn  uint64
	holds bool
}

// values are what the event of one turn has for a field.
type values struct {
	turn    uint64
	there   []string
	lowered uint64 // the turn in which lower was made
	lower   []string
}

// fields are the fields that some rules ask for, each with its number.
type fields struct {
	numbers map[string]int
	get     []getter
	items   map[string]int
}

// share gives the number of what is asked.
func (f *fields) share(key string) int {
	if n, ok := f.items[key]; ok {
		return n
	}
	if f.items == nil {
		f.items = map[string]int{}
	}
	f.items[key] = len(f.items)
	return len(f.items) - 1
}

// number gives a field's number.
func (f *fields) number(name string, get getter) int {
	if n, ok := f.numbers[name]; ok {
		return n
	}
	if f.numbers == nil {
		f.numbers = map[string]int{}
	}
	n := len(f.get)
	f.numbers[name], f.get = n, append(f.get, get)
	return n
}

// of gives the values of a field.
func (v *view) of(n int, get getter) []string {
	k := &v.known[n]
	if k.turn != v.turn {
		k.turn, k.there = v.turn, get(v.e, k.there[:0])
	}
	return k.there
}

// lower gives them in lower case.
func (v *view) lower(n int, get getter) []string {
	there := v.of(n, get)
	k := &v.known[n]
	if k.lowered != v.turn {
		k.lowered, k.lower = v.turn, k.lower[:0]
		for _, s := range there {
			k.lower = append(k.lower, strings.ToLower(s))
		}
	}
	return k.lower
}

// begin turns to another event.
func (v *view) begin(e *event.Event, f *fields) {
	v.e = e
	v.turn++
	for len(v.known) < len(f.get) {
		v.known = append(v.known, values{})
	}
	for len(v.answers) < len(f.items) {
		v.answers = append(v.answers, answer{})
	}
}
