package intake

import (
	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// FlagEmergency is the flag of a patient for whom the glass was broken (docs/events.md).
const FlagEmergency = "emergency"

// Emergency reports whether a purpose of use says that the glass was broken: emergency treatment, or breaking the glass
// itself (HL7 v3 ActReason ETREAT and BTG).
func Emergency(p tutela.Purpose) bool { return p == tutela.PurposeEmergency || p == "BTG" }

// Record is one access, login or other act that another system's log tells of.
type Record struct {
	// Event is what happened. Its ID is the record's own, else a hash of it; its Time is the source's; its Source is what
	// the system calls itself.
	Event event.Event
	// Patients are those of Event.Patients as the source calls them, in the same order: to be kept sealed.
	Patients []Identifier
}
