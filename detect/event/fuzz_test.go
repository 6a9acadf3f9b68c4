package event_test

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/detect/event"
)

// Whatever a line holds, it is one of four things or an error that quotes nothing of it, and what is
// rendered again as OCSF is read as the same.
func FuzzParseLine(f *testing.F) {
	doc, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		f.Fatal(err)
	}
	for _, block := range strings.Split(string(doc), "```json\n")[1:] {
		sample, _, _ := strings.Cut(block, "\n```")
		f.Add([]byte(sample))
	}
	f.Add([]byte(`{"time":"1e3","class_uid":"6005","resources":{"uid":1},"\u0075ser":"\ud800"}`))
	f.Add([]byte(`{"time":1,"message":{"a":[[[{"b":null}]]]},"x":[1,{"y":true}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := event.ParseLine(b)
		if err != nil {
			return
		}
		kinds := 0
		for _, there := range []bool{l.Event != nil, l.Staff != nil, l.Relation != nil, l.Chart != nil} {
			if there {
				kinds++
			}
		}
		if kinds != 1 {
			t.Fatalf("%d kinds of line in one", kinds)
		}
		if l.Event == nil || l.Event.Log != nil {
			return
		}
		once := rendered(t, l)
		if d := cmp.Diff(once, rendered(t, once)); d != "" {
			t.Fatal(d)
		}
	})
}

// rendered gives an event as it is after its way through OCSF.
func rendered(t *testing.T, l event.Line) event.Line {
	t.Helper()
	b, err := audit.OCSF(l.Event.Entry)
	if err != nil {
		t.Fatal(err)
	}
	again, err := event.ParseLine(b)
	if err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return again
}
