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

// depthAtEnd is the same when the day is over.
func (g *group) depthAtEnd(times int) float64 {
	bin := depthBin(times)
	return clip(math.Log(g.depthShare(1, bin, bin+1)/g.depthShare(0, bin, bin+1)), depthMost)
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
