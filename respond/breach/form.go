package breach

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
)

// propose fills in the form by what a scope tells. Nothing that the ledger does not show makes a factor low.
func propose(sc Scope, storage bool) Form {
	f := Form{
		Nature:     nature(sc),
		Person:     person(sc),
		Acquired:   Factor{High, "data was taken that can be kept and read later"},
		Mitigation: Factor{High, "nothing is known to have reduced the risk"},
	}
	if !storage {
		f.Acquired = acquired(sc)
	}
	return f
}

func nature(sc Scope) Factor {
	types := map[string]int{}
	for _, p := range sc.Patients {
		for typ, n := range p.Types {
			types[typ] += n
		}
	}
	harmless := []string{"Patient", "Appointment", "Coverage", "RelatedPerson"}
	clinical := slices.DeleteFunc(slices.Sorted(maps.Keys(types)), func(typ string) bool { return slices.Contains(harmless, typ) })
	if len(types) > 0 && len(clinical) == 0 {
		return Factor{Medium, "who people are and where they live, and nothing of their health but that they are patients: " + strings.Join(slices.Sorted(maps.Keys(types)), ", ")}
	}
	if len(clinical) == 0 {
		return Factor{High, "which types of data were concerned is not known"}
	}
	return Factor{High, "health data of identified patients: " + strings.Join(clinical, ", ")}
}

func person(sc Scope) Factor {
	if len(sc.Actors) == 0 {
		return Factor{High, "who has the data is not known"}
	}
	for _, a := range sc.Actors {
		if a.Kind != tutela.ActorPerson {
			return Factor{High, "software acted, and who was behind it is not known"}
		}
	}
	return Factor{Medium, "accounts of the workforce, who are bound to confidentiality: high where the account was stolen"}
}

func acquired(sc Scope) Factor {
	if sc.Accesses == 0 {
		return Factor{Low, "the ledger has no access that succeeded"}
	}
	out := 0
	for _, p := range sc.Patients {
		if slices.Contains(p.Actions, Exported) || slices.Contains(p.Actions, Disclosed) {
			out++
		}
	}
	text := fmt.Sprintf("%d accesses succeeded", sc.Accesses)
	if out > 0 {
		text += fmt.Sprintf(", and data of %d patients was exported or disclosed", out)
	}
	return Factor{High, text}
}
