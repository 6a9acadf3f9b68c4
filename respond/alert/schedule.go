package alert

import (
	"fmt"
	"time"
)

// Schedule says who is on call: people take turns, from a handover to the next.
type Schedule struct {
	Zone      string     `yaml:"zone"`     // IANA name; the plan's where it is left out
	Starts    string     `yaml:"starts"`   // date of the first one's first handover
	Handover  string     `yaml:"handover"` // time of day, as 08:00
	Every     int        `yaml:"every"`    // days; 7 where it is left out
	People    []Turn     `yaml:"people"`
	Overrides []Override `yaml:"overrides"`

	zone  *time.Location
	start time.Time
}

// Turn is somebody who takes turns, and the channels in which he is reached.
type Turn struct {
	Name string   `yaml:"name"`
	Via  []string `yaml:"via"`
}

// Override puts somebody in another's place.
type Override struct {
	From time.Time `yaml:"from"`
	To   time.Time `yaml:"to"`
	Name string    `yaml:"name"`
}

func (s Schedule) ready(p *Plan) (Schedule, error) {
	s.zone = p.zone
	var err error
	if s.Zone != "" {
		if s.zone, err = time.LoadLocation(s.Zone); err != nil {
			return s, err
		}
	}
	if s.Every == 0 {
		s.Every = 7
	}
	if s.start, err = time.ParseInLocation("2006-01-02 15:04", s.Starts+" "+s.Handover, s.zone); err != nil {
		return s, fmt.Errorf("starts is a date, as 2026-11-23, and handover a time of day, as 08:00")
	}
	if s.Every < 1 || s.Every > 366 || len(s.People) == 0 || len(s.People) > maxNamed {
		return s, fmt.Errorf("turns last 1 to 366 days, and somebody takes them")
	}
	for _, t := range s.People {
		if err := p.onlyChannels(t.Via); t.Name == "" || err != nil {
			return s, fmt.Errorf("%q: a name, and channels: %w", t.Name, err)
		}
	}
	for _, o := range s.Overrides {
		if !o.From.Before(o.To) || s.turn(o.Name) == nil {
			return s, fmt.Errorf("an override goes from a time to a later one, and names one of the people")
		}
	}
	return s, nil
}

func (p *Plan) onlyChannels(names []string) error {
	if len(names) == 0 {
		return fmt.Errorf("nothing is named")
	}
	for _, n := range names {
		if _, is := p.Channels[n]; !is {
			return fmt.Errorf("there is no channel %q", n)
		}
	}
	return nil
}

func (s Schedule) turn(name string) *Turn {
	for i := range s.People {
		if s.People[i].Name == name {
			return &s.People[i]
		}
	}
	return nil
}

// Who is on call at a moment. Handovers are at the same time of day whatever the clocks do meanwhile: they are
// counted in days of the calendar.
func (s Schedule) Who(at time.Time) Turn {
	for _, o := range s.Overrides {
		if !at.Before(o.From) && at.Before(o.To) {
			return *s.turn(o.Name)
		}
	}
	turns := floorDiv(days(s.start, at.In(s.zone)), s.Every)
	if at.Before(s.handover(turns)) {
		turns--
	}
	n := len(s.People)
	return s.People[((turns%n)+n)%n]
}

// handover is when a turn begins. A time of day that the clocks leave out is as much later as they are put on.
func (s Schedule) handover(turn int) time.Time {
	y, m, d := s.start.Date()
	return time.Date(y, m, d+turn*s.Every, s.start.Hour(), s.start.Minute(), 0, 0, s.zone)
}

// On are the channels in which whoever is on call is reached.
func (s Schedule) On(at time.Time) []string { return s.Who(at).Via }

// days counts the days of the calendar from one to another.
func days(from, to time.Time) int {
	day := func(t time.Time) int64 {
		y, m, d := t.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400
	}
	return int(day(to) - day(from))
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b != 0 && a < 0 {
		q--
	}
	return q
}
