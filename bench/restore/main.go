// Command restore measures how long a system of many resources takes to back up, and to come back: the charts of
// Synthea in the folder that TUTELA_TESTDATA names are imported again and again under other ids, then a backup is
// made, verified, and restored into SQLite and PostgreSQL, and the system is served to see when an increment has
// what was imported last. Every step runs the binary, and says its clock, its processor time, its memory and the
// machine's load when it began. 60 copies are 10⁶ resources; they take some 5 GB of disk until the end.
//
//	go build -trimpath -o bin/tutela ./cmd/tutela && TUTELA_TESTDATA=FOLDER go run ./bench/restore -copies 60
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/tutela-health/tutela/internal/testkit"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	o := options{}
	flag.StringVar(&o.binary, "binary", "bin/tutela", "the tutela to measure")
	flag.IntVar(&o.copies, "copies", 60, "how often the charts are imported, each time under other ids")
	flag.BoolVar(&o.postgres, "postgres", true, "restore into PostgreSQL too")
	flag.StringVar(&o.temp, "temp", "", "where the scratch folder is made; the system's own place when empty")
	flag.Parse()
	err := o.run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "restore:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	binary   string
	copies   int
	postgres bool
	temp     string
}

// run makes the system, measures, and removes everything.
func (o options) run(ctx context.Context) error {
	charts := os.Getenv("TUTELA_TESTDATA")
	if charts == "" {
		return errors.New("TUTELA_TESTDATA names no folder with synthea-r4")
	}
	binary, err := filepath.Abs(o.binary)
	if err != nil {
		return err
	}
	temp, err := os.MkdirTemp(o.temp, "tutela-restore-")
	if err != nil {
		return err
	}
	w := &world{binary: binary, charts: filepath.Join(charts, "synthea-r4"), temp: temp}
	return errors.Join(w.measure(ctx, o), os.RemoveAll(temp))
}

// measure goes through all steps.
func (w *world) measure(ctx context.Context, o options) error {
	if err := w.create(ctx); err != nil {
		return fmt.Errorf("make a system: %w", err)
	}
	for n := range o.copies {
		if err := w.load(ctx, n+1); err != nil {
			return fmt.Errorf("import copy %d: %w", n+1, err)
		}
	}
	w.print("import", w.imported)
	data, copies := w.in("data"), w.in("copies")
	from := []string{"--from", copies, "--keys", w.in("data", "keys")}
	for _, step := range []struct {
		name string
		args []string
	}{
		{"backup create", []string{"backup", "create", "--to", copies, "--data", data}},
		{"backup verify", append([]string{"backup", "verify", "--data", data}, from...)},
		{"backup restore, SQLite", append([]string{"backup", "restore", "--data", w.in("restored")}, from...)},
	} {
		if err := w.step(ctx, step.name, step.args...); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(w.in("restored")); err != nil || !o.postgres {
		return errors.Join(err, w.increment(ctx, o.copies+1))
	}
	return errors.Join(w.intoPostgres(ctx, from), w.increment(ctx, o.copies+1))
}

// intoPostgres restores into a database of its own. The server's processor time is not in the step's.
func (w *world) intoPostgres(ctx context.Context, from []string) error {
	c, err := testkit.StartCluster(ctx)
	if err != nil {
		return err
	}
	url, err := c.CreateDatabase(ctx)
	if err == nil {
		err = w.step(ctx, "backup restore, PostgreSQL", append([]string{"backup", "restore", "--postgres", url, "--data", w.in("restored")}, from...)...)
	}
	return errors.Join(err, c.Stop())
}
