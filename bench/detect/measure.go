package main

import (
	"cmp"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/baseline"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/roster"
)

// scored is a score beside the truth.
type scored struct {
	value  float64
	misuse *kindResult // nil for honest work
}

// trial replays what a generator tells and keeps what is needed to judge the model.
type trial struct {
	*roster.Directory
	model  *baseline.Model
	events []scored
	days   []scored

	benign, explained int
	flagged           int
	kinds             map[string]*kindResult
	bad               map[tutela.UserID]string // kinds of misuse of the running day, by person
	alarms            []baseline.Day           // flagged without a cause
	missed            []baseline.Day
	observe           func(ev *event.Event, misuse string, s baseline.Score)
}

// kindResult is how one kind of misuse fared.
type kindResult struct {
	Days, Flagged  int
	Events, Unseen int // events, and those of them that were called explained
	EventAUC       float64
	DayAUC         float64
}

func newTrial(cfg baseline.Config) *trial {
	dir := roster.New()
	return &trial{Directory: dir, model: baseline.New(cfg, dir), kinds: map[string]*kindResult{}, bad: map[tutela.UserID]string{}}
}

// Event scores an event and compares with the truth.
func (t *trial) Event(ev *event.Event, misuse string) {
	t.judge(ev, misuse, t.model.Observe(ev))
}

// judge compares a score with the truth.
func (t *trial) judge(ev *event.Event, misuse string, s baseline.Score) {
	one := scored{value: s.Value}
	if misuse != "" {
		one.misuse = t.kind(misuse)
	}
	t.events = append(t.events, one)
	if t.observe != nil {
		t.observe(ev, misuse, s)
	}
	if misuse == "" {
		t.benign++
		if s.Explained {
			t.explained++
		}
		return
	}
	t.bad[ev.Actor.ID] = misuse
	k := t.kind(misuse)
	k.Events++
	if s.Explained {
		k.Unseen++
	}
}

func (t *trial) kind(name string) *kindResult {
	if t.kinds[name] == nil {
		t.kinds[name] = &kindResult{}
	}
	return t.kinds[name]
}

// EndOf closes a day.
func (t *trial) EndOf(day time.Time) {
	for _, d := range t.model.EndOf(day) {
		misuse, bad := t.bad[d.Staff]
		one := scored{value: d.Score}
		if bad {
			one.misuse = t.kind(misuse)
		}
		t.days = append(t.days, one)
		if d.Flagged {
			t.flagged++
		}
		switch {
		case bad && d.Flagged:
			t.kind(misuse).Flagged++
		case bad:
			t.missed = append(t.missed, d)
		case d.Flagged:
			t.alarms = append(t.alarms, d)
		}
		if bad {
			t.kind(misuse).Days++
		}
	}
	clear(t.bad)
}

// verdict is what came of a trial.
type verdict struct {
	Events, Days     int
	MisuseEvents     int
	MisuseDays       int
	EventAUC, DayAUC float64
	Sensitivity      float64 // misuse days that were flagged
	Flagged          float64 // share of all staff-days that were flagged
	TopShare         float64 // sensitivity if exactly the budget's share of the highest days were flagged
	BenignExplained  float64
	Precision        float64
	ByKind           map[string]*kindResult
}

func (t *trial) verdict() verdict {
	v := verdict{Events: len(t.events), Days: len(t.days), ByKind: t.kinds}
	v.EventAUC, v.MisuseEvents = auc(t.events, func(k *kindResult, area float64) { k.EventAUC += area / float64(k.Events) })
	v.DayAUC, v.MisuseDays = auc(t.days, func(k *kindResult, area float64) { k.DayAUC += area / float64(k.Days) })
	hit := 0
	for _, k := range t.kinds {
		hit += k.Flagged
	}
	v.Sensitivity = ratio(hit, v.MisuseDays)
	v.Flagged = ratio(t.flagged, len(t.days))
	v.Precision = ratio(hit, t.flagged)
	v.BenignExplained = ratio(t.explained, t.benign)
	v.TopShare = top(t.days, .005)
	return v
}

func ratio(a, b int) float64 { return float64(a) / float64(max(b, 1)) }

// auc is the chance that a misuse scores above an honest one, ties counting half (the
// Mann-Whitney statistic). It sorts the list, and tells each misuse's share of honest ones below it.
func auc(list []scored, each func(*kindResult, float64)) (area float64, positives int) {
	slices.SortFunc(list, func(a, b scored) int { return cmp.Compare(a.value, b.value) })
	honest := 0
	for _, s := range list {
		if s.misuse == nil {
			honest++
		}
	}
	below := 0
	for i := 0; i < len(list); {
		j, good := i, 0
		for ; j < len(list) && list[j].value == list[i].value; j++ {
			if list[j].misuse == nil {
				good++
			}
		}
		won := (float64(below) + float64(good)/2) / float64(honest)
		for _, s := range list[i:j] {
			if s.misuse != nil {
				each(s.misuse, won)
				area += won
				positives++
			}
		}
		below += good
		i = j
	}
	return area / float64(positives), positives
}

// top is the share of misuse among the highest share of a sorted list, of all misuse.
func top(list []scored, share float64) float64 {
	hit, all := 0, 0
	from := len(list) - int(share*float64(len(list)))
	for i, s := range list {
		if s.misuse != nil {
			all++
			if i >= from {
				hit++
			}
		}
	}
	return ratio(hit, all)
}
