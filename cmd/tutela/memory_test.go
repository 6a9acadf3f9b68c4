package main

import "testing"

// The collector's limit stays where it is while little lives, and above what lives when that is much: below it the
// collector would take half of the processor for nothing.
func TestSoftLimitFollowsWhatLives(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ live, want int64 }{
		{0, memoryLimit}, {60 << 20, memoryLimit}, {180 << 20, 304 << 20}, {1 << 30, 1<<30*8/5 + 16<<20},
	} {
		if got := limitFor(row.live); got != row.want || got <= row.live {
			t.Errorf("of %d live bytes the limit is %d, want %d", row.live, got, row.want)
		}
	}
}
