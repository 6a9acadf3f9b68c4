package intake

import "github.com/tutela-health/tutela/detect/event"

// Record is one access, login or other act that another system's log tells of.
type Record struct {
	// Event is what happened. Its ID is the record's own, else a hash of it; its Time is the source's; its Source is what
	// the system calls itself.
	Event event.Event
	// Patients are those of Event.Patients as the source calls them, in the same order: to be kept sealed.
	Patients []Identifier
}
