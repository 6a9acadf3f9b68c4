package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/fips140"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// command runs a command line and gives what it printed.
func command(t *testing.T, args ...string) (code int, out, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), args, console{&stdout, &stderr})
	return code, stdout.String(), stderr.String()
}

// tryOutSystem runs `tutela dev` until the test ends.
func tryOutSystem(t *testing.T, args ...string) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "data")
	ctx, stop := context.WithCancel(t.Context())
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	var said bytes.Buffer
	go func() {
		all := append([]string{"dev", "--data", dir, "--addr", "localhost:0", "--patients", "0"}, args...)
		ended <- run(ctx, all, console{writer, &said})
		_ = writer.Close() // never fails
	}()
	lines := bufio.NewScanner(reader)
	ready := lines.Scan()
	go func() { _, _ = io.Copy(io.Discard, reader) }()
	t.Cleanup(func() {
		stop()
		if code := <-ended; code != exitClean {
			t.Errorf("dev ended with %d: %s", code, said.String())
		}
	})
	if !ready {
		t.Fatal("dev is not ready")
	}
	return dir
}

// The checks pass on a system as it is made, and their evidence is in its ledger. FIPS can
// pass only in a binary that was built with the certified module.
func TestAssessmentOfATryOutSystem(t *testing.T) {
	for engine, args := range map[string][]string{"sqlite": nil, "postgres": {"--postgres", testkit.Postgres(t)}} {
		t.Run(engine, func(t *testing.T) {
			dir := tryOutSystem(t, args...)
			code, out, said := command(t, "assess", "--data", dir, "--format", "json")
			var got struct{ Evidence []assure.Result }
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatalf("%v: %s %s", err, out, said)
			}
			want := map[string]tutela.Verdict{}
			for _, c := range broughtBy(t) {
				want[c.ID] = tutela.Pass
			}
			for _, id := range ofNoUseInATryOut() {
				want[id] = tutela.NotApplicable
			}
			wantCode := exitClean
			if !fips140.Enabled() || fips140.Version() != "v1.0.0" {
				t.Log("this test was built without the certified module: the FIPS check has to fail")
				want["protect.fips"], wantCode = tutela.Fail, exitFound
			}
			if free, of, err := store.Room(dir); err == nil && 10*free < of {
				t.Log("the disk of this machine is nearly full: its check has to fail")
				want["watch.room-on-disk"], wantCode = tutela.Fail, exitFound
			}
			if d := cmp.Diff(want, verdicts(got.Evidence)); d != "" || code != wantCode {
				t.Errorf("exit code %d, %s\n%s", code, d, out)
			}
			for _, r := range got.Evidence {
				if r.Observed == "" || r.On == "" || !r.Expires.After(r.At) || len(r.Controls) == 0 {
					t.Errorf("incomplete: %+v", r)
				}
			}
			if d := cmp.Diff(verdicts(got.Evidence), kept(t, dir)); d != "" {
				t.Errorf("in the ledger: %s", d)
			}
		})
	}
}

// ofNoUseInATryOut are the checks of what a new try-out system has not, and need not have.
func ofNoUseInATryOut() []string {
	return []string{
		"watch.sources-speak", "recover.backup-restores", "recover.copies", "recover.drill", "protect.erased-stays-shut",
		"respond.alerts-arrive", "respond.siem-current", "respond.trackers-in-step", "govern.risks-reviewed", "govern.vendors-agreed", "govern.vendors-assessed", "govern.reviews-held", "govern.gaps-closed", "govern.policies-approved", "govern.policies-acknowledged", "govern.training-current", "govern.tests-run", "govern.scores-kept", "respond.drilled", "build.pipelines-report", "build.bills-kept", "respond.digest-sent",
	}
}

func verdicts(list []assure.Result) map[string]tutela.Verdict {
	m := map[string]tutela.Verdict{}
	for _, r := range list {
		m[r.Check] = r.Verdict
	}
	return m
}

// kept is what an auditor finds of evidence.
func kept(t *testing.T, dir string) map[string]tutela.Verdict {
	t.Helper()
	code, out, said := command(t, "audit", "search", "--data", dir, "--action", "assess.evidence", "--limit", "1000", "--format", "json")
	var list []struct{ Entry tutela.Entry }
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != exitClean {
		t.Fatalf("exit code %d, %v: %s", code, err, said)
	}
	m := map[string]tutela.Verdict{}
	for _, f := range list {
		m[f.Entry.Evidence.Check] = f.Entry.Evidence.Verdict
	}
	return m
}

// answering is a server that answers every assessment alike.
func answering(t *testing.T, assessment string) *client {
	t.Helper()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, assessment) }))
	t.Cleanup(srv.Close)
	return &client{http: srv.Client(), base: srv.URL, token: "tut_x"}
}

// Anything but a pass, or what does not apply, is exit code 1; an assessment of nothing is none.
func TestAssessTellsByItsExitCode(t *testing.T) {
	const pass, na = `{"check":"a","verdict":"pass","on":"x","observed":"fine"}`, `{"check":"b","verdict":"not-applicable"}`
	for evidence, want := range map[string]int{
		pass: exitClean, pass + "," + na: exitClean,
		pass + `,{"check":"c","verdict":"fail"}`:            exitFound,
		pass + `,{"check":"c","verdict":"could-not-check"}`: exitFound,
		`{"check":"c"}`:                   exitFound,
		`{"check":"c","verdict":"great"}`: exitFound,
		"":                                exitError,
	} {
		server := answering(t, `{"evidence":[`+evidence+`]}`)
		for _, format := range []string{"table", "json"} {
			var out, said bytes.Buffer
			c := console{&out, &said}
			if code := fail(c, assessCmd{Format: format}.assess(t.Context(), c, server)); code != want {
				t.Errorf("%s as %s: exit code %d, want %d: %s %s", evidence, format, code, want, out.String(), said.String())
			}
			if want == exitFound && format == "table" && !strings.Contains(out.String(), "c") {
				t.Errorf("%s: %s", evidence, out.String())
			}
		}
	}
}

func TestAssessWithoutAServerSaysWhatToDo(t *testing.T) {
	code, out, said := command(t, "assess", "--data", t.TempDir())
	if code != exitError || out != "" || !strings.Contains(said, "tutela dev") || strings.Count(said, "\n") != 1 {
		t.Errorf("exit code %d: %s %s", code, out, said)
	}
}

// An assessment waits for no other: it says that one is under way.
func TestOneAssessmentAtATime(t *testing.T) {
	s := &system{}
	s.assessing.Lock()
	if list, err := s.assess(t.Context()); err == nil || len(list) > 0 {
		t.Errorf("%v, %v", list, err)
	}
}

// Another node's assessment counts as well: what the two plant would be one another's.
func TestOneNodeAssessesAtATime(t *testing.T) {
	for engine, database := range map[string]string{"sqlite": "", "postgres": testkit.Postgres(t)} {
		t.Run(engine, func(t *testing.T) {
			moveIn(t, t.TempDir(), "alpha", database).inside(t, func(s *system) error {
				lease, err := s.db.Acquire(t.Context(), "assessment", "node-2", time.Minute)
				if err != nil {
					return err
				}
				if list, err := s.assess(t.Context()); !errs.Is(err, errs.Conflict) || len(list) > 0 {
					t.Errorf("while another node assesses: %v, %v", list, err)
				}
				if err := s.db.Release(t.Context(), lease); err != nil {
					return err
				}
				for range 2 {
					if _, err := s.assess(t.Context()); err != nil {
						return err
					}
				}
				return nil
			})
		})
	}
}
