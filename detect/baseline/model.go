package baseline

import (
	"math"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/roster"
)

// Model scores events as they come. It is not safe for concurrent use.
type Model struct {
	cfg Config
	dir *roster.Directory

	classes  [classes]classWeight
	signals  [signals]signalWeight
	measures [measures]measureWeight

	began    date
	people   []*person // by number, nil for those who did nothing yet
	everyone *group
	groups   map[groupKey]*group
	visits   visits
	house    map[uint64]date // addresses from which anybody works, and when last
	kinds    map[[2]string]int
	purposes map[tutela.Purpose]int
	budget   budget

	uncovered float64 // how little relations are delivered here: 1 not at all, 0 for half of all accesses or more
}

// Score is what the model says of one event.
type Score struct {
	Value        float64 // how likely it is misuse, 0 to 1
	Explained    bool    // care explains it, and nothing speaks against that
	Explanations []string
	Reasons      []string // what tells of misuse, the strongest first
}

// New makes a model that has learned nothing. It asks the directory at every event, so facts that
// come later count from then on.
func New(cfg Config, dir *roster.Directory) *Model {
	m := &Model{
		cfg: cfg.filled(), dir: dir,
		classes: classWeights(), signals: signalWeights(), measures: measureWeights(),
		everyone: newGroup(nil, 0),
		groups:   map[groupKey]*group{},
		visits:   visits{},
		house:    map[uint64]date{},
		kinds:    map[[2]string]int{},
		purposes: map[tutela.Purpose]int{},
	}
	m.budget.share = m.cfg.Budget
	return m
}

// Observe scores an event and learns from it. Events come in the order of their time.
func (m *Model) Observe(ev *event.Event) Score {
	if ev.Actor.ID == "" || ev.Actor.Kind == tutela.ActorSystem || ev.Log != nil {
		return Score{Explained: true, Explanations: []string{textNobody}}
	}
	s := m.scene(ev)
	if m.began == 0 {
		m.began = s.day
	}
	m.markActor(&s)
	s.tally.count(&s)
	touched := charts(ev.Patients)
	if len(touched) == 0 {
		return m.withoutChart(&s)
	}
	return m.withCharts(&s, touched)
}

// charts leaves out what stands for no patient.
func charts(all []tutela.Touched) []tutela.Touched {
	for i, t := range all {
		if t.Patient == tutela.BucketGeneral || t.Patient == tutela.BucketShared {
			rest := append([]tutela.Touched{}, all[:i]...)
			for _, t := range all[i+1:] {
				if t.Patient != tutela.BucketGeneral && t.Patient != tutela.BucketShared {
					rest = append(rest, t)
				}
			}
			return rest
		}
	}
	return all
}

// withoutChart scores what concerns no patient: only how, when and from where can tell.
func (m *Model) withoutChart(s *scene) Score {
	sum := sum{odds: priorEvent + noChart}
	m.addSignals(s, &sum, s.marks, 1, 1)
	sum.alone = sum.odds
	m.addDay(s, &sum, refusals, 1)
	m.learn(s, nil)
	score := m.close(s, &sum, nil, 0)
	score.Explanations = append(score.Explanations, textNoChart)
	score.Explained = score.Value < doubt
	return score
}

// doubt is the value from which on an access counts as unexplained, whatever explains it.
const doubt = 0.15

// view is one chart of an event, judged.
type view struct {
	patient   tutela.Bucket
	care      care
	explained bool
	marks     uint32
	odds      float64 // of class and signals about the patient
	depth     float64 // of how often the person has opened it that day, beside odds
	style     float64 // of how unlike an errand it is
	today     bool    // the first time that day
	sensitive bool
}

// maxViews bounds how many charts of one event are judged; listed is from how many on they were a
// list to choose from and not charts that were opened.
const (
	maxViews = 64
	listed   = 5
)

// withCharts scores an access by the chart for which there is least reason.
func (m *Model) withCharts(s *scene, touched []tutela.Touched) Score {
	list := len(touched) > listed && s.ev.Action == tutela.ActionSearch
	var worst view
	mean, n := 0.0, min(len(touched), maxViews)
	actor := m.actorOdds(s)
	for i := range n {
		v := m.view(s, &touched[i])
		if i == 0 || v.odds > worst.odds {
			worst = v
		}
		mean += v.odds / float64(n)
		if !list && !s.has(denied) {
			m.visit(s, &v)
			chart := s.tally.chart(&v, m.classOdds(s, v.care.class), priorEvent+v.odds+actor[known(v.explained)])
			chart.read(s, &v, m.unlikeRole(s, known(v.explained)))
			role := m.groupOf(groupKey{role: s.role})
			v.style = chart.ofStyle(role)
			if !v.explained {
				v.depth = role.depthSoFar(chart.times)
			}
			if i == 0 || v.odds >= worst.odds {
				worst = v
			}
		}
		if v.today {
			m.learnChart(s, &v)
		}
	}
	s.tally.values[patients] += float64(len(touched) - n)
	worst.odds -= math.Log(float64(n)) / 2
	if list {
		worst.odds = mean
	}
	sum := sum{odds: priorEvent}
	m.addView(s, &sum, &worst)
	m.learn(s, &worst)
	score := m.close(s, &sum, &worst, len(touched))
	score.Explanations = append(score.Explanations, m.explain(s, &worst))
	score.Explained = worst.explained && score.Value < doubt
	return score
}

// view judges one chart of an event.
func (m *Model) view(s *scene, t *tutela.Touched) view {
	v := view{patient: t.Patient, care: m.care(s, t)}
	v.explained = m.explains(s, v.care.class)
	v.marks = m.markPatient(s, t, &v)
	v.odds = m.classOdds(s, v.care.class)
	for g := range signals {
		if v.marks&(1<<g) != 0 {
			v.odds += m.signalOdds(s, g, known(v.explained))
		}
	}
	return v
}

// known gives the index under which shares of signals are learned.
func known(explained bool) int {
	if explained {
		return 1
	}
	return 0
}

// explains tells whether a class explains an access: by itself, or because it is how the role works.
func (m *Model) explains(s *scene, c class) bool {
	w := &m.classes[c]
	share := s.group.classShare(c, &m.classes)
	return w.strong || share > 1.2*w.misuse && (c != idle || share > .5)
}

// visit remembers that the person was at the chart.
func (m *Model) visit(s *scene, v *view) {
	marks := visitDoubtful
	if v.explained {
		marks = visitExplained
	}
	if s.writes {
		marks |= visitWrote
	}
	isNew, today := m.visits.add(v.patient, s.who, s.day, marks)
	if today {
		s.tally.values[patients]++
	}
	if isNew {
		s.tally.values[newPatients]++
	}
	v.today = today
	m.doubt(s, v, today)
	s.person.walked(s, v, isNew)
}

// doubt counts charts that nothing explains. Those of a foreign unit are taken back once it shows
// that the person works there.
func (m *Model) doubt(s *scene, v *view, today bool) {
	g := s.tally.guest(v.care.unit)
	foreign := g != nil && (v.care.class == inHouse || v.care.class == wrote || v.care.class == guest)
	if foreign {
		if today {
			g.charts++
		}
		if s.writes {
			g.written++
		}
		if g.works() {
			s.tally.values[unexplained] -= float64(g.doubtful)
			g.doubtful = 0
		}
	}
	if today && !v.explained && m.classOdds(s, v.care.class) > 1 {
		s.tally.values[unexplained]++
		if foreign {
			g.doubtful++
		}
	}
}

// actorOdds is what the signals that depend on no patient are worth, for an access that care does
// not explain and for one that it does.
func (m *Model) actorOdds(s *scene) (odds [2]float64) {
	for g := range signals {
		if s.has(g) {
			odds[0] += m.signalOdds(s, g, 0)
			odds[1] += m.signalOdds(s, g, 1)
		}
	}
	if s.person.habit > 0 {
		odds[0] += s.person.habit
	}
	return odds
}

// personOf gives what is learned of somebody.
func (m *Model) personOf(n roster.Person) *person {
	for int(n) >= len(m.people) {
		m.people = append(m.people, nil)
	}
	if m.people[n] == nil {
		m.people[n] = &person{}
	}
	return m.people[n]
}

// groupOf gives a group of peers, a new one for peers never seen.
func (m *Model) groupOf(key groupKey) *group {
	if key == (groupKey{}) {
		return m.everyone
	}
	if g, ok := m.groups[key]; ok {
		return g
	}
	parent, weight := m.everyone, float64(roleTrust)
	if key.unit != 0 {
		parent, weight = m.groupOf(groupKey{role: key.role}), unitTrust
	}
	if len(m.groups) >= maxGroups {
		return parent
	}
	g := newGroup(parent, weight)
	m.groups[key] = g
	return g
}
