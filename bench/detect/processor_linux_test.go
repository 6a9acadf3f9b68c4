package main

import (
	"syscall"
	"testing"
	"time"
)

// processor measures what a benchmark costs of the processor, in all its goroutines: the one figure that other work on
// the machine changes little. Call the result at the end, with how many events there were.
func processor(b *testing.B) (stop func(events int)) {
	before := spent(b)
	return func(events int) {
		b.ReportMetric(float64((spent(b)-before).Nanoseconds())/1e3/float64(events), "cpu-us/event")
	}
}

func spent(b *testing.B) time.Duration {
	var use syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &use); err != nil {
		b.Fatal(err)
	}
	return time.Duration(use.Utime.Nano() + use.Stime.Nano())
}
