package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// How the garbage collector is set where GOGC and GOMEMLIMIT say nothing. What lives is small, 20 to
// 50 MB, and a request leaves 20 KB behind: with room to four times what lives, collecting costs a
// third of what it does by default. Near the soft limit it collects as often as it must. Where detection has much to
// remember the limit follows (keepRoom): under a limit below what lives the collector would never rest.
const (
	collectAt   = 300
	memoryLimit = 116 << 20
)

// tuneMemory sets the collector for a server.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}

// keepRoom keeps the soft limit above what lives, until ctx ends.
func keepRoom(ctx context.Context) {
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	look := time.NewTicker(10 * time.Second)
	defer look.Stop()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if metrics.Read(sample); sample[0].Value.Kind() == metrics.KindUint64 {
			debug.SetMemoryLimit(limitFor(int64(sample[0].Value.Uint64())))
		}
	}
}

// limitFor is the soft limit for so many bytes that live: three fifths more than they are, and what runs beside.
func limitFor(live int64) int64 { return max(memoryLimit, live*8/5+16<<20) }

// replayCollectAt is how much more than lives a replay may hold, in percent: it remembers much and leaves little behind.
const replayCollectAt = 50
