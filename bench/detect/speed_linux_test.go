package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/baseline"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/roster"
	"github.com/tutela-health/tutela/detect/rules"
	"github.com/tutela-health/tutela/detect/simulate"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/store"
)

type history struct {
	facts []event.Line
	text  []byte // of the events
	lines []event.Line
}

// hospitalDays plays the shipped simulator at the size of the marks: 2,000 staff and 50,000 patients.
func hospitalDays(b *testing.B, days int) *history {
	b.Helper()
	folder := b.TempDir()
	files, err := simulate.NewLines(folder)
	if err != nil {
		b.Fatal(err)
	}
	cfg := simulate.Default()
	cfg.Seed, cfg.Days = 9002, days
	if _, err := simulate.Run(context.Background(), cfg, files, func(int) {}); err != nil {
		b.Fatal(err)
	}
	if err := files.Close(); err != nil {
		b.Fatal(err)
	}
	h := &history{}
	for _, name := range []string{simulate.RosterFile, simulate.RelationsFile, simulate.ChartsFile} {
		h.facts = append(h.facts, parsed(b, read(b, folder, name))...)
	}
	h.text = read(b, folder, simulate.EventsFile)
	h.lines = parsed(b, h.text)
	return h
}

func read(b *testing.B, folder, name string) []byte {
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		b.Fatal(err)
	}
	return text
}

func parsed(b *testing.B, text []byte) (list []event.Line) {
	err := event.Read(context.Background(), bytes.NewReader(text), 1, func(n event.Numbered) error {
		list = append(list, n.Line)
		return n.Err
	})
	if err != nil {
		b.Fatal(err)
	}
	return list
}

// BenchmarkEvent takes apart what is done with an event: one an operation, without a store. The mark is 20,000 events a second
// on two processors: 100 us of processor an event where both work, 50 where one goroutine does.
func BenchmarkEvent(b *testing.B) {
	h := hospitalDays(b, 3)
	b.Run("parse", func(b *testing.B) {
		rest, p := h.text, event.NewParser()
		done := processor(b)
		for range b.N {
			if len(rest) == 0 {
				rest = h.text
			}
			line, after, _ := bytes.Cut(rest, []byte("\n"))
			rest = after
			if _, err := p.Parse(line); err != nil {
				b.Fatal(err)
			}
		}
		done(b.N)
	})
	for _, with := range []struct {
		name         string
		rules, model bool
	}{{"rules", true, false}, {"baseline", false, true}, {"both", true, true}} {
		b.Run(with.name, func(b *testing.B) {
			w := h.watch(with.rules, with.model)
			for _, l := range h.facts {
				w.Take(l)
			}
			done := processor(b)
			for i := range b.N {
				w.Take(h.lines[i%len(h.lines)])
			}
			done(b.N)
		})
	}
}

// watch is what a running system watches with.
func (h *history) watch(withRules, withModel bool) detect.Watch {
	people := roster.New()
	w := detect.Watch{Roster: people, Zone: time.UTC}
	if withRules {
		w.Detectors = []detect.Part{{Name: "rules", Detector: rules.New(rules.Open(nil), people)}}
	}
	if withModel {
		w.Model = baseline.New(baseline.Config{}, people)
	}
	return w
}

// BenchmarkFollow has a running system's service work off a ledger that holds the hospital's entries: reading and opening
// them, rules and baseline, findings and the detectors' memory in the store.
func BenchmarkFollow(b *testing.B) {
	h := hospitalDays(b, 3)
	for b.Loop() {
		r := rig.Open(b, rig.Config{Watch: func() (detect.Watch, error) { return h.watch(true, true), nil }})
		h.into(b, r)
		b.ResetTimer()
		done := processor(b)
		if err := r.Findings.Work(b.Context()); err != nil {
			b.Fatal(err)
		}
		done(len(h.lines))
		if m, err := r.Findings.Measures(b.Context()); err != nil || m.Lines < int64(len(h.lines)) {
			b.Fatalf("%d of %d entries were looked at: %v", m.Lines, len(h.lines), err)
		}
	}
}

// into writes the entries into a ledger.
func (h *history) into(b *testing.B, r *rig.Rig) {
	b.Helper()
	var op store.Op
	for i, l := range h.lines {
		e := l.Event.Entry
		e.Tenant = "rig"
		leaves, err := r.Audit.Encode(b.Context(), e, nil, nil)
		if err != nil {
			b.Fatal(err)
		}
		op.Entries = append(op.Entries, leaves...)
		if len(op.Entries) < 500 && i+1 < len(h.lines) {
			continue
		}
		if err := r.DB.Commit(b.Context(), op); err != nil {
			b.Fatal(err)
		}
		op = store.Op{}
		if i%10_000 < 500 || i+1 == len(h.lines) {
			if _, err := r.Audit.Sequence(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
}
