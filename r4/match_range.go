package r4

import "time"

// matchDate compares the time v that an element covers with the time s that the search value stands
// for (search.html#prefix; both from Low on and before High, a zero bound open).
//
//	eq  s contains v               ne  it does not
//	gt  v reaches beyond s         lt  v starts before s
//	ge  gt or eq                   le  lt or eq
//	sa  v starts at or after s's end     eb  v ends by s's start
//	ap  v overlaps s widened
func (q *Query) matchDate(op *Operand, v Interval) bool {
	s := op.Date
	switch op.Prefix {
	case PrefixEqual:
		return v.within(s)
	case PrefixNotEqual:
		return !v.within(s)
	case PrefixGreater:
		return v.endsAfter(s.High)
	case PrefixLess:
		return v.startsBefore(s.Low)
	case PrefixGreaterEqual:
		return v.endsAfter(s.High) || v.within(s)
	case PrefixLessEqual:
		return v.startsBefore(s.Low) || v.within(s)
	case PrefixStartsAfter:
		return !v.startsBefore(s.High)
	case PrefixEndsBefore:
		return !v.endsAfter(s.Low)
	case PrefixApproximate:
		wide := op.ApproximateDate(q.Now)
		return v.startsBefore(wide.High) && v.endsAfter(wide.Low)
	}
	return false
}

// within reports whether all of v lies within s, which has both ends.
func (v Interval) within(s Interval) bool {
	return !v.startsBefore(s.Low) && !v.endsAfter(s.High)
}

func (v Interval) startsBefore(t time.Time) bool { return v.Low.IsZero() || v.Low.Before(t) }
func (v Interval) endsAfter(t time.Time) bool    { return v.High.IsZero() || v.High.After(t) }

// measures reports whether the amount is in the unit that the search names: system and code, or for
// ||code the code or the printed unit (search.html#quantity). Units are not converted.
func (op *Operand) measures(v Quantity) bool {
	n := &op.Number
	switch {
	case n.AnyMeasure:
		return true
	case n.System == "":
		return v.Code == n.Code || v.Unit == n.Code
	}
	return v.System == n.System && (n.Code == "" || v.Code == n.Code)
}

// matchNumber compares an exact number or a range with the search value: eq, ne and ap by its
// implicit precision, the others as if it had all its digits (search.html#number).
func matchNumber(op *Operand, v Range) bool {
	n := &op.Number
	switch op.Prefix {
	case PrefixEqual:
		return n.within(v)
	case PrefixNotEqual:
		return !n.within(v)
	case PrefixGreater:
		return v.High == nil || v.High.Cmp(n.Value) > 0
	case PrefixLess:
		return v.Low == nil || v.Low.Cmp(n.Value) < 0
	case PrefixGreaterEqual:
		return v.High == nil || v.High.Cmp(n.Value) >= 0
	case PrefixLessEqual:
		return v.Low == nil || v.Low.Cmp(n.Value) <= 0
	case PrefixStartsAfter:
		return v.Low != nil && v.Low.Cmp(n.Value) > 0
	case PrefixEndsBefore:
		return v.High != nil && v.High.Cmp(n.Value) < 0
	case PrefixApproximate:
		wide := op.ApproximateNumber()
		return (v.Low == nil || v.Low.Cmp(wide.High) <= 0) && (v.High == nil || v.High.Cmp(wide.Low) >= 0)
	}
	return false
}

// within reports whether all of v lies in the operand's implicit precision.
func (n *Number) within(v Range) bool {
	return v.Low != nil && v.Low.Cmp(n.Low) >= 0 && v.High != nil && v.High.Cmp(n.High) < 0
}
