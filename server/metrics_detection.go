package server

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela/detect/finding"
	sources "github.com/tutela-health/tutela/detect/intake/gate"
)

// writeDetection gives what detection does, and how the systems that tell it something are doing.
func (s *Server) writeDetection(ctx context.Context, b *bytes.Buffer) error {
	if s.cfg.API.Findings != nil {
		m, err := s.cfg.API.Findings.Measures(ctx)
		if err != nil {
			return err
		}
		f := family{b: b, tenant: s.cfg.Tenant}
		f.head("tutela_detection_events_total", "counter", "Events and facts that detection has looked at since this node started.")
		f.value(float64(m.Lines))
		f.head("tutela_detection_hits_total", "counter", "Hits of rules and baselines.")
		f.value(float64(m.Hits))
		f.head("tutela_detection_last_event_age_seconds", "gauge", "How old the last event was when detection looked at it.")
		f.value(m.Behind.Seconds())
		f.head("tutela_detection_findings_opened_total", "counter", "Findings that were opened, by level.")
		for _, level := range finding.Levels() {
			f.value(float64(m.Opened[level]), "level", string(level))
		}
		f.head("tutela_detection_waiting", "gauge", "Lines of a stream that detection has not looked at yet; only the node that works tells it.")
		for _, name := range slices.Sorted(maps.Keys(m.Waiting)) {
			f.value(float64(m.Waiting[name]), "stream", name)
		}
	}
	if s.cfg.API.Sources != nil {
		writeSources(family{b: b, tenant: s.cfg.Tenant}, s.cfg.API.Sources(), s.cfg.Clock().Unix())
	}
	return nil
}

// writeSources gives each source's messages and silence. now is in seconds since 1970.
func writeSources(f family, list []sources.State, now int64) {
	if len(list) == 0 {
		return
	}
	f.head("tutela_intake_messages_total", "counter", "Messages of a source since this node started, by whether they made sense.")
	for _, s := range list {
		f.value(float64(s.Taken), "source", s.Source, "taken", "yes")
		f.value(float64(s.Refused), "source", s.Source, "taken", "no")
	}
	f.head("tutela_intake_quiet_seconds", "gauge", "How long a source has said nothing.")
	for _, s := range list {
		last := s.Last
		if last.IsZero() {
			last = s.Since
		}
		f.value(float64(now-last.Unix()), "source", s.Source)
	}
	f.head("tutela_intake_silent", "gauge", "1 for a source that has said nothing for longer than it may.")
	for _, s := range list {
		silent := 0.0
		if s.Silent {
			silent = 1
		}
		f.value(silent, "source", s.Source)
	}
	f.head("tutela_intake_lag_seconds", "gauge", "From what a source's last message told of to its coming.")
	for _, s := range list {
		f.value(s.Lag.Seconds(), "source", s.Source)
	}
}

// family writes series of one name after the other, labelled by tenant where one is named.
type family struct {
	b      *bytes.Buffer
	tenant string
	name   string
}

// head begins the series of a name; value goes on with it.
func (f *family) head(name, kind, help string) {
	f.name = name
	fmt.Fprintf(f.b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// value writes one series. Labels are names and values in turn, of a closed list or of the configuration.
func (f *family) value(v float64, labels ...string) {
	if f.tenant != "" {
		labels = append([]string{"tenant", f.tenant}, labels...)
	}
	var pairs []string
	for pair := range slices.Chunk(labels, 2) {
		pairs = append(pairs, fmt.Sprintf("%s=%q", pair[0], pair[1]))
	}
	named := f.name
	if len(pairs) > 0 {
		named += "{" + strings.Join(pairs, ",") + "}"
	}
	fmt.Fprintf(f.b, "%s %s\n", named, strconv.FormatFloat(v, 'g', -1, 64))
}
