package baseline

import (
	"math"
)

// Who opens the wrong chart sees it and leaves; who is curious reads on. How often a chart is
// opened in a day tells the two apart. What a real look is like shows in the charts that care
// explains, so nothing is stated here: both sides are learned.

// depths are the bins of how often one person opened one chart in a day: 1, 2, 3 to 4, 5 to 8, more.
const depths = 5

func depthBin(times int) int {
	switch {
	case times <= 2:
		return max(times-1, 0)
	case times <= 4:
		return 2
	case times <= 8:
		return 3
	}
	return 4
}

// depthMost bounds what depth counts for, either way.
const depthMost = 2

// depthSoFar is the log-odds of a chart without explanation that was opened so many times by now:
// how often looks that care explains go on that long, against those that it does not.
func (g *group) depthSoFar(times int) float64 {
	bin := depthBin(times)
	return clip(math.Log(g.depthShare(1, bin, depths)/g.depthShare(0, bin, depths)), depthMost)
}

// looked is how often the curious open a chart in a day, by bins: a few times sooner than once.
// It is stated, for nobody knows.
func looked(times int) float64 {
	return [depths]float64{.18, .27, .28, .17, .10}[depthBin(times)]
}

// lookAtEnd is the log-odds of a chart without explanation when the day is over, by how often it was
// opened and whether something was written: how often the curious leave it so, against how often
// honest errands do.
func (g *group) lookAtEnd(one *dayChart) float64 {
	odds := clip(math.Log(lookShare(one.times, one.wrote)/g.errandShare(one.times, one.wrote)), depthMost)
	switch {
	case one.inRow: // who opens charts in a row hides behind no note
		return max(odds, 0)
	case one.class == wrote: // which says so already
		return 0
	}
	return odds
}

// lookShare is the share of misused charts that are opened so often and written to, or not.
func lookShare(times int, wrote bool) float64 {
	if wrote {
		return curious * looked(times)
	}
	return (1 - curious) * looked(times)
}

// errandShare is the same of honest charts that nothing explains.
func (g *group) errandShare(times int, wrote bool) float64 {
	const stands = 50
	share := lookShare(times, wrote)
	if g.parent != nil {
		share = g.parent.errandShare(times, wrote)
	}
	bin, all := depthBin(times), 0.0
	for _, n := range g.depth[0] {
		all += n
	}
	n := g.wrote[0][bin]
	if !wrote {
		n = g.depth[0][bin] - n
	}
	return (share*stands + max(n, 0)) / (stands + all)
}

// depthShare is the share of charts, explained or not, whose depth lies in bins from to below.
func (g *group) depthShare(explained, from, below int) float64 {
	const stands = 50
	share := float64(below-from) / depths
	if g.parent != nil {
		share = g.parent.depthShare(explained, from, below)
	}
	n, all := 0.0, 0.0
	for bin, count := range g.depth[explained] {
		all += count
		if bin >= from && bin < below {
			n += count
		}
	}
	return (share*stands + n) / (stands + all)
}

func clip(odds, most float64) float64 { return min(max(odds, -most), most) }
