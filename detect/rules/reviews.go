package rules

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
)

// reviews takes offence at emergencies that nobody has reviewed in time.
type reviews struct {
	state reviewsState
}

type reviewsState struct {
	Open map[string]opened // by the emergency's id
	Next int64             // when the next is due, in seconds since 1970; 0 for none
}

// opened is an emergency that waits for its review.
type opened struct {
	At      time.Time
	By      tutela.UserID
	Entry   string
	Patient []tutela.Bucket
}

// reviewTime is within what time an emergency is to be reviewed.
const reviewTime = 3 * 24 * time.Hour

// maxOpen bounds the emergencies that are remembered.
const maxOpen = 10_000

func newReviews() *reviews { return &reviews{reviewsState{Open: map[string]opened{}}} }

func (*reviews) name() string      { return "reviews" }
func (r *reviews) remembered() any { return &r.state }

func (r *reviews) observe(ev *event.Event) []finding.Hit {
	hits := r.due(ev.Time)
	if ev.Log != nil || ev.Outcome != tutela.OutcomeSuccess {
		return hits
	}
	switch ev.Action {
	case tutela.ActionBreakGlassOpen:
		r.open(ev)
	case tutela.ActionBreakGlassReview:
		if ev.Subject != nil {
			delete(r.state.Open, ev.Subject.ID)
		}
	}
	return hits
}

func (r *reviews) open(ev *event.Event) {
	if len(r.state.Open) >= maxOpen {
		return
	}
	o := opened{At: ev.Time, By: ev.Actor.ID, Entry: ev.ID}
	for _, p := range ev.Patients[:min(len(ev.Patients), maxKnown)] {
		o.Patient = append(o.Patient, p.Patient)
	}
	r.state.Open[ev.ID] = o
	if at := ev.Time.Add(reviewTime).Unix(); r.state.Next == 0 || at < r.state.Next {
		r.state.Next = at
	}
}

// due takes out those whose time is over.
func (r *reviews) due(now time.Time) []finding.Hit {
	if r.state.Next == 0 || now.Unix() < r.state.Next {
		return nil
	}
	r.state.Next = 0
	var hits []finding.Hit
	for _, id := range slices.SortedFunc(maps.Keys(r.state.Open), r.earlier) {
		o := r.state.Open[id]
		if at := o.At.Add(reviewTime); at.After(now) {
			r.state.Next = at.Unix()
			break
		}
		delete(r.state.Open, id)
		hits = append(hits, finding.Hit{
			Rule: RuleUnreviewed, Title: "An emergency access was not reviewed in time", Level: finding.Medium, Actor: o.By, Patients: o.Patient,
			Entries: []string{o.Entry}, At: now, Likelihood: 0.9,
			Reasons: []string{fmt.Sprintf("the glass was broken on %s, and there is no review after %d hours", o.At.UTC().Format(time.DateOnly), int(reviewTime.Hours()))},
			Answer:  "Review it now: reason, what was looked at, and whether there was care to justify it.",
		})
	}
	return hits
}

func (r *reviews) earlier(a, b string) int {
	return cmp.Or(r.state.Open[a].At.Compare(r.state.Open[b].At), cmp.Compare(a, b))
}
