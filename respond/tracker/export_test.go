package tracker

import (
	"net/http"
	"testing"
)

// Heard is of which tickets a callback tells trackers of every maker.
func Heard(t *testing.T, body []byte, h http.Header) (numbers []string) {
	t.Helper()
	for _, r := range []remote{&github{project: "a/b"}, &jira{project: "SEC"}} {
		number, _, err := r.heard(h, body)
		if err == nil {
			numbers = append(numbers, number)
		}
	}
	return numbers
}
