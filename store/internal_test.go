package store

import (
	"fmt"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPlaceholdersAreNumberedOutsideQuotes(t *testing.T) {
	for in, want := range map[string]string{
		"a = ? AND b = ?":                 "a = $1 AND b = $2",
		"a = '?' AND \"b?\" = ?":          "a = '?' AND \"b?\" = $1",
		"a = 'it''s ?' AND b IN (?, ?)":   "a = 'it''s ?' AND b IN ($1, $2)",
		"SELECT 1":                        "SELECT 1",
		"'ü?' || ? || '\"' || ? || '\"?'": "'ü?' || $1 || '\"' || $2 || '\"?'",
	} {
		var p placeholders
		for range 2 {
			if d := cmp.Diff(want, p.rewrite(in)); d != "" {
				t.Error(d)
			}
		}
	}
}

func TestPlaceholderCacheIsBounded(t *testing.T) {
	var p placeholders
	for i := range 3 * maxRewritten {
		p.rewrite(fmt.Sprintf("SELECT %d + ?", i))
	}
	if len(p.texts) > maxRewritten {
		t.Errorf("%d texts", len(p.texts))
	}
}

func TestStatementCacheIsBounded(t *testing.T) {
	e, err := openSQLite(t.TempDir()+"/s.db", Config{Reserve: -1, MinFree: -1}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	defer e.close()
	c := <-e.writer
	for i := range 2*maxStatements + 7 {
		if _, err := c.exec(fmt.Sprintf("SELECT %d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.statements) > maxStatements {
		t.Errorf("%d statements", len(c.statements))
	}
	e.writer <- c
}

// TestReserveReturnsWhenItFits drives the rules with a disk of which the test says how much is free.
func TestReserveReturnsWhenItFits(t *testing.T) {
	const mib = 1 << 20
	free := int64(100 * mib)
	s := &space{dir: t.TempDir(), size: 8 * mib, minFree: 10 * mib, free: func() (int64, error) { return free, nil }}
	exists := func() bool { _, err := os.Stat(s.path()); return err == nil }
	steps := []struct {
		name            string
		do              func()
		roomy, reserved bool
	}{
		{"start", func() {}, true, true},
		{"below the minimum", func() { free = 10*mib - 1 }, false, true},
		{"a write met a full disk", func() { free = 0; s.markFull() }, false, true},
		{"an entry needed the reserve", func() { s.release(); free = 8 * mib }, false, false},
		{"room for the minimum alone", func() { free = 17 * mib }, false, false},
		{"room for both", func() { free = 18 * mib }, true, true},
	}
	for _, step := range steps {
		step.do()
		if got := s.roomy(); got != step.roomy || exists() != step.reserved {
			t.Errorf("%s: roomy %v, reserve %v; want %v, %v", step.name, got, exists(), step.roomy, step.reserved)
		}
	}
	info, err := os.Stat(s.path())
	if err != nil || info.Size() != s.size {
		t.Errorf("the reserve: %v", err)
	}
}

func TestZerosAllocateWhereTheFileSystemCannot(t *testing.T) {
	f, err := os.Create(t.TempDir() + "/z")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 5<<19 + 3
	if err := writeZeros(f, size); err != nil {
		t.Fatal(err)
	}
	if info, err := f.Stat(); err != nil || info.Size() != size {
		t.Errorf("size %d, want %d", info.Size(), size)
	}
}

// TestBatchDefersWhatClaimsTheSameRow checks that requests keep their order per row, and that
// abandoned ones leave no trace.
func TestBatchDefersWhatClaimsTheSameRow(t *testing.T) {
	table := &Table{Name: "t", Columns: []Column{{"k", Int}}, Key: 1}
	of := func(key int64) *request {
		return newRequest(&Op{Claims: []Claim{{Table: table, Key: []any{key}, Set: []any{key}}}})
	}
	queue := make(chan *request, 8)
	a1, a2, b, gone, alone := of(1), of(1), of(2), of(3), newRequest(&Op{Alone: true})
	gone.abandon()
	for _, r := range []*request{a1, alone, a2, gone, b} {
		queue <- r
	}
	close(queue)
	in := inbox{queue: queue, maxOps: 10}
	for i, want := range [][]*request{{a1, b}, {alone}, {a2}} {
		if got := in.next(); got == nil || !cmp.Equal(want, got.requests, cmp.Comparer(func(a, b *request) bool { return a == b })) {
			t.Errorf("batch %d: %v", i, got)
		}
	}
	if got := in.next(); got != nil {
		t.Errorf("after the last: %v", got)
	}
}
