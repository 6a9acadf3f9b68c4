package baseline

import (
	"math"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/roster"
)

// markActor finds the signals that do not depend on a patient.
func (m *Model) markActor(s *scene) {
	const grace = 36 * hour
	switch held, since := m.dir.Employment(s.who, s.at); {
	case held == roster.Left && s.at < since+grace:
		s.mark(leftToday, true)
	case held == roster.Left:
		s.mark(departed, true)
	case held == roster.NotYet:
		s.mark(notYet, true)
	case held == roster.Unknown:
		s.mark(unlisted, s.ev.Actor.Kind != tutela.ActorService)
	}
	s.mark(dormant, s.tally.dormant)
	share := s.person.hourShare(s.group, s.bin)
	s.mark(hourRare, share < .03)
	s.mark(hourOdd, share >= .03 && share < .15)
	m.markPlace(s)
	m.markKind(s)
	s.mark(denied, s.ev.Outcome == tutela.OutcomeDenied)
	s.mark(exported, exporting(s.ev.Action))
}

// markPlace looks at where the access came from.
func (m *Model) markPlace(s *scene) {
	const settled, minutes = 5, 10 * 60
	p, now := s.person, s.ev.Time.Unix()
	if s.place != 0 && s.day >= m.began+settled && p.known && s.day >= p.first+settled && !p.knows(s.place) {
		_, inHouse := m.house[s.place]
		s.mark(addressOther, inHouse)
		s.mark(addressNew, !inHouse)
	}
	s.mark(twoPlaces, s.place != 0 && p.lastPlace != 0 && p.lastPlace != s.place && now-p.lastAt < minutes)
	if s.place == 0 {
		return
	}
	session := hashOf(s.ev.Session)
	if s.login = p.lastPlace != s.place || p.lastSession != session; s.login {
		m.sitDown(s)
	}
	p.lastPlace, p.lastSession, p.lastAt = s.place, session, now
}

// sitDown takes a login into the day's doubt about who it is.
func (m *Model) sitDown(s *scene) {
	const most = 6
	t := s.tally
	if s.person.logins < settledLogins || t.logins >= most {
		return
	}
	t.logins++
	t.strange += s.person.strange(s.place)
	t.strangeOdds = m.strangeOdds(t)
}

// strangeOdds is what it is worth that somebody sits where the person never sits, and never where
// the person does.
func (m *Model) strangeOdds(t *tally) float64 {
	const least, most = 2, 1.5
	odds := 0.0
	if t.logins < least {
		return 0
	}
	for at, s := range strangeSteps() {
		if t.strange >= s.from {
			odds = max(odds, math.Log(s.misuse/m.everyone.strangeShare(at)))
		}
	}
	return min(odds, most)
}

// markKind looks at what was asked for, against what the role asks for.
func (m *Model) markKind(s *scene) {
	const rareKind, rarePurpose, rareBytes = .003, .005, .002
	role := m.groupOf(groupKey{role: s.role})
	s.mark(typeOdd, s.kind != 0 && !s.writes && s.ev.Outcome != tutela.OutcomeDenied && role.rare(m.everyone, s.ofKind, rareKind))
	s.mark(purposeOdd, s.purpose != 0 && role.rare(m.everyone, s.ofPurpose, rarePurpose))
	s.mark(bytesOdd, s.ev.Bytes > 0 && role.tail(byteBin(s.ev.Bytes)) < rareBytes)
}

// rare tells whether a role hardly ever does something, once enough of it was seen.
func (g *group) rare(everyone *group, of func(*group) (n, total float64), below float64) bool {
	const stands, least = 100, 400
	own, total := of(g)
	if total < least {
		return false
	}
	all, allTotal := of(everyone)
	return (all/max(allTotal, 1)*stands*below+own)/(stands+total) < below
}

func (s *scene) ofKind(g *group) (n, total float64) {
	return g.kinds[0].of(s.kind) + g.kinds[1].of(s.kind), g.kinds[0].total + g.kinds[1].total
}

func (s *scene) ofPurpose(g *group) (n, total float64) {
	return g.purposes.of(s.purpose), g.purposes.total
}

// tail is how often the group's accesses take at least that much.
func (g *group) tail(bin int) float64 {
	const least = 400
	if g.byteTotal < least {
		return 1
	}
	n := 0.0
	for _, more := range g.bytes[bin:] {
		n += more
	}
	return n / g.byteTotal
}

// markPatient finds the signals that tie the person to the patient, or the patient to trouble.
func (m *Model) markPatient(s *scene, t *tutela.Touched, v *view) uint32 {
	k := m.dir.Kinship(s.who, t.Patient)
	at := scene{}
	at.mark(self, k.Self)
	at.mark(household, k.Household)
	at.mark(family, k.Family && !k.Household)
	near := k.Colleague != 0 && s.within(m.unitOf(k.Colleague))
	at.mark(coworker, near)
	at.mark(staffChart, k.Colleague != 0 && !near)
	at.mark(vip, k.Marks.VIP)
	at.mark(sensitive, k.Marks.Sensitive)
	for _, flag := range t.Flags {
		at.flag(flag)
	}
	switch { // the nearest tie stands for those that follow from it
	case at.has(self):
		at.marks &^= 1<<household | 1<<family | 1<<neighbour | 1<<coworker | 1<<staffChart
	case at.has(household):
		at.marks &^= 1<<family | 1<<neighbour
	}
	if at.has(coworker) && at.has(staffChart) { // the flag does not tell units apart, and the roster does
		at.marks &^= 1 << coworker
	}
	at.mark(haunts, v.care.haunts && v.care.class > wrote)
	at.mark(returns, v.care.returns && !at.has(haunts))
	at.mark(crowd, v.care.crowd >= 3)
	at.mark(walk, s.person.run >= 6 && !v.explained)
	at.mark(adjacent, s.person.inOrder >= 3)
	v.sensitive = at.has(sensitive) || at.has(vip)
	return at.marks
}

// flag reads a flag that was written when the access was decided.
func (s *scene) flag(name string) {
	switch name {
	case "self":
		s.mark(self, true)
	case "household":
		s.mark(household, true)
	case "same-name", "family":
		s.mark(family, true)
	case "co-worker":
		s.mark(coworker, true)
	case "neighbour":
		s.mark(neighbour, true)
	case "vip":
		s.mark(vip, true)
	case "sensitive":
		s.mark(sensitive, true)
	}
}

// walked follows whether charts are opened one after the other.
func (p *person) walked(s *scene, v *view, isNew bool) {
	const pause, apart = 120, 16
	if v.patient == p.lastPatient {
		return
	}
	gap := v.patient - p.lastPatient
	if gap >= -apart && gap <= apart {
		p.inOrder++
	} else {
		p.inOrder = 0
	}
	now := s.ev.Time.Unix()
	if isNew && !v.explained && now-p.lastChart <= pause {
		p.run++
	} else {
		p.run = 0
	}
	p.lastPatient, p.lastChart = v.patient, now
}

// classOdds is the log-odds of a class, by what is usual for the person's peers.
func (m *Model) classOdds(s *scene, c class) float64 {
	share := s.group.classShare(c, &m.classes)
	odds := math.Log(m.classes[c].misuse / share)
	if odds > 0 && m.classes[c].personal {
		odds = max(math.Log(m.classes[c].misuse/s.person.classShare(c, share)), 0)
	}
	if m.classes[c].most > 2 && !m.classes[c].personal {
		odds += s.person.unlike(c, share)
	}
	if odds > 0 {
		odds *= tieShare
	}
	return min(max(odds, -classLimit), m.classes[c].most)
}

// unlike is what the person's own past adds to a class that is a riddle: more where it never
// happened to the person before, less where it often does, and neither by much: who has often done
// it may have been snooping all along.
func (p *person) unlike(c class, peers float64) float64 {
	const days, stands, less, more = 6, 60, -1, .7
	if p.days < days {
		return 0
	}
	own := (peers*stands + p.class[c]) / (stands + p.accesses)
	return min(max(math.Log(peers/own), less), more)
}

// classShare is how much of a person's own work is of a class, once there are days enough: people
// on call or with a task of their own are no riddle for ever. It can only take a doubt away, and
// only for charts on which others are at work.
func (p *person) classShare(c class, peers float64) float64 {
	const days, stands = 6, 80
	if p.days < days {
		return peers
	}
	return max(peers, (peers*stands+p.class[c])/(stands+p.accesses))
}

// signalOdds is the log-odds of a signal. A signal that is as common in honest work as in misuse
// says nothing; none speaks for a person.
func (m *Model) signalOdds(s *scene, g signal, explained int) float64 {
	w := &m.signals[g]
	share := w.misuse
	if explained == 1 {
		share = w.explained
	}
	peers := m.everyone
	if w.role {
		peers = s.group
	}
	return min(max(math.Log(share/peers.signalShare(g, explained, &m.signals)), 0), w.most)
}
