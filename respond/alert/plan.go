package alert

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela/detect/finding"
)

// The bounds of a plan.
const (
	maxPlan     = 256 << 10 // bytes
	maxNamed    = 200       // channels, routes, roles, schedules
	planFormat  = 1
	longestStep = 7 * 24 * time.Hour
)

// Plan says who is told of what. Its zero value tells nobody.
type Plan struct {
	Format    int                      `yaml:"version"`
	Zone      string                   `yaml:"zone"` // IANA name; UTC where it is left out
	Console   string                   `yaml:"console"`
	Channels  map[string]ChannelConfig `yaml:"channels"`
	Roles     map[string][]string      `yaml:"roles"` // of the house, to channels and schedules
	Schedules map[string]Schedule      `yaml:"schedules"`
	Routes    []Route                  `yaml:"routes"`
	Digest    Digest                   `yaml:"digest"`
	Flood     Flood                    `yaml:"flood"`
	Duties    Duties                   `yaml:"duties"`

	zone *time.Location
}

// Route says who is told of findings of a sort.
type Route struct {
	When     When     `yaml:"when"`
	To       []string `yaml:"to"` // roles, schedules or channels
	Escalate []Step   `yaml:"escalate"`
}

// When holds of a finding where everything that is set does.
type When struct {
	Rules []string      `yaml:"rules"`
	Level finding.Level `yaml:"level"` // this one and those above it
	Risk  int           `yaml:"risk"`  // at least
}

// Step is who is told when nobody has acknowledged an alert for a while.
type Step struct {
	After time.Duration `yaml:"after"` // since the alert was opened
	To    []string      `yaml:"to"`
}

// Digest is told once a day.
type Digest struct {
	At string   `yaml:"at"` // time of day, as 07:00, in the plan's zone
	To []string `yaml:"to"`
}

// Duties says who is told of what is to be done: of what comes and what is due, and of what nobody does.
type Duties struct {
	To       []string `yaml:"to"`
	Escalate []string `yaml:"escalate"` // those of To where it is left out
}

// Flood bounds how many messages a channel gets: what comes after them is told in one.
type Flood struct {
	Messages int           `yaml:"messages"`
	Per      time.Duration `yaml:"per"`
}

// Parse reads a plan. An unknown key, and what cannot be meant, is an error.
func Parse(text []byte) (*Plan, error) {
	if len(text) > maxPlan {
		return nil, fmt.Errorf("a plan of alerts takes %d bytes at most", maxPlan)
	}
	p := &Plan{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("plan of alerts: %w", err)
	}
	if err := p.complete(); err != nil {
		return nil, fmt.Errorf("plan of alerts: %w", err)
	}
	return p, nil
}

func (p *Plan) complete() error {
	if p.Format != planFormat {
		return fmt.Errorf("version is %d, and %d is understood", p.Format, planFormat)
	}
	if max(len(p.Channels), len(p.Roles), len(p.Schedules), len(p.Routes)) > maxNamed {
		return fmt.Errorf("%d channels, roles, schedules and routes each are the most", maxNamed)
	}
	var err error
	if p.zone, err = time.LoadLocation(p.Zone); err != nil {
		return fmt.Errorf("zone: %w", err)
	}
	if p.Flood == (Flood{}) {
		p.Flood = Flood{Messages: 20, Per: 10 * time.Minute}
	}
	if p.Flood.Messages < 1 || p.Flood.Per < time.Second || p.Flood.Per > 24*time.Hour {
		return fmt.Errorf("flood: one message at least, per a second to a day")
	}
	for name, c := range p.Channels {
		if err := c.check(); err != nil {
			return fmt.Errorf("channel %s: %w", name, err)
		}
	}
	return p.checkWho()
}

// checkWho holds everybody who is named to being there.
func (p *Plan) checkWho() error {
	for name, list := range p.Roles {
		if err := p.known(list, false); err != nil {
			return fmt.Errorf("role %s: %w", name, err)
		}
	}
	for name, s := range p.Schedules {
		ready, err := s.ready(p)
		if err != nil {
			return fmt.Errorf("schedule %s: %w", name, err)
		}
		p.Schedules[name] = ready
	}
	for i, r := range p.Routes {
		if err := p.checkRoute(r); err != nil {
			return fmt.Errorf("route %d: %w", i+1, err)
		}
	}
	if p.Digest.At != "" || len(p.Digest.To) > 0 {
		if _, err := time.Parse("15:04", p.Digest.At); err != nil {
			return fmt.Errorf("digest: at is a time of day, as 07:00")
		}
		if err := p.known(p.Digest.To, true); err != nil {
			return fmt.Errorf("digest: %w", err)
		}
	}
	return p.checkDuties()
}

func (p *Plan) checkDuties() error {
	if len(p.Duties.To) == 0 && len(p.Duties.Escalate) == 0 {
		return nil
	}
	if err := p.known(p.Duties.To, true); err != nil {
		return fmt.Errorf("duties: to: %w", err)
	}
	if len(p.Duties.Escalate) == 0 {
		p.Duties.Escalate = p.Duties.To
	}
	if err := p.known(p.Duties.Escalate, true); err != nil {
		return fmt.Errorf("duties: escalate: %w", err)
	}
	return nil
}

func (p *Plan) checkRoute(r Route) error {
	w := r.When
	if w.Level != "" && w.Level.Severity() == 0 || w.Risk < 0 || w.Risk > 100 {
		return fmt.Errorf("when: level is informational to critical, risk 0 to 100")
	}
	if err := p.known(r.To, true); err != nil {
		return err
	}
	last := time.Duration(0)
	for _, s := range r.Escalate {
		if s.After <= last || s.After > longestStep {
			return fmt.Errorf("escalate: steps come one after the other, within a week")
		}
		last = s.After
		if err := p.known(s.To, true); err != nil {
			return err
		}
	}
	return nil
}

// known holds names to being channels, schedules or (where they may be) roles.
func (p *Plan) known(names []string, roles bool) error {
	if len(names) == 0 {
		return fmt.Errorf("nobody is named")
	}
	for _, n := range names {
		_, channel := p.Channels[n]
		_, schedule := p.Schedules[n]
		_, role := p.Roles[n]
		if !channel && !schedule && (!role || !roles) {
			return fmt.Errorf("there is no %q", n)
		}
	}
	return nil
}

// route gives the first route that a finding takes; nil for none.
func (p *Plan) route(f finding.Finding) *Route {
	for i := range p.Routes {
		w := p.Routes[i].When
		if (len(w.Rules) == 0 || slices.Contains(w.Rules, f.Rule)) && f.Level.Severity() >= w.Level.Severity() && f.Risk >= w.Risk {
			return &p.Routes[i]
		}
	}
	return nil
}

// channels are those in which names are reached at a moment, each once.
func (p *Plan) channels(names []string, at time.Time) []string {
	var list []string
	add := func(n string) {
		if _, is := p.Channels[n]; is && !slices.Contains(list, n) {
			list = append(list, n)
		}
	}
	for _, n := range names {
		of := []string{n}
		if role, is := p.Roles[n]; is {
			of = role
		}
		for _, m := range of {
			add(m)
			if s, is := p.Schedules[m]; is {
				for _, c := range s.On(at) {
					add(c)
				}
			}
		}
	}
	return list
}
