package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/keys/awskms"
	"github.com/tutela-health/tutela/keys/pkcs11"
	"github.com/tutela-health/tutela/keys/transit"
)

// providerSettings is `keys` of tutela.yaml: where the generation keys are. A folder alone is the local
// provider's. Which settings count depends on the provider; another one's is an error.
type providerSettings struct {
	Provider string `yaml:"provider"` // local, pkcs11, transit or awskms
	// Dir is the folder of the local provider: another volume than the data.
	Dir string `yaml:"dir,omitempty"`

	// Module is the PKCS#11 library, Token the label of the token, Label what tells this system's keys
	// from others' on it, PINFile the file that holds the normal user's PIN.
	Module  string `yaml:"module,omitempty"`
	Token   string `yaml:"token,omitempty"`
	Label   string `yaml:"label,omitempty"`
	PINFile string `yaml:"pin_file,omitempty"`

	// Address is Vault's or OpenBao's, Mount the path of its Transit engine, Prefix what this system's keys
	// are called by, TokenFile the file that holds the token, CAFile whom to trust for TLS.
	Address   string `yaml:"address,omitempty"`
	Namespace string `yaml:"namespace,omitempty"`
	Mount     string `yaml:"mount,omitempty"`
	Prefix    string `yaml:"prefix,omitempty"`
	TokenFile string `yaml:"token_file,omitempty"`
	CAFile    string `yaml:"ca_file,omitempty"`

	// Region is AWS KMS's, where Prefix and CAFile count too. Endpoint is that of a VPC endpoint instead of the
	// Region's; FIPSEndpoint false takes the ordinary one. CredentialsFile holds whose keys they are, Profile which of them;
	// without it the machine is who it is to AWS. WindowDays is how long KMS keeps what it is to delete: 7 when it is left out.
	Region          string `yaml:"region,omitempty"`
	Endpoint        string `yaml:"endpoint,omitempty"`
	FIPSEndpoint    *bool  `yaml:"fips_endpoint,omitempty"`
	CredentialsFile string `yaml:"credentials_file,omitempty"`
	Profile         string `yaml:"profile,omitempty"`
	WindowDays      int    `yaml:"window_days,omitempty"`

	// OutageMinutes is how long opened keys live on while the provider does not answer; 60 when it is left out.
	OutageMinutes int `yaml:"outage_minutes,omitempty"`
	// RotateDays is after how many days the generation key is rotated: 365 when it is left out, 0 is never.
	RotateDays *int `yaml:"rotate_days,omitempty"`
	// WaitHours is how long a key that two people want destroyed is kept nevertheless: 72 when it is left out.
	WaitHours *int `yaml:"wait_hours,omitempty"`
	// From is the provider that generations are being moved away from, until nothing is left there.
	From *providerSettings `yaml:"from,omitempty"`
}

// The providers.
const (
	providerLocal   = "local"
	providerPKCS11  = "pkcs11"
	providerTransit = "transit"
	providerAWSKMS  = "awskms"
)

func localKeys(dir string) providerSettings {
	return providerSettings{Provider: providerLocal, Dir: dir}
}

// UnmarshalYAML reads settings, or a folder.
func (p *providerSettings) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*p = localKeys(node.Value)
		return nil
	}
	type plain providerSettings
	if err := node.Decode((*plain)(p)); err != nil {
		return err
	}
	return p.onlyKnown(node)
}

// onlyKnown refuses settings that nobody reads: a custom decoder does not inherit that from its caller.
func (p *providerSettings) onlyKnown(node *yaml.Node) error {
	known := slices.Concat(slices.Collect(maps.Keys(p.needed())), p.optional(), []string{"provider", "outage_minutes", "rotate_days", "wait_hours", "from"})
	for i := 0; i+1 < len(node.Content); i += 2 {
		if name := node.Content[i].Value; !slices.Contains(known, name) {
			return fmt.Errorf("line %d: keys: the provider %q has no setting %s", node.Content[i].Line, p.Provider, name)
		}
	}
	return nil
}

// MarshalYAML writes a folder where that says everything.
func (p providerSettings) MarshalYAML() (any, error) {
	if p == localKeys(p.Dir) {
		return p.Dir, nil
	}
	type plain providerSettings
	return plain(p), nil
}

// needed are the settings without which a provider cannot be, by name; nil for none that is known.
func (p *providerSettings) needed() map[string]string {
	switch p.Provider {
	case providerLocal:
		return map[string]string{"dir": p.Dir}
	case providerPKCS11:
		return map[string]string{"module": p.Module, "token": p.Token, "label": p.Label, "pin_file": p.PINFile}
	case providerTransit:
		return map[string]string{"address": p.Address, "prefix": p.Prefix, "token_file": p.TokenFile}
	case providerAWSKMS:
		return map[string]string{"region": p.Region, "prefix": p.Prefix}
	}
	return nil
}

// optional names the others that a provider has.
func (p *providerSettings) optional() []string {
	switch p.Provider {
	case providerTransit:
		return []string{"namespace", "mount", "ca_file"}
	case providerAWSKMS:
		return []string{"endpoint", "fips_endpoint", "credentials_file", "profile", "window_days", "ca_file"}
	}
	return nil
}

// check says what is wrong with settings.
func (p *providerSettings) check() error {
	if p.Provider == "" && p.Dir == "" {
		return fmt.Errorf("keys is missing")
	}
	needed := p.needed()
	if needed == nil {
		return fmt.Errorf("keys: provider is %s, %s, %s or %s", providerLocal, providerPKCS11, providerTransit, providerAWSKMS)
	}
	for _, name := range slices.Sorted(maps.Keys(needed)) {
		if needed[name] == "" {
			return fmt.Errorf("keys: %s is missing", name)
		}
	}
	if p.OutageMinutes < 0 || p.OutageMinutes > 7*24*60 {
		return fmt.Errorf("keys: outage_minutes is 1 to %d", 7*24*60)
	}
	if d := p.RotateDays; d != nil && (*d < 0 || *d > 3650) {
		return fmt.Errorf("keys: rotate_days is 0 to 3650")
	}
	if w := p.WindowDays; w != 0 && (w < awskms.MinWindow || w > awskms.MaxWindow) {
		return fmt.Errorf("keys: window_days is %d to %d", awskms.MinWindow, awskms.MaxWindow)
	}
	if p.Endpoint != "" && p.FIPSEndpoint != nil {
		return fmt.Errorf("keys: fips_endpoint is about the region's endpoints, and endpoint names another")
	}
	if h := p.WaitHours; h != nil && (*h < 0 || *h > 24*365) {
		return fmt.Errorf("keys: wait_hours is 0 to %d", 24*365)
	}
	if p.From == nil {
		return nil
	}
	if p.From.From != nil {
		return fmt.Errorf("keys: one provider at a time is moved away from")
	}
	if p.From.place() == p.place() {
		return fmt.Errorf("keys: from is the provider itself")
	}
	return p.From.check()
}

// place names what a tenant must have for itself.
func (p *providerSettings) place() string {
	switch p.Provider {
	case providerPKCS11:
		return strings.Join([]string{"the keys", p.Label, "on the token", p.Token, "of", p.Module}, " ")
	case providerTransit:
		return strings.Join([]string{"the keys", p.Prefix, "at", p.Address, p.Namespace, p.Mount}, " ")
	case providerAWSKMS:
		return strings.Join([]string{"the keys", p.Prefix, "in", p.Region, p.Endpoint, p.Profile, p.CredentialsFile}, " ")
	}
	return "the keys' directory " + p.Dir
}

// outage is how long opened keys outlive the provider.
func (p *providerSettings) outage() time.Duration {
	if p.OutageMinutes == 0 {
		return time.Hour
	}
	return time.Duration(p.OutageMinutes) * time.Minute
}

// rotation is how old the newest generation becomes; 0 for any age.
func (p *providerSettings) rotation() time.Duration {
	if p.RotateDays == nil {
		return 365 * 24 * time.Hour
	}
	return time.Duration(*p.RotateDays) * 24 * time.Hour
}

// destroyAfter is how long a key is kept that two people want destroyed; in a try-out system not at all.
func (c config) destroyAfter() time.Duration {
	switch h := c.Keys.WaitHours; {
	case h != nil:
		return time.Duration(*h) * time.Hour
	case c.TryOut:
		return 0
	}
	return 72 * time.Hour
}

// within makes the settings' paths absolute or relative to the working directory.
func (p providerSettings) within(c config) providerSettings {
	for _, path := range []*string{&p.Dir, &p.Module, &p.PINFile, &p.TokenFile, &p.CAFile, &p.CredentialsFile} {
		if *path != "" {
			*path = c.path(*path)
		}
	}
	if p.From != nil {
		from := p.From.within(c)
		p.From = &from
	}
	return p
}

// open opens one provider, without what it is moving from. Paths are ready to use.
func (p *providerSettings) open(ctx context.Context) (keys.Provider, error) {
	switch p.Provider {
	case providerLocal:
		return keys.OpenLocal(p.Dir)
	case providerPKCS11:
		pin, err := keys.ReadSecretFile(p.PINFile)
		if err != nil {
			return nil, err
		}
		return pkcs11.Open(ctx, pkcs11.Config{Module: p.Module, Token: p.Token, Label: p.Label, PIN: pin})
	case providerTransit:
		return transit.Open(ctx, transit.Config{
			Address: p.Address, Namespace: p.Namespace, Mount: p.Mount, Prefix: p.Prefix, TokenFile: p.TokenFile, CAFile: p.CAFile,
		})
	case providerAWSKMS:
		return awskms.Open(ctx, awskms.Config{
			Region: p.Region, Prefix: p.Prefix, Endpoint: p.Endpoint, NoFIPS: p.FIPSEndpoint != nil && !*p.FIPSEndpoint,
			Window: p.WindowDays, CredentialsFile: p.CredentialsFile, Profile: p.Profile, CAFile: p.CAFile,
		})
	}
	return nil, usage("there is no key provider %q", p.Provider)
}

// openProvider opens what the configuration names: while generations move, both.
func (c config) openProvider(ctx context.Context) (keys.Provider, error) {
	p := c.Keys.within(c)
	to, err := p.open(ctx)
	if err != nil || p.From == nil {
		return to, err
	}
	from, err := p.From.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("the provider that is moved from: %w", err)
	}
	return &keys.Moving{From: from, To: to}, nil
}

// openOrMake is open that makes a local provider's folder where there is none.
func (p *providerSettings) openOrMake(ctx context.Context) (keys.Provider, error) {
	if _, err := os.Stat(p.Dir); p.Provider == providerLocal && errors.Is(err, fs.ErrNotExist) {
		return keys.CreateLocal(p.Dir)
	}
	return p.open(ctx)
}

// createProvider makes the local provider's folder; others are there already.
func (c config) createProvider(ctx context.Context) (keys.Provider, error) {
	p := c.Keys.within(c)
	if p.Provider == providerLocal {
		return keys.CreateLocal(p.Dir)
	}
	return p.open(ctx)
}

// keysFolder is where a try-out system keeps what belongs to its keys.
func (c config) keysFolder() string {
	if c.Keys.Provider == providerLocal {
		return filepath.Dir(c.path(c.Keys.Dir))
	}
	return c.path("keys")
}

// keyFolders are the folders of local providers.
func (c config) keyFolders() []string {
	var list []string
	for p := &c.Keys; p != nil; p = p.From {
		if p.Provider == providerLocal {
			list = append(list, c.path(p.Dir))
		}
	}
	return list
}

// readProvider reads a file of provider settings, as `keys` of tutela.yaml would be. Its paths are
// relative to itself.
func readProvider(path string) (providerSettings, error) {
	var p providerSettings
	text, err := os.ReadFile(path)
	if err != nil {
		return p, usage("read the provider's settings: %v", err)
	}
	if err := yaml.Unmarshal(text, &p); err != nil {
		return p, usage("%s: %v", path, err)
	}
	if err := p.check(); err != nil {
		return p, usage("%s: %v", path, err)
	}
	if p.From != nil {
		return p, usage("%s: it names one provider, without from", path)
	}
	folder, err := filepath.Abs(filepath.Dir(path))
	return p.within(config{dir: folder}), err
}
