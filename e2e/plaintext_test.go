package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/internal/testkit"
)

// No value that tells who a patient is, and no canary, lies in any file once the system has
// stopped: data directory, database files, dump, and what the server printed.
func TestNothingLiesInPlaintext(t *testing.T) {
	onStoppable(t, holdsNoPlaintext)
}

// What does lie in plaintext is found, so that the test above looks in the right places.
func TestPlaintextInADatabaseIsFound(t *testing.T) {
	onStoppable(t, func(t *testing.T, s *system, cluster *testkit.Cluster) {
		s.start(t)
		s.stop(t)
		db := s.behind(t).db
		_, err := db.ExecContext(t.Context(), "CREATE TABLE decoy (name text)")
		must(t, err)
		_, err = db.ExecContext(t.Context(), "INSERT INTO decoy VALUES ('Quentin Quillfeather')")
		must(t, err)
		found, _ := s.remains(t, cluster, []needle{{"decoy", "Quillfeather"}})
		files := map[string]bool{}
		for f := range found {
			files[f.file] = true
		}
		want := 1 // the database or its log
		if cluster != nil {
			want = 3 // table, log and dump
		}
		if len(files) < want {
			t.Errorf("found in %v, want %d files", files, want)
		}
	})
}

// onStoppable runs f on each engine, with a PostgreSQL cluster of its own that it may stop.
func onStoppable(t *testing.T, f func(*testing.T, *system, *testkit.Cluster)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); f(t, newSystem(t, ""), nil) })
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		cluster, err := testkit.StartCluster(t.Context())
		must(t, err)
		t.Cleanup(func() { must(t, cluster.Stop()) })
		url, err := cluster.CreateDatabase(t.Context())
		must(t, err)
		f(t, newSystem(t, url), cluster)
	})
}

func holdsNoPlaintext(t *testing.T, s *system, cluster *testkit.Cluster) {
	folder := charts(t)
	patients, birds := needlesOf(t, folder), aviary{}

	s.start(t)
	s.stop(t)
	before, _ := s.remains(t, cluster, patients)
	needles := without(patients, before)

	s.start(t)
	s.clean(t, "import", folder)
	birds.plant(t, s)
	s.stop(t)
	left, size := s.remains(t, cluster, append(needles, birds.needles...))
	if len(left) > 0 {
		t.Errorf("plaintext lies in\n%s", strings.Join(lines(left), "\n"))
	}
	t.Logf("%d values and %d canaries are in none of %d bytes; %d more values were there before any patient was",
		len(needles), len(birds.needles), size, len(patients)-len(needles))
	s.clean(t, "audit", "verify", "--deep")
}

// remains looks for needles wherever a stopped system may have left something.
func (s *system) remains(t *testing.T, cluster *testkit.Cluster, needles []needle) (findings map[finding]int, size int64) {
	t.Helper()
	scan := newScanner(needles)
	if cluster == nil {
		return scan.files(t, s.dir, s.log)
	}
	dump, err := cluster.Dump(t.Context(), s.postgres)
	must(t, err)
	path := filepath.Join(filepath.Dir(s.dir), "dump.sql")
	must(t, os.WriteFile(path, dump, 0o600))
	must(t, cluster.Halt()) // it writes everything to its files
	findings, size = scan.files(t, s.dir, s.log, path, cluster.Dir())
	must(t, cluster.Start(t.Context()))
	return findings, size
}

// without leaves out the needles that were found.
func without(needles []needle, found map[finding]int) []needle {
	known := map[needle]bool{}
	for f := range found {
		known[f.needle] = true
	}
	return slices.DeleteFunc(slices.Clone(needles), func(n needle) bool { return known[n] })
}

// lines tells findings without their values.
func lines(found map[finding]int) []string {
	var list []string
	for f, n := range found {
		list = append(list, fmt.Sprintf("%s: %s in %s, %d times", f.file, f.needle.label, f.encoding, n))
	}
	slices.Sort(list)
	return list[:min(len(list), 50)]
}
