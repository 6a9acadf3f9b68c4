package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/recovery/backup"
	"github.com/tutela-health/tutela/recovery/dest"
	"github.com/tutela-health/tutela/recovery/sealed"
	"github.com/tutela-health/tutela/server"
)

// backupConfig is the part of tutela.yaml about copies of the system. What is left out is the default.
type backupConfig struct {
	// To are the destinations: directories of other disks, and s3://BUCKET/PREFIX?…; two or more, in
	// different places.
	To []string `yaml:"to,omitempty"`
	// Recipients are files with the public keys of those who can open the copies. Their private keys
	// are kept elsewhere: whoever has this machine must not have what opens its backups.
	Recipients []string `yaml:"recipients,omitempty"`
	// Every is the time between increments; 30s when it is left out.
	Every time.Duration `yaml:"every,omitempty"`
	// Full is the time between full copies; 24h when it is left out.
	Full time.Duration `yaml:"full,omitempty"`
	// KeepDays is for how many days a full copy and its increments stay; 30 when it is left out.
	KeepDays int `yaml:"keep_days,omitempty"`
}

// shortestEvery keeps a misprint from backing up all the time.
const shortestEvery = time.Second

func (b backupConfig) check(tryOut bool) error {
	if len(b.To) > 0 && len(b.Recipients) == 0 && !tryOut {
		return errors.New("backup: recipients is missing: name the public keys of who can open the copies")
	}
	if b.Every != 0 && b.Every < shortestEvery || b.Full < 0 || b.KeepDays < 0 {
		return errors.New("backup: every is a time such as 30s, full one such as 24h, keep_days a number of days")
	}
	for _, to := range b.To {
		if _, err := dest.Parse(to); err != nil {
			return fmt.Errorf("backup: %s", errs.Public(err))
		}
	}
	return nil
}

// The files of a try-out system's own recipient, in the keys' directory.
const (
	backupKeyFile    = "backup.key"
	backupPublicFile = "backup.pub"
	keyringDir       = "keyring"
)

// backupService wires what makes backups.
func (s *system) backupService() (*backup.Service, error) {
	to, err := s.config.recipients()
	if err != nil {
		return nil, err
	}
	c := backup.Config{
		DB: s.db, Ring: s.ring, Audit: s.audit, Tenant: s.config.Tenant, Node: s.config.Node + s.role, Release: version().Version,
		Clock: s.clock, Log: s.log, Recipients: to, Folder: filepath.Join(s.config.dir, "spool"), Files: s.config.travelling,
	}
	if s.config.TryOut {
		c.KeysBeside = dest.Dir(filepath.Join(s.config.keysFolder(), keyringDir))
	}
	return backup.New(c), nil
}

// recipients are whom backups are sealed to. A try-out system that names nobody has a key of its own.
func (c config) recipients() ([]sealed.Recipient, error) {
	files := c.Backup.Recipients
	if len(files) == 0 && c.TryOut {
		own := filepath.Join(c.keysFolder(), backupPublicFile)
		if err := c.makeRecipient(own); err != nil {
			return nil, err
		}
		files = []string{own}
	}
	var list []sealed.Recipient
	for _, f := range files {
		text, err := os.ReadFile(c.path(f))
		if err != nil {
			return nil, fmt.Errorf("read a recipient of backups: %w", err)
		}
		r, err := sealed.ParseRecipient(text)
		if err != nil {
			return nil, usage("%s: %s", c.path(f), errs.Public(err))
		}
		list = append(list, r)
	}
	return list, nil
}

// makeRecipient makes a try-out system's key for backups, once; a private one that is there stays.
func (c config) makeRecipient(public string) error {
	if _, err := os.Stat(public); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	path := filepath.Join(c.keysFolder(), backupKeyFile)
	private, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if private, err = sealed.Generate(); err == nil {
			err = writePrivate(path, private)
		}
	}
	if err != nil {
		return err
	}
	o, err := sealed.ParseOpener(private)
	if err != nil {
		return usage("%s: %s", path, errs.Public(err))
	}
	text, err := o.Recipient().PEM()
	if err != nil {
		return err
	}
	return writePrivate(public, text)
}

// travelling gives the files of the configuration that a backup holds: no secret is among them.
func (c config) travelling() (map[string][]byte, error) {
	files := map[string][]byte{}
	add := func(name, path string) error {
		text, err := os.ReadFile(path)
		if err == nil {
			files[name] = text
		}
		return err
	}
	if err := add(configFile, filepath.Join(c.dir, configFile)); err != nil && !errors.Is(err, fs.ErrNotExist) { // a new system's comes last
		return nil, err
	}
	if c.Policies == "" {
		return files, nil
	}
	list, err := filepath.Glob(filepath.Join(c.path(c.Policies), "*.cedar"))
	for _, path := range list {
		err = errors.Join(err, add(policiesDir+"/"+filepath.Base(path), path))
	}
	return files, err
}

// policiesDir is where a restored system has its policies.
const policiesDir = "policies"

// destinations reads texts that name some; those of the configuration where there is none.
func (c config) destinations(texts []string) ([]dest.Destination, error) {
	if len(texts) == 0 {
		texts = c.Backup.To
	}
	var list []dest.Destination
	for _, text := range texts {
		d, err := dest.Parse(text)
		if err != nil {
			return nil, err
		}
		if dir, ok := d.(dest.Dir); ok {
			d = dest.Dir(c.path(string(dir)))
		}
		list = append(list, d)
	}
	if len(list) == 0 {
		return nil, errs.New(errs.Invalid, "there is no destination: name one, or put them under backup in %s", configFile)
	}
	return list, nil
}

// backupChecks says what the checks of backups look at.
func (s *system) backupChecks() backup.CheckConfig {
	c := backup.CheckConfig{TryOut: s.config.TryOut}
	if len(s.config.Backup.To) > 0 {
		c.To, _ = s.config.destinations(nil) // the configuration was checked when it was read
	}
	return c
}

// backUp makes backups while the system serves.
func (s *system) backUp(ctx context.Context) {
	plan := backup.Schedule{Every: s.config.Backup.Every, Full: s.config.Backup.Full, Keep: time.Duration(s.config.Backup.KeepDays) * 24 * time.Hour}
	if len(s.config.Backup.To) > 0 {
		var err error
		if plan.To, err = s.config.destinations(nil); err != nil {
			s.log.LogAttrs(ctx, slog.LevelError, "no backups", slog.String("error", err.Error()))
		}
	}
	s.backups.Run(ctx, plan)
}

// backupAPI lets administrators ask for backups. What a caller of the API names is a place where the
// server writes: only a try-out system takes others than its configuration's.
func (s *system) backupAPI() server.Backups {
	return server.Backups{State: s.backups.State, Ask: func(to []string) (int64, error) {
		if len(to) > 0 && !s.config.TryOut {
			return 0, errs.New(errs.Denied, "this system takes the destinations of its configuration alone")
		}
		list, err := s.config.destinations(to)
		if err != nil {
			return 0, err
		}
		return s.backups.Ask(list)
	}}
}
