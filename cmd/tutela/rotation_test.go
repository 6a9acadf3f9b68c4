package main

import (
	"testing"
	"time"
)

// What was done by a clock that has gone back since is due again; one that another node's clock did a moment ahead is not.
func TestSchedulesSurviveClocksThatGoBack(t *testing.T) {
	const day = 24 * time.Hour
	for since, want := range map[time.Duration]bool{
		0: false, 364 * day: false, 365 * day: true, 10000 * day: true, -time.Second: false, -23 * time.Hour: false, -25 * time.Hour: true, -365 * day: true,
	} {
		if got := dueAfter(365*day, since); got != want {
			t.Errorf("%s after the last time it is due: %v", since, got)
		}
	}
}
