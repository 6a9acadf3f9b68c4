package r4

import (
	"math/big"
	"time"
)

// date gives the time that a date, Period or Timing covers (FHIR R4, search.html#date).
func (x *extraction) date(n Node) {
	if iv, ok := intervalOf(n); ok {
		x.out = append(x.out, Value{Kind: ParamDate, Date: iv})
	}
}

func intervalOf(n Node) (Interval, bool) {
	if !n.Exists() {
		return Interval{}, false
	}
	switch n.node().typ {
	case typeDate, typeDateTime, typeInstant:
		return parseDateTime([]byte(n.Text()))
	case typePeriod:
		start, ok1 := intervalOf(n.Child("start"))
		end, ok2 := intervalOf(n.Child("end"))
		return Interval{start.Low, end.High}, ok1 || ok2
	case typeTiming:
		return outerLimits(n)
	}
	return Interval{}, false
}

// outerLimits is the time from the first to the last event of a Timing; how it repeats does not
// matter to search.
func outerLimits(n Node) (Interval, bool) {
	out, found := intervalOf(n.Child("repeat").Child("boundsPeriod"))
	for event := range n.Child("event").Items() {
		iv, ok := intervalOf(event)
		switch {
		case !ok:
		case !found:
			out, found = iv, true
		default:
			out = Interval{earlier(out.Low, iv.Low), later(out.High, iv.High)}
		}
	}
	return out, found
}

// earlier returns the earlier start; a zero one is open and so the earliest.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && a.Before(b) {
		return a
	}
	return b
}

// later returns the later end; a zero one is open and so the latest.
func later(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && a.After(b) {
		return a
	}
	return b
}

// quantity gives the amount of a number, Quantity, Money or Range. SampledData has none to compare.
func (x *extraction) quantity(n Node) {
	if q, ok := quantityOf(n); ok {
		x.out = append(x.out, Value{Kind: x.kind, Quantity: q})
	}
}

func quantityOf(n Node) (Quantity, bool) {
	if !n.Exists() {
		return Quantity{}, false
	}
	switch n.node().typ {
	case typeDecimal, typeInteger, typePositiveInt, typeUnsignedInt:
		v, ok := parseDecimal(n.Text())
		return Quantity{Range: point(v)}, ok
	case typeQuantity, typeAge, typeCount, typeDistance, typeDuration:
		return measured(n)
	case typeMoney:
		q, ok := quantityOf(n.Child("value"))
		q.System, q.Code = "urn:iso:std:iso:4217", n.Child("currency").Text()
		return q, ok
	case typeRange:
		return between(n)
	}
	return Quantity{}, false
}

// measured reads a Quantity; a comparator opens the end that it leaves undecided.
func measured(n Node) (Quantity, bool) {
	v, ok := parseDecimal(n.Child("value").Text())
	q := Quantity{
		Range:  point(v),
		System: n.Child("system").Text(), Code: n.Child("code").Text(), Unit: n.Child("unit").Text(),
	}
	switch n.Child("comparator").Text() {
	case "<", "<=":
		q.Low = nil
	case ">", ">=":
		q.High = nil
	}
	return q, ok
}

// between reads a Range; its unit is that of either end.
func between(n Node) (Quantity, bool) {
	low, ok1 := quantityOf(n.Child("low"))
	high, ok2 := quantityOf(n.Child("high"))
	q := low
	if !ok1 {
		q = high
	}
	q.Range = Range{end(low, ok1), end(high, ok2)}
	return q, ok1 || ok2
}

func end(q Quantity, ok bool) *big.Rat {
	if !ok || q.Low == nil {
		return nil
	}
	return q.Low
}
