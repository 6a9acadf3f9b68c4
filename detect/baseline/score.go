package baseline

import (
	"math"
	"slices"
	"time"

	"github.com/tutela-health/tutela/detect/roster"
)

// sum is a score as it is added up.
type sum struct {
	odds  float64
	alone float64 // before the day around it was added
	terms []term
}

// term is one thing that was added, with its words.
type term struct {
	odds float64
	text string
}

// worthWords is what a term must be worth to be told.
const worthWords = .7

func (s *sum) add(odds float64, text string) {
	s.odds += odds
	if odds >= worthWords && text != "" {
		s.terms = append(s.terms, term{odds, text})
	}
}

// words gives the reasons, the strongest first.
func (s *sum) words() []string {
	if len(s.terms) == 0 {
		return nil
	}
	slices.SortStableFunc(s.terms, func(a, b term) int {
		switch {
		case a.odds > b.odds:
			return -1
		case a.odds < b.odds:
			return 1
		}
		return 0
	})
	list := make([]string, 0, len(s.terms))
	for _, t := range s.terms[:min(len(s.terms), maxWords)] {
		list = append(list, t.text)
	}
	return list
}

// addSignals adds what each mark is worth.
func (m *Model) addSignals(s *scene, total *sum, marks uint32, weight float64, explained int) {
	if marks == 0 {
		return
	}
	for g := range signals {
		if marks&(1<<g) != 0 {
			total.add(weight*m.signalOdds(s, g, explained), m.signals[g].text)
		}
	}
}

// addDay adds what it is worth that a measure of the person's day is far above the usual already.
func (m *Model) addDay(s *scene, total *sum, of measure, weight float64) {
	value := s.tally.values[of]
	if odds := weight * min(m.measures[of].scale*s.tally.usual[of].odds(value, 0), m.measures[of].most); odds > 0 {
		text := ""
		if odds >= worthWords {
			text = m.measureText(s.tally, of)
		}
		total.add(odds, text)
	}
}

// addView adds up an access to a chart: care first, then the signals, then the day around it.
func (m *Model) addView(s *scene, total *sum, v *view) {
	const beside = .3 // an explained access says that little about the burst in which it stands
	side := known(v.explained)
	total.odds += v.odds
	if odds := m.classOdds(s, v.care.class); odds >= worthWords {
		total.terms = append(total.terms, term{odds, m.missing(v.care.class)})
	}
	for g := range signals {
		if v.marks&(1<<g) == 0 {
			continue
		}
		if odds := m.signalOdds(s, g, side); odds >= worthWords {
			total.terms = append(total.terms, term{odds, m.signals[g].text})
		}
	}
	m.addSignals(s, total, s.marks, 1, side)
	if !v.explained {
		total.add(s.person.habit, textHabit)
	}
	total.add(v.depth, textDepth)
	total.add(v.style, textStyle)
	total.add(m.taint(s), textTaint)
	total.alone = total.odds
	weight := beside
	if !v.explained {
		weight = 1
		m.addDay(s, total, unexplained, 1)
	}
	m.addDay(s, total, m.strongest(s.tally, 0, nil), weight)
	m.addDay(s, total, refusals, weight)
	total.add(s.tally.strangeOdds, textStrange)
}

// taint is what the highest of the session's earlier accesses says about this one: who came to
// steal does not stop at the first chart. It follows the session, or where none is named the
// account for half an hour.
func (m *Model) taint(s *scene) float64 {
	const from, share, most = priorEvent + 2, .6, 4
	return min(max(share*(s.person.worst-from), 0), most)
}

// follow keeps the highest access of a session.
func (p *person) follow(s *scene, odds float64) {
	const pause = 30 * 60
	session, now := hashOf(s.ev.Session), s.ev.Time.Unix()
	if session != p.worstSession || now-p.worstAt > pause {
		p.worst = priorEvent
	}
	p.worst, p.worstSession, p.worstAt = max(p.worst, odds), session, now
}

// strongest gives the measure of a family that is worth most.
func (m *Model) strongest(t *tally, family int, role *tide) measure {
	best, most := events, math.Inf(-1)
	for of := range measures {
		w := &m.measures[of]
		if w.family != family {
			continue
		}
		if odds := min(w.scale*t.usual[of].odds(t.values[of], role.of(of)), w.most); odds > most {
			best, most = of, odds
		}
	}
	return best
}

// close turns a sum into a score and keeps what the day needs of it.
func (m *Model) close(s *scene, total *sum, v *view, charts int) Score {
	s.person.follow(s, total.odds-m.taint(s))
	score := Score{Value: logistic(total.odds), Reasons: total.words()}
	t := s.tally
	if v == nil {
		t.peak = max(t.peak, total.alone)
	}
	if len(t.shown) < maxShown || total.odds > priorEvent {
		one := shownAccess{entry: s.ev.ID, odds: total.odds, reasons: score.Reasons}
		if v != nil {
			one.patient, one.sensitive = v.patient, v.sensitive
		}
		t.show(one)
	}
	if s.has(departed) && charts > 0 && !s.has(denied) {
		t.certain = "charts were opened with the account of somebody who does not work here any more"
	}
	return score
}

// learn takes an access into what is usual. A person's day teaches shares by its first accesses
// only, so that a burst does not make itself usual.
func (m *Model) learn(s *scene, v *view) {
	p := s.person
	if !p.known {
		p.known, p.first = true, s.day
	}
	p.seen = max(p.seen, s.day)
	p.unit, p.role = s.units[0], s.role
	p.hour[s.bin]++
	p.hourTotal++
	if s.place != 0 {
		p.use(s.place, s.day, oneIf(s.login))
		if _, known := m.house[s.place]; known || len(m.house) < maxHouse {
			m.house[s.place] = s.day
		}
	}
	if s.tally.taught++; s.tally.taught > dayTeaches {
		return
	}
	for g := s.group; g != nil; g = g.parent {
		g.learn(s, v)
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// maxHouse bounds how many addresses of the house are remembered.
const maxHouse = 100_000

func (g *group) learn(s *scene, v *view) {
	g.hour[s.bin]++
	g.hourTotal++
	if s.purpose != 0 {
		g.purposes.add(s.purpose)
	}
	if s.ev.Bytes > 0 {
		g.bytes[byteBin(s.ev.Bytes)]++
		g.byteTotal++
	}
	marks, side := s.marks, 1
	if v != nil {
		side = known(v.explained)
	}
	g.state[side]++
	if s.kind != 0 {
		g.kinds[side].add(s.kind)
	}
	for n := range signals {
		if marks&(1<<n) != 0 {
			g.signals[side][n]++
		}
	}
}

// learnChart takes the first access of a person's day to a chart into what is usual: how care
// explains it, and what ties the person to the patient.
func (m *Model) learnChart(s *scene, v *view) {
	if s.tally.charted++; s.tally.charted > dayTeaches {
		return
	}
	s.person.class[v.care.class]++
	s.person.accesses++
	side := known(v.explained)
	for g := s.group; g != nil; g = g.parent {
		g.accesses++
		g.class[v.care.class]++
		g.charts[side]++
		for n := range signals {
			if v.marks&(1<<n) != 0 {
				g.signals[side][n]++
			}
		}
	}
}

func logistic(odds float64) float64 { return 1 / (1 + math.Exp(-odds)) }

// EndOf closes a day and those before it, and gives each person's, in the order in which the
// persons were first seen. day is any time within the day.
func (m *Model) EndOf(at time.Time) []Day {
	last := m.cfg.dateOf(at)
	var closed []closing
	for n, p := range m.people {
		if p == nil {
			continue
		}
		left := p.open[:0]
		for _, t := range p.open {
			if t.day <= last {
				closed = append(closed, closing{who: roster.Person(n), person: p, group: m.home(p), tally: t})
			} else {
				left = append(left, t)
			}
		}
		clear(p.open[len(left):])
		p.open = left
	}
	m.judge(closed)
	days := m.flag(closed)
	for i := range closed {
		m.teach(&closed[i])
	}
	m.grow(last)
	return days
}
