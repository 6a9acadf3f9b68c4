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

// tuneMemory sets the collector for a server.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(collectAt)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
