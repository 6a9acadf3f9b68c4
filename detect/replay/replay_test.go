package replay_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/baseline"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/detect/replay"
)

// observer notes what it is shown, and in which order. Events of staff whom it knows are explained, those of
// others are offensive, and so are days with an event.
type observer struct {
	known map[tutela.UserID]bool
	times []time.Time
	open  map[tutela.UserID][]string
}

func newObserver() *observer {
	return &observer{known: map[tutela.UserID]bool{}, open: map[tutela.UserID][]string{}}
}

func (o *observer) Staff(s event.Staff)     { o.known[s.ID] = true }
func (*observer) Relation(event.Relation)   {}
func (*observer) Chart(event.Chart)         {}
func (*observer) Snapshot(io.Writer) error  { return nil }
func (*observer) Restore(io.Reader) error   { return nil }
func (o *observer) seen(e *event.Event) int { o.times = append(o.times, e.Time); return len(o.times) }

// usual is an observer as a model.
type usual struct{ *observer }

func (u usual) Observe(e *event.Event) baseline.Score {
	u.seen(e)
	u.open[e.Actor.ID] = append(u.open[e.Actor.ID], e.ID)
	if u.known[e.Actor.ID] {
		return baseline.Score{Value: 0.125, Explained: true, Explanations: []string{"works \"here\""}}
	}
	return baseline.Score{Value: 0.75}
}

func (u usual) EndOf(at time.Time) []baseline.Day {
	var days []baseline.Day
	for who, events := range u.open {
		if !u.known[who] {
			y, m, d := at.Date()
			days = append(days, baseline.Day{Staff: who, Day: time.Date(y, m, d, 0, 0, 0, 0, at.Location()), Score: 0.5, Flagged: len(events) > 1, Events: events})
		}
	}
	clear(u.open)
	return days
}

// offended is an observer as a detector.
type offended struct{ *observer }

func (offended) Observe(e *event.Event) []finding.Hit {
	if e.Actor.ID != "stranger" {
		return nil
	}
	return []finding.Hit{{Rule: "stranger", Level: finding.High, Actor: e.Actor.ID, Entries: []string{e.ID}, At: e.Time}}
}

func input(name, text string) replay.Input {
	return replay.Input{Name: name, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
}

// access is a line of an event at a minute of 2026-11-22 UTC.
func access(uid, who string, minute int) string {
	at := time.Date(2026, 11, 22, 0, minute, 0, 0, time.UTC).UnixMilli()
	return fmt.Sprintf(`{"class_uid":6005,"time":%d,"metadata":{"uid":%q},"user":{"uid":%q}}`+"\n", at, uid, who)
}

const ann = `{"kind":"staff","staff":"ann"}` + "\n"

// replayed runs and gives what was written.
func replayed(t *testing.T, c replay.Config) (string, replay.Summary) {
	t.Helper()
	var out bytes.Buffer
	c.Out, c.Workers = &out, 2
	sum, err := replay.Run(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), sum
}

// Answers come in the order of the input, detection sees the order of time, facts count wherever they stand.
func TestEventsAreAnsweredInTheirOrderAndSeenInThatOfTime(t *testing.T) {
	o := newObserver()
	out, sum := replayed(t, replay.Config{
		Watch: detect.Watch{Roster: o, Model: usual{o}},
		Events: []replay.Input{
			input("a", access("e1", "bob", 1)+access("e2", "ann", 9)+access("e3", "bob", 3)),
			input("b", ann+access("e4", "bob", 24*60+1)),
		},
	})
	want := `{"uid":"e1","score":0.75,"explained":false,"reasons":[]}
{"uid":"e2","score":0.125,"explained":true,"reasons":["works \"here\""]}
{"uid":"e3","score":0.75,"explained":false,"reasons":[]}
{"uid":"e4","score":0.75,"explained":false,"reasons":[]}
{"staff":"bob","day":"2026-11-22","score":0.5,"flagged":true,"reasons":[]}
{"staff":"bob","day":"2026-11-23","score":0.5,"flagged":false,"reasons":[]}
`
	if d := cmp.Diff(want, out); d != "" {
		t.Error(d)
	}
	for i := 1; i < len(o.times); i++ {
		if o.times[i].Before(o.times[i-1]) {
			t.Errorf("detection saw %v after %v", o.times[i], o.times[i-1])
		}
	}
	if d := cmp.Diff(replay.Summary{Events: 4, Facts: 1, Days: 2, Flagged: 1, Hits: 1}, sum); d != "" {
		t.Error(d)
	}
}

// Of a stream that can be read once facts count from where they stand.
func TestFactsOfAStreamCountFromWhereTheyStand(t *testing.T) {
	o, opened := newObserver(), 0
	stream := replay.Input{Name: "-", Once: true, Open: func() (io.ReadCloser, error) {
		if opened++; opened > 1 {
			return nil, errors.New("it was read")
		}
		return io.NopCloser(strings.NewReader(access("e1", "ann", 1) + access("e2", "ann", 30) + ann + access("e3", "ann", 60))), nil
	}}
	out, _ := replayed(t, replay.Config{Watch: detect.Watch{Roster: o, Model: usual{o}}, Events: []replay.Input{stream}})
	if n := strings.Count(out, `"explained":true`); n != 2 { // e2 waits for what may come before it
		t.Errorf("%d explained: %s", n, out)
	}
}

func TestDaysEndAtTheZonesMidnight(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	if err != nil {
		t.Fatal(err)
	}
	o := newObserver()
	out, _ := replayed(t, replay.Config{
		Watch:  detect.Watch{Model: usual{o}, Zone: rome},
		Events: []replay.Input{input("a", access("e1", "bob", 22*60+59)+access("e2", "bob", 23*60+1))},
	})
	if strings.Index(out, `"day":"2026-11-22"`) < 0 || strings.Index(out, `"day":"2026-11-23"`) < strings.Index(out, `"day":"2026-11-22"`) {
		t.Error(out)
	}
}

func TestFindingsAreShownWhenAskedFor(t *testing.T) {
	conf := replay.Config{
		Watch:  detect.Watch{Detectors: []detect.Part{{Name: "offended", Detector: offended{newObserver()}}}},
		Events: []replay.Input{input("a", access("e1", "stranger", 1))},
	}
	out, sum := replayed(t, conf)
	if strings.Contains(out, "finding") || sum.Hits != 1 {
		t.Errorf("%+v %s", sum, out)
	}
	conf.Findings = true
	if out, _ = replayed(t, conf); !strings.Contains(out, `{"finding":{"rule":"stranger","title":"","level":"high","risk":45,"actor":"stranger","entries":["e1"],"at":"2026-11-22T00:01:00Z"}}`) {
		t.Error(out)
	}
}

func TestBadLinesAreCountedNamedAndSkipped(t *testing.T) {
	var named []string
	lines := access("e1", "bob", 1) + "nonsense \"kind\"\n" + `{"class_uid":6005}` + "\n" + strings.Repeat("x", 2<<20) + "\n" + access("e2", "bob", 2)
	for range 200 {
		lines += "{\n"
	}
	out, sum := replayed(t, replay.Config{
		Facts:  []replay.Input{input("roster", ann+"{}\n")},
		Events: []replay.Input{input("a", lines)},
		Bad:    func(in string, line int, err error) { named = append(named, fmt.Sprint(in, " ", line, " ", err)) },
	})
	if strings.Count(out, "\n") != 2 || sum.Bad != 204 || len(named) != replay.MaxBad {
		t.Errorf("%+v, %d named, %s", sum, len(named), out)
	}
	if d := cmp.Diff([]string{"roster 2 has no time", "a 2 is no JSON object", "a 3 has no time", "a 4 is longer than 1 MiB"}, named[:4]); d != "" {
		t.Error(d)
	}
}

// Whatever the order of the lines: every event is answered once, and within the window seen in order.
func TestShuffledEventsAreAllAnswered(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var lines []string
	for i := range 3000 {
		lines = append(lines, access(fmt.Sprint(i), "bob", i/10))
	}
	for i := 0; i < len(lines); i += 60 { // six minutes each
		rng.Shuffle(60, func(a, b int) { lines[i+a], lines[i+b] = lines[i+b], lines[i+a] })
	}
	o := newObserver()
	out, _ := replayed(t, replay.Config{Watch: detect.Watch{Model: usual{o}}, Events: []replay.Input{input("a", strings.Join(lines, ""))}})
	var got []string
	for _, line := range strings.Split(out, "\n") {
		if _, rest, ok := strings.Cut(line, `{"uid":"`); ok {
			uid, _, _ := strings.Cut(rest, `"`)
			got = append(got, uid)
		}
	}
	if len(got) != 3000 {
		t.Fatalf("%d answers", len(got))
	}
	for i, line := range lines {
		if !strings.Contains(line, `"uid":"`+got[i]+`"`) {
			t.Fatalf("answer %d is of %s", i, got[i])
		}
	}
	for i := 1; i < len(o.times); i++ {
		if o.times[i].Before(o.times[i-1]) {
			t.Errorf("detection saw %v after %v", o.times[i], o.times[i-1])
		}
	}
}

func TestInputsThatCannotBeReadEndTheReplay(t *testing.T) {
	broken := errors.New("broken")
	bad := replay.Input{Name: "bad", Open: func() (io.ReadCloser, error) { return nil, broken }}
	for _, c := range []replay.Config{{Facts: []replay.Input{bad}}, {Events: []replay.Input{bad}}} {
		c.Out = io.Discard
		if _, err := replay.Run(t.Context(), c); !errors.Is(err, broken) {
			t.Errorf("%v", err)
		}
	}
}
