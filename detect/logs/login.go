package logs

import (
	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
)

// login reports whether a line tells of a login.
func login(ev *event.Event) bool {
	return ev.Action == tutela.ActionAuthenticate && ev.Outcome != "" && (ev.Actor.ID != "" || ev.Address != "")
}
