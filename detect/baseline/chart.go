package baseline

import (
	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/roster"
	"github.com/tutela-health/tutela/detect/state"
)

// maxVisits bounds how many people's visits to one chart are remembered, the latest ones.
const maxVisits = 512

// visit is what is remembered of one person at one chart.
type visit struct {
	person      roster.Person
	first, last date
	days        uint8 // different ones, at most 255
	marks       uint8
}

// The marks of a visit.
const (
	visitExplained uint8 = 1 << iota // care explained one of the accesses
	visitWrote                       // the person wrote to the chart
	visitDoubtful                    // one of the accesses was not explained
)

// visits are the charts that were opened of late, and by whom.
type visits map[tutela.Bucket][]visit

// of finds a person's visit to a chart.
func (v visits) of(p tutela.Bucket, who roster.Person) *visit {
	list := v[p]
	for i := range list {
		if list[i].person == who {
			return &list[i]
		}
	}
	return nil
}

// add remembers that somebody opened a chart, and tells whether it is a new chart for the person
// and whether it is the first time that day.
func (v visits) add(p tutela.Bucket, who roster.Person, day date, marks uint8) (isNew, today bool) {
	if old := v.of(p, who); old != nil {
		today = old.last != day
		if today && old.days < 255 {
			old.days++
		}
		old.last = max(old.last, day)
		old.marks |= marks
		return false, today
	}
	list := v[p]
	one := visit{person: who, first: day, last: day, days: 1, marks: marks}
	if len(list) < maxVisits {
		v[p] = append(list, one)
		return true, true
	}
	oldest := 0
	for i := range list {
		if list[i].last < list[oldest].last {
			oldest = i
		}
	}
	list[oldest] = one
	return true, true
}

// forget drops what nobody did since a day.
func (v visits) forget(before date) {
	for p, list := range v {
		kept := list[:0]
		for _, one := range list {
			if one.last >= before {
				kept = append(kept, one)
			}
		}
		switch {
		case len(kept) == 0:
			delete(v, p)
		case cap(kept) > 16 && len(kept) < cap(kept)/4:
			v[p] = append(make([]visit, 0, len(kept)), kept...)
		default:
			v[p] = kept
		}
	}
}

func (one *visit) pass(c state.Codec) {
	state.Integer(c, &one.person)
	state.Integer(c, &one.first)
	state.Integer(c, &one.last)
	state.Integer(c, &one.days)
	state.Integer(c, &one.marks)
}
