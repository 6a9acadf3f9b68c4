package r4

import "iter"

// Codings yields every Coding in the resource, those of CodeableConcepts, of meta, of extensions and of
// contained and bundled resources included, in one pass over its nodes.
func (r *Resource) Codings() iter.Seq[Node] {
	return func(yield func(Node) bool) {
		root := r.Root()
		for i := root.at + 1; i < root.node().next; i++ {
			n := Node{r.doc, i}
			if v := n.node(); v.typ == typeCoding && v.kind == '{' && !yield(n) {
				return
			}
		}
	}
}

// Interval gives the time that a date, dateTime, instant, Period or Timing covers; false for others.
func (n Node) Interval() (Interval, bool) { return intervalOf(n) }
