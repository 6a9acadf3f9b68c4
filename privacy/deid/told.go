package deid

import (
	"strconv"

	"github.com/tutela-health/tutela/r4"
)

// first is the earliest year among the dates below a node that may show; 0 for none.
func (p *pass) first(n r4.Node) int {
	switch n.Type() {
	case "date", "dateTime", "instant":
		if !n.List() {
			return p.year(n.Text())
		}
	}
	least := 0
	take := func(year int) {
		if year != 0 && (least == 0 || year < least) {
			least = year
		}
	}
	if n.List() {
		for item := range n.Items() {
			take(p.first(item))
		}
	}
	for _, m := range n.Members() {
		take(p.first(m))
	}
	return least
}

func (p *pass) year(text string) int {
	if at, _, ok := readDate(text); ok && at.Year() >= p.oldest {
		return at.Year()
	}
	return 0
}

// tells reports whether an amount of time, if it is an age at the first year beside it, tells of a birth
// before the years that show. One year is for what either leaves out.
func (p *pass) tells(value, unit string) bool {
	n, known := inYears(unit)
	v, err := strconv.ParseFloat(value, 64)
	return known && err == nil && p.earliest != 0 && v >= n && float64(p.earliest)-v/n < float64(p.oldest+1)
}
