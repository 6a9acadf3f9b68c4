package incident_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tutela-health/tutela/respond/incident"
)

// Whatever people do in whatever order: no state is skipped, times are in order, none is before the discovery,
// and what is open again has no time of containment.
func TestStatesFollowOneAnother(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := time.Date(2026, 3, 7, 23, 59, 0, 0, time.UTC)
		in := incident.Incident{State: rapid.SampledFrom([]incident.State{incident.Reported, incident.Open}).Draw(t, "first"), Discovered: start}
		now := start
		for range rapid.IntRange(0, 20).Draw(t, "moves") {
			now = now.Add(time.Duration(rapid.IntRange(-2, 600).Draw(t, "minutes")) * time.Minute)
			if now.Before(start) {
				now = start
			}
			was, to := in, rapid.SampledFrom(incident.States()).Draw(t, "to")
			err := in.MoveTo(to, now)
			if allowed := slices.Contains(was.State.Next(), to); allowed != (err == nil) {
				t.Fatalf("%s to %s: %v", was.State, to, err)
			}
			if err != nil && in.State != was.State {
				t.Fatalf("refused, and %s became %s", was.State, in.State)
			}
			hold(t, &in)
		}
	})
}

func hold(t *rapid.T, in *incident.Incident) {
	for _, at := range []time.Time{in.Contained, in.Recovered, in.Closed} {
		if !at.IsZero() && at.Before(in.Discovered) {
			t.Fatalf("%s: a time before the discovery: %+v", in.State, in)
		}
	}
	switch in.State {
	case incident.Reported, incident.Open:
		if !in.Contained.IsZero() || !in.Recovered.IsZero() || !in.Closed.IsZero() {
			t.Fatalf("%s, and has times: %+v", in.State, in)
		}
	case incident.Contained:
		if in.Contained.IsZero() || !in.Recovered.IsZero() {
			t.Fatalf("%s: %+v", in.State, in)
		}
	case incident.Recovered:
		if in.Contained.IsZero() || in.Recovered.IsZero() || !in.Closed.IsZero() {
			t.Fatalf("%s: %+v", in.State, in)
		}
	case incident.Closed:
		if in.Closed.IsZero() {
			t.Fatalf("%s: %+v", in.State, in)
		}
	}
}
