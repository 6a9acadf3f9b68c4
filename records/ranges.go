package records

import (
	"math"
	"time"

	"github.com/tutela-health/tutela/r4"
)

// dateRange is a span of time that every match of a date operand touches; a zero end is open. Not ok
// when matches may lie anywhere.
func dateRange(op *r4.Operand) (low, high time.Time, ok bool) {
	d := op.Date
	switch op.Prefix {
	case r4.PrefixEqual:
		return d.Low, d.High, true
	case r4.PrefixGreater, r4.PrefixGreaterEqual, r4.PrefixStartsAfter:
		return d.Low, time.Time{}, true
	case r4.PrefixLess, r4.PrefixLessEqual, r4.PrefixEndsBefore:
		return time.Time{}, d.High, true
	case r4.PrefixNotEqual, r4.PrefixApproximate:
		return time.Time{}, time.Time{}, false
	default:
		return time.Time{}, time.Time{}, false
	}
}

// numberRange is the same for numbers; an infinite end is open.
func numberRange(op *r4.Operand) (low, high float64, ok bool) {
	n := op.Number
	switch op.Prefix {
	case r4.PrefixEqual:
		return bound(n.Low, -1), bound(n.High, 1), true
	case r4.PrefixGreater, r4.PrefixGreaterEqual, r4.PrefixStartsAfter:
		return bound(n.Value, -1), math.Inf(1), true
	case r4.PrefixLess, r4.PrefixLessEqual, r4.PrefixEndsBefore:
		return math.Inf(-1), bound(n.Value, 1), true
	case r4.PrefixApproximate:
		wide := op.ApproximateNumber()
		return bound(wide.Low, -1), bound(wide.High, 1), true
	case r4.PrefixNotEqual:
		return 0, 0, false
	default:
		return 0, 0, false
	}
}
