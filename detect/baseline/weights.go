package baseline

// The weights. Misuse is rare and never labelled in a running house, so how often a thing holds in
// misuse is stated here, once, by judgement and by simulation (docs/detection.md); how often it
// holds in honest work begins at the figure here and is then learned. A term of the sum is
//
//	ln( share in misuse / share in honest work )
//
// and so says nothing where the two are alike.

// class is how care explains an access, the best explanation first.
type class uint8

// The classes.
const (
	direct    class = iota // a running relation names the person
	unitCare               // a running relation names a unit of the person's, or one that is covered
	mates                  // a running relation names a colleague of the unit
	treated                // the decision itself knew a treatment relationship
	recent                 // such a relation ended in these days, or is about to begin
	repeat                 // the person's own earlier access was explained
	team                   // colleagues of the unit work on the chart in these days
	guest                  // the person works in the patient's unit today, and writes there
	ended                  // the relation ended up to a week ago
	emergency              // the glass was broken for a patient who is in care
	wrote                  // the person writes to the chart
	inHouse                // the patient is in care here, with others
	lately                 // the patient was in care here, with others, within the month
	colleague              // one colleague of the unit was on the chart in these days
	active                 // others are on the chart in these days
	longEnded              // the relation ended more than a week ago
	broken                 // the glass was broken, and nobody is treating the patient
	idle                   // nothing known: nobody is treating the patient
	classes
)

// classWeight says how often a class holds: in misuse, and in honest work before anything is learned.
type classWeight struct {
	misuse, honest float64
	most           float64 // log-odds that it counts for at most
	strong         bool    // explains by itself; the others explain where they are usual for the role
	personal       bool    // may be a person's own usual, which takes the doubt away
	why            string
}

func classWeights() [classes]classWeight {
	return [classes]classWeight{
		direct:    {.03, .30, 0, true, false, "misuse of one's own patients is fraud, theft and sharing of an account, and other marks must show it"},
		unitCare:  {.04, .30, 0, true, false, "colleagues' patients lie within reach, and most snoops look beyond the ward"},
		mates:     {.03, .05, 0, true, false, "as for the unit, where relations name persons only"},
		treated:   {.02, .05, 0, true, false, "the policy's own word at the moment of the decision"},
		recent:    {.02, .05, 0, true, false, "letters and results follow a discharge; preparations go before a visit"},
		repeat:    {.02, .05, 0, true, false, "one follows up what one was asked to treat"},
		team:      {.03, .05, 0, true, false, "several colleagues of one unit rarely snoop on one chart in the same days"},
		ended:     {.03, .02, 2.5, false, false, "curiosity about how a patient fares begins when the care has ended"},
		emergency: {.02, .005, 2, false, true, "broken glass is an alert, and misused less than it is used"},
		guest:     {.020, .01, 0, true, true, "who stands in documents; who browses a ward does not"},
		wrote:     {.03, .03, 1, false, true, "who looks out of curiosity leaves nothing behind"},
		inHouse:   {.13, .06, 3, false, true, "consults, laboratory and imaging look so, and wrong-ward browsing too"},
		lately:    {.10, .03, 5, false, true, "billing and coding look so"},
		colleague: {.03, .02, 2, false, true, "one colleague may have called for help, or told a story"},
		active:    {.04, .02, 2.5, false, true, "somebody is treating the patient, and no relation was delivered"},
		longEnded: {.05, .01, 3.5, false, false, "weeks after the end few have a reason left"},
		broken:    {.03, .002, 3, false, false, "an emergency leaves more traces than one person's word"},
		idle:      {.25, .03, 5, false, false, "neighbours, relatives and the famous are mostly not in care at that moment"},
	}
}

// signal is what tells of misuse.
type signal uint8

// The signals of an event.
const (
	self signal = iota
	household
	family
	coworker
	staffChart
	neighbour
	vip
	sensitive
	hourOdd
	hourRare
	addressNew
	addressOther
	twoPlaces
	typeOdd
	purposeOdd
	exported
	bytesOdd
	denied
	leftToday
	departed
	notYet
	unlisted
	dormant
	returns
	haunts
	walk
	adjacent
	crowd
	signals
)

// ofPatient tells whether a signal is about the patient, and so counted by charts and not by accesses.
func (s signal) ofPatient() bool { return s <= sensitive || s >= returns }

// signalWeight says how often a signal holds in misuse and, before anything is learned, in honest
// work, each for accesses that care does not explain and for those that it does.
type signalWeight struct {
	misuse, explained float64 // share of misuse, unexplained and explained
	honest            float64 // share of honest work
	most              float64 // log-odds that it counts for at most: what is merely rare is no guilt
	role              bool    // learned for each role, not for everybody together
	why               string
	text              string // the reason, as people read it
}

func signalWeights() [signals]signalWeight {
	return [signals]signalWeight{
		self:         {.04, .02, .0005, 6, false, "most houses forbid it", "the chart is the person's own"},
		household:    {.10, .03, .0003, 6, false, "family and ex-partners are the commonest victims", "the patient lives in the person's household"},
		family:       {.08, .02, .004, 3.2, false, "relatives share a name, and so do strangers", "the patient bears the person's family name"},
		coworker:     {.10, .03, .001, 4.5, false, "colleagues are patients too, and interesting ones", "the patient is a colleague of the same unit"},
		staffChart:   {.05, .02, .01, 1, false, "and so are those of other wards", "the patient is a member of staff of another unit"},
		neighbour:    {.08, .02, .001, 5, false, "neighbours are known and talked about", "the patient lives near the person"},
		vip:          {.12, .05, .004, 4.2, false, "fame draws the curious", "the patient is of public interest"},
		sensitive:    {.12, .08, .05, 0.8, true, "what must stay secret sells and wounds most", "the chart is specially protected"},
		hourOdd:      {.15, .10, .02, 1.0, true, "misuse is done when nobody looks over the shoulder", "the hour is unusual for the person"},
		hourRare:     {.12, .06, .005, 2.2, true, "an hour at which neither the person nor the peers work", "the person practically never works at that hour, and peers hardly"},
		addressNew:   {.10, .08, .002, 3.5, false, "a stolen account is used from elsewhere", "the address was never seen in this house"},
		addressOther: {.06, .05, .02, 0.8, true, "somebody else's workstation", "the address is new for the person"},
		twoPlaces:    {.06, .05, .002, 0.5, true, "one person does not sit in two places", "the account worked from another address minutes before"},
		typeOdd:      {.12, .08, .005, 1.5, true, "a role has its parts of a chart", "the role hardly ever opens that part of a chart"},
		purposeOdd:   {.08, .08, .003, 2, true, "a purpose that the role does not have is a pretext", "the role hardly ever gives that purpose"},
		exported:     {.10, .10, .001, 2.5, true, "data leaves by export", "the data was exported"},
		bytesOdd:     {.08, .08, .003, 1.2, true, "theft takes much at once", "far more data than the role usually takes at once"},
		denied:       {.05, .05, .01, 0.7, true, "who tries doors meets closed ones", "the access was refused"},
		leftToday:    {.02, .02, .0002, 4, false, "accounts outlive people by a day, and some use it", "the person's employment has just ended"},
		departed:     {.05, .05, .00001, 5, false, "nobody works who has left", "the person does not work here any more"},
		notYet:       {.01, .01, .0005, 1, false, "rosters are late more often than people early", "the person's employment has not begun"},
		unlisted:     {.03, .03, .001, 3, false, "an account that no roster knows", "the roster does not know the person"},
		dormant:      {.05, .05, .0003, 4, false, "an account that slept a month wakes in other hands", "the account had not been used for a month"},
		returns:      {.25, .02, .03, 2, true, "an obsession comes back, without ever having a reason", "the person came back to the chart on several days, without a part in the care"},
		haunts:       {.12, .01, .005, 4, false, "nobody opens the wrong chart three times", "the person came back to the chart on three days and more, without a part in the care"},
		walk:         {.10, .05, .002, 5, true, "charts opened one after the other, none twice, are a harvest", "one new chart after the other, without a pause"},
		adjacent:     {.05, .05, .0001, 4, false, "nobody is treated in the order of the numbers", "charts in the order of their numbers"},
		crowd:        {.10, .03, .01, 1, false, "gossip brings many who have no part", "several others without a part in the care looked at the chart in these days"},
	}
}

// measure is what a person's day is counted by.
type measure uint8

// The measures.
const (
	events measure = iota
	patients
	newPatients
	unexplained
	hours
	kilobytes
	refusals
	addresses
	measures
)

// measureWeight says how a measure is judged: those of one family tell the same story, and only
// the strongest of them counts.
type measureWeight struct {
	family int
	scale  float64 // how much a step of it is worth, against the table of steps
	most   float64 // log-odds that it counts for at most
	unit   string  // as in "opened 140 charts"
}

func measureWeights() [measures]measureWeight {
	return [measures]measureWeight{
		events:      {0, .8, 1.5, "accesses"},
		patients:    {0, 1, 3.5, "different charts"},
		newPatients: {0, .9, 3.5, "charts new to the person"},
		kilobytes:   {0, .8, 2.5, "kilobytes of patient data"},
		unexplained: {1, 1, 3, "charts that nothing explains"},
		hours:       {2, .6, 0.5, "hours of the day with activity"},
		refusals:    {3, .6, 1.5, "refused accesses"},
		addresses:   {4, .5, 0.3, "network addresses"},
	}
}

// families is how many families of measures there are.
const families = 5

// steps are how many standard deviations a measure lies above the usual, with how often misuse
// reaches that and how often honest work does before anything is learned.
type step struct{ from, misuse, honest float64 }

const stepCount = 7

func steps() [stepCount]step {
	return [stepCount]step{
		{1.5, .30, .08}, {2, .24, .04}, {2.5, .20, .02}, {3, .16, .01}, {4, .12, .003}, {6, .07, .0005}, {9, .05, .0001},
	}
}

// strangeSteps are how much where a person's account is used speaks for somebody else (the sum of
// ln(chance that anybody of the unit sits there / chance that the person does) over the day's logins).
func strangeSteps() [stepCount]step {
	return [stepCount]step{
		{-1, .14, .10}, {0, .12, .05}, {.5, .11, .03}, {1, .10, .015}, {2, .08, .005}, {4, .05, .001}, {6, .03, .0003},
	}
}

// The rest of the arithmetic.
const (
	noChart    = -2   // and what concerns no patient is none, but for what comes with it
	priorEvent = -6.9 // ln odds that an access is misuse, before anything is known of it: one in a thousand
	classLimit = 5.0  // no class takes away more
	tieShare   = 0.6  // of what the lack of a tie is worth: where one is missing, others mostly are, and style says the same
	peerShare  = 0.5  // of what a measure is worth against peers, beside against one's own past
	trust      = 1000 // honest accesses that the figures above stand for until as many were learned
	roleTrust  = 200  // accesses of everybody that a role's own figures must outweigh
	unitTrust  = 100  // accesses of the role that a unit's own figures must outweigh
	dayTeaches = 30   // accesses of one person's day from which shares are learned: a burst does not teach
)
