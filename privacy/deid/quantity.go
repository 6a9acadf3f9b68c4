package deid

import (
	"github.com/tutela-health/tutela/r4"
)

// quantity writes an amount. A unit shows where UCUM has it; an amount of a unit that does not show is
// not shown. Ages of 90 and over are one; bare amounts have no comparator (as in a Range).
func (p *pass) quantity(n r4.Node, bare bool) bool {
	code, unit := n.Child("code").Text(), n.Child("unit").Text()
	known := p.d.codes.known(n.Child("system").Text(), code)
	if measured := known || p.d.codes.units.known(unit); !measured && code+unit != "" {
		return false
	}
	if !known {
		code = unit
	}
	if (n.Type() == "Age" || bare) && p.tells(n.Child("value").Text(), code) {
		return false
	}
	w := p.open('{')
	over := false
	if value := n.Child("value"); value.Exists() {
		var capped string
		if capped, over = overAge(value.Text(), code, n.Type() == "Age"); over {
			p.raw("value", capped)
		} else {
			p.member("value", value)
		}
	}
	switch comparator := n.Child("comparator"); {
	case bare:
	case over:
		p.text("comparator", ">=")
	case comparator.Exists():
		p.member("comparator", comparator)
	}
	if code != "" && (n.Child("unit").Exists() || !known) && p.d.codes.units.known(code) {
		p.text("unit", code)
	}
	if known {
		p.text("system", n.Child("system").Text())
		p.text("code", code)
	}
	return p.close(w, '}')
}
