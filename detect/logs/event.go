package logs

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tutela-health/tutela/detect/event"
)

// Event is a line of another system's log.
type Event struct {
	Source string         `json:"source"` // as it is configured
	At     time.Time      `json:"at"`     // when it happened, as the source says
	Line   jsontext.Value `json:"line"`   // redacted, in the form of docs/events.md
}

// The limits of a batch. Places are numbered by perBatch.
const (
	perBatch   = 1 << 10
	batchBytes = 4 << 20
	maxLine    = event.MaxLine
)

// ID names a kept event: the batch that it came in, and its number there.
func ID(seq int64, i int) string { return fmt.Sprintf("log-%d-%d", seq, i) }

// parseID is the other way round; ok is false for what is no id.
func parseID(id string) (seq int64, i int, ok bool) {
	a, b, found := strings.Cut(strings.TrimPrefix(id, "log-"), "-")
	seq, err := strconv.ParseInt(a, 10, 64)
	n, err2 := strconv.Atoi(b)
	return seq, n, found && err == nil && err2 == nil && seq > 0 && n >= 0 && n < perBatch && id == ID(seq, n)
}
