package deid

import (
	"encoding/binary"
	"strconv"
	"time"

	"github.com/tutela-health/tutela"
)

// oldestYears is how far back a year shows: whoever was born in an earlier one may be over 89, and
// everything dated so early tells that he is (45 CFR 164.514(b)(2)(i)(C)).
const oldestYears = 89

// maxShift is the most days by which a patient's dates are moved, either way.
const maxShift = 182

// days is by how many days a patient's dates are moved: never by none.
func (k *secrets) days(patient tutela.Bucket) int {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(patient))
	n := int(binary.BigEndian.Uint64(digest(k.shift, string(b[:]))) % (2 * maxShift)) //nolint:gosec // less than 364
	if n < maxShift {
		return n - maxShift
	}
	return n - maxShift + 1
}

// date writes what shows of a date or dateTime.
func (p *pass) date(text string) bool {
	at, layout, ok := readDate(text)
	if !ok || at.Year() < p.oldest {
		return false
	}
	if p.days == 0 {
		return p.quoted(at.UTC().Format("2006"))
	}
	if at = at.AddDate(0, 0, p.days); at.Year() < p.oldest {
		return false
	}
	return p.quoted(at.Format(layout))
}

// instant writes what shows of an instant, which cannot be a year alone.
func (p *pass) instant(text string) bool { return p.days != 0 && p.date(text) }

// readDate reads a date that was parsed before, and how to write it. A year and a month stand for their
// middle.
func readDate(text string) (at time.Time, layout string, ok bool) {
	for _, form := range []string{"2006", "2006-01", time.DateOnly, time.RFC3339Nano} {
		t, err := time.Parse(form, text)
		switch {
		case err != nil:
			continue
		case form == "2006":
			t = t.AddDate(0, 6, 0)
		case form == "2006-01":
			t = t.AddDate(0, 0, 14)
		}
		return t, form, true
	}
	return time.Time{}, "", false
}

// ancient is the age from which on all ages are one.
const ancient = 90

// inYears is how many of a unit make a year: of UCUM, and as people write them.
func inYears(unit string) (float64, bool) {
	switch unit {
	case "a", "a_j", "a_t", "a_g", "year", "years", "yr", "yrs", "y", "Y":
		return 1, true
	case "mo", "mo_j", "mo_s", "mo_g", "month", "months":
		return 12, true
	case "wk", "week", "weeks":
		return 365.25 / 7, true
	case "d", "day", "days":
		return 365.25, true
	case "h":
		return 365.25 * 24, true
	}
	return 0, false
}

// overAge reports whether an amount is an age of 90 or over; capped is then 90 in its unit. Of an Age
// without a unit that is known, years are assumed.
func overAge(value, unit string, age bool) (capped string, over bool) {
	n, known := inYears(unit)
	if !known && !age {
		return "", false
	}
	if !known {
		n = 1
	}
	v, err := strconv.ParseFloat(value, 64)
	if err == nil && v < ancient*n {
		return "", false
	}
	return strconv.FormatFloat(ancient*n, 'f', 0, 64), true
}
