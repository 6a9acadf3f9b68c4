package finding

import (
	"fmt"
	"math"
	"time"
)

// How long a verdict counts, and how far it goes. None silences a rule: what was judged benign is still
// shown, further down; what was judged expected is shown again after two weeks, or once it is worse.
// A verdict counts for the account on which it was given and for no other.
const (
	expectedFor = 14 * 24 * time.Hour
	benignFor   = 30 * 24 * time.Hour
	trueFor     = 90 * 24 * time.Hour
	benignMost  = 2 // verdicts that count: at a quarter of the likelihood it ends
)

// Valid reports whether a verdict is one.
func (v Verdict) Valid() bool { return v == True || v == Benign || v == Expected }

// Judge closes a case with a verdict, or gives a closed one another.
func (c *Case) Judge(v Verdict, at time.Time) {
	c.State, c.Verdict, c.Judged, c.Before = Closed, v, at, c.Touched
}

// Absorbs reports whether a closed case takes a hit of the same rule, actor and group in without being
// shown again: it was judged as expected not long ago, and the hit makes it no worse. Critical ones
// are shown always.
func (c *Case) Absorbs(h Hit, now time.Time) bool {
	if c.State != Closed || c.Verdict != Expected || now.Sub(c.Judged) > expectedFor {
		return false
	}
	grown := len(joined(c.Seen[:len(c.Seen):len(c.Seen)], h.Patients))
	return h.Level != Critical && h.Level.Severity() <= c.Level.Severity() && grown <= 2*max(c.Before, 5)
}

// Favour is what verdicts of late on the same rule and actor make of a new finding.
type Favour struct {
	Benign, True int
}

// Count adds a verdict, if it counts still.
func (f *Favour) Count(v Verdict, judged, now time.Time) {
	age := now.Sub(judged)
	switch {
	case v == Benign && age <= benignFor:
		f.Benign++
	case v == True && age <= trueFor:
		f.True++
	}
}

// Lookback is how far back verdicts matter.
const Lookback = trueFor

// Factor is what the likelihood is multiplied by: a half for each of two benign verdicts, and one and a
// half when one was true, which outweighs them.
func (f Favour) Factor() float64 {
	if f.True > 0 {
		return 1.5
	}
	return math.Pow(0.5, float64(min(f.Benign, benignMost)))
}

// Reason says so in plain words.
func (f Favour) Reason() string {
	switch {
	case f.True > 0:
		return fmt.Sprintf("the like was judged true %s of late", times(f.True))
	case f.Benign > 0:
		return fmt.Sprintf("the like was judged benign %s of late, so it ranks lower", times(f.Benign))
	}
	return ""
}

func times(n int) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}
