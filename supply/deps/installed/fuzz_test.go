package installed_test

import (
	"bytes"
	"testing"

	"github.com/tutela-health/tutela/supply/deps/installed"
)

// FuzzRead: whatever files hold, reading them ends, and every package has a name and a version.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{`{"name":"x","version":"1"}`, "Metadata-Version: 2.1\nName: x\nVersion: 1\n", "PK\x05\x06" + string(make([]byte, 18)), "\x00build information of a Go program\ngo\tgo\npath\tx\n"} {
		f.Add([]byte(seed))
	}
	names := []string{"a/node_modules/x/package.json", "x.dist-info/METADATA", "specifications/x-1.gemspec", "vendor/composer/installed.json", "x.deps.json", "x.jar", "bin/x"}
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, name := range names {
			list, _ := installed.Read(map[string][]byte{name: text})
			for _, c := range list {
				if c.Name == "" || c.Version == "" || c.PURL == "" {
					t.Errorf("%s: %+v", name, c)
				}
			}
		}
		if kept := installed.Distil(text); kept != nil && !bytes.HasPrefix(kept, []byte("\x00")) {
			t.Error("what is kept of a program could be another file's text")
		}
	})
}
