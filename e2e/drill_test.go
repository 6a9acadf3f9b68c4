package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela/internal/testkit"
)

// drill is a system that backs itself up every second, to a directory and to an S3 server.
type drill struct {
	*system
	dir, bucket string // its destinations
	keys        string // copy of its keys, kept elsewhere
	checkpoint  string // of its ledger, kept elsewhere
}

func openDrill(t *testing.T, engine string) *drill {
	t.Helper()
	s3 := testkit.StartMinio(t, "copies")
	d := &drill{system: newSystem(t, postgresFor(t, engine)), dir: filepath.Join(t.TempDir(), "copies"), bucket: s3.Bucket("copies")}
	d.start(t)
	d.clean(t, "import", sampleCharts(t, 3))
	d.stop(t)
	conf := filepath.Join(d.system.dir, "tutela.yaml")
	text, err := os.ReadFile(conf)
	must(t, err)
	must(t, os.WriteFile(conf, fmt.Appendf(text, "backup:\n  to: [%q, %q]\n  every: 1s\n", d.dir, d.bucket), 0o600))
	d.start(t)
	return d
}

// lying is a backup as a listing of a destination tells.
type lying struct {
	Series   string    `json:"series"`
	Sequence int64     `json:"sequence"`
	Made     time.Time `json:"made"`
}

// awaitCopy waits until a destination has a backup of a moment after one.
func (d *drill) awaitCopy(t *testing.T, place string, after time.Time) lying {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startWithin)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var list []lying
		if r := d.run(t, "backup", "list", "--from", place, "--format", "json"); r.code == 0 {
			must(t, json.Unmarshal([]byte(r.out), &list))
		}
		if len(list) > 0 && list[0].Made.After(after) {
			return list[0]
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("no backup of after %v at %s: %+v: %s", after, place, list, d.lastLog())
		}
	}
}

// keepAway copies what a drill may go on from: keys and a checkpoint, as they are kept elsewhere.
func (d *drill) keepAway(t *testing.T) {
	t.Helper()
	d.keys, d.checkpoint = filepath.Join(t.TempDir(), "keys"), filepath.Join(t.TempDir(), "checkpoint")
	must(t, os.CopyFS(d.keys, os.DirFS(filepath.Join(d.system.dir, "keys"))))
	must(t, filepath.WalkDir(d.keys, func(path string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			err = os.Chmod(path, 0o600)
		}
		return err
	}))
	r := d.as(t, "").want(t, http.StatusOK, http.MethodGet, "/ledger/checkpoint", "")
	must(t, os.WriteFile(d.checkpoint, r.body, 0o600))
}

// write puts n observations of a round and gives when the last was acknowledged.
func (d *drill) write(t *testing.T, round, n int) time.Time {
	t.Helper()
	c := d.as(t, "loader")
	for i := range n {
		id := fmt.Sprintf("drill-%d-%d", round, i)
		body := fmt.Sprintf(`{"resourceType":"Observation","id":%q,"status":"final","code":{"coding":[{"system":"urn:drill","code":"drill"}]},"subject":{"reference":"Patient/drill-%d"}}`, id, i%5)
		c.want(t, http.StatusCreated, http.MethodPut, "/fhir/r4/Observation/"+id, body)
	}
	return time.Now()
}

// ruin overwrites every file below a folder, as ransomware does.
func ruin(t *testing.T, dir string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return os.WriteFile(path, bytes.Repeat([]byte("pay"), 400), 0o600)
	}))
}

// The data directory is wiped (of PostgreSQL: the database is gone), and one destination destroyed, by
// turns. All that was acknowledged before the last increment comes back from the other, with the ledger.
func TestRansomwareDrill(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			d := openDrill(t, engine)
			d.keepAway(t)
			const written = 40
			last := d.write(t, 0, written)
			for _, place := range []string{d.dir, d.bucket} {
				d.awaitCopy(t, place, last)
			}
			d.server.kill(t)
			ruin(t, d.system.dir)
			ruin(t, d.dir)
			if r := d.run(t, "backup", "restore", "--from", d.dir, "--keys", d.keys); r.code != 2 || !strings.Contains(r.err, "there already") {
				t.Errorf("over what is there: exit %d: %s", r.code, r.err)
			}
			must(t, os.RemoveAll(d.system.dir))
			if r := d.run(t, "backup", "restore", "--from", d.dir, "--keys", d.keys); r.code != 2 {
				t.Errorf("from what was destroyed: exit %d: %s", r.code, r.err)
			}
			args := []string{"backup", "restore", "--from", d.bucket, "--keys", d.keys}
			if engine == "postgres" {
				args = append(args, "--postgres", testkit.Postgres(t))
			}
			d.clean(t, args...)
			d.start(t)
			c := d.as(t, "loader")
			for i := range written {
				c.want(t, http.StatusOK, http.MethodGet, fmt.Sprint("/fhir/r4/Observation/drill-0-", i), "")
			}
			var found struct{ Total int }
			must(t, json.Unmarshal(c.want(t, http.StatusOK, http.MethodGet, "/fhir/r4/Observation?code=urn:drill|drill&_summary=count", "").body, &found))
			if found.Total != written {
				t.Errorf("a search finds %d of %d", found.Total, written)
			}
			d.clean(t, "audit", "verify", "--deep", "--since", d.checkpoint)
			d.stop(t)
		})
	}
}

// The process is killed while it makes backups, again and again. What lies at the destinations restores
// each time, and the next run goes on from it.
func TestKillDuringBackupsLeavesWhatRestores(t *testing.T) {
	for _, engine := range engines() {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			d := openDrill(t, engine)
			d.keepAway(t)
			for round := range 3 {
				last := d.write(t, round, 5)
				d.awaitCopy(t, d.dir, last)
				ask := make(chan result, 1)
				go func() { ask <- d.run(t, "backup", "create") }()
				if round > 0 { // in the middle of it; at its very beginning otherwise
					<-time.After(time.Duration(round) * 20 * time.Millisecond)
				}
				d.server.kill(t)
				<-ask
				into := &system{dir: filepath.Join(t.TempDir(), "restored"), log: d.log}
				into.clean(t, "backup", "restore", "--from", d.dir, "--keys", d.keys)
				d.start(t)
			}
			last := d.write(t, 9, 9)
			d.awaitCopy(t, d.bucket, last)
			if left, err := filepath.Glob(filepath.Join(d.system.dir, "spool", "*")); err != nil || len(left) > 1 { // one is on its way
				t.Errorf("left behind: %v %v", left, err)
			}
			d.stop(t)
		})
	}
}
