package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

// results gathers figures by name over the rounds, in the order in which they first came.
type results struct {
	names  []string
	values map[string][]float64
}

func (r *results) add(name string, v float64) {
	if r.values == nil {
		r.values = map[string][]float64{}
	}
	if _, known := r.values[name]; !known {
		r.names = append(r.names, name)
	}
	r.values[name] = append(r.values[name], v)
}

func (r *results) addLoad(name string, m measured) {
	r.add(name, m.perSecond())
	r.add(name+", p50 ms", float64(m.quantile(0.5))/float64(time.Millisecond))
	r.add(name+", p99 ms", float64(m.quantile(0.99))/float64(time.Millisecond))
	r.add(name+", server's CPU µs", m.microseconds())
}

// median is the middle value of a figure.
func (r *results) median(name string) (float64, bool) {
	v := slices.Sorted(slices.Values(r.values[name]))
	if len(v) == 0 {
		return 0, false
	}
	return v[len(v)/2], true
}

// print lists the medians with the range that they are from.
func (r *results) print(w io.Writer) {
	for _, name := range r.names {
		m, _ := r.median(name)
		v := r.values[name]
		fmt.Fprintf(w, "  %-44s %s   (%s to %s)\n", name, figure(m), figure(slices.Min(v)), figure(slices.Max(v)))
	}
}

func figure(v float64) string {
	switch {
	case v < 10:
		return fmt.Sprintf("%9.2f", v)
	case v < 1000:
		return fmt.Sprintf("%9.1f", v)
	default:
		return fmt.Sprintf("%9.0f", v)
	}
}

// mark is what a figure must reach.
type mark struct {
	name    string
	atLeast float64
	atMost  float64
}

// marks are those of an engine; what only one engine has to reach stands with it alone.
func marks(postgres bool) []mark {
	common := []mark{
		{name: "create, share of the engine", atLeast: 0.50},
		{name: "memory after import", atMost: 200},
		{name: "memory creating", atMost: 200},
		{name: "memory under read", atMost: 200},
		{name: "read as a person, share of the loader's", atLeast: 0.95},
		{name: fmt.Sprintf("search among others, of %d, times the loader's", panels()[0]), atMost: 2},
		{name: "read beside logins, share of reads alone", atLeast: 0.75},
	}
	if postgres {
		return append(common, mark{name: "read, share of the floor", atLeast: 0.15}, mark{name: "disk", atMost: 1.2})
	}
	return append(common, mark{name: "read, share of the floor", atLeast: 0.30}, mark{name: "search by identifier, share of the floor", atLeast: 0.20},
		mark{name: "import", atLeast: 4000}, mark{name: "disk", atMost: 0.7})
}

// judge says of each mark whether its median reaches it, and which were not measured.
func (r *results) judge(w io.Writer, postgres bool) {
	for _, m := range marks(postgres) {
		v, ok := r.median(m.name)
		if !ok {
			fmt.Fprintf(w, "  unmeasured  %s   -\n", m.name)
			continue
		}
		reached := (m.atLeast == 0 || v >= m.atLeast) && (m.atMost == 0 || v <= m.atMost)
		verdict, bound := "misses", "at least "+figure(m.atLeast)
		if reached {
			verdict = "holds "
		}
		if m.atMost > 0 {
			bound = "at most  " + figure(m.atMost)
		}
		fmt.Fprintf(w, "  %s  %-44s %s   %s\n", verdict, m.name, figure(v), bound)
	}
}
