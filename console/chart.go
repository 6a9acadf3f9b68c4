package console

// bar is one of a chart.
type bar struct {
	Label string
	Count int
	Class string // of its colour
}

// share is the length of a bar in thousandths of the longest one's.
func share(bars []bar, n int) int {
	longest := 1
	for _, b := range bars {
		longest = max(longest, b.Count)
	}
	return n * 1000 / longest
}
