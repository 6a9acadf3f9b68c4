package main

import (
	"os"
	"runtime/debug"
)

// How the garbage collector is set where GOGC and GOMEMLIMIT say nothing. What lives is small, 20 to
// 50 MB, and a request leaves 20 KB behind: with room to four times what lives, collecting costs a
// third of what it does by default. Near the soft limit it collects as often as it must.
const (
	collectAt   = 300
	memoryLimit = 144 << 20
)

// How it is set for a scan, which holds the types of a few hundred files at a time and ends.
const (
	collectScanAt   = 200
	scanMemoryLimit = 500 << 20
)

// tuneScan sets the collector for a scan.
func tuneScan() { tune(collectScanAt, scanMemoryLimit) }

// tuneMemory sets the collector for a server.
func tuneMemory() { tune(collectAt, memoryLimit) }

func tune(collect int, limit int64) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collect)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(limit)
	}
}
