package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/recovery/backup"
	"github.com/tutela-health/tutela/recovery/dest"
	"github.com/tutela-health/tutela/recovery/sealed"
)

type backupCmd struct {
	Create  backupCreateCmd  `cmd:"" help:"Make a full backup now."`
	List    backupListCmd    `cmd:"" help:"What was backed up, or what lies at a destination."`
	Verify  backupVerifyCmd  `cmd:"" help:"Restore a backup into a scratch place, try it, and keep the evidence."`
	Restore backupRestoreCmd `cmd:"" help:"Make a system of a backup."`
}

type backupCreateCmd struct {
	target
	To     []string `sep:"none" help:"A directory, or s3://BUCKET/PREFIX?endpoint=…&region=…&credentials=FILE. May be repeated. Those of the configuration where it is left out."`
	Format string   `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (backupCreateCmd) Help() string {
	return `Example: tutela backup create --to /mnt/backup --to 's3://clinic/tutela?endpoint=https://s3.example' --data tutela-data

Everything of one moment, also while others write: sealed to the recipients in tutela.yaml (in a try-out
system: to DIR/keys/backup.key), and read back from every destination. Exit code 1: some destination did
not take it. While the system is served with destinations under backup in tutela.yaml, increments
follow every 30 seconds by themselves.`
}

// Run has the running server make it, or makes it of a stopped system.
func (cmd backupCreateCmd) Run(ctx context.Context, c console) error {
	to, err := absoluteDirs(cmd.To)
	if err != nil {
		return err
	}
	var r backup.Report
	if _, err = cmd.running(); errors.Is(err, errStopped) {
		r, err = cmd.ofStopped(ctx, c, to)
	} else if err == nil {
		r, err = cmd.ofRunning(ctx, to)
	}
	if err != nil {
		return err
	}
	return cmd.tell(c, r)
}

// absoluteDirs makes directories what they are to the caller, who may stand elsewhere than the server.
func absoluteDirs(list []string) ([]string, error) {
	var out []string
	for _, text := range list {
		d, err := dest.Parse(text)
		if err != nil {
			return nil, err
		}
		if dir, ok := d.(dest.Dir); ok {
			if text, err = filepath.Abs(string(dir)); err != nil {
				return nil, fmt.Errorf("find %s: %w", dir, err)
			}
		}
		out = append(out, text)
	}
	return out, nil
}

func (cmd backupCreateCmd) ofStopped(ctx context.Context, c console, to []string) (backup.Report, error) {
	s, err := cmd.open(ctx, c, "backup")
	if err != nil {
		return backup.Report{}, err
	}
	var r backup.Report
	list, err := s.config.destinations(to)
	if err == nil {
		r, err = s.backups.Full(ctx, list)
	}
	return r, errors.Join(err, s.close(context.WithoutCancel(ctx)))
}

// askEvery is how often the server is asked whether it is done.
const askEvery = 100 * time.Millisecond

func (cmd backupCreateCmd) ofRunning(ctx context.Context, to []string) (backup.Report, error) {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return backup.Report{}, err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/backups", map[string][]string{"to": to})
	if err != nil {
		return backup.Report{}, err
	}
	var asked struct {
		Number int64 `json:"number"`
	}
	if err := json.Unmarshal(body, &asked); err != nil {
		return backup.Report{}, fmt.Errorf("decode answer: %w", err)
	}
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		st, err := client.backups(ctx)
		if err != nil {
			return backup.Report{}, err
		}
		if st.Number >= asked.Number && st.Last != nil {
			if st.Failure != "" {
				return backup.Report{}, errs.New(errs.Unavailable, "%s", st.Failure)
			}
			return *st.Last, nil
		}
		select {
		case <-ctx.Done():
			return backup.Report{}, ctx.Err()
		case <-tick.C:
		}
	}
}

func (cl *client) backups(ctx context.Context) (backup.State, error) {
	var st backup.State
	body, err := cl.json(ctx, http.MethodGet, "/api/v1/backups", nil)
	if err != nil {
		return st, err
	}
	if err := json.Unmarshal(body, &st); err != nil {
		return st, fmt.Errorf("decode backups: %w", err)
	}
	return st, nil
}

func (cmd backupCreateCmd) tell(c console, r backup.Report) error {
	if cmd.Format == "json" {
		if err := json.NewEncoder(c.out).Encode(r); err != nil {
			return err
		}
	} else {
		m := r.Manifest
		fmt.Fprintf(c.out, "%s: %d rows, %d bytes, of %s; %.1f s\n", m, m.Changes, m.Size, m.Made.Format(time.RFC3339), r.Took.Seconds())
		for _, place := range r.Kept {
			fmt.Fprintf(c.out, "  kept and read back at %s\n", place)
		}
		for place, why := range r.Failed {
			fmt.Fprintf(c.out, "  NOT at %s: %s\n", place, why)
		}
	}
	if len(r.Failed) > 0 {
		return errFound
	}
	return nil
}

type backupListCmd struct {
	target
	From   string `help:"Look at a destination itself, instead of asking the running server."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (backupListCmd) Help() string {
	return `Example: tutela backup list --from /mnt/backup

With --from it needs no system and no key. Exit code 1: a series breaks off there.`
}

// Run lists.
func (cmd backupListCmd) Run(ctx context.Context, c console) error {
	if cmd.From != "" {
		return cmd.look(ctx, c)
	}
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	st, err := client.backups(ctx)
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		return json.NewEncoder(c.out).Encode(st.Made)
	}
	return printBackups(c, st.Made)
}

func (cmd backupListCmd) look(ctx context.Context, c console) error {
	d, err := dest.Parse(cmd.From)
	if err != nil {
		return err
	}
	found, err := backup.Survey(ctx, d)
	if err != nil {
		return err
	}
	list := []backup.Manifest{}
	broken := ""
	for _, s := range found.Series {
		for i := len(s.Manifests) - 1; i >= 0; i-- {
			list = append(list, s.Manifests[i])
		}
		if s.Broken != "" {
			broken += s.Broken + "\n"
		}
	}
	if cmd.Format == "json" {
		err = json.NewEncoder(c.out).Encode(list)
	} else {
		err = printBackups(c, list)
	}
	if err == nil && broken != "" {
		fmt.Fprint(c.err, broken)
		err = errFound
	}
	return err
}

func printBackups(c console, list []backup.Manifest) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "BACKUP\tKIND\tMADE\tROWS\tBYTES\tLEDGER\tOPENED BY")
	for _, m := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d\t%d\t%s\n", m, m.Kind, m.Made.Format(time.RFC3339), m.Changes, m.Size, m.Ledger, strings.Join(m.Recipients, " "))
	}
	return w.Flush()
}

// openers are the private keys in a folder: its *.key files that open backups.
func openers(dir string) ([]sealed.Opener, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.key"))
	if err != nil {
		return nil, err
	}
	var list []sealed.Opener
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, fmt.Errorf("read what opens backups: %w", err)
		}
		o, err := sealed.ParseOpener(text)
		if err != nil {
			return nil, usage("%s: %s", f, errs.Public(err))
		}
		list = append(list, o)
	}
	if len(list) == 0 {
		return nil, usage("there is no key in %s that opens a backup: put backup.key there", dir)
	}
	return list, nil
}
