package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/keys/escrow"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/recovery/backup"
	"github.com/tutela-health/tutela/recovery/dest"
	"github.com/tutela-health/tutela/recovery/sealed"
	"github.com/tutela-health/tutela/store"
)

// restoration makes a system of a backup in a directory of its own, which is in nobody's way.
type restoration struct {
	from     dest.Destination
	keys     string         // folder: provider/, *.key, and perhaps keyring/
	at       string         // backup; empty: the newest
	dir      string         // where it is built
	database string         // URL of an empty PostgreSQL database; empty: the embedded SQLite
	escrow   *escrow.Opened // opens the keyring where its provider is lost; nil: the provider does
	scratch  bool           // it is to be tried and thrown away
	progress func(what string, n int64)

	openers []sealed.Opener
	found   backup.Found
	list    []backup.Manifest // what is restored
	keyring []backup.Manifest // what opens it
	config  config
	indexed int64 // resources
}

// newest is the last backup that is restored: it says which moment comes back.
func (r *restoration) newest() backup.Manifest { return r.list[len(r.list)-1] }

// build makes the system, and does not give it out of hand unless it verifies.
func (r *restoration) build(ctx context.Context) (verified, error) {
	for _, step := range []func(context.Context) error{r.look, r.layOut, r.fill, r.ready} {
		if err := step(ctx); err != nil {
			return verified{}, err
		}
	}
	return r.finish(ctx)
}

// look finds what there is to restore and what opens it.
func (r *restoration) look(ctx context.Context) (err error) {
	if r.openers, err = openers(r.keys); err != nil {
		return err
	}
	if r.found, err = backup.Survey(ctx, r.from); err != nil {
		return err
	}
	if r.list, err = r.found.Choose(r.at); errs.Is(err, errs.NotFound) {
		return usage("%s at %s", errs.Public(err), r.from)
	}
	return err
}

// layOut makes the directory: keys, configuration, certificates.
func (r *restoration) layOut(ctx context.Context) error {
	in := backup.Restorer{From: r.from, Openers: r.openers}
	files, err := in.Files(ctx, r.list[0])
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(files[configFile]))
	d.KnownFields(true)
	if err := d.Decode(&r.config); err != nil {
		return errs.Wrap(errs.Unsupported, err, fmt.Sprintf("the %s in %s is not understood by this release", configFile, r.list[0].Name()))
	}
	c := &r.config
	c.dir, c.Postgres = r.dir, ""
	if r.escrow != nil {
		c.Keys = localKeys("keys/provider")
	} else if c.Keys.Provider == providerLocal {
		c.Keys.Dir = "keys/provider"
	}
	// Two systems must not keep their copies in one place: each removes the keyrings that its own replace.
	c.Backup.To = nil
	if err := copyKeys(r.keys, filepath.Join(r.dir, "keys")); err != nil {
		return err
	}
	if r.database != "" {
		c.Postgres = postgresURL
		if err := writePrivate(c.path(postgresURL), []byte(r.database+"\n")); err != nil {
			return err
		}
	}
	if r.scratch {
		c.Certificate, c.Key = certificateTLS, keyTLS
	}
	if c.Certificate == certificateTLS {
		if err := makeCertificates(c.dir, c.Hosts, clock.System()); err != nil {
			return err
		}
	}
	return r.policies(files)
}

// policies writes those that were in force.
func (r *restoration) policies(files map[string][]byte) error {
	if r.config.Policies == "" {
		return nil
	}
	r.config.Policies = policiesDir
	if err := os.MkdirAll(r.config.path(policiesDir), 0o700); err != nil {
		return fmt.Errorf("make policies' directory: %w", err)
	}
	for name, text := range files {
		if base, ok := strings.CutPrefix(name, policiesDir+"/"); ok && filepath.IsLocal(base) {
			if err := writePrivate(filepath.Join(r.config.path(policiesDir), filepath.Base(base)), text); err != nil {
				return err
			}
		}
	}
	return nil
}

// copyKeys copies a folder of keys. One that is a provider itself becomes provider/.
func copyKeys(from, to string) error {
	if _, err := os.Stat(filepath.Join(from, "root.key")); err == nil {
		to = filepath.Join(to, "provider")
	}
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("copy keys: %w", err)
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o700)
		case !d.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("copy keys: %w", err)
		}
		return os.WriteFile(target, text, 0o600)
	})
}

// fill brings keys and rows into the database.
func (r *restoration) fill(ctx context.Context) error {
	db, err := openDatabase(ctx, r.config)
	if err != nil {
		return err
	}
	return errors.Join(r.fillFrom(ctx, db), db.Close())
}

func (r *restoration) fillFrom(ctx context.Context, db *store.DB) error {
	if err := r.keyrings(ctx, db); err != nil {
		return err
	}
	ring, err := r.ring(ctx, db)
	if err != nil {
		return err
	}
	defer ring.Close()
	if err := backup.Verify(ctx, ring, append(slices.Clone(r.list), r.keyring...)...); err != nil {
		return err
	}
	in := backup.Restorer{From: r.from, Openers: r.openers, Done: func(n int64) { r.progress("rows", n) }}
	if err := in.Series(ctx, db, r.list); err != nil {
		return err
	}
	if err := r.rewrap(ctx, ring); err != nil {
		return err
	}
	if err := records.RestoreState(ctx, db, ring); err != nil {
		return err
	}
	return identity.Restored(ctx, db)
}

// keyrings brings those of the source and of the folder of keys, in the order in which they were made: the
// newest of all counts.
func (r *restoration) keyrings(ctx context.Context, db *store.DB) error {
	beside := dest.Dir(filepath.Join(r.keys, keyringDir))
	near, err := backup.Survey(ctx, beside)
	if err != nil {
		return err
	}
	r.keyring, err = backup.NewestKeyring(append(slices.Clone(r.found.Keyrings), near.Keyrings...), r.found.Series)
	if errs.Is(err, errs.NotFound) {
		return usage("%s (%s, %s)", errs.Public(err), r.from, beside)
	} else if err != nil {
		return err
	}
	for _, k := range r.keyring {
		if k.Tenant != r.list[0].Tenant {
			return usage("%s is of the tenant %s, and the backup of %s", k.ManifestName(), k.Tenant, r.list[0].Tenant)
		}
		in := backup.Restorer{From: r.from, Openers: r.openers}
		if !slices.ContainsFunc(r.found.Keyrings, func(m backup.Manifest) bool { return m.Name() == k.Name() }) {
			in.From = beside
		}
		if err := in.Keyrings(ctx, db, []backup.Manifest{k}); err != nil {
			return err
		}
	}
	return nil
}

// ring opens the restored keys.
func (r *restoration) ring(ctx context.Context, db *store.DB) (*keys.Ring, error) {
	provider, err := r.provider(ctx)
	if err != nil {
		return nil, usage("the keys in %s do not open: %v", r.keys, err)
	}
	ring, err := keys.Open(ctx, keys.Config{Tenant: r.config.Tenant, Shelf: db, Provider: provider, Clock: clock.System, Complete: true})
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, fmt.Sprintf("the keyring does not open with the keys in %s: they are another system's, or older", r.keys))
	}
	return ring, nil
}

// provider is what opens the keyring: the one that wrapped it or, where that is lost, enough of its holders'
// shares, beside a new one.
func (r *restoration) provider(ctx context.Context) (keys.Provider, error) {
	if r.escrow == nil {
		return r.config.openProvider(ctx)
	}
	if about := r.escrow.About(); about.Tenant != r.config.Tenant || about.Generation != r.newestGeneration() {
		return nil, fmt.Errorf("the shares open generation %d of %s, and the keyring is of generation %d of %s", about.Generation, about.Tenant, r.newestGeneration(), r.config.Tenant)
	}
	to, err := r.config.createProvider(ctx)
	return &keys.Moving{From: r.escrow.Provider(), To: to}, err
}

// newestGeneration is that of the keyring that is restored.
func (r *restoration) newestGeneration() int { return r.keyring[len(r.keyring)-1].Generation }

// rewrap makes a generation under the new provider and wraps every key under it, where shares opened the
// keyring: a recovery wrap is for one restore, and not to live on.
func (r *restoration) rewrap(ctx context.Context, ring *keys.Ring) error {
	if r.escrow == nil {
		return nil
	}
	if _, err := ring.Rotate(ctx); err != nil {
		return fmt.Errorf("make a generation under the new provider: %w", err)
	}
	if err := ring.Rewrap(ctx, func(int) {}); err != nil {
		return fmt.Errorf("wrap keys under the new provider: %w", err)
	}
	_, err := ring.Retire(ctx)
	return err
}

// ready makes anew what no backup holds.
func (r *restoration) ready(ctx context.Context) error {
	s, err := r.open(ctx)
	if err != nil {
		return err
	}
	err = s.audit.RebuildPostings(ctx)
	if err == nil {
		err = s.records.Reindex(ctx, func(n int64) {
			r.indexed = n
			r.progress("resources indexed", n)
		})
	}
	if err == nil { // the keyring may be newer than the ledger: who was erased since stays so
		_, err = s.records.Acknowledge(ctx, tutela.Entry{
			Actor: systemActor("restore"), Action: tutela.ActionPatientErase, Outcome: tutela.OutcomeSuccess, Type: "Patient",
			Subject: &tutela.Subject{Kind: "backup", ID: r.newest().String(), Detail: "as the keyring says"},
		})
	}
	return errors.Join(err, s.close(context.WithoutCancel(ctx)))
}

func (r *restoration) open(ctx context.Context) (*system, error) {
	return openSystem(ctx, r.config, "-restore", slog.New(slog.DiscardHandler))
}

// finish holds everything against the ledger, writes into it that it was restored, and completes the
// directory by its configuration.
func (r *restoration) finish(ctx context.Context) (verified, error) {
	s, err := r.open(ctx)
	if err != nil {
		return verified{}, err
	}
	options := audit.VerifyOptions{Deep: true, Limit: maxProblems}
	if note := r.newest().Checkpoint; note != "" {
		options.Since = [][]byte{[]byte(note)}
	}
	v, err := s.verify(ctx, options)
	if err == nil && len(v.Problems) > 0 {
		err = errs.New(errs.Invalid, "what was restored does not verify, and is not put in place: %s (%d findings)", v.Problems[0], int64(len(v.Problems))+v.More)
	}
	if err == nil {
		err = r.note(ctx, s)
	}
	if err = errors.Join(err, s.close(context.WithoutCancel(ctx))); err != nil {
		return v, err
	}
	return v, r.config.write()
}

func (r *restoration) note(ctx context.Context, s *system) error {
	m := r.newest()
	_, err := s.audit.Append(ctx, tutela.Entry{
		Actor: systemActor("restore"), Action: tutela.ActionBackupRestore, Outcome: tutela.OutcomeSuccess,
		Subject: &tutela.Subject{Kind: "backup", ID: m.String(), Detail: "of " + m.Made.Format("2006-01-02T15:04:05.000Z07:00")},
	}, nil)
	return err
}
