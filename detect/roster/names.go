package roster

import (
	"slices"
	"strings"
)

// nameLimit is where a name is cut, in bytes.
const nameLimit = 512

// names numbers texts in the order in which they are first heard of; 0 is the empty one.
type names struct {
	of    map[string]uint32
	all   []string
	limit int
}

func newNames(limit int) names {
	return names{of: map[string]uint32{"": 0}, all: []string{""}, limit: limit}
}

// number gives a text's number. Beyond the limit everything new is 0.
func (n *names) number(text string) uint32 {
	text = text[:min(len(text), nameLimit)]
	if at, ok := n.of[text]; ok {
		return at
	}
	if len(n.all) >= n.limit {
		return 0
	}
	at := uint32(len(n.all))
	text = strings.Clone(text) // so that no line of a log is kept alive by a name in it
	n.of[text] = at
	n.all = append(n.all, text)
	return at
}

func (n *names) name(at uint32) string {
	if int(at) < len(n.all) {
		return n.all[at]
	}
	return ""
}

// joined makes one name of several, whatever their order.
func joined(parts []string) string {
	parts = slices.Clone(parts)
	slices.Sort(parts)
	return strings.Join(slices.Compact(parts), "+")
}
