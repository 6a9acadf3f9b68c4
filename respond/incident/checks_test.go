package incident_test

import (
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/respond/incident"
)

// tried runs a check.
func tried(t *testing.T, s *incident.Service, id string) tutela.Evidence {
	t.Helper()
	for _, c := range s.Checks() {
		if c.ID == id {
			return c.Try(t.Context())
		}
	}
	t.Fatalf("no check %s", id)
	return tutela.Evidence{}
}

// An owner who cannot sign in any more, a runbook that nobody reads, and a kind without one are found.
func TestRunbooksOwnedCheckCatchesSabotage(t *testing.T) {
	t.Parallel()
	const id = "respond.runbooks-owned"
	seen := testkit.Sabotage(t, id)
	now := moment(t, "2026-11-23T04:00:00Z")
	clock := &stopped{at: now}
	r := rig.Open(t, rig.Config{Engine: rig.Engines()[0], Clock: clock.now})
	list, err := incident.LoadRunbooks(nil)
	must(t, err)
	open := func(list incident.Runbooks) *incident.Service {
		return incident.New(incident.Config{DB: r.DB, Audit: r.Audit, Clock: clock.now, Notes: r.Records, Findings: r.Findings, Alias: r.Identity.Alias,
			People: r.Identity, Runbooks: func() incident.Runbooks { return list }})
	}
	seen.Expect(tried(t, open(list), id), tutela.Fail, "nobody who can sign in")
	for _, name := range []string{"admin", "privacy"} {
		r.Person(t, clock.now, newUser(name))
	}
	seen.Expect(tried(t, open(list), id), tutela.Pass, "7 runbooks")
	seen.Expect(tried(t, open(list[1:]), id), tutela.Fail, "no runbook is for "+string(list[0].Kind))
	own := append(incident.Runbooks{}, list...)
	own[0].Owner = "who-left"
	seen.Expect(tried(t, open(own), id), tutela.Fail, "who-left")
	own[0].Owner = list[1].Owner
	seen.Expect(tried(t, open(own), id), tutela.Pass)
	clock.set(now.AddDate(1, 0, 1))
	seen.Expect(tried(t, open(list), id), tutela.Fail, "read last on 2026-11-01")
}

// A clock that has run out, and a report that nobody took up, are found; those of drills are not.
func TestClocksKeptCheckCatchesSabotage(t *testing.T) {
	t.Parallel()
	const id = "respond.clocks-kept"
	seen := testkit.Sabotage(t, id)
	p := &player{clock: &stopped{at: moment(t, "2027-03-14T06:30:00Z")}, start: moment(t, "2027-03-14T06:30:00Z")}
	p.Rig = rig.Open(t, rig.Config{Engine: rig.Engines()[0], Clock: p.clock.now})
	_, err := p.Incidents.Drill(t.Context(), actor("ann"), "insider")
	must(t, err)
	in, err := p.Incidents.Open(t.Context(), tutela.Principal{}, actor("ann"), incident.Opening{Title: "somebody looked", Kind: incident.Insider})
	must(t, err)
	p.id = in.ID
	p.at(60)
	seen.Expect(tried(t, p.Incidents, id), tutela.Pass, "1 incidents")
	p.at(61)
	seen.Expect(tried(t, p.Incidents, id), tutela.Fail, "clock contain of "+in.ID)
	p.phase(t, 61, incident.Contain)
	p.move(t, incident.Contained)
	seen.Expect(tried(t, p.Incidents, id), tutela.Pass, "1 incidents")
	told, err := p.Incidents.Report(t.Context(), actor("bob"), incident.Report{Text: "a strange call"})
	must(t, err)
	p.at(61 + 24*60 + 10)
	seen.Expect(tried(t, p.Incidents, id), tutela.Fail, "report "+told.ID)
}

// No drill, one that was not passed, and one that is too old are found.
func TestDrilledCheckCatchesSabotage(t *testing.T) {
	t.Parallel()
	const id = "respond.drilled"
	seen := testkit.Sabotage(t, id)
	p := &player{clock: &stopped{at: moment(t, "2027-03-14T06:30:00Z")}, start: moment(t, "2027-03-14T06:30:00Z")}
	p.Rig = rig.Open(t, rig.Config{Engine: rig.Engines()[0], Clock: p.clock.now})
	seen.Expect(tried(t, p.Incidents, id), tutela.Fail, "no drill was ever finished")
	run := func(contained int) {
		t.Helper()
		in, err := p.Incidents.Drill(t.Context(), actor("ann"), "lost-device")
		must(t, err)
		p.id = in.ID
		p.phase(t, 5, incident.Contain)
		p.at(contained)
		p.move(t, incident.Contained)
		p.phase(t, 90, incident.Recover)
		p.move(t, incident.Recovered)
		p.phase(t, 200, incident.Finish)
		p.note(t, incident.Remark{Kind: incident.Lesson, Text: "more practice"})
		p.move(t, incident.Closed)
	}
	run(61)
	seen.Expect(tried(t, p.Incidents, id), tutela.Fail, "points")
	p.start = p.start.AddDate(0, 0, 1)
	p.at(0)
	run(60)
	seen.Expect(tried(t, p.Incidents, id), tutela.Pass, "lost-device")
	p.clock.set(p.start.AddDate(1, 0, 1).Add(24 * time.Hour))
	seen.Expect(tried(t, p.Incidents, id), tutela.Fail, "the last drill was closed on 2027-03-15")
}
