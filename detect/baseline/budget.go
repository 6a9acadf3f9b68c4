package baseline

import (
	"math"

	"github.com/tutela-health/tutela/detect/state"
)

// The bins of the sketch of past days' log-odds.
const (
	sketchLow  = -20.0
	sketchStep = 0.1
	sketchBins = 400
)

// floorOdds is the log-odds below which no day is flagged, however quiet the house is: about one in twenty. It only
// keeps out what is plainly usual; how many days are flagged is the budget's affair.
const floorOdds = -3.0

// budget decides which days are flagged: never more than its share of all days so far, none below
// the floor, and none that past days say is common.
type budget struct {
	share  float64
	days   float64 // staff-days so far
	daily  float64 // staff-days of an ordinary day
	spent  float64 // those of them that were flagged
	sketch [sketchBins]float64
	total  float64
}

// earn counts days that are about to be judged.
func (b *budget) earn(days int) {
	const slow = .1
	b.days += float64(days)
	if b.daily == 0 {
		b.daily = float64(days)
	}
	b.daily += slow * (float64(days) - b.daily)
}

// spend decides on one day. What is certain is flagged in any case and paid for later.
func (b *budget) spend(odds float64, certain bool) bool {
	if !certain && (b.spent+1 > b.share*b.days || odds < max(b.floor(), b.common())) {
		return false
	}
	b.spent++
	return true
}

// floor is higher in the first days, of which nobody knows yet what is usual here.
func (b *budget) floor() float64 {
	const cold, strict = 10, 2
	seen := b.days / max(cold*b.daily, 1)
	return floorOdds + strict*max(0, 1-seen)
}

// common gives the log-odds that about as many past days reached as may be flagged: fewer while the
// budget is nearly spent, more when much of it is left. Days that lie below are common here, whatever
// the sum says. A house of which little is known has none.
func (b *budget) common() float64 {
	const reserve, least, most = 10, .6, 2 // days' worth of budget at which twice the share may pass
	left := b.share*b.days - b.spent
	ease := least + (most-least)*left/max(reserve*b.share*b.daily, 1e-9)
	allowed := min(max(ease, least), most) * b.share * b.total
	for i := sketchBins - 1; i >= 0; i-- {
		if allowed -= b.sketch[i]; allowed < 0 {
			return sketchLow + sketchStep*float64(i)
		}
	}
	return sketchLow
}

// learn takes a judged day into the sketch.
func (b *budget) learn(odds float64) {
	i := int(math.Floor((odds - sketchLow) / sketchStep))
	b.sketch[min(max(i, 0), sketchBins-1)]++
	b.total++
}

func (b *budget) fade(by float64) {
	scale(b.sketch[:], by)
	b.total *= by
}

func (b *budget) pass(c state.Codec) {
	c.Float(&b.days)
	c.Float(&b.spent)
	c.Float(&b.daily)
	c.Floats(b.sketch[:])
	c.Float(&b.total)
}
