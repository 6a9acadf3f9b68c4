package baseline

import "math"

// A chart that nothing explains is mostly opened for an errand: a call, an appointment, a bill, a
// note that was owed. Errands have parts of a chart of their own and often leave something written.
// Who is curious reads what treatment reads, and leaves nothing. What errands look like is learned
// from the role's unexplained charts, which are nearly all honest; what treatment reads, from the
// charts that care explains.

// styleMost bounds what a way of reading counts for, either way.
const styleMost = 2

// curious is the share of misused charts to which something is written.
const curious = .06

// wroteMost bounds what writing takes away: a note is soon written, to hide behind.
const wroteMost = 1.5

// unlikeRole is what the part of a chart that was asked for says against the role's way with such
// charts, explained or not: how often treatment asks for it, against how often the role does there.
func (m *Model) unlikeRole(s *scene, explained int) float64 {
	const stands = 100
	if s.kind == 0 || s.writes {
		return 0
	}
	role := &m.groupOf(groupKey{role: s.role}).kinds[explained]
	treatment := (m.everyone.kinds[1].of(s.kind) + 1) / (m.everyone.kinds[1].total + stands)
	own := (treatment*stands + role.of(s.kind)) / (stands + role.total)
	return math.Log(treatment / own)
}

// read takes an access into the chart's style: each part of it once.
func (one *dayChart) read(s *scene, v *view, style float64) {
	one.times++
	one.wrote = one.wrote || s.writes
	one.inRow = one.inRow || v.marks&(1<<walk|1<<adjacent) != 0
	part := uint64(1) << (s.kind % 64)
	if one.parts&part == 0 {
		one.parts |= part
		one.style += style
	}
}

// ofStyle is the log-odds so far that the chart was not opened for work or an errand. That nothing was
// written says little yet.
func (one *dayChart) ofStyle(g *group) float64 {
	if one.class == wrote || one.inRow || !one.wrote {
		return one.reading()
	}
	share := g.wroteShare(known(one.known), one.times)
	return one.reading() + max(math.Log(curious/share), -wroteMost)
}

// explainedStyle is the same when the day is over, of a chart that care explains: there a way of
// reading orders accesses and hardly makes a day.
func (one *dayChart) explainedStyle(g *group) float64 {
	const explained = .3
	odds := one.ofStyle(g)
	if !one.wrote {
		odds += math.Log((1 - curious) / (1 - g.wroteShare(1, one.times)))
	}
	if odds > 0 {
		return explained * odds
	}
	return odds
}

// reading is what the parts say that were read.
func (one *dayChart) reading() float64 {
	odds := clip(one.style, styleMost)
	switch {
	case one.inRow: // a harvest takes what errands read, and runs none
		return max(odds, 0)
	case one.times < 2: // one look at the wrong chart has no style
		return min(odds, 0)
	}
	return odds
}

// wroteShare is the share of charts, explained or not, to which something is written, among those
// that are opened about as often in a day.
func (g *group) wroteShare(explained, times int) float64 {
	const stands, most = 50, .95
	share, bin := curious, depthBin(times)
	if g.parent != nil {
		share = g.parent.wroteShare(explained, times)
	}
	share = (share*stands + g.wrote[explained][bin]) / (stands + g.depth[explained][bin])
	return min(max(share, curious), most)
}
