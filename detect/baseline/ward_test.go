package baseline_test

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/baseline"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/roster"
)

// A house is a small hospital for tests: wards of nurses whose patients lie in them.
type house struct {
	*roster.Directory
	model *baseline.Model
	rnd   *rand.Rand
	n     int
	ties  bool
	days  [][]baseline.Day
}

var monday = time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)

const (
	wards  = 6
	nurses = 10 // of a ward
	beds   = 20
)

func newHouse(ties bool) *house {
	dir := roster.New()
	h := &house{Directory: dir, model: baseline.New(baseline.Config{}, dir), rnd: rand.New(rand.NewPCG(1, 2)), ties: ties}
	for w := range wards {
		for n := range nurses {
			h.Staff(event.Staff{ID: nurse(w, n), Roles: []string{"nurse"}, Unit: ward(w), Chart: own(w, n), Household: fmt.Sprintf("home %d %d", w, n), Family: fmt.Sprintf("name %d %d", w, n)})
		}
	}
	return h
}

func nurse(w, n int) tutela.UserID { return tutela.UserID(fmt.Sprintf("u-%d-%d", w, n)) }
func ward(w int) string            { return fmt.Sprint("ward ", w) }
func own(w, n int) tutela.Bucket   { return tutela.Bucket(1_000_000 + 1000*w + 97*n) }

// patient is who lies in a bed in a week.
func patient(w, bed, week int) tutela.Bucket {
	return tutela.Bucket(10_000 + week*7919 + 1009*w + 31*bed)
}

// access is a read as a ward's nurse makes it.
func (h *house) access(who tutela.UserID, w int, p tutela.Bucket, at time.Time) event.Event {
	h.n++
	return event.Event{Entry: tutela.Entry{
		ID: fmt.Sprintf("e%06d", h.n), Time: at, Action: tutela.ActionRead, Type: "Observation", Outcome: tutela.OutcomeSuccess, Purpose: tutela.PurposeTreatment,
		Actor: tutela.Actor{ID: who, Kind: tutela.ActorPerson, Roles: []string{"nurse"}, Unit: ward(w)}, Address: fmt.Sprint("10.0.", w, ".7"), Bytes: 900,
		Patients: []tutela.Touched{{Patient: p}},
	}}
}

// day plays a day of work, then what else happens, and closes it.
func (h *house) day(n int, extra ...event.Event) []baseline.Score {
	date := monday.AddDate(0, 0, n)
	week := n / 7
	for w := range wards {
		for bed := range beds {
			if h.ties && n%7 == 0 {
				h.Relation(event.Relation{Kind: event.Admission, Patient: patient(w, bed, week), Unit: ward(w), From: date, To: date.AddDate(0, 0, 7)})
			}
		}
	}
	for hour := 7; hour < 15; hour++ {
		for w := range wards {
			for k := range 5 {
				for range 2 {
					ev := h.access(nurse(w, (n+k)%nurses), w, patient(w, h.rnd.IntN(beds), week), date.Add(time.Duration(hour*60+h.rnd.IntN(55))*time.Minute))
					h.model.Observe(&ev)
				}
			}
		}
	}
	var scores []baseline.Score
	for _, ev := range extra {
		ev.Time = date.Add(15 * time.Hour)
		scores = append(scores, h.model.Observe(&ev))
	}
	h.days = append(h.days, h.model.EndOf(date))
	return scores
}

// work plays days.
func (h *house) work(from, to int) {
	for n := from; n < to; n++ {
		h.day(n)
	}
}

// dayOf gives somebody's part of a day.
func (h *house) dayOf(n int, who tutela.UserID) (baseline.Day, bool) {
	for _, d := range h.days[n] {
		if d.Staff == who {
			return d, true
		}
	}
	return baseline.Day{}, false
}
