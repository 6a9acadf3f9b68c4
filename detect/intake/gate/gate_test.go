package gate_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/gate"
	"github.com/tutela-health/tutela/internal/testkit"
)

// watchmaker is a clock that stands until it is moved.
type watchmaker struct{ at time.Time }

func (w *watchmaker) now() time.Time { return w.at }

func open(t *testing.T, w *watchmaker, list ...gate.Source) *gate.Gate {
	t.Helper()
	g, err := gate.New(list, w.now)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func network(s string) []netip.Prefix { return []netip.Prefix{netip.MustParsePrefix(s)} }

func TestOnlyConfiguredSystemsAreSources(t *testing.T) {
	t.Parallel()
	g := open(t, &watchmaker{time.Unix(1e9, 0)},
		gate.Source{Name: "ward net", Networks: network("10.0.0.0/8")},
		gate.Source{Name: "ehr", Certificate: "ehr01", Networks: network("10.1.0.0/16")},
		gate.Source{Name: "lab", Certificate: "lab"})
	for _, row := range []struct{ address, name, want string }{
		{"10.2.0.1", "", "ward net"}, {"10.1.0.1", "ehr01", "ehr"}, {"192.0.2.1", "ehr01", ""}, {"10.1.0.1", "somebody", "ward net"},
		{"192.0.2.1", "lab", "lab"}, {"192.0.2.1", "", ""},
	} {
		got := ""
		if d, ok := g.Admit(intake.Peer{Address: netip.MustParseAddr(row.address), Name: row.name}); ok {
			got = d.Name
		}
		if got != row.want {
			t.Errorf("%s %q: %q", row.address, row.name, got)
		}
	}
}

func TestSourcesThatCannotBeMeantAreRefused(t *testing.T) {
	t.Parallel()
	for _, list := range [][]gate.Source{{{Name: "x"}}, {{Certificate: "x"}}, {{Name: "x", Certificate: "x"}, {Name: "x", Certificate: "y"}}} {
		if _, err := gate.New(list, time.Now); err == nil {
			t.Errorf("%+v", list)
		}
	}
}

func TestSourceIsHeldToItsRate(t *testing.T) {
	t.Parallel()
	w := &watchmaker{time.Unix(1e9, 0)}
	d, _ := open(t, w, gate.Source{Name: "ehr", Certificate: "ehr", Rate: 10}).Admit(intake.Peer{Name: "ehr"})
	var waits []time.Duration
	for range 12 {
		waits = append(waits, max(d.Wait(), 0))
	}
	if d := cmp.Diff([]time.Duration{0, 100 * time.Millisecond, 200 * time.Millisecond}, waits[9:]); d != "" {
		t.Error(d)
	}
}

// TestSourceThatFallsSilentIsFound is the sabotage of watch.sources-speak: each row does to a source what must be seen.
func TestSourceThatFallsSilentIsFound(t *testing.T) {
	t.Parallel()
	seen := testkit.Sabotage(t, "watch.sources-speak")
	for _, row := range []struct {
		name string
		do   func(w *watchmaker, d *gate.Desk)
		want tutela.Verdict
		says string
	}{
		{"speaks", func(w *watchmaker, d *gate.Desk) { d.Took(w.at) }, tutela.Pass, "all of them"},
		{"fell silent", func(w *watchmaker, d *gate.Desk) { d.Took(w.at); w.at = w.at.Add(2 * time.Hour) }, tutela.Fail, "ehr has said nothing since 2001"},
		{"never spoke", func(w *watchmaker, d *gate.Desk) { w.at = w.at.Add(2 * time.Hour) }, tutela.Fail, "ehr has said nothing since 2001"},
		{"is behind", func(w *watchmaker, d *gate.Desk) { d.Took(w.at.Add(-3 * time.Hour)) }, tutela.Fail, "ehr is 3h0m0s behind"},
		{"makes no sense", func(w *watchmaker, d *gate.Desk) {
			d.Took(w.at)
			d.Refuse("is no AuditMessage")
			d.Refuse("is no AuditMessage")
		}, tutela.Fail, "is no AuditMessage"},
		{"speaks again", func(w *watchmaker, d *gate.Desk) { w.at = w.at.Add(2 * time.Hour); d.Took(w.at) }, tutela.Pass, "all of them"},
	} {
		t.Run(row.name, func(t *testing.T) {
			w := &watchmaker{time.Unix(1e9, 0)}
			g := open(t, w, gate.Source{Name: "ehr", Certificate: "ehr", Silent: time.Hour})
			d, _ := g.Admit(intake.Peer{Name: "ehr"})
			row.do(w, d)
			seen.Expect(g.Checks()[0].Try(t.Context()), row.want, row.says)
		})
	}
	e := open(t, &watchmaker{}).Checks()[0].Try(t.Context())
	if e.Verdict != tutela.NotApplicable {
		t.Errorf("without sources: %s", e.Verdict)
	}
}
