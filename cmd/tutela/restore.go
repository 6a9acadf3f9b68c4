package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/recovery/dest"
	"github.com/tutela-health/tutela/store"
)

type backupRestoreCmd struct {
	From      string   `required:"" help:"Where the backup lies."`
	Keys      string   `required:"" type:"existingdir" help:"A folder with provider/ (or the provider's files), the key that opens backups (*.key), and perhaps the newest keyring."`
	Data      string   `required:"" type:"path" help:"Directory to make the system in."`
	At        string   `help:"SERIES or SERIES/NUMBER as tutela backup list shows them; the newest where it is left out."`
	Postgres  string   `help:"URL of a PostgreSQL database to restore into; the embedded SQLite otherwise. It need not be the engine that the backup is of."`
	Shares    []string `type:"existingpath" sep:"none" help:"Recovery shares and the wrap, or folders that hold them, where the key provider is lost. May be repeated. The folder of keys then needs backup.key alone."`
	HolderKey []string `type:"existingfile" sep:"none" help:"Private keys of the holders whose shares are sealed. May be repeated."`
	Force     bool     `help:"Put it in the place of what is there. That is kept beside: the directory as NAME.before-TIME, the tables in the schema before_TIME."`
}

// Help gives an example.
func (backupRestoreCmd) Help() string {
	return `Example: tutela backup restore --from /mnt/backup --keys keys --data restored

It is built beside, verified against the ledger (deeply), and only then put in place: a restore that
fails leaves what was there. With --shares its keys are wrapped anew by a local provider that is made
in DATA/keys/provider: move it to where keys belong. Logins and access tokens do not come back. A restored system makes no
backups until destinations are put back under backup in its tutela.yaml.`
}

// Run restores.
func (cmd backupRestoreCmd) Run(ctx context.Context, c console) error {
	from, err := dest.Parse(cmd.From)
	if err != nil {
		return err
	}
	if err := cmd.vacant(); err != nil {
		return err
	}
	began := clock.System()
	stamp := strings.Replace(began.UTC().Format("20060102t150405.000"), ".", "", 1) // two restores may begin within a second
	r := &restoration{from: from, keys: cmd.Keys, at: cmd.At, dir: cmd.Data + restoring + strings.ToLower(stamp), progress: progress(c)}
	if len(cmd.Shares) > 0 {
		if r.escrow, err = openShares(cmd.Shares, cmd.HolderKey); err != nil {
			return err
		}
		defer r.escrow.Close()
	}
	beside, err := cmd.beside(ctx, r)
	if err != nil {
		return err
	}
	v, err := cmd.build(ctx, c, r)
	if err == nil {
		err = cmd.put(ctx, r, beside, stamp)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(r.dir), beside.drop(ctx))
	}
	m := r.newest()
	_, err = fmt.Fprintf(c.out, "restored %s, as of %s, in %.1f s; verified: %d entries in the tree, %d pending, every row is as the ledger says\n",
		m, m.Made.Format(time.RFC3339), clock.System().Sub(began).Seconds(), v.Size, v.Pending)
	if err == nil && !r.config.TryOut {
		_, err = fmt.Fprintf(c.out, "before it serves, see that %s has its certificate (%s) and destinations of backups\n", filepath.Join(cmd.Data, configFile), r.config.Certificate)
	} else if err == nil {
		_, err = fmt.Fprintf(c.out, "next: tutela dev --data %s\n", cmd.Data)
	}
	return err
}

func (cmd backupRestoreCmd) build(ctx context.Context, c console, r *restoration) (verified, error) {
	if err := sweepRestores(c, cmd.Data); err != nil {
		return verified{}, fmt.Errorf("remove what a restore that was killed has left: %w", err)
	}
	if err := os.MkdirAll(r.dir, 0o700); err != nil {
		return verified{}, fmt.Errorf("make a directory to build in: %w", err)
	}
	held, err := lockFile(r.dir, true)
	if err != nil {
		return verified{}, err
	}
	v, err := r.build(ctx)
	return v, errors.Join(err, held.Close())
}

// vacant makes sure that nothing is in the way, or may be put aside and is not at work.
func (cmd backupRestoreCmd) vacant() error {
	list, err := os.ReadDir(cmd.Data)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(list) == 0 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look at %s: %w", cmd.Data, err)
	}
	if !cmd.Force {
		return usage("%s is there already: restore into a new directory, or put it aside with --force", cmd.Data)
	}
	conf, err := readConfig(filepath.Join(cmd.Data, configFile))
	if err != nil {
		return nil //nolint:nilerr // what is there is no system, so none works on it
	}
	s := &system{config: conf}
	err = s.claim()
	var u *usageError
	if err != nil && !errors.As(err, &u) {
		err = nil // its keys are gone: nothing can work on it
	}
	return errors.Join(err, s.release())
}

// besides is the schema that a restore into PostgreSQL is built in; the zero value is none.
type besides struct {
	store.Beside
	used, occupied bool
}

func (cmd backupRestoreCmd) beside(ctx context.Context, r *restoration) (b besides, err error) {
	if cmd.Postgres == "" {
		return b, nil
	}
	if b.Beside, err = store.MakeBeside(ctx, cmd.Postgres, "tutela_restore"); err != nil {
		return b, err
	}
	b.used, r.database = true, b.URL()
	if b.occupied, err = b.Occupied(ctx); err == nil && b.occupied && !cmd.Force {
		err = usage("the database has tables already: restore into an empty one, or put them aside with --force")
	}
	if err != nil {
		err = errors.Join(err, b.drop(ctx))
	}
	return b, err
}

func (b besides) drop(ctx context.Context) error {
	if !b.used {
		return nil
	}
	return b.Drop(context.WithoutCancel(ctx))
}

// put puts what was built in its place: tables first, then the directory, and tables back where that fails.
func (cmd backupRestoreCmd) put(ctx context.Context, r *restoration, b besides, stamp string) error {
	if b.used {
		if err := writePrivate(r.config.path(postgresURL), []byte(cmd.Postgres+"\n")); err != nil {
			return err
		}
		if err := b.TakeOver(ctx, "before_"+stamp); err != nil {
			return fmt.Errorf("put the restored tables in place: %w", err)
		}
	}
	err := replaceDir(r.dir, cmd.Data, cmd.Data+".before-"+stamp)
	if err != nil && b.used {
		err = errors.Join(err, b.GiveBack(context.WithoutCancel(ctx), "before_"+stamp))
	}
	return err
}

// progress shows how far long work is, when a person looks.
func progress(c console) func(string, int64) {
	f, ok := c.err.(*os.File)
	if !ok {
		return func(string, int64) {}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func(string, int64) {}
	}
	return func(what string, n int64) { fmt.Fprintf(f, "\r\x1b[K%d %s", n, what) }
}
