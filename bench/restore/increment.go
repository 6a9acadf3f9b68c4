package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"
)

// increment serves the system with backups that it makes by itself, imports one more copy, and tells how long after the
// import an increment had all of it: what was acknowledged within that time is lost with the machine.
func (w *world) increment(ctx context.Context, n int) (err error) {
	if err := errors.Join(w.configure(), os.Mkdir(w.in("one"), 0o700), os.Mkdir(w.in("other"), 0o700)); err != nil {
		return err
	}
	s, err := w.serve(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	if _, err := w.after(ctx, time.Time{}); err != nil { // the first full one
		return err
	}
	if err := w.load(ctx, n); err != nil {
		return err
	}
	imported := time.Now()
	done, err := w.after(ctx, imported)
	fmt.Printf("%-27s %6.1f s after the last of one more copy was acknowledged, an increment had it (load %s)\n", "loss", done.Sub(imported).Seconds(), load())
	return err
}

// The first backup is a full one of everything.
const backupWithin = 15 * time.Minute

// after waits until both destinations have a backup of a moment after the given one, and says when that was.
func (w *world) after(ctx context.Context, moment time.Time) (time.Time, error) {
	for deadline := time.Now().Add(backupWithin); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		one, err := w.newest(ctx, "one")
		if err != nil {
			return one, err
		}
		other, err := w.newest(ctx, "other")
		if err != nil || one.After(moment) && other.After(moment) {
			return time.Now(), err
		}
	}
	return moment, fmt.Errorf("no backup within %s", backupWithin)
}

// newest is the moment of the newest backup at a destination; zero where there is none.
func (w *world) newest(ctx context.Context, destination string) (newest time.Time, err error) {
	_, said, err := w.command(ctx, "backup", "list", "--from", w.in(destination), "--format", "json")
	if err != nil {
		return newest, err
	}
	var list []struct{ Made time.Time }
	err = json.Unmarshal(said, &list)
	for _, b := range list {
		if b.Made.After(newest) {
			newest = b.Made
		}
	}
	return newest, err
}

// configure gives the system two destinations of its own.
func (w *world) configure() error {
	f, err := os.OpenFile(w.in("data", "tutela.yaml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "\nbackup:\n  to: [%q, %q]\n", w.in("one"), w.in("other"))
	return errors.Join(err, f.Close())
}
