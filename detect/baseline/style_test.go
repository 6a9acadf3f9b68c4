package baseline_test

import (
	"testing"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/baseline"
	"github.com/tutela-health/tutela/detect/event"
)

// errand is a call about somebody whom nobody treats: an appointment is looked up, a note is left.
func (h *house) errand(who tutela.UserID, w int, p tutela.Bucket) []event.Event {
	looks, writes := h.access(who, w, p, monday), h.access(who, w, p, monday)
	looks.Type = "Appointment"
	writes.Type, writes.Action = "Communication", tutela.ActionCreate
	return []event.Event{looks, writes}
}

func TestErrandsAreToldFromCuriosity(t *testing.T) {
	h := newHouse(true)
	for n := range 28 {
		h.day(n, h.errand(nurse(n%wards, n%nurses), n%wards, tutela.Bucket(6_000_000+97*n))...)
	}
	reads := []event.Event{h.access(nurse(0, 1), 0, stranger, monday), h.access(nurse(0, 1), 0, stranger, monday)}
	h.day(28, append(h.errand(nurse(1, 1), 1, stranger+1000), reads...)...)
	calls, _ := h.dayOf(28, nurse(1, 1))
	looks, _ := h.dayOf(28, nurse(0, 1))
	if calls.Flagged || looks.Score < 3*calls.Score {
		t.Errorf("a call scores %.3f, a look %.3f", calls.Score, looks.Score)
	}
}

func TestLeaverWhoWorksOnIsNotCertain(t *testing.T) {
	h := newHouse(true)
	h.work(0, 8)
	gone := nurse(0, 0)
	h.Staff(event.Staff{ID: gone, Roles: []string{"nurse"}, Unit: ward(0), To: monday.AddDate(0, 0, 1)})
	day := func(p func(bed int) tutela.Bucket, action tutela.Action) baseline.Day {
		var list []event.Event
		for bed := range 6 {
			ev := h.access(gone, 0, p(bed), monday)
			ev.Action = action
			list = append(list, ev)
		}
		h.day(len(h.days), list...)
		d, _ := h.dayOf(len(h.days)-1, gone)
		return d
	}
	works := day(func(bed int) tutela.Bucket { return patient(0, bed, len(h.days)/7) }, tutela.ActionUpdate)
	robs := day(func(bed int) tutela.Bucket { return stranger + tutela.Bucket(1000*bed) }, tutela.ActionRead)
	if works.Certain || !robs.Certain || !robs.Flagged {
		t.Errorf("working on is certain: %v; looking around is certain: %v, flagged: %v", works.Certain, robs.Certain, robs.Flagged)
	}
}

func TestFullDaysAreNotMoreSuspicious(t *testing.T) {
	h := newHouse(true)
	h.work(0, 21)
	onDuty, offDuty := nurse(0, 3), nurse(0, 8) // on the 22nd day, with a dozen patients and none
	h.day(21, h.access(onDuty, 0, stranger, monday), h.access(offDuty, 0, stranger+1000, monday))
	full, _ := h.dayOf(21, onDuty)
	short, _ := h.dayOf(21, offDuty)
	if full.Score >= short.Score {
		t.Errorf("a stranger among many patients scores %.4f, alone %.4f", full.Score, short.Score)
	}
}
