package simulate

import "github.com/tutela-health/tutela"

// touched gives the patients of an entry with the flags that a ledger would write when it is decided.
func (w *world) touched(f *draft) []tutela.Touched {
	list := make([]tutela.Touched, 0, 1+len(f.others))
	list = append(list, w.touch(f, f.patient))
	f.cause = w.causeOf(int(f.who), int(f.patient), f.at)
	for _, p := range f.others {
		list = append(list, w.touch(f, p))
	}
	return list
}

func (w *world) touch(f *draft, p int32) tutela.Touched {
	t := tutela.Touched{Patient: w.patients[p].bucket, Flags: w.flags(f, p)}
	if f.typ != "" {
		t.Counts = map[string]int{f.typ: max(1, f.opened)}
	}
	return t
}

// flags say how a patient stands to whoever looks, as far as roster and patient index know it: in the order and with
// the meaning in which records writes them.
func (w *world) flags(f *draft, of int32) []string {
	s, p := &w.staff[f.who], &w.patients[of]
	self := s.linked && s.chart == int(of)
	household := !self && s.known && s.home == p.household
	other := !self && !household
	var list []string
	for _, c := range []struct {
		holds bool
		name  string
	}{
		{w.treats(f.who, int(of), f.at), "treated"},
		{self, "self"},
		{household, "household"},
		{other && s.family == p.family, "same-name"},
		{other && s.known && s.block == p.block, "neighbour"},
		{w.isEmployee(p), "co-worker"},
		{p.vip, "vip"},
		{f.labelled && p.sensitive, "sensitive"},
		{f.glass != "", "emergency"},
	} {
		if c.holds {
			list = append(list, c.name)
		}
	}
	return list
}

// isEmployee tells whether the roster names a chart as somebody's own.
func (w *world) isEmployee(p *patient) bool {
	return p.employee != none && w.staff[p.employee].linked
}
