package incident_test

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/tutela-health/tutela/respond/incident"
)

const own = `version: 1
id: flood
title: Water in the server room
kind: downtime
owner: admin
reviewed: 2026-11-01
clocks:
  - {id: contain, title: Contained, until: contained, within: 1h, cite: our policy}
steps:
  - {id: pump, phase: contain, title: Pump, do: Pump it out., role: janitor, within: 30m}
`

// Every kind but other has a shipped runbook, and each of them says within which hour it is contained.
func TestShippedRunbooksCoverEveryKind(t *testing.T) {
	t.Parallel()
	list, err := incident.LoadRunbooks(nil)
	must(t, err)
	for _, k := range incident.Kinds() {
		r, found := list.Find(string(k))
		if !found && k != incident.Other {
			t.Errorf("%s has no runbook", k)
		}
		if !found {
			continue
		}
		if c := r.Clocks[0]; c.Until != string(incident.Contained) || time.Duration(c.Within) != time.Hour {
			t.Errorf("%s: containing it within the hour is not measured: %+v", k, c)
		}
		phases := map[incident.Phase]bool{}
		for _, s := range r.Steps {
			phases[s.Phase] = true
		}
		if len(phases) != 3 {
			t.Errorf("%s: phases %v", k, phases)
		}
	}
}

func TestRunbooksThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := incident.ParseRunbook([]byte(own)); err != nil {
		t.Fatal(err)
	}
	for _, edit := range [][2]string{
		{"version: 1", "version: 2"}, {"id: flood", "id: Flood"}, {"kind: downtime", "kind: water"}, {"owner: admin\n", "owner: admin\nowners: all\n"},
		{"owner: admin", "owner: ''"}, {"2026-11-01", "lately"}, {"until: contained", "until: dry"}, {"until: contained", "until: step swim"},
		{"within: 1h,", ""}, {"within: 1h", "within: 1h, days: 2"}, {"within: 1h", "within: -1h"}, {"within: 1h", "within: 721h"}, {"cite: our policy", "cite: ''"},
		{"phase: contain,", "phase: swim,"}, {"role: janitor", "role: janitor, approvals: 4"}, {"role: janitor", "role: janitor, check: luck"},
		{"within: 30m}\n", "within: 30m}\n  - {id: pump, phase: close, title: Again, do: Again., role: janitor}\n"}, {"steps:", "steps: []\nmore:"},
		{"do: Pump it out.", "do: " + strings.Repeat("x", 70000)},
	} {
		text := strings.Replace(own, edit[0], edit[1], 1)
		if text == own {
			t.Fatalf("%q is not there", edit[0])
		}
		if r, err := incident.ParseRunbook([]byte(text)); err == nil {
			t.Errorf("%.60q instead of %q: %+v", edit[1], edit[0], r.Clocks)
		}
	}
}

// A changed runbook is in force when the ledger has heard of it, and not at all where it makes no sense.
func TestRunbooksAreReloaded(t *testing.T) {
	t.Parallel()
	folder := fstest.MapFS{"flood.yml": {Data: []byte(own)}}
	var told []incident.Reload
	full := errors.New("the ledger is full")
	refuse := full
	b := &incident.Book{Own: folder, Record: func(_ context.Context, r incident.Reload) error {
		if refuse == nil {
			told = append(told, r)
		}
		return refuse
	}}
	must(t, b.Open())
	title := func() string { r, _ := b.Runbooks().Find("flood"); return r.Title }
	must(t, b.Look(t.Context()))
	folder["flood.yml"] = &fstest.MapFile{Data: []byte(strings.Replace(own, "Water in", "Water under", 1))}
	if err := b.Look(t.Context()); !errors.Is(err, full) || title() != "Water in the server room" {
		t.Errorf("%v, %q", err, title())
	}
	refuse = nil
	must(t, b.Look(t.Context()))
	must(t, b.Look(t.Context()))
	if title() != "Water under the server room" || len(told) != 1 {
		t.Errorf("%q, told %+v", title(), told)
	}
	folder["bad.yml"] = &fstest.MapFile{Data: []byte("version: 1\nswim: true\n")}
	must(t, b.Look(t.Context()))
	must(t, b.Look(t.Context()))
	if len(told) != 2 || told[1].Refused == "" || title() != "Water under the server room" {
		t.Errorf("told %+v", told)
	}
}

// One's own runbook takes the place of the shipped one with the same id; two files with one id are refused.
func TestOwnRunbooksTakeTheShippedOnesPlace(t *testing.T) {
	t.Parallel()
	text := []byte(strings.Replace(own, "id: flood", "id: downtime", 1))
	list, err := incident.LoadRunbooks(fstest.MapFS{"a.yml": {Data: text}})
	must(t, err)
	if r, _ := list.Find("downtime"); len(list) != 7 || r.Title != "Water in the server room" {
		t.Errorf("%d runbooks, %q", len(list), r.Title)
	}
	var twice fs.FS = fstest.MapFS{"a.yml": {Data: text}, "b.yml": {Data: text}}
	if _, err := incident.LoadRunbooks(twice); err == nil {
		t.Error("two files with one id")
	}
}

func FuzzParseRunbook(f *testing.F) {
	f.Add([]byte(own))
	f.Add([]byte("version: 1\nsteps: &a [*a]\n"))
	f.Add([]byte("a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: [*b,*b,*b,*b]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := incident.ParseRunbook(text)
		if err == nil && (r.ID == "" || len(r.Steps) == 0 || len(r.Clocks) == 0 || r.Version == "") {
			t.Errorf("taken: %+v", r)
		}
	})
}
