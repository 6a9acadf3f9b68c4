package secrets

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/tutela-health/tutela/supply"
)

// hit is a secret in a document: text[start:end] is what must not be shown.
type hit struct {
	rule       *supply.Rule
	start, end int
	mark       int // where the line begins that is shown; start where it is not before it
	severity   supply.Severity
	note       string // what else there is to say of it, without its value
	rank       rank
}

// rank says who is right where two rules see the same bytes.
type rank int

// The ranks, from the least certain.
const (
	byGuess  rank = iota // a name that sounds secret with a value that looks random
	byName               // an assignment to a name that is secret
	byToken              // a form that only tokens of one vendor have
	byFormat             // a file or a block that is made to hold credentials
)

// choose drops hits that others cover, and sorts the rest by place. size is of the text.
func choose(hits []hit, size int) []hit {
	slices.SortStableFunc(hits, func(a, b hit) int {
		return cmp.Or(cmp.Compare(b.rank, a.rank), cmp.Compare(a.end-a.start, b.end-b.start), cmp.Compare(a.start, b.start), cmp.Compare(a.rule.ID, b.rule.ID))
	})
	if len(hits) < 2 {
		return hits
	}
	covered := make([]byte, size)
	chosen := hits[:0:0]
	for _, h := range hits {
		part := covered[h.start:h.end]
		if bytes.IndexByte(part, 1) >= 0 {
			continue
		}
		for i := range part {
			part[i] = 1
		}
		chosen = append(chosen, h)
	}
	slices.SortStableFunc(chosen, func(a, b hit) int { return a.start - b.start })
	return chosen
}
