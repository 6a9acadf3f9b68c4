package rules_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/rules"
)

// BenchmarkLedger is reads of the ledger through every shipped rule: 2,000 people, 50,000 patients.
func BenchmarkLedger(b *testing.B) {
	d := rules.New(rules.Open(nil), nil)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		e := entry(tutela.ActionRead, patient(i*7919%50_000, "treated"), by(fmt.Sprint("u-", i%2000)))
		e.Time = e.Time.Add(time.Duration(i) * time.Millisecond)
		d.Observe(e)
	}
}

// BenchmarkLogs is clean lines of a web server's log through every shipped rule.
func BenchmarkLogs(b *testing.B) {
	d := rules.New(rules.Open(nil), nil)
	lines := fhirSearches()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		d.Observe(lines[i%len(lines)].line)
	}
}

// BenchmarkMessages is clean lines of programs' logs.
func BenchmarkMessages(b *testing.B) {
	d := rules.New(rules.Open(nil), nil)
	var lines []*event.Event
	for i := range 100 {
		lines = append(lines, log(fmt.Sprintf("Accepted publickey for admin from 192.0.2.%d port %d ssh2: ED25519 SHA256:abcdef", i, 40000+i)))
	}
	for i := 0; b.Loop(); i++ {
		d.Observe(lines[i%len(lines)])
	}
}
