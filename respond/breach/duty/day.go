package duty

import "time"

// day is a day of the calendar, anywhere.
type day struct {
	year  int
	month time.Month
	day   int
}

// dayOf is the day that a moment falls on in a place.
func dayOf(t time.Time, z *time.Location) day {
	y, m, d := t.In(z).Date()
	return day{y, m, d}
}

// plus counts calendar days on: the day itself is none of them.
func (d day) plus(n int) day {
	return dayOf(time.Date(d.year, d.month, d.day+n, 12, 0, 0, 0, time.UTC), time.UTC)
}

// months counts months on; where there is no day of that number, it is the month's last.
func (d day) months(n int) day {
	last := dayOf(time.Date(d.year, d.month+time.Month(n)+1, 0, 12, 0, 0, 0, time.UTC), time.UTC)
	last.day = min(last.day, d.day)
	return last
}

// lastOfYear is the last day of its year.
func (d day) lastOfYear() day { return day{d.year, time.December, 31} }

// String writes the day as in RFC 3339.
func (d day) String() string {
	return time.Date(d.year, d.month, d.day, 0, 0, 0, 0, time.UTC).Format(time.DateOnly)
}

// endOf is the moment at which a day is over in a place: the first of the next day. Where clocks go forward at midnight that
// is later than twelve o'clock.
func endOf(d day, z *time.Location) time.Time {
	next := d.plus(1)
	t := time.Date(next.year, next.month, next.day, 0, 0, 0, 0, z)
	for dayOf(t, z) != next {
		t = t.Add(15 * time.Minute)
	}
	return t
}
