package records

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/store"
)

// standing says how a patient stands to the member of staff whose access an entry tells of. It is worked out
// when the access is decided on, since only then it is known. Zero says nothing.
type standing uint16

const (
	standsTreated standing = 1 << iota
	standsSelf
	standsHousehold
	standsSameName
	standsNeighbour
	standsCoWorker
	standsVIP
	standsSensitive
)

// The flags that a patient may bear in an entry, beside FlagEmergency.
const (
	FlagTreated   = "treated"   // the caller treats the patient
	FlagSelf      = "self"      // the patient is the caller: the same name, and the same date of birth, telephone number or home
	FlagHousehold = "household" // they live at the same address
	FlagSameName  = "same-name" // they bear, or bore, the same family name
	FlagNeighbour = "neighbour" // they live in the same street
	FlagCoWorker  = "co-worker" // the patient works here: has an account's name, or the label EMP
	FlagVIP       = "vip"       // of public interest: labelled CEL, or VIP by the extension patient-importance
	FlagSensitive = "sensitive" // what was seen bears a label for which one must be cleared
)

// names are the flags, in the order in which they are declared.
func (s standing) names() []string {
	if s == 0 {
		return nil
	}
	all := [...]string{FlagTreated, FlagSelf, FlagHousehold, FlagSameName, FlagNeighbour, FlagCoWorker, FlagVIP, FlagSensitive}
	list := make([]string, 0, len(all))
	for i, name := range all {
		if s&(1<<i) != 0 {
			list = append(list, name)
		}
	}
	return list
}

// standings says of each of a record's patients how he stands to a member of staff; nil for any other caller. What
// cannot be found out is left out: care does not wait for it.
func (s *Store) standings(ctx context.Context, q store.Querier, g access.Grant, rec *Record) []standing {
	if !g.Staff() || len(rec.Patients) == 0 {
		return nil
	}
	list := make([]standing, len(rec.Patients))
	common := standing(0)
	if set, ok := s.labelsOf(rec); ok && set != 0 {
		common = standsSensitive
	}
	me := kin{}
	if ref, ok := g.Caller(); ok {
		me = s.kinAt(ctx, q, s.Locate(ref))
	}
	for i, b := range rec.Patients {
		list[i] = common | s.standingOf(ctx, q, me, b)
		if g.Treats(b) {
			list[i] |= standsTreated
		}
	}
	return list
}

// standingOf is how one patient stands to somebody, beside care.
func (s *Store) standingOf(ctx context.Context, q store.Querier, me kin, b tutela.Bucket) standing {
	p := s.kinAt(ctx, q, tutela.Locator(b))
	out := me.beside(p)
	if p.vip {
		out |= standsVIP
	}
	if s.works(ctx, p) {
		out |= standsCoWorker
	}
	return out
}
