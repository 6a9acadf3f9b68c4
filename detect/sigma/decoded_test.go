package sigma_test

import (
	"testing"

	"github.com/tutela-health/tutela/detect/sigma"
)

// An attack is seen under its escapes, in the message and in any field of the line.
func TestDecodedFieldsUndoEscapes(t *testing.T) {
	in := set(t, detects("s: {line_decoded|contains: '<script'}\ncondition: s"))
	of := set(t, detects("s: {message_decoded|contains: '<script'}\ncondition: s"))
	for _, row := range []struct {
		text     string
		fields   map[string]string
		line, in int
	}{
		{"GET /?q=%253Cscript%253E", nil, 1, 1},
		{"search", map[string]string{"query": "&lt;script&gt;"}, 1, 0},
		{"GET /?q=script", map[string]string{"query": "script"}, 0, 0},
	} {
		e := line(row.text, row.fields)
		if got := len(sigma.New(in).Observe(e)); got != row.line {
			t.Errorf("line_decoded of %q, %v: %d hits, want %d", row.text, row.fields, got, row.line)
		}
		if got := len(sigma.New(of).Observe(e)); got != row.in {
			t.Errorf("message_decoded of %q, %v: %d hits, want %d", row.text, row.fields, got, row.in)
		}
	}
}
