package baseline

import (
	"math"
	"slices"

	"github.com/tutela-health/tutela/detect/roster"
)

// tide is by how much the people of one role did more on a day than each of them usually does: on
// Mondays, in the flu season, when another office is closed. What rises for all is nobody's burst.
type tide [measures]float64

// tideKey names a role's day.
type tideKey struct {
	role roster.Role
	day  date
}

func (t *tide) of(m measure) float64 {
	if t == nil {
		return 0
	}
	return t[m]
}

// tidesOf finds the median rise of each role that has enough people at work.
func tidesOf(closed []closing) map[tideKey]*tide {
	const least = 4
	rises := map[tideKey]*[measures][]float64{}
	for i := range closed {
		c := &closed[i]
		key := tideKey{c.person.role, c.tally.day}
		if rises[key] == nil {
			rises[key] = &[measures][]float64{}
		}
		for of := range measures {
			rises[key][of] = append(rises[key][of], math.Log1p(c.tally.values[of])-c.tally.usual[of].own)
		}
	}
	tides := make(map[tideKey]*tide, len(rises))
	for key, list := range rises {
		t := &tide{}
		for of := range measures {
			if slices.Sort(list[of]); len(list[of]) >= least {
				t[of] = max(list[of][len(list[of])/2], 0)
			}
		}
		tides[key] = t
	}
	return tides
}
