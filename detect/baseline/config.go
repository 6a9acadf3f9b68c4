package baseline

import (
	"math"
	"time"
)

// Config says how a model works. Its zero value works.
type Config struct {
	Zone     *time.Location // whose midnight ends a day; UTC when nil
	Budget   float64        // share of staff-days that may be flagged; 0.005 when 0
	HalfLife time.Duration  // in which what was learned halves; 30 days when 0
	Keep     time.Duration  // how long a visit to a chart and an ended relation are remembered; 45 days when 0
}

func (c Config) filled() Config {
	if c.Zone == nil {
		c.Zone = time.UTC
	}
	if c.Budget <= 0 {
		c.Budget = 0.005
	}
	if c.HalfLife <= 0 {
		c.HalfLife = 30 * 24 * time.Hour
	}
	if c.Keep <= 0 {
		c.Keep = 45 * 24 * time.Hour
	}
	return c
}

// decay is what a day leaves of what was learned.
func (c Config) decay() float64 {
	return math.Exp2(-24 / c.HalfLife.Hours())
}

// date is a day in the tenant's time zone, in days since 1970.
type date uint16

func (c Config) dateOf(t time.Time) date {
	y, m, d := t.In(c.Zone).Date()
	return date(min(max(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()/86400, 0), math.MaxUint16))
}

// midnight gives the beginning of a day.
func (c Config) midnight(d date) time.Time {
	u := time.Unix(int64(d)*86400, 0).UTC()
	return time.Date(u.Year(), u.Month(), u.Day(), 0, 0, 0, 0, c.Zone)
}
