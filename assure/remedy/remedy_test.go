package remedy_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/assure/remedy"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// house has two checks, whose verdicts a test sets, on a clock that it turns.
type house struct {
	*remedy.Service
	now      time.Time
	verdicts map[string]tutela.Verdict
	assessor *assure.Assessor
	risks    map[string]int
	due      []register.Duty // follow-ups of reviews
}

func opened(t *testing.T, r *rig.Rig) *house {
	t.Helper()
	h := &house{now: time.Now().UTC().AddDate(0, 0, -200).Truncate(time.Second), verdicts: map[string]tutela.Verdict{}, risks: map[string]int{}}
	clock := func() time.Time { return h.now }
	checks := []tutela.Check{h.check("a.one", "S01"), h.check("a.two", "S01", "S03")}
	h.assessor = assure.New(r.Audit, clock, checks...)
	board := r.Board(t, clock, checks...)
	h.Service = remedy.New(remedy.Config{
		Register: r.Register, Clock: clock, Board: func() *control.Board { return board }, Checks: func() []tutela.Check { return checks },
		Risks:     func(context.Context) (map[string]int, error) { return h.risks, nil },
		FollowUps: func(context.Context) ([]register.Duty, error) { return h.due, nil },
		Person: func(_ context.Context, name string) (tutela.UserID, string, error) {
			if name != "pia" {
				return "", "", errs.New(errs.NotFound, "no such person")
			}
			return "u-pia", "pia", nil
		},
	})
	return h
}

func (h *house) check(id string, controls ...string) tutela.Check {
	h.verdicts[id] = tutela.Pass
	return tutela.Check{ID: id, Title: "The check " + id, Controls: controls, Fresh: 36 * time.Hour, Try: func(context.Context) tutela.Evidence {
		return tutela.Evidence{On: "here", Observed: "seen", Verdict: h.verdicts[id]}
	}}
}

// look tries the checks and follows them, an hour later.
func (h *house) look(t *testing.T) {
	t.Helper()
	h.now = h.now.Add(time.Hour)
	_, err := h.assessor.Run(t.Context())
	must(t, err)
	must(t, h.Work(t.Context()))
}

func (h *house) open(t *testing.T) (ids []string) {
	t.Helper()
	list, err := h.List(t.Context(), false)
	must(t, err)
	for _, k := range list {
		ids = append(ids, k.ID)
	}
	return ids
}

func by(id tutela.UserID) tutela.Entry {
	return tutela.Entry{Actor: tutela.Actor{ID: id, Kind: tutela.ActorPerson, Name: string(id)}, Action: tutela.ActionGapChange}
}

// A gap opens when a check fails and closes when it passes, and by no word.
func TestGapsCloseByAPassingCheck(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		h := opened(t, r)
		h.look(t)
		if got := h.open(t); len(got) != 0 {
			t.Fatalf("%v", got)
		}
		h.verdicts["a.one"] = tutela.Fail
		h.look(t)
		h.look(t)
		if diff := cmp.Diff([]string{"check.a.one"}, h.open(t)); diff != "" {
			t.Fatal(diff)
		}
		if _, err := h.Dispute(t.Context(), by("u-ann"), "check.a.one", "it is wrong"); !errs.Is(err, errs.Conflict) {
			t.Errorf("a check was disputed: %v", err)
		}
		_, err := h.Assign(t.Context(), by("u-ann"), "check.a.one", remedy.Assignment{Owner: "pia", Until: h.now.AddDate(0, 0, 9).Format(time.DateOnly), Plan: "mend it"})
		must(t, err)
		duties, err := h.Duties(t.Context())
		must(t, err)
		if len(duties) != 1 || duties[0].Name != "pia" {
			t.Errorf("%+v", duties)
		}
		h.verdicts["a.one"] = tutela.CouldNotCheck
		h.look(t)
		if len(h.open(t)) != 1 {
			t.Error("what could not be checked closed a gap")
		}
		h.verdicts["a.one"] = tutela.Pass
		h.look(t)
		all, err := h.List(t.Context(), true)
		must(t, err)
		if len(h.open(t)) != 0 || len(all) != 1 || all[0].State != remedy.Closed || !strings.Contains(all[0].How, "the check passed at") || all[0].Plan != "mend it" {
			t.Errorf("%+v", all)
		}
		h.verdicts["a.one"] = tutela.Fail
		h.look(t)
		if all, err = h.List(t.Context(), true); err != nil || len(all) != 1 || all[0].State != remedy.Open || all[0].Owner != "" {
			t.Errorf("it did not open again: %+v %v", all, err)
		}
		r.Verify(t)
	})
}

// What takes off the most for an hour of work comes first.
func TestGapsAreRankedByWhatTheyTakeOffAnHour(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	h.verdicts["a.one"], h.verdicts["a.two"] = tutela.Fail, tutela.Fail
	h.look(t)
	if diff := cmp.Diff([]string{"check.a.two", "check.a.one"}, h.open(t)); diff != "" {
		t.Error(diff)
	}
	until := h.now.AddDate(0, 0, 9).Format(time.DateOnly)
	_, err := h.Assign(t.Context(), by("u-ann"), "check.a.two", remedy.Assignment{Owner: "pia", Until: until, Effort: 40})
	must(t, err)
	if diff := cmp.Diff([]string{"check.a.one", "check.a.two"}, h.open(t)); diff != "" {
		t.Error(diff)
	}
	h.risks["S03"] = 20
	if diff := cmp.Diff([]string{"check.a.two", "check.a.one"}, h.open(t)); diff != "" {
		t.Error(diff)
	}
}

func finding(rule, where string, s remedy.Severity) remedy.Finding {
	return remedy.Finding{Rule: rule, Title: "The " + rule, Where: where, Severity: s}
}

// What a run does not find again is closed, what comes back opens again, and a test that was wrong takes two people.
func TestRunsOfATestCloseWhatTheyDoNotFind(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		h := opened(t, r)
		_, err := h.Plan(t.Context(), by("u-ann"), "pentest", "Penetration test", "pia", 12)
		must(t, err)
		day := func() string { return h.now.Format(time.DateOnly) }
		record := func(want remedy.Run, list ...remedy.Finding) {
			t.Helper()
			run, err := h.Record(t.Context(), by("u-ann"), "pentest", day(), "Red Team Ltd", list)
			must(t, err)
			want.Test = "pentest"
			if diff := cmp.Diff(want, run); diff != "" {
				t.Error(diff)
			}
		}
		sqli, xss := finding("sqli", "/search", remedy.Critical), finding("xss", "/note", remedy.Medium)
		record(remedy.Run{Number: 1, New: 2}, sqli, xss, sqli)
		h.now = h.now.AddDate(0, 0, 3)
		record(remedy.Run{Number: 2, Still: 1, Closed: 1}, xss)
		record(remedy.Run{Number: 3, New: 1, Still: 1}, xss, sqli)
		open := h.open(t)
		list, err := h.List(t.Context(), false)
		must(t, err)
		i := slices.IndexFunc(list, func(k remedy.Kept) bool { return k.Seen == "xss" })
		if len(open) != 2 || list[1-i].Until.Sub(h.now) != 7*24*time.Hour || list[0].OwnerName != "pia" {
			t.Fatalf("%+v", list)
		}
		id := list[i].ID
		_, err = h.Dispute(t.Context(), by("u-ann"), id, "the page is not ours")
		must(t, err)
		if _, err := h.Agree(t.Context(), by("u-ann"), id); !errs.Is(err, errs.Denied) {
			t.Errorf("alone: %v", err)
		}
		_, err = h.Agree(t.Context(), by("u-bob"), id)
		must(t, err)
		if got := h.open(t); len(got) != 1 || got[0] == id {
			t.Errorf("%v", got)
		}
		for what, err := range map[string]error{
			"of tomorrow":     second(h.Record(t.Context(), by("u-ann"), "pentest", h.now.AddDate(0, 0, 1).Format(time.DateOnly), "x", nil)),
			"before the last": second(h.Record(t.Context(), by("u-ann"), "pentest", h.now.AddDate(0, 0, -1).Format(time.DateOnly), "x", nil)),
			"nobody's":        second(h.Record(t.Context(), by("u-ann"), "pentest", day(), "", nil)),
			"of no finding":   second(h.Record(t.Context(), by("u-ann"), "pentest", day(), "x", []remedy.Finding{{Rule: "r", Title: "t", Severity: "bad"}})),
			"not planned":     second(h.Record(t.Context(), by("u-ann"), "other", day(), "x", nil)),
		} {
			if err == nil {
				t.Errorf("a run %s was taken", what)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// How everything stood is kept once a day, and says what was mended and what broke.
func TestScoresAreKeptDaily(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	h.now = h.now.Truncate(24 * time.Hour)
	must(t, h.Work(t.Context()))
	if trend, err := h.Trend(t.Context(), 30); err != nil || len(trend.Scores) != 0 {
		t.Fatalf("of a day on which nothing was tried: %+v %v", trend, err)
	}
	h.verdicts["a.one"] = tutela.Fail
	h.look(t)
	h.look(t)
	for range 3 {
		h.now = h.now.AddDate(0, 0, 1)
		h.verdicts["a.one"], h.verdicts["a.two"] = tutela.Pass, tutela.Fail
		h.look(t)
	}
	trend, err := h.Trend(t.Context(), 30)
	must(t, err)
	if len(trend.Scores) != 4 || fmt.Sprint(trend.Mended, trend.Broken) != "[a.one] [a.two]" {
		t.Errorf("%+v", trend)
	}
	if own := trend.Scores[3].Regulations["tutela"]; own[control.Red] != 2 {
		t.Errorf("%+v", own)
	}
	if trend, err = h.Trend(t.Context(), 2); err != nil || len(trend.Scores) != 2 {
		t.Errorf("%+v %v", trend, err)
	}
}

// The check goes red when a gap is overdue or nobody's for a week.
func TestCheckOfGapsSeesWhatIsLeftOpen(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	w := testkit.Sabotage(t, "govern.gaps-closed")
	try := func() tutela.Evidence { return h.Checks()[0].Try(t.Context()) }
	w.Expect(try(), tutela.NotApplicable)
	h.verdicts["a.one"] = tutela.Fail
	h.look(t)
	w.Expect(try(), tutela.Pass, "1 gaps are open")
	h.now = h.now.AddDate(0, 0, 8)
	w.Expect(try(), tutela.Fail, "check.a.one is nobody's")
	_, err := h.Assign(t.Context(), by("u-ann"), "check.a.one", remedy.Assignment{Owner: "pia", Until: h.now.AddDate(0, 0, 9).Format(time.DateOnly)})
	must(t, err)
	w.Expect(try(), tutela.Pass)
	h.now = h.now.AddDate(0, 0, 9)
	w.Expect(try(), tutela.Fail, "check.a.one was to be closed by")
	h.verdicts["a.one"] = tutela.Pass
	h.look(t)
	w.Expect(try(), tutela.Pass, "0 gaps are open")
}

// The check goes red when no score is kept any more.
func TestCheckOfScoresSeesWhatIsNotKept(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	w := testkit.Sabotage(t, "govern.scores-kept")
	try := func() tutela.Evidence { return h.Checks()[1].Try(t.Context()) }
	w.Expect(try(), tutela.NotApplicable)
	h.look(t)
	w.Expect(try(), tutela.Pass, "1 days")
	h.now = h.now.AddDate(0, 0, 3)
	w.Expect(try(), tutela.Fail, "the newest score is of")
	h.look(t)
	w.Expect(try(), tutela.Pass, "2 days")
}

// The check goes red when a test is not run in time, and when what it found stays open.
func TestCheckOfTestsSeesWhatIsNotTested(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	w := testkit.Sabotage(t, "govern.tests-run")
	try := func() tutela.Evidence { return h.Checks()[2].Try(t.Context()) }
	w.Expect(try(), tutela.NotApplicable)
	_, err := h.Plan(t.Context(), by("u-ann"), "audit", "Audit", "pia", 3)
	must(t, err)
	w.Expect(try(), tutela.Pass)
	h.now = h.now.AddDate(0, 3, 0)
	w.Expect(try(), tutela.Fail, "audit was to be run by")
	_, err = h.Record(t.Context(), by("u-ann"), "audit", h.now.Format(time.DateOnly), "Auditors Ltd", []remedy.Finding{finding("tls", "host", remedy.High)})
	must(t, err)
	w.Expect(try(), tutela.Pass)
	h.now = h.now.AddDate(0, 0, 31)
	w.Expect(try(), tutela.Fail, "was to be closed by")
	_, err = h.Record(t.Context(), by("u-ann"), "audit", h.now.Format(time.DateOnly), "Auditors Ltd", nil)
	must(t, err)
	w.Expect(try(), tutela.Pass)
}

func TestFindingsAreRead(t *testing.T) {
	list, err := remedy.ReadCSV([]byte("\xef\xbb\xbfTitle,Severity,Where\n\"Open, port\",HIGH,10.0.0.1\nOld TLS,low,\n"))
	must(t, err)
	want := []remedy.Finding{{Rule: "Open, port", Title: "Open, port", Where: "10.0.0.1", Severity: remedy.High}, {Rule: "Old TLS", Title: "Old TLS", Severity: remedy.Low}}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
	for text, say := range map[string]string{
		"":                              "names its columns",
		"title\nx\n":                    "no column severity",
		"title,severity\nx,bad\n":       "line 2",
		"title,severity\nx,low\ny\n":    "wrong number of fields",
		"title,severity\n,low\n":        "line 2",
		"title,severity\n\"\xff\",low":  "line 2",
		"title,severity\n\"x,low\nmore": "cannot be read",
	} {
		if _, err := remedy.ReadCSV([]byte(text)); err == nil || !strings.Contains(errs.Public(err), say) {
			t.Errorf("%q: %v", text, err)
		}
	}
	list, err = remedy.ReadSARIF([]byte(`{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x","rules":[{"id":"r1","properties":{"security-severity":"9.8"}},{"id":"r2","defaultConfiguration":{"level":"note"}}]}},
"results":[{"ruleId":"r1","message":{"text":"bad"},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"https://x/y"}}}]},
{"ruleIndex":1,"message":{"text":""}},{"ruleId":"r3","level":"error","message":{"text":"c"},"locations":[{"logicalLocations":[{"fullyQualifiedName":"GET /a"}]}]},
{"ruleId":"r1","kind":"pass","message":{"text":"fine"}},{"ruleId":"r1","suppressions":[{}],"message":{"text":"known"}}]}]}`))
	must(t, err)
	want = []remedy.Finding{
		{Rule: "r1", Title: "bad", Where: "https://x/y", Severity: remedy.Critical}, {Rule: "r2", Title: "r2", Severity: remedy.Low}, {Rule: "r3", Title: "c", Where: "GET /a", Severity: remedy.High},
	}
	if diff := cmp.Diff(want, list); diff != "" {
		t.Error(diff)
	}
	for text, say := range map[string]string{"{": "no SARIF", `{"version":"2.0.0"}`: "2.1.0 is read", `{"version":"2.1.0","runs":[{"results":[{"message":{"text":"x"}}]}]}`: "result 1"} {
		if _, err := remedy.ReadSARIF([]byte(text)); err == nil || !strings.Contains(errs.Public(err), say) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Whatever is read can be kept.
func FuzzFindings(f *testing.F) {
	f.Add([]byte("title,severity\nx,low\n"))
	f.Add([]byte(`{"version":"2.1.0","runs":[{"results":[{"ruleId":"a","message":{"text":"x"}}]}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, read := range []func([]byte) ([]remedy.Finding, error){remedy.ReadCSV, remedy.ReadSARIF} {
			list, err := read(text)
			if err != nil {
				continue
			}
			for _, x := range list {
				if x.Rule == "" || x.Title == "" || !slices.Contains(remedy.Severities(), x.Severity) {
					t.Errorf("%+v", x)
				}
			}
		}
	})
}
