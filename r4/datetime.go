package r4

import (
	"bytes"
	"time"
)

// Interval is the time that a date stands for: from Low on, and before High. A partial date stands
// for all of its day, month or year. A zero bound is open (and so is the start of the year 1). Dates
// without a zone count as UTC.
type Interval struct {
	Low, High time.Time
}

// parseDate reads YYYY, YYYY-MM or YYYY-MM-DD (FHIR R4, datatypes.html#date).
func parseDate(text []byte) (Interval, bool) {
	if len(text) != 4 && len(text) != 7 && len(text) != 10 {
		return Interval{}, false
	}
	year, ok := digits(text, 0, 4)
	if !ok || year == 0 {
		return Interval{}, false
	}
	if len(text) == 4 {
		low := day(year, 1, 1)
		return Interval{low, low.AddDate(1, 0, 0)}, true
	}
	month, ok := digits(text, 5, 7)
	if !ok || text[4] != '-' || month < 1 || month > 12 {
		return Interval{}, false
	}
	if len(text) == 7 {
		low := day(year, month, 1)
		return Interval{low, low.AddDate(0, 1, 0)}, true
	}
	dom, ok := digits(text, 8, 10)
	low := day(year, month, dom)
	if !ok || text[7] != '-' || dom < 1 || low.Day() != dom {
		return Interval{}, false
	}
	return Interval{low, low.AddDate(0, 0, 1)}, true
}

func day(year, month, dom int) time.Time {
	return time.Date(year, time.Month(month), dom, 0, 0, 0, 0, time.UTC)
}

// digits reads text[from:to] as a decimal number.
func digits(text []byte, from, to int) (int, bool) {
	if len(text) < to {
		return 0, false
	}
	n := 0
	for _, c := range text[from:to] {
		if !isDigit(c) {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// parseDateTime reads a date, or a date and time with seconds and zone (datatypes.html#dateTime).
func parseDateTime(text []byte) (Interval, bool) {
	if len(text) <= 10 {
		return parseDate(text)
	}
	date, ok := parseDate(text[:10])
	if !ok || text[10] != 'T' {
		return Interval{}, false
	}
	clock, precision, rest, ok := parseClock(text[11:])
	if !ok {
		return Interval{}, false
	}
	offset, ok := parseZone(rest)
	if !ok {
		return Interval{}, false
	}
	low := date.Low.Add(clock - offset)
	return Interval{low, low.Add(precision)}, true
}

// parseClock reads hh:mm:ss with an optional fraction and gives what follows. Precision is the
// length of time that the last digit stands for, a nanosecond at the least.
func parseClock(text []byte) (clock, precision time.Duration, rest []byte, ok bool) {
	h, ok1 := digits(text, 0, 2)
	m, ok2 := digits(text, 3, 5)
	s, ok3 := digits(text, 6, 8)
	if !ok1 || !ok2 || !ok3 || text[2] != ':' || text[5] != ':' || h > 23 || m > 59 || s > 60 {
		return 0, 0, nil, false
	}
	clock = time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second
	precision, rest = time.Second, text[8:]
	if len(rest) == 0 || rest[0] != '.' {
		return clock, precision, rest, true
	}
	i := 1
	for ; i < len(rest) && isDigit(rest[i]); i++ {
		if precision > time.Nanosecond {
			precision /= 10
			clock += time.Duration(rest[i]-'0') * precision
		}
	}
	return clock, precision, rest[i:], i > 1
}

// parseZone reads Z or an offset from UTC between -14:00 and +14:00.
func parseZone(text []byte) (time.Duration, bool) {
	if string(text) == "Z" {
		return 0, true
	}
	if len(text) != 6 || text[3] != ':' || text[0] != '+' && text[0] != '-' {
		return 0, false
	}
	h, ok1 := digits(text, 1, 3)
	m, ok2 := digits(text, 4, 6)
	offset := time.Duration(h)*time.Hour + time.Duration(m)*time.Minute
	if !ok1 || !ok2 || m > 59 || offset > 14*time.Hour {
		return 0, false
	}
	if text[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// validInstant accepts a dateTime that has a time (datatypes.html#instant).
func validInstant(text []byte) bool {
	_, ok := parseDateTime(text)
	return ok && len(text) > 10
}

// validTime accepts hh:mm:ss with an optional fraction and no zone (datatypes.html#time).
func validTime(text []byte) bool {
	_, _, rest, ok := parseClock(text)
	return ok && len(rest) == 0
}

// parseSearchDate reads a date of a search, which may also leave out seconds or the zone
// (FHIR R4, search.html#date). A space stands for the plus sign of a zone that was not escaped.
func parseSearchDate(text string) (Interval, bool) {
	b := bytes.ReplaceAll([]byte(text), []byte(" "), []byte("+"))
	if len(b) <= 10 {
		return parseDate(b)
	}
	minutes := len(b) == 16 || len(b) > 16 && b[16] != ':'
	if minutes {
		b = bytes.Join([][]byte{b[:16], b[16:]}, []byte(":00"))
	}
	if zone := bytes.IndexAny(b[11:], "Z+-"); zone < 0 {
		b = append(b, 'Z')
	}
	iv, ok := parseDateTime(b)
	if ok && minutes {
		iv.High = iv.Low.Add(time.Minute)
	}
	return iv, ok
}
