package simulate

import "github.com/tutela-health/tutela"

// slips are shares of visits: the wrong chart of a list, one of the same name, a chart that is not there, one
// that may not be opened. Invented.
const (
	wrongChart = 0.0015
	notThere   = 0.002
	notAllowed = 0.0015
)

// slip is what goes wrong before somebody has the right chart open.
func (w *world) slip(who, p int, at int64, j *job, c call) {
	r := w.rng(c)
	d := draft{at: at - 3*second - int64(r.IntN(int(9*second))), who: int32(who), patient: none, action: tutela.ActionRead, typ: "Patient", job: j,
		address: c.address, scheme: c.scheme}
	switch x := r.Float64(); {
	case x < wrongChart:
		d.patient, d.opened, d.status = int32(w.mistaken(r, p)), 1, 200
		d.bytes = int64(r.around(900, 0.4))
	case x < wrongChart+notThere:
		d.status, d.typ = 404, weighted(r, j.steps).typ
	case x < wrongChart+notThere+notAllowed:
		d.status, d.typ = 403, weighted(r, j.steps).typ
	default:
		return
	}
	w.add(d)
}

// mistaken is a chart that looks like the right one: of the same name, or next in some list.
func (w *world) mistaken(r dice, p int) int {
	if same := w.town.named[w.patients[p].family]; len(same) > 1 && r.chance(0.6) {
		return pick(r, same)
	}
	return r.IntN(len(w.patients))
}

// curiosity that is none: doctors look once more at those whom they treated, to learn how it went. It is
// allowed, no system knows of it, and it looks like a breach.
func (w *world) learning(d int) {
	r := w.care
	for range r.some(float64(w.cfg.Staff) / 400) {
		if len(w.gone) == 0 {
			return
		}
		g := pick(r, w.gone)
		at := w.midnight(d) + 9*hour + int64(r.IntN(int(9*hour)))
		if who := w.anyone(g.ward, physician, at); who != none {
			w.visit(who, g.patient, at, w.jobs.prepare, call{factor: 0.7})
		}
	}
}
