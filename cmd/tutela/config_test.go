package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tutela-health/tutela/access/consent"
)

const sound = `tenant: clinic
origin: clinic.example/production
node: node-1
hosts: [fhir.clinic.example]
listen: :8443
tls_certificate: tls/server.pem
tls_key: /etc/tutela/server.key
keys: keys/provider
`

// configured writes a configuration and gives its path.
func configured(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), configFile)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigurationIsRead(t *testing.T) {
	path := configured(t, sound)
	got, err := readConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	want := config{Tenant: "clinic", Origin: "clinic.example/production", Node: "node-1", Hosts: []string{"fhir.clinic.example"},
		Listen: ":8443", Certificate: "tls/server.pem", Key: "/etc/tutela/server.key", Keys: localKeys("keys/provider"), dir: filepath.Dir(path)}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(config{})); d != "" {
		t.Error(d)
	}
	if p := got.path(got.Certificate); p != filepath.Join(filepath.Dir(path), "tls/server.pem") {
		t.Errorf("a relative path is %s", p)
	}
	if p := got.path(got.Key); p != "/etc/tutela/server.key" {
		t.Errorf("an absolute path is %s", p)
	}
	if err := got.write(); err != nil {
		t.Fatal(err)
	}
	again, err := readConfig(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(got, again, cmp.AllowUnexported(config{}), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("written and read: %s", d)
	}
}

// What it does not know, or misses, is an error that names the key.
func TestConfigurationIsRefused(t *testing.T) {
	cases := map[string]struct{ text, say string }{
		"an unknown key":  {sound + "tennant: clinic\n", "tennant"},
		"a nested key":    {sound + "limits:\n  rate: 5\n", "limits"},
		"a key twice":     {sound + "tenant: other\n", "tenant"},
		"a wrong type":    {strings.Replace(sound, "hosts: [fhir.clinic.example]", "hosts: {a: b}", 1), "line 4"},
		"no hosts":        {strings.Replace(sound, "hosts: [fhir.clinic.example]\n", "", 1), "hosts"},
		"another regime":  {sound + "consent: sometimes\n", "consent"},
		"negative days":   {sound + "dormant_days: -1\n", "dormant_days"},
		"a network":       {sound + "gateway: {proxies: [10.0.0.1]}\n", "gateway.proxies"},
		"an allowed one":  {sound + "gateway: {allow: {roles: {admin: [x]}}}\n", "gateway.allow.roles.admin"},
		"half a rate":     {sound + "gateway: {rate: {caller: {burst: 5}}}\n", "gateway.rate.caller"},
		"no rate":         {sound + "gateway: {rate: {clients: {a: {burst: 5, per_second: 1, unlimited: true}}}}\n", "gateway.rate.clients.a"},
		"a role":          {sound + "gateway: {allow: {roles: {nobody: [10.0.0.0/8]}}}\n", "nobody"},
		"a gateway's key": {sound + "gateway: {rates: {}}\n", "rates"},
		"an open door":    {sound + "intake: {syslog: ':6514'}\n", "name sources"},
		"a stranger":      {sound + "intake: {sources: [{name: ehr}]}\n", "neither certificate nor networks"},
		"no authority":    {sound + "intake: {sources: [{name: ehr, certificate: ehr}]}\n", "client_ca"},
		"a source's net":  {sound + "intake: {sources: [{name: ehr, networks: [here]}]}\n", "here is no network"},
		"a time zone":     {sound + "intake: {time_zone: Mars/Base}\n", "time_zone"},
		"a day's zone":    {sound + "detect: {time_zone: Mars/Base}\n", "time_zone"},
		"one address":     {sound + "intake: {syslog: ':1', hl7: ':1', sources: [{name: e, networks: [10.0.0.0/8]}]}\n", "an address each"},
		"nothing":         {"", "EOF"},
		"no YAML":         {"\x00", configFile},
		"a secret inside": {sound + "postgres: postgres://u:p@h/d\n", "postgres"},
	}
	for _, key := range []string{"tenant", "origin", "node", "listen", "tls_certificate", "tls_key", "keys"} {
		var kept []string
		for line := range strings.Lines(sound) {
			if !strings.HasPrefix(line, key+":") {
				kept = append(kept, line)
			}
		}
		cases["without "+key] = struct{ text, say string }{strings.Join(kept, ""), key + " is missing"}
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := readConfig(configured(t, c.text))
			if err == nil || !strings.Contains(err.Error(), c.say) {
				t.Errorf("got %v, want a word of %q", err, c.say)
			}
		})
	}
}

func TestWithoutASystemTheErrorSaysHowToMakeOne(t *testing.T) {
	_, err := readConfig(filepath.Join(t.TempDir(), configFile))
	if err == nil || !strings.Contains(err.Error(), "tutela dev") {
		t.Errorf("got %v", err)
	}
}

func TestTheDatabaseIsTheFileOrWhatTheFileNames(t *testing.T) {
	c := config{dir: t.TempDir()}
	if got, err := c.database(); err != nil || got != "sqlite:"+filepath.Join(c.dir, sqliteFile) {
		t.Errorf("%s, %v", got, err)
	}
	c.Postgres = postgresURL
	if _, err := c.database(); err == nil {
		t.Error("a missing file names a database")
	}
	if err := os.WriteFile(filepath.Join(c.dir, postgresURL), []byte("postgres://h/d\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := c.database(); err != nil || got != "postgres://h/d" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestTheBaseIsTheURLOrTheAddress(t *testing.T) {
	for want, c := range map[string]config{
		"https://fhir.clinic.example": {URL: "https://fhir.clinic.example/", Listen: ":8443"},
		"https://localhost:8443":      {Listen: "localhost:8443"},
	} {
		if got := c.base(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestConsentIsOptOutUnlessSaidOtherwise(t *testing.T) {
	for text, want := range map[string]consent.Regime{"": consent.OptOut, "consent: opt-out\n": consent.OptOut, "consent: opt-in\n": consent.OptIn} {
		c, err := readConfig(configured(t, sound+text))
		if err != nil || c.regime() != want {
			t.Errorf("%q: %v, %v", text, c.regime(), err)
		}
	}
}
