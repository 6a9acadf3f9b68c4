package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/recovery/backup"
	"github.com/tutela-health/tutela/recovery/dest"
)

type backupVerifyCmd struct {
	target
	From   string `required:"" help:"Where the backup lies."`
	Keys   string `required:"" type:"existingdir" help:"The folder of keys, as for restore."`
	At     string `help:"SERIES or SERIES/NUMBER; the newest where it is left out."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (backupVerifyCmd) Help() string {
	return `Example: tutela backup verify --from /mnt/backup --keys keys --data tutela-data

It restores into a scratch place, holds every row against the ledger, starts the system, opens a sample of
charts, and removes it all again. What was measured goes as evidence into the ledger of the system at
--data, if there is one. Exit code 1: the backup does not come back.`
}

// tried is what a verification measured.
type tried struct {
	Backup    string    `json:"backup"`
	From      string    `json:"from"`
	Passed    bool      `json:"passed"`
	Made      time.Time `json:"made"` // the moment that came back: what was acknowledged later is not in it
	Age       float64   `json:"age_seconds"`
	Restore   float64   `json:"restore_seconds"` // until it was verified and had started
	Entries   int64     `json:"ledger_entries"`
	Resources int64     `json:"resources"`
	Sampled   int       `json:"sampled"`
	Failure   string    `json:"failure,omitempty"`
	Recorded  bool      `json:"recorded"` // as evidence, in the ledger
}

// Run verifies and keeps the evidence.
func (cmd backupVerifyCmd) Run(ctx context.Context, c console) error {
	from, err := dest.Parse(cmd.From)
	if err != nil {
		return err
	}
	t, err := cmd.try(ctx, c, from)
	if err != nil {
		return err
	}
	if t.Recorded, err = cmd.record(ctx, c, t); err != nil {
		return err
	}
	return cmd.tell(c, t)
}

// try restores into a scratch place. What is wrong with the backup is in the result; an error says that
// nothing could be tried.
func (cmd backupVerifyCmd) try(ctx context.Context, c console, from dest.Destination) (t tried, err error) {
	sweepTrials()
	dir, err := os.MkdirTemp("", trying)
	if err != nil {
		return t, fmt.Errorf("make a scratch place: %w", err)
	}
	held, err := lockFile(dir, true)
	if err != nil {
		return t, errors.Join(err, os.Remove(dir))
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir), held.Close()) }()
	r := &restoration{from: from, keys: cmd.Keys, at: cmd.At, dir: dir, scratch: true, progress: progress(c)}
	t.From = from.String()
	began := clock.System()
	if err := r.look(ctx); err != nil {
		return judged(t, err)
	}
	m := r.newest()
	t.Backup, t.Made, t.Age = m.String(), m.Made, began.Sub(m.Made).Seconds()
	v, err := r.build(ctx)
	if err == nil {
		t.Entries = v.Size
		err = r.start(ctx, &t)
	}
	t.Restore = clock.System().Sub(began).Seconds()
	t.Resources = r.indexed
	return judged(t, err)
}

// judged tells a backup that is bad from a trial that could not be.
func judged(t tried, err error) (tried, error) {
	var u *usageError
	switch {
	case err == nil:
		t.Passed = true
	case errors.As(err, &u), errs.Is(err, errs.Unavailable), errs.Is(err, errs.Denied), errors.Is(err, context.Canceled):
		return t, err
	default:
		t.Failure = err.Error()
		if errs.KindOf(err) != errs.Internal {
			t.Failure = errs.Public(err)
		}
	}
	return t, nil
}

// sampleSize is how many resources are opened.
const sampleSize = 200

// start serves the restored system on a port of this machine, asks whether it is ready, and opens some
// of what it holds.
func (r *restoration) start(ctx context.Context, t *tried) error {
	s, err := r.open(ctx)
	if err != nil {
		return err
	}
	t.Sampled, err = s.records.Sample(ctx, tutela.Locator(rand.Int64()), sampleSize) //nolint:gosec // any will do
	if err == nil {
		err = s.answers(ctx)
	}
	return errors.Join(err, s.close(context.WithoutCancel(ctx)))
}

// answers serves for as long as one question takes.
func (s *system) answers(ctx context.Context) error {
	srv, err := s.assemble(nil)
	if err != nil {
		return err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return errors.Join(fmt.Errorf("listen: %w", err), srv.Close(ctx))
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(listener) }()
	err = s.reached(ctx, listener.Addr().String())
	return errors.Join(err, srv.Close(context.WithoutCancel(ctx)), <-served)
}

func (s *system) reached(ctx context.Context, address string) error {
	trust := s.trust()
	trust.ServerName = s.config.Hosts[0]
	transport := &http.Transport{TLSClientConfig: trust, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+s.config.Hosts[0]+"/readyz", nil)
	if err != nil {
		return fmt.Errorf("ask whether it is ready: %w", err)
	}
	res, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return fmt.Errorf("the restored system does not answer: %w", err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		return errors.Join(err, fmt.Errorf("the restored system answers %d", res.StatusCode))
	}
	return nil
}

// record writes the evidence into the living system's ledger, beside its server if one runs. Where there
// is no system it is false.
func (cmd backupVerifyCmd) record(ctx context.Context, c console, t tried) (bool, error) {
	home, err := cmd.home()
	if err != nil {
		return false, err
	}
	if _, err := os.Stat(filepath.Join(home, configFile)); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	conf, err := readConfig(filepath.Join(home, configFile))
	if err != nil {
		return false, err
	}
	s, err := lookAt(ctx, conf, "-verify", slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return false, err
	}
	e := t.evidence(clock.System())
	err = s.appendBeside(ctx, "", tutela.Entry{
		Actor: systemActor("verify"), Action: tutela.ActionBackupVerify, Outcome: tutela.OutcomeSuccess,
		Subject: &tutela.Subject{Kind: "backup", ID: t.Backup, Detail: t.From}, Evidence: &e,
	})
	return err == nil, errors.Join(err, s.leave())
}

// evidence is what the ledger keeps of a trial.
func (t tried) evidence(now time.Time) tutela.Evidence {
	e := tutela.Evidence{Check: backup.CheckRestores, On: t.From, At: now, Expires: now.Add(backup.TrialCounts), Verdict: tutela.Fail, Observed: t.text()}
	if t.Passed {
		e.Verdict = tutela.Pass
	}
	return e
}

func (t tried) text() string {
	if !t.Passed {
		return fmt.Sprintf("%s does not come back: %s", t.Backup, t.Failure)
	}
	return fmt.Sprintf("%s came back in %.1f s: %d resources, %d entries of the ledger, every row as it says; %d resources were opened, and the system started; what was acknowledged after %s (%.0f s before) is not in it",
		t.Backup, t.Restore, t.Resources, t.Entries, t.Sampled, t.Made.Format(time.RFC3339), t.Age)
}

func (cmd backupVerifyCmd) tell(c console, t tried) error {
	var err error
	if cmd.Format == "json" {
		err = json.NewEncoder(c.out).Encode(t)
	} else {
		_, err = fmt.Fprintln(c.out, t.text())
		if err == nil && t.Recorded {
			_, err = fmt.Fprintln(c.out, "recorded as evidence")
		}
	}
	if err == nil && !t.Passed {
		err = errFound
	}
	return err
}
