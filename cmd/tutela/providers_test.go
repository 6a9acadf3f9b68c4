package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela/internal/errs"
)

const (
	pkcs11Settings  = "{provider: pkcs11, module: /usr/lib/softhsm/libsofthsm2.so, token: t, label: clinic, pin_file: pin}"
	transitSettings = "{provider: transit, address: 'https://vault.example:8200', prefix: clinic, token_file: token, outage_minutes: 5}"
	awskmsSettings  = "{provider: awskms, region: eu-central-1, prefix: clinic, fips_endpoint: false, credentials_file: who, profile: p, window_days: 30}"
)

func TestProvidersAreRead(t *testing.T) {
	for text, want := range map[string]providerSettings{
		"keys/provider":                localKeys("keys/provider"),
		"{provider: local, dir: keys}": localKeys("keys"),
		pkcs11Settings:                 {Provider: "pkcs11", Module: "/usr/lib/softhsm/libsofthsm2.so", Token: "t", Label: "clinic", PINFile: "pin"},
		transitSettings:                {Provider: "transit", Address: "https://vault.example:8200", Prefix: "clinic", TokenFile: "token", OutageMinutes: 5},
		awskmsSettings:                 {Provider: "awskms", Region: "eu-central-1", Prefix: "clinic", FIPSEndpoint: new(bool), CredentialsFile: "who", Profile: "p", WindowDays: 30},
		strings.TrimSuffix(transitSettings, "}") + ", from: keys/provider}": {
			Provider: "transit", Address: "https://vault.example:8200", Prefix: "clinic", TokenFile: "token", OutageMinutes: 5, From: &providerSettings{Provider: "local", Dir: "keys/provider"},
		},
	} {
		c, err := readConfig(configured(t, strings.Replace(sound, "keys: keys/provider", "keys: "+text, 1)))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if diff := cmp.Diff(want, c.Keys); diff != "" {
			t.Errorf("%s: %s", text, diff)
		}
		var again providerSettings
		written, err := yaml.Marshal(c.Keys)
		if err == nil {
			err = yaml.Unmarshal(written, &again)
		}
		if diff := cmp.Diff(want, again); diff != "" || err != nil {
			t.Errorf("%s: written and read: %s (%v)", text, diff, err)
		}
	}
}

func TestProvidersThatCannotBeAreRefused(t *testing.T) {
	for text, say := range map[string]string{
		"{provider: abacus}":                                "provider is local",
		"{dir: keys}":                                       "provider",
		"{provider: local}":                                 "dir is missing",
		"{provider: local, dir: keys, prefix: x}":           "prefix",
		"{provider: local, dir: keys, outage_minutes: -1}":  "outage_minutes",
		"{provider: pkcs11, module: m, token: t, label: l}": "pin_file is missing",
		"{provider: pkcs11, module: m, token: t, label: l, pin_file: f, pin: '1234'}": "pin",
		"{provider: transit, prefix: p, token_file: f}":                               "address is missing",
		"{provider: awskms, prefix: p}":                                               "region is missing",
		"{provider: awskms, region: r, prefix: p, token_file: f}":                     "token_file",
		"{provider: awskms, region: r, prefix: p, window_days: 3}":                    "window_days is 7 to 30",
		"{provider: awskms, region: r, prefix: p, endpoint: e, fips_endpoint: true}":  "fips_endpoint",
		"{provider: local, dir: k, window_days: 8}":                                   "window_days",
		"{provider: local, dir: a, from: {provider: x}}":                              "provider is local",
		"{provider: local, dir: a, from: a}":                                          "from is the provider itself",
		"{provider: local, dir: a, from: {provider: local, dir: b, from: c}}":         "one provider at a time",
	} {
		_, err := readConfig(configured(t, strings.Replace(sound, "keys: keys/provider", "keys: "+text, 1)))
		if err == nil || !strings.Contains(err.Error(), say) {
			t.Errorf("%s: %v, want a word of %s", text, err, say)
		}
	}
}

func TestOpenedKeysOutliveTheProviderForAnHourUnlessSaidOtherwise(t *testing.T) {
	for minutes, want := range map[int]time.Duration{0: time.Hour, 5: 5 * time.Minute} {
		if got := (&providerSettings{OutageMinutes: minutes}).outage(); got != want {
			t.Errorf("%d minutes: %v, want %v", minutes, got, want)
		}
	}
}

// TestPathsOfAProvidersFileAreRelativeToIt, since it is read from elsewhere than tutela.yaml.
func TestPathsOfAProvidersFileAreRelativeToIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hsm.yaml")
	if err := os.WriteFile(path, []byte(pkcs11Settings), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := readProvider(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(filepath.Dir(path), "pin"); p.PINFile != want || p.Module != "/usr/lib/softhsm/libsofthsm2.so" {
		t.Errorf("PIN in %s, library %s", p.PINFile, p.Module)
	}
	for _, text := range []string{"", "{provider: local}", strings.TrimSuffix(pkcs11Settings, "}") + ", from: keys}", "[", "{provider: local, dir: d, x: 1}"} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readProvider(path); err == nil {
			t.Errorf("%q: read", text)
		}
	}
}

// TestWithoutCgoTheHSMSaysHowToBuildIt when a system is opened on it.
func TestWithoutCgoTheHSMSaysHowToBuildIt(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "pin"), []byte("1234\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := config{Keys: providerSettings{Provider: "pkcs11", Module: "m", Token: "t", Label: "l", PINFile: "pin"}, dir: dir}
	_, err := c.openProvider(t.Context())
	if err == nil || errs.Is(err, errs.Unsupported) && !strings.Contains(errs.Public(err), "-tags pkcs11") {
		t.Errorf("error %v", err)
	}
}

// TestOneSystemWorksOnAFolder whatever keeps its keys, and both folders while they move.
func TestOneSystemWorksOnAFolder(t *testing.T) {
	dir := t.TempDir()
	for _, folder := range []string{"a", "b"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	local, remote := localKeys("a"), providerSettings{Provider: providerTransit}
	moving, both := remote, localKeys("b")
	moving.From, both.From = &local, &local
	for name, c := range map[string]struct {
		first, second providerSettings
		shut          bool
	}{
		"local": {local, local, true}, "remote": {remote, remote, true}, "while it moves": {local, moving, true}, "after it moves": {moving, remote, true},
		"between folders": {local, both, true}, "other folders": {local, localKeys("b"), false},
	} {
		one, other := &system{config: config{Keys: c.first, dir: dir}}, &system{config: config{Keys: c.second, dir: dir}}
		if err := one.claim(); err != nil {
			t.Fatal(err)
		}
		err := other.claim()
		if (err != nil) != c.shut || c.shut && !strings.Contains(err.Error(), "another tutela works on") {
			t.Errorf("%s: %v", name, err)
		}
		for _, s := range []*system{one, other} {
			if err := s.release(); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestInitTakesAProviderFromAFile: what stands in it stands in tutela.yaml, and the keyring is there. One that
// does not open leaves no system behind.
func TestInitTakesAProviderFromAFile(t *testing.T) {
	folder := t.TempDir()
	if err := makeCertificates(folder, []string{"clinic.test"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	settings := filepath.Join(folder, "provider.yaml")
	initWith := func(name, text string) (int, string) {
		if err := os.WriteFile(settings, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		code, _, said := command(t, "init", "--data", filepath.Join(folder, name), "--tenant", "clinic", "--origin", "clinic.test/ledger", "--host", "clinic.test",
			"--certificate", filepath.Join(folder, certificateTLS), "--key", filepath.Join(folder, keyTLS), "--provider", settings)
		return code, said
	}
	if code, said := initWith("data", "{provider: local, dir: volume/keys}"); code != exitClean {
		t.Fatal(said)
	}
	conf, err := readConfig(filepath.Join(folder, "data", configFile))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(localKeys(filepath.Join(folder, "volume", "keys")), conf.Keys); diff != "" {
		t.Error(diff)
	}
	p, err := conf.openProvider(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if list, err := p.Generations(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("generations %v (%v)", list, err)
	}
	for name, text := range map[string]string{"abacus": "{provider: abacus}", "absent": "{provider: transit, address: 'http://127.0.0.1:1', prefix: x, token_file: none}"} {
		if code, _ := initWith(name, text); code != exitError {
			t.Errorf("%s: exit code %d", name, code)
		}
		if _, err := os.Stat(filepath.Join(folder, name, configFile)); err == nil {
			t.Errorf("%s: a system was left behind", name)
		}
	}
}
