package simulate

import "time"

// The calendar counts days from the first, and milliseconds from 1970.
const (
	second = int64(1000)
	minute = 60 * second
	hour   = 60 * minute
	day    = 24 * hour
)

// calendar tells what kind of day a day is.
type calendar struct {
	start int64 // of day 0
}

func (c calendar) midnight(d int) int64 { return c.start + int64(d)*day }

// dayOf gives the day in which a time lies; it may be negative.
func (c calendar) dayOf(at int64) int { return int(floorDiv(at-c.start, day)) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

func (c calendar) date(d int) time.Time { return instant(c.midnight(d)) }

func instant(at int64) time.Time { return time.UnixMilli(at).UTC() }

// works tells whether offices and clinics are open.
func (c calendar) works(d int) bool {
	t := c.date(d)
	return t.Weekday() != time.Saturday && t.Weekday() != time.Sunday && !holiday(t)
}

// nextWorking gives the first working day from d on.
func (c calendar) nextWorking(d int) int {
	for !c.works(d) {
		d++
	}
	return d
}

// holiday knows the holidays of the United States that hospitals' offices keep (5 U.S.C. 6103, some of them).
func holiday(t time.Time) bool {
	day, nth := t.Day(), (t.Day()-1)/7+1
	switch t.Month() {
	case time.January:
		return day == 1
	case time.May:
		return t.Weekday() == time.Monday && day > 24
	case time.July:
		return day == 4
	case time.September:
		return t.Weekday() == time.Monday && nth == 1
	case time.November:
		return t.Weekday() == time.Thursday && nth == 4
	case time.December:
		return day == 25
	}
	return false
}
