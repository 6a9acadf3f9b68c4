package fhir_test

import (
	"math/big"
	"strings"
	"time"
	"unicode"
)

// isAmount compares a quantity or number.
func (v wanted) isAmount(e any) bool {
	low, high, ok := amountOf(e)
	if !ok || !v.hasUnit(e) {
		return false
	}
	number, ok := new(big.Rat).SetString(v.text)
	if !ok {
		return false
	}
	half := halfDigit(v.text)
	from, to := new(big.Rat).Sub(number, half), new(big.Rat).Add(number, half)
	same := low != nil && high != nil && low.Cmp(from) >= 0 && high.Cmp(to) < 0
	above, below := high == nil || high.Cmp(number) > 0, low == nil || low.Cmp(number) < 0
	switch v.prefix {
	case "", "eq":
		return same
	case "ne":
		return !same
	case "gt":
		return above
	case "lt":
		return below
	case "ge":
		return above || high.Cmp(number) == 0
	case "le":
		return below || low.Cmp(number) == 0
	case "sa":
		return low != nil && low.Cmp(number) > 0
	case "eb":
		return high != nil && high.Cmp(number) < 0
	}
	tenth := new(big.Rat).Abs(new(big.Rat).Mul(number, big.NewRat(1, 10))) // ap
	return (low == nil || low.Cmp(new(big.Rat).Add(number, tenth)) <= 0) &&
		(high == nil || high.Cmp(new(big.Rat).Sub(number, tenth)) >= 0)
}

func (v wanted) hasUnit(e any) bool {
	if v.unit == nil {
		return true
	}
	if *v.system == "" {
		return member(e, "code") == *v.unit || member(e, "unit") == *v.unit
	}
	return member(e, "system") == *v.system && (*v.unit == "" || member(e, "code") == *v.unit)
}

// amountOf reads a number, or a Quantity with its comparator; a nil end is open.
func amountOf(e any) (low, high *big.Rat, ok bool) {
	digits, comparator := text(e), ""
	if _, is := e.(map[string]any); is {
		digits, comparator = member(e, "value"), member(e, "comparator")
	}
	number, ok := new(big.Rat).SetString(digits)
	if !ok {
		return nil, nil, false
	}
	switch comparator {
	case "<", "<=":
		return nil, number, true
	case ">", ">=":
		return number, nil, true
	}
	return number, number, true
}

// halfDigit is half a unit of the last digit: 5.40 is known to 0.005.
func halfDigit(digits string) *big.Rat {
	half := big.NewRat(1, 2)
	_, decimals, _ := strings.Cut(digits, ".")
	for range decimals {
		half.Mul(half, big.NewRat(1, 10))
	}
	return half
}

// isTime compares the time that an element covers with the one that is searched for.
func (v wanted) isTime(low, high time.Time) bool {
	from, to, ok := moment(v.text)
	if !ok {
		return false
	}
	starts := func(t time.Time) bool { return low.IsZero() || low.Before(t) } // the element begins before t
	ends := func(t time.Time) bool { return high.IsZero() || high.After(t) }  // the element goes on after t
	inside := !starts(from) && !ends(to)
	switch v.prefix {
	case "", "eq":
		return inside
	case "ne":
		return !inside
	case "gt":
		return ends(to)
	case "lt":
		return starts(from)
	case "ge":
		return ends(to) || inside
	case "le":
		return starts(from) || inside
	case "sa":
		return !low.IsZero() && !low.Before(to)
	case "eb":
		return !high.IsZero() && !high.After(from)
	}
	return false
}

// spanOf is the time that a date or Period covers; a zero end is open.
func spanOf(e any) (low, high time.Time, ok bool) {
	object, period := e.(map[string]any)
	if !period {
		return moment(text(e))
	}
	start, _, ok1 := moment(text(object["start"]))
	_, end, ok2 := moment(text(object["end"]))
	return start, end, ok1 || ok2
}

// moment reads a date of any precision as the time from its start to its end.
func moment(s string) (from, to time.Time, ok bool) {
	for _, p := range []struct {
		layout string
		end    func(time.Time) time.Time
	}{
		{"2006", func(t time.Time) time.Time { return t.AddDate(1, 0, 0) }},
		{"2006-01", func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }},
		{"2006-01-02", func(t time.Time) time.Time { return t.AddDate(0, 0, 1) }},
		{"2006-01-02T15:04Z07:00", func(t time.Time) time.Time { return t.Add(time.Minute) }},
		{"2006-01-02T15:04:05Z07:00", func(t time.Time) time.Time { return t.Add(lastDigit(s)) }},
	} {
		if t, err := time.Parse(p.layout, s); err == nil {
			return t, p.end(t), true
		}
	}
	return from, to, false
}

// lastDigit is the time that the last digit of the seconds stands for.
func lastDigit(s string) time.Duration {
	unit := time.Second
	_, fraction, _ := strings.Cut(s, ".")
	for _, r := range fraction {
		if !unicode.IsDigit(r) {
			break
		}
		unit /= 10
	}
	return unit
}
