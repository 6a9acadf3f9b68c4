package incident_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // the test's zones, on every machine

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/respond/breach/duty"
	"github.com/tutela-health/tutela/respond/incident"
)

// stopped is a clock that stands still until a test moves it.
type stopped struct {
	mu sync.Mutex
	at time.Time // guarded by mu
}

func (s *stopped) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.at
}

func (s *stopped) set(at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = at
}

// actor is somebody at work.
func actor(name string) tutela.Entry {
	return tutela.Entry{Actor: tutela.Actor{ID: tutela.UserID(name), Kind: tutela.ActorPerson, Name: name}}
}

// player works through a drill on a clock of its own.
type player struct {
	*rig.Rig
	clock *stopped
	id    string
	start time.Time
	zone  string
}

// at is so many minutes after the discovery.
func (p *player) at(minute int) { p.clock.set(p.start.Add(time.Duration(minute) * time.Minute)) }

func (p *player) step(t *testing.T, by, step string, r incident.Result) error {
	t.Helper()
	_, err := p.Incidents.Step(t.Context(), tutela.Principal{}, actor(by), p.id, step, incident.Deed{Result: r, Note: "by the book"})
	return err
}

func (p *player) move(t *testing.T, to incident.State) {
	t.Helper()
	_, err := p.Incidents.Move(t.Context(), tutela.Principal{}, actor("ann"), p.id, incident.Move{To: to, Note: "by the book"})
	must(t, err)
}

func (p *player) note(t *testing.T, r incident.Remark) {
	t.Helper()
	_, err := p.Incidents.Note(t.Context(), tutela.Principal{}, actor("ann"), p.id, r)
	must(t, err)
}

// phase does every step of a phase, in order, a minute each from one on.
func (p *player) phase(t *testing.T, from int, phase incident.Phase) int {
	t.Helper()
	w, err := p.Incidents.Find(t.Context(), tutela.Principal{}, p.id)
	must(t, err)
	for _, s := range w.Steps {
		if s.Phase != phase {
			continue
		}
		p.at(from)
		for i := range s.Approvals {
			must(t, p.step(t, fmt.Sprintf("approver-%d", i), s.ID, incident.Approve))
		}
		if s.Check == incident.BackupReturns {
			p.backupCameBack(t)
		}
		must(t, p.step(t, "ann", s.ID, incident.Done))
		from++
	}
	return from
}

// backupCameBack is what a passed trial of a backup leaves in the ledger.
func (p *player) backupCameBack(t *testing.T) {
	t.Helper()
	_, err := p.Audit.Append(t.Context(), tutela.Entry{
		Actor: tutela.Actor{ID: "system:verify", Kind: tutela.ActorSystem}, Action: tutela.ActionBackupVerify, Outcome: tutela.OutcomeSuccess,
		Evidence: &tutela.Evidence{Verdict: tutela.Pass, Observed: "came back in 3 s"},
	}, nil)
	must(t, err)
}

// A drill of each shipped runbook, to the minute, where clocks are put forward and back and where a year ends: an
// hour is an hour of time, sixty days are days of the calendar where the organisation is.
func TestDrillOfEachRunbookToTheMinute(t *testing.T) {
	t.Parallel()
	list, err := incident.LoadRunbooks(nil)
	must(t, err)
	for _, c := range []struct {
		name, zone, discovered, hour, letters string
	}{
		{"forward", "America/New_York", "2027-03-14T06:30:00Z", "2027-03-14T07:30:00Z", "2027-05-14T04:00:00Z"},     // 01:30, and 03:30 comes after an hour
		{"back", "America/New_York", "2027-11-07T05:30:00Z", "2027-11-07T06:30:00Z", "2028-01-07T05:00:00Z"},        // 01:30, and 01:30 comes after an hour
		{"year", "Europe/Berlin", "2027-12-31T22:59:00Z", "2027-12-31T23:59:00Z", "2028-02-29T23:00:00Z"},           // 23:59 there, over a leap day: until the end of 29 February
		{"new-year", "Europe/Berlin", "2027-12-31T23:01:00Z", "2028-01-01T00:01:00Z", "2028-03-01T23:00:00Z"},       // already the new year there
		{"across-forward", "Europe/Berlin", "2027-02-15T12:00:00Z", "2027-02-15T13:00:00Z", "2027-04-16T22:00:00Z"}, // a day of 23 hours between
		{"midnight", "America/Santiago", "2027-07-06T12:00:00Z", "2027-07-06T13:00:00Z", "2027-09-05T04:00:00Z"},    // clocks go forward at midnight on 5 September
		{"line", "Pacific/Kiritimati", "2027-06-01T11:00:00Z", "2027-06-01T12:00:00Z", "2027-08-01T10:00:00Z"},      // 14 hours ahead
	} {
		for i, engine := range rig.Engines() {
			t.Run(c.name+"/"+string(engine), func(t *testing.T) {
				t.Parallel()
				zone, err := time.LoadLocation(c.zone)
				must(t, err)
				p := &player{clock: &stopped{at: moment(t, c.discovered)}, start: moment(t, c.discovered), zone: c.zone}
				p.Rig = rig.Open(t, rig.Config{Engine: engine, Clock: p.clock.now, Zone: zone})
				books := list
				if i > 0 { // every runbook on one engine, one of them on the others
					books = list[:1]
				}
				for _, r := range books {
					p.at(0)
					p.play(t, r, moment(t, c.hour), moment(t, c.letters))
				}
			})
		}
	}
}

// play works through a runbook and holds the score to what was done.
func (p *player) play(t *testing.T, r incident.Runbook, hour, letters time.Time) {
	t.Helper()
	in, err := p.Incidents.Drill(t.Context(), actor("ann"), r.ID)
	must(t, err)
	p.id = in.ID
	p.phase(t, 5, incident.Contain)
	p.at(60) // on the stroke of the hour
	p.move(t, incident.Contained)
	p.phase(t, 90, incident.Recover)
	p.at(180)
	p.move(t, incident.Recovered)
	p.phase(t, 200, incident.Finish)
	p.at(300)
	p.note(t, incident.Remark{Kind: incident.Communication, Text: "told how it went", To: "the board", Channel: "meeting"})
	p.note(t, incident.Remark{Kind: incident.Lesson, Text: "telephone lists were old"})
	p.move(t, incident.Closed)
	sc, err := p.Incidents.Score(t.Context(), tutela.Principal{}, p.id)
	must(t, err)
	if !sc.Passed || sc.Points != sc.Of || sc.Left+sc.Skipped != 0 || sc.Told != 1 || sc.Lessons != 1 {
		t.Errorf("%s: %+v", r.ID, sc)
	}
	if c := sc.Clocks[0]; c.Minutes != 60 || c.Late || !c.Due.Equal(hour) || !c.Reached.Equal(hour) {
		t.Errorf("%s: contained: %+v, due %v", r.ID, c, hour)
	}
	duties := p.duties(t)
	for _, c := range sc.Clocks {
		if law := map[string]string{"individuals": "hipaa.individuals", "authority": "gdpr.authority"}[c.ID]; law != "" && !c.Due.Equal(duties[law]) {
			t.Errorf("%s: %s is due %v, and by law %v", r.ID, c.ID, c.Due, duties[law])
		}
		if c.ID == "individuals" && !c.Due.Equal(letters) {
			t.Errorf("%s: letters are due %v instead of %v", r.ID, c.Due, letters)
		}
		if c.ID == "authority" && !c.Due.Equal(p.start.Add(72*time.Hour)) {
			t.Errorf("%s: the authority: %v", r.ID, c.Due)
		}
	}
	w, err := p.Incidents.Find(t.Context(), tutela.Principal{}, p.id)
	must(t, err)
	last := p.start
	for _, item := range w.Timeline {
		if item.At.Before(last) {
			t.Errorf("%s: item %d is before the one before it", r.ID, item.Number)
		}
		last = item.At
	}
	if want := p.start.Add(5 * time.Hour); !last.Equal(want) || !w.Closed.Equal(want) {
		t.Errorf("%s: closed %v, last item %v, want %v", r.ID, w.Closed, last, want)
	}
}

// duties are when the law has people told of a breach that was discovered with the drill.
func (p *player) duties(t *testing.T) map[string]time.Time {
	t.Helper()
	list, err := duty.Of(duty.Facts{Discovered: p.start, Zone: p.zone, Laws: []duty.Law{duty.HIPAA, duty.GDPR}, Breach: true, Individuals: 12})
	must(t, err)
	due := map[string]time.Time{}
	for _, d := range list {
		due[d.ID] = d.Due
	}
	return due
}

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	must(t, err)
	return at
}

// A minute after the hour is late, a skipped step brings no points, and what is not closed has not passed.
func TestScoreTellsWhatWasMissed(t *testing.T) {
	t.Parallel()
	p := &player{clock: &stopped{at: moment(t, "2027-03-14T06:30:00Z")}, start: moment(t, "2027-03-14T06:30:00Z")}
	p.Rig = rig.Open(t, rig.Config{Engine: rig.Engines()[0], Clock: p.clock.now})
	in, err := p.Incidents.Drill(t.Context(), actor("ann"), "lost-device")
	must(t, err)
	p.id = in.ID
	p.at(16)
	must(t, p.step(t, "ann", "ask", incident.Done)) // due after 15
	p.at(20)
	must(t, p.step(t, "ann", "sessions", incident.Done))
	must(t, p.step(t, "ann", "wipe", incident.Skipped))
	must(t, p.step(t, "ann", "extracts", incident.Done))
	p.at(61)
	p.move(t, incident.Contained)
	sc, err := p.Incidents.Score(t.Context(), tutela.Principal{}, p.id)
	must(t, err)
	var late []string
	for _, timing := range append(sc.Clocks, sc.Steps...) {
		if timing.Late {
			late = append(late, fmt.Sprintf("%s at %d", timing.ID, timing.Minutes))
		}
	}
	if d := cmp.Diff([]string{"contain at 61", "ask at 16"}, late); d != "" {
		t.Error(d)
	}
	if sc.Passed || sc.Skipped != 1 || sc.Left != 6 || sc.Points != 1+2+2 {
		t.Errorf("%+v", sc)
	}
}

// What two people have to want is not done by one, however often he says so, nor before a backup came back or while
// the ledger does not verify.
func TestStepsWantTwoPeopleAndProof(t *testing.T) {
	t.Parallel()
	each(t, finding.Low, func(t *testing.T, h *house) {
		a := h.call(t, "privacy", http.MethodPost, "/drills", say{"runbook": "ransomware"})
		expect(t, a, http.StatusOK)
		id := decoded[incident.Incident](t, a).ID
		step := func(as, step, result string, status int, says string) {
			t.Helper()
			a := h.call(t, as, http.MethodPost, "/"+id+"/steps/"+step, say{"result": result, "note": "by the book"})
			if a.Status != status || !strings.Contains(string(a.Body), says) {
				t.Errorf("%s by %s: %d %s", step, as, a.Status, a.Body)
			}
		}
		step("admin", "rebuild", "done", http.StatusConflict, "has 0")
		step("admin", "rebuild", "approve", http.StatusOK, "")
		step("admin", "rebuild", "approve", http.StatusConflict, "somebody else")
		step("admin", "rebuild", "done", http.StatusConflict, "has 1")
		step("nurse", "rebuild", "approve", http.StatusForbidden, "")
		step("privacy", "rebuild", "approve", http.StatusOK, "")
		step("admin", "rebuild", "done", http.StatusOK, "")
		step("admin", "rebuild", "done", http.StatusConflict, "")
		step("admin", "swim", "done", http.StatusNotFound, "no such step")
		step("admin", "isolate", "dance", http.StatusBadRequest, "")
		step("admin", "backup", "done", http.StatusConflict, "tutela backup verify")
		(&player{Rig: h.Rig}).backupCameBack(t)
		step("admin", "backup", "done", http.StatusOK, "")
		h.sequence(t)
		expect(t, h.call(t, "admin", http.MethodPost, "/"+id+"/state", say{"to": "contained", "note": "not yet"}), http.StatusConflict)
		h.edit(t, `UPDATE ledger_batches SET blob = mac WHERE first_leaf = 0`)
		step("admin", "ledger", "done", http.StatusConflict, "problem")
	})
}

// What was found gets its runbook when somebody has said what it is; a drill takes no finding in, hinders nothing,
// and what was begun keeps its steps.
func TestRunbookFollowsTheKind(t *testing.T) {
	t.Parallel()
	each(t, finding.High, func(t *testing.T, h *house) {
		h.did(t, "privacy", "/drills", say{"runbook": "insider"})
		h.read(t, "nurse", "ann")
		h.settle(t)
		var found incident.Incident
		for _, in := range h.list(t, "privacy") {
			if !in.Drill {
				found = in
			}
		}
		if len(found.Findings) != 1 || len(found.Steps) != 0 {
			t.Fatalf("%+v", found)
		}
		got := h.did(t, "privacy", "/"+found.ID+"/state", say{"to": "open", "note": "it is one of us", "kind": "insider"})
		if !strings.HasPrefix(got.Runbook, "insider@") || got.Steps[0].ID != "quiet" {
			t.Errorf("%+v", got)
		}
		h.did(t, "privacy", "/"+found.ID+"/steps/quiet", say{"result": "done", "note": "three of us know"})
		if got = h.did(t, "privacy", "/"+found.ID+"/state", say{"to": "open", "note": "or is it", "kind": "account-takeover"}); !strings.HasPrefix(got.Runbook, "insider@") {
			t.Errorf("steps that were done are gone: %s", got.Runbook)
		}
		if _, err := h.Incidents.Drill(t.Context(), actor("ann"), "none"); !errs.Is(err, errs.NotFound) {
			t.Errorf("a drill of nothing: %v", err)
		}
	})
}
