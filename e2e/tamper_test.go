package e2e_test

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// guarded are the tables in which no row can be edited unseen. Those of the wrapped keys are not
// among them: a key that is gone may have been destroyed on purpose.
func guarded() []string {
	return []string{
		"ledger_pending", "ledger_heads", "ledger_batches", "ledger_tiles", "ledger_state", "ledger_checkpoints",
		"ledger_signers", "ledger_postings", "versions", "locators", "shared_keys", "terms0",
	}
}

// Whatever row is changed, deleted, copied or swapped behind the system's back, `audit verify
// --deep` exits 1 and names its table; when the row is as it was, the system verifies again.
func TestVerifyNamesWhateverWasEdited(t *testing.T) {
	for engine, rounds := range map[string]int{"sqlite": 180, "postgres": 72} {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := storied(t, engine)
			d := s.behind(t)
			seed := rand.Uint64()
			dice := rand.New(rand.NewPCG(seed, 0))
			for i := 0; i < rounds; {
				table := guarded()[i%len(guarded())]
				e, ok := d.tamper(t, dice, table)
				if !ok {
					continue
				}
				i++
				r := s.run(t, "audit", "verify", "--deep")
				if r.code != 1 || !names(r.out, table) {
					t.Errorf("seed %d, edit %d: %v: exit %d, want 1 and its table named:\n%s%s", seed, i, e, r.code, r.out, r.err)
				}
				e.undo()
				s.clean(t, "audit", "verify", "--deep")
			}
		})
	}
}

// names tells whether a finding names a table or one of its rows.
func names(out, table string) bool {
	switch table {
	case "ledger_batches":
		return strings.Contains(out, table) || strings.Contains(out, "leaf ")
	default:
		return strings.Contains(out, table)
	}
}

// storied makes a system with a past: resources of none, one and several patients, in several
// versions, moved and deleted; most entries in the tree, some pending, since it was killed.
func storied(t *testing.T, engine string) *system {
	t.Helper()
	s := newSystem(t, postgresFor(t, engine))
	s.start(t)
	prepareSubjects(t, s)
	loader := s.as(t, "loader")
	for i, status := range []int{http.StatusCreated, http.StatusOK, http.StatusOK} {
		loader.want(t, status, http.MethodPut, "/fhir/r4/Observation/shared", observation("shared", fmt.Sprint("shared ", i), 5))
	}
	for round := range 2 {
		y := newTally(120)
		f := &traffic{client: loader, tally: y, round: round, failed: t.Errorf}
		wait := f.start(t.Context())
		s.awaitFull(t, y)
		if round == 0 {
			s.stop(t)
		} else {
			s.server.kill(t)
		}
		wait()
		if round == 0 {
			s.start(t)
			loader = s.as(t, "loader")
		}
	}
	s.clean(t, "audit", "verify", "--deep") // and leaves a pending entry of its own
	return s
}

// A wrapped key of which a bit was changed opens nothing, and no verification passes over it: it
// exits 1, or 2 where it cannot even begin.
func TestSpoiledKeyIsNoticed(t *testing.T) {
	s := storied(t, "sqlite")
	d := s.behind(t)
	dice := rand.New(rand.NewPCG(rand.Uint64(), 0))
	for _, r := range d.rows(t, "wrapped_keys") {
		spoiled := r.with(r.column("blob"), spoil(dice, r.get("blob")))
		if !d.replace(t, r, spoiled) {
			t.Fatalf("not replaced: %v", r)
		}
		got := s.run(t, "audit", "verify", "--deep")
		if got.code == 0 || !strings.Contains(got.out+got.err, "does not open") {
			t.Errorf("%v: exit %d\n%s%s", r, got.code, got.out, got.err)
		}
		d.remove(t, spoiled)
		must(t, d.insert(t, r))
	}
	s.clean(t, "audit", "verify", "--deep")
}

// A store that was set back to an earlier state verifies in itself; a checkpoint that was kept
// elsewhere shows it.
func TestKeptCheckpointShowsARollback(t *testing.T) {
	s := newSystem(t, "")
	s.start(t)
	prepareSubjects(t, s)
	s.stop(t)
	early := filepath.Join(t.TempDir(), "early")
	copyPrivate(t, early, s.dir)

	s.start(t)
	loader := s.as(t, "loader")
	loader.want(t, http.StatusCreated, http.MethodPut, "/fhir/r4/Observation/later", observation("later", "later", 0))
	s.stop(t)
	s.start(t)
	note := filepath.Join(t.TempDir(), "checkpoint")
	must(t, os.WriteFile(note, s.as(t, "").want(t, http.StatusOK, http.MethodGet, "/ledger/checkpoint", "").body, 0o600))
	s.stop(t)
	s.clean(t, "audit", "verify", "--deep", "--since", note)

	back := &system{dir: early}
	back.clean(t, "audit", "verify", "--deep")
	r := back.run(t, "audit", "verify", "--since", note)
	if r.code != 1 || !strings.Contains(r.out, "rolled back") {
		t.Errorf("rollback: exit %d\n%s%s", r.code, r.out, r.err)
	}
}

// copyPrivate copies a folder, with files that only their owner may read.
func copyPrivate(t *testing.T, to, from string) {
	t.Helper()
	must(t, filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			return os.MkdirAll(target, 0o700)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(target, text, 0o600)
	}))
}

// A verification that finds something while the system is served is a finding there, as critical as any.
func TestFailedVerificationBecomesAFinding(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			s := newSystem(t, postgresFor(t, engine))
			s.start(t)
			prepareSubjects(t, s)
			d, dice := s.behind(t), rand.New(rand.NewPCG(rand.Uint64(), 0))
			e, ok := d.tamper(t, dice, "locators")
			for !ok {
				e, ok = d.tamper(t, dice, "locators")
			}
			if r := s.run(t, "audit", "verify", "--deep"); r.code != 1 {
				t.Fatalf("after %v: exit %d: %s%s", e, r.code, r.out, r.err)
			}
			s.caughtUp(t)
			text := string(s.as(t, "auditor").want(t, http.StatusOK, http.MethodGet, "/api/v1/findings?level=critical&limit=100", "").body)
			if !strings.Contains(text, `"A verification of the ledger found changes"`) {
				t.Errorf("no finding tells of it: %s", text)
			}
		})
	}
}
