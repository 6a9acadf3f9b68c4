package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access/consent"
	"github.com/tutela-health/tutela/access/emergency"
)

// config is tutela.yaml: what a system is made of. Secrets are never in it; they come by file.
type config struct {
	// Tenant names this environment; it is bound into every ciphertext and cannot change.
	Tenant tutela.Tenant `yaml:"tenant"`
	// Origin names the ledger to the world, as in C2SP tlog-checkpoint; it cannot change.
	Origin string `yaml:"origin"`
	// Node names this process among those that share the database; the same after a restart.
	Node string `yaml:"node"`
	// Hosts are the names under which the tenant is reached; any other Host header is 404.
	Hosts []string `yaml:"hosts"`
	// Listen is the address to serve HTTPS on.
	Listen string `yaml:"listen"`
	// URL is the public base URL, where it is not https:// and Listen.
	URL string `yaml:"url,omitempty"`
	// Postgres is the file that holds the URL of a PostgreSQL database; empty means the embedded SQLite.
	Postgres string `yaml:"postgres_file,omitempty"`
	// Certificate and Key are PEM files for TLS.
	Certificate string `yaml:"tls_certificate"`
	Key         string `yaml:"tls_key"`
	// Keys says where the generation keys are: the folder of the local provider, or another provider's settings.
	Keys providerSettings `yaml:"keys"`
	// DormantDays is after how many days without a login an account of the staff counts as dormant;
	// 90 when it is left out.
	DormantDays int `yaml:"dormant_days,omitempty"`
	// BreakGlassMinutes is how long emergency access to a patient lasts; 15 when it is left out, 60 at most.
	BreakGlassMinutes int `yaml:"break_glass_minutes,omitempty"`
	// ProviderSecrets is the folder of the secrets by which outside OpenID providers know this system,
	// a file each; providers that know its key need none.
	ProviderSecrets string `yaml:"provider_secrets,omitempty"`
	// Gateway holds callers to limits: rates, networks, requests at once.
	Gateway gateway `yaml:"gateway,omitempty"`
	// Policies is the folder of the Cedar policies in force; the shipped ones where it is left out.
	Policies string `yaml:"policies,omitempty"`
	// Catalogs are files of what is asked of the organisation beside the shipped regulations: OSCAL catalogs (.json) or
	// regulations in the form of docs/controls.md (.yaml).
	Catalogs []string `yaml:"catalogs,omitempty"`
	// Detect says what misuse is looked for by.
	Detect detectConfig `yaml:"detect,omitempty"`
	// Respond says what follows from findings.
	Respond respondConfig `yaml:"respond,omitempty"`
	// Consent says what holds where no consent of a patient says anything: opt-out, as when it is left
	// out, allows what policies allow; opt-in denies it.
	Consent string `yaml:"consent,omitempty"`
	// Backup says where copies of the system go while it is served, and who can open them.
	Backup backupConfig `yaml:"backup,omitempty"`
	// Deidentify says what of free text and of the organisation's own codes de-identified records keep.
	Deidentify deidentification `yaml:"deidentify,omitempty"`
	// Erasure says what an erasure waits for.
	Erasure erasureConfig `yaml:"erasure,omitempty"`
	// Intake says which other systems tell what happens in them, and where that is listened to.
	Intake intakeConfig `yaml:"intake,omitempty"`
	// TryOut says that this is a try-out system: commands may act as any of its identities.
	TryOut bool `yaml:"try_out,omitempty"`

	dir string
}

const (
	configFile  = "tutela.yaml"
	sqliteFile  = "tutela.db"
	postgresURL = "postgres.url"
)

// readConfig reads a configuration; a key that it does not know is an error. Relative paths
// are relative to the file.
func readConfig(path string) (config, error) {
	var c config
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, usage("no system at %s: make one with `tutela dev` or `tutela init`", filepath.Dir(path))
	}
	if err != nil {
		return c, fmt.Errorf("read configuration: %w", err)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		return c, usage("%s: %v", path, err)
	}
	c.dir = filepath.Dir(path)
	return c, c.check(path)
}

func (c config) check(path string) error {
	for _, f := range []struct{ key, value string }{
		{"tenant", string(c.Tenant)}, {"origin", c.Origin}, {"node", c.Node}, {"listen", c.Listen},
		{"tls_certificate", c.Certificate}, {"tls_key", c.Key},
	} {
		if f.value == "" {
			return usage("%s: %s is missing", path, f.key)
		}
	}
	if err := c.Keys.check(); err != nil {
		return usage("%s: %v", path, err)
	}
	if c.DormantDays < 0 {
		return usage("%s: dormant_days is a number of days", path)
	}
	if c.BreakGlassMinutes < 0 || c.BreakGlassMinutes > int(emergency.LongestLife.Minutes()) {
		return usage("%s: break_glass_minutes is 1 to %d", path, int(emergency.LongestLife.Minutes()))
	}
	if _, err := c.Gateway.build(); err != nil {
		return usage("%s: %v", path, err)
	}
	if !slices.Contains([]string{"", consentOptOut, consentOptIn}, c.Consent) {
		return usage("%s: consent is %s or %s", path, consentOptOut, consentOptIn)
	}
	if err := c.Backup.check(c.TryOut); err != nil {
		return usage("%s: %v", path, err)
	}
	if err := c.Deidentify.check(); err != nil {
		return usage("%s: %v", path, err)
	}
	if err := c.Detect.check(); err != nil {
		return usage("%s: detect: %v", path, err)
	}
	if err := c.Intake.check(); err != nil {
		return usage("%s: intake: %v", path, err)
	}
	if len(c.Hosts) == 0 {
		return usage("%s: hosts is empty: name at least one", path)
	}
	return nil
}

// The consent regimes.
const (
	consentOptOut = "opt-out"
	consentOptIn  = "opt-in"
)

func (c config) regime() consent.Regime {
	if c.Consent == consentOptIn {
		return consent.OptIn
	}
	return consent.OptOut
}

func (c config) write() error {
	b, err := yaml.Marshal(c)
	if err != nil {
		return fmt.Errorf("encode configuration: %w", err)
	}
	return os.WriteFile(filepath.Join(c.dir, configFile), b, 0o600)
}

// path makes a path of the configuration absolute or relative to the working directory.
func (c config) path(p string) string {
	if filepath.IsAbs(p) {
		return p
	}
	return filepath.Join(c.dir, p)
}

// database is the URL for store.Open.
func (c config) database() (string, error) {
	if c.Postgres == "" {
		return "sqlite:" + filepath.Join(c.dir, sqliteFile), nil
	}
	b, err := os.ReadFile(c.path(c.Postgres))
	if err != nil {
		return "", fmt.Errorf("read the database's URL: %w", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// base is the public base URL.
func (c config) base() string {
	if c.URL != "" {
		return strings.TrimSuffix(c.URL, "/")
	}
	return "https://" + c.Listen
}
