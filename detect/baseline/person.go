package baseline

import (
	"math"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/roster"
	"github.com/tutela-health/tutela/detect/state"
)

const (
	hourBins  = 48 // hours of a working day, then of a day of the weekend
	byteBins  = 42 // powers of two
	maxPlaces = 24 // addresses that are remembered of one person
	maxKinds  = 2048
)

// person is what is learned of one account.
type person struct {
	known        bool
	first, seen  date
	woke         date        // when the account was used again after a month
	unit         roster.Unit // where the latest access came from
	role         roster.Role
	hour         [hourBins]float64
	hourTotal    float64
	places       []place
	logins       float64
	lastPlace    uint64
	lastSession  uint64
	lastAt       int64 // seconds since 1970
	lastPatient  tutela.Bucket
	lastChart    int64   // when another chart than the one before was opened
	worst        float64 // the highest log-odds of the running session
	worstSession uint64
	worstAt      int64
	run          int // new unexplained charts in a row, without a pause
	inOrder      int // charts in a row whose numbers follow each other

	accesses float64          // of which the classes were counted
	class    [classes]float64 // how care explained them

	days     float64           // of which the means consist
	measure  [measures]float64 // sums of ln(1+value) by day
	patients float64           // distinct ones by day, of a month
	doubtful float64           // those of them that nothing explained
	habit    float64           // the log-odds that the month's doubtful share is worth

	open []*tally // days that have not ended
}

// place is a network address as a person uses it.
type place struct {
	hash   uint64
	last   date
	logins float64 // how often the person sat down there
}

// settledLogins is how many times a person must have sat down anywhere before it counts where.
const settledLogins = 15

// strange is the log-odds that somebody else sits at an address, as far as the person's habits say.
func (p *person) strange(hash uint64) float64 {
	const elsewhere, stands = .1, 2 // anybody's chance to sit at a certain address of the unit
	logins := 0.0
	for i := range p.places {
		if p.places[i].hash == hash {
			logins = p.places[i].logins
		}
	}
	return math.Log(elsewhere * (p.logins + stands) / (logins + elsewhere*stands))
}

// knows tells whether a person has used an address.
func (p *person) knows(hash uint64) bool {
	for i := range p.places {
		if p.places[i].hash == hash {
			return true
		}
	}
	return false
}

// use remembers an address; the one that was not used for longest makes room.
func (p *person) use(hash uint64, day date, login float64) {
	p.logins += login
	oldest := 0
	for i := range p.places {
		if p.places[i].hash == hash {
			p.places[i].last = day
			p.places[i].logins += login
			return
		}
		if p.places[i].last < p.places[oldest].last {
			oldest = i
		}
	}
	if len(p.places) < maxPlaces {
		p.places = append(p.places, place{hash, day, login})
		return
	}
	p.places[oldest] = place{hash, day, login}
}

// usual gives the mean of a measure in the person's own days, shrunk to that of peers.
func (p *person) usual(m measure, peers float64) float64 {
	const stands = 4
	return (peers*stands + p.measure[m]) / (stands + p.days)
}

// hourShare is how much of the person's work falls into an hour, shrunk to that of peers, as a
// multiple of an even spread. It is 1 while too little is known.
func (p *person) hourShare(g *group, bin int) float64 {
	const stands, least = 40, 300
	if p.hourTotal+g.hourTotal < least {
		return 1
	}
	return (g.hourShare(bin)*stands + around(&p.hour, bin)*hourBins) / (stands + p.hourTotal)
}

// hourShare is how much of the group's work falls into an hour, as a multiple of an even spread.
func (g *group) hourShare(bin int) float64 {
	const stands = 100
	if g.parent == nil {
		return (stands + around(&g.hour, bin)*hourBins) / (stands + g.hourTotal)
	}
	return (g.parent.hourShare(bin)*stands + around(&g.hour, bin)*hourBins) / (stands + g.hourTotal)
}

// around counts an hour with its neighbours, which count half: shifts do not begin on the dot.
func around(hours *[hourBins]float64, bin int) float64 {
	half := bin / 24 * 24
	before, after := half+(bin-half+23)%24, half+(bin-half+1)%24
	return hours[bin]/2 + (hours[before]+hours[after])/4
}

// fade lets what is learned of a person lose a day's worth.
func (p *person) fade(by float64) {
	scale(p.hour[:], by)
	scale(p.measure[:], by)
	scale(p.class[:], by)
	p.accesses *= by
	p.hourTotal *= by
	p.logins *= by
	for i := range p.places {
		p.places[i].logins *= by
	}
	p.days *= by
	p.patients *= by
	p.doubtful *= by
}

// byteBin gives the power of two of an amount.
func byteBin(n int64) int {
	if n <= 0 {
		return 0
	}
	return min(int(math.Log2(float64(n)))+1, byteBins-1)
}

func (p *person) pass(c state.Codec) {
	c.Bool(&p.known)
	state.Integer(c, &p.first)
	state.Integer(c, &p.seen)
	state.Integer(c, &p.woke)
	state.Integer(c, &p.unit)
	state.Integer(c, &p.role)
	c.Floats(p.hour[:])
	c.Float(&p.hourTotal)
	state.List(c, &p.places, maxPlaces, func(one *place) {
		state.Hash(c, &one.hash)
		state.Integer(c, &one.last)
		c.Float(&one.logins)
	})
	c.Float(&p.logins)
	state.Hash(c, &p.lastPlace)
	state.Hash(c, &p.lastSession)
	state.Integer(c, &p.lastAt)
	state.Integer(c, &p.lastPatient)
	state.Integer(c, &p.lastChart)
	c.Float(&p.worst)
	state.Hash(c, &p.worstSession)
	state.Integer(c, &p.worstAt)
	state.Integer(c, &p.run)
	state.Integer(c, &p.inOrder)
	c.Floats(p.measure[:])
	c.Floats(p.class[:])
	c.Float(&p.accesses)
	for _, n := range []*float64{&p.days, &p.patients, &p.doubtful, &p.habit} {
		c.Float(n)
	}
	state.List(c, &p.open, maxOpen, func(one **tally) {
		if *one == nil {
			*one = &tally{}
		}
		(*one).pass(c)
	})
}
