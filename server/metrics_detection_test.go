package server_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/detect/intake/gate"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/server"
)

// offended takes offence at every patient who is made.
type offended struct{}

func (offended) Observe(ev *event.Event) []finding.Hit {
	if ev.Action != tutela.ActionUpdate && ev.Action != tutela.ActionCreate || ev.Type != "Patient" {
		return nil
	}
	return []finding.Hit{{Rule: "made", Level: finding.High, Actor: ev.Actor.ID, Entries: []string{ev.ID}, At: ev.Time}}
}
func (offended) Snapshot(io.Writer) error { return nil }
func (offended) Restore(io.Reader) error  { return nil }

// What detection does, how far it is, and which source fell silent is told to whoever watches the system.
func TestMetricsTellOfDetectionAndItsSources(t *testing.T) {
	states := []gate.State{
		{Source: "ehr", Since: time.Now().Add(-3 * time.Hour), Last: time.Now().Add(-2 * time.Hour), Taken: 17, Refused: 2, Lag: 90 * time.Second, Silent: true},
		{Source: "engine", Since: time.Now()},
	}
	watch := func() (detect.Watch, error) {
		return detect.Watch{Detectors: []detect.Part{{Name: "offended", Detector: offended{}}}}, nil
	}
	var s *site
	s = newRigged(t, rig.Config{Watch: watch}, func(c *server.Config) {
		c.API.Sources = func() []gate.State { return states }
	})
	before := s.scrape(t)
	if strings.Contains(before, "tutela_detection_waiting{") {
		t.Error("a node that does not work says how much waits")
	}
	for _, id := range []string{"1", "2"} {
		s.Put(t, `{"resourceType":"Patient","id":"quillfeather-`+id+`"}`)
	}
	s.sequence(t)
	if err := s.Findings.Work(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Put(t, `{"resourceType":"Patient","id":"quillfeather-3"}`)
	s.sequence(t)
	text := s.scrape(t)
	for _, line := range []string{
		"tutela_detection_hits_total 2", `tutela_detection_findings_opened_total{level="high"} 1`, `tutela_detection_findings_opened_total{level="low"} 0`,
		`tutela_intake_messages_total{source="ehr",taken="yes"} 17`, `tutela_intake_messages_total{source="ehr",taken="no"} 2`,
		`tutela_intake_silent{source="ehr"} 1`, `tutela_intake_silent{source="engine"} 0`, `tutela_intake_lag_seconds{source="ehr"} 90`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("no line %q", line)
		}
	}
	if !strings.Contains(text, `tutela_detection_waiting{stream="ledger"} 2`+"\n") { // the entry of the finding, and the third patient
		t.Errorf("what waits is not told")
	}
	if strings.Contains(text, "uillfeather") {
		t.Error("a label names a patient")
	}
	if t.Failed() {
		t.Log(text)
	}
}
