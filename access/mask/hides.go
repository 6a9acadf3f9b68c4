package mask

import (
	"strings"
)

// Hides reports whether anything of an element of a type is hidden: then no search, sort or include may
// read it, or who may not see a value could find it by asking. The path is one as r4.Branch.Key gives it
// ("Observation.component.valueQuantity", "Resource.meta.tag", "Patient.deceased[x]"), its first step
// left aside. An element is hidden by what it is part of, by a part of it, and by any type of its choice.
func (m Mask) Hides(typ, path string) bool {
	_, rest, _ := strings.Cut(path, ".")
	return hides(m.view(typ), rest)
}

func hides(v *view, path string) bool {
	if v.whole() {
		return false
	}
	if path == "" || v.none() {
		return true
	}
	step, rest, _ := strings.Cut(path, ".")
	step, filter, _ := strings.Cut(step, "[")
	if field, _, ok := strings.Cut(filter, "="); ok && hides(v.member(step), field) {
		return true
	}
	if filter == "x]" {
		return v.hidesChoice(step, rest)
	}
	return hides(v.member(step), rest)
}

// hidesChoice reports whether any type of a choice is hidden.
func (v *view) hidesChoice(base, rest string) bool {
	key := base + "[x]"
	for _, m := range v.members {
		if (m.name == key || chosen(key, m.name)) && hides(m.view, rest) {
			return true
		}
	}
	_, listed := v.listed(key)
	return !listed && hides(v.rest, rest)
}
