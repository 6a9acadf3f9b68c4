package syslog_test

import (
	"testing"

	"github.com/tutela-health/tutela/detect/intake/syslog"
)

// Whatever a connection brings, it is messages within bounds, or its end.
func FuzzStream(f *testing.F) {
	f.Add([]byte("111 " + one + one + "\n"))
	f.Add([]byte("<1>\n5 <1>1 "))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, m := range syslog.Stream(b) {
			if len(m.Text) > 3*len(b) || m.Severity < 0 || m.Severity > 7 {
				t.Fatalf("%+v", m)
			}
		}
	})
}
