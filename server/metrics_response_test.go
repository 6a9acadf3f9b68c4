package server_test

import (
	"strings"
	"testing"
)

// What holds somebody is counted, also where it is nobody.
func TestMetricsTellOfAnswers(t *testing.T) {
	text := newSite(t, nil).scrape(t)
	for _, line := range []string{`tutela_answers_active{kind="lock"} 0`, "# TYPE tutela_alert_messages_waiting gauge", "# TYPE tutela_export_entries_behind gauge"} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s in %s", line, text)
		}
	}
}
