package source_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/securego/gosec/v2/testutils"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/source"
)

// gosecSamples are gosec's own, each with how many faults of its rule it has.
func gosecSamples() []struct {
	rule    string
	samples []testutils.CodeSample
} {
	return []struct {
		rule    string
		samples []testutils.CodeSample
	}{
		{"G101", testutils.SampleCodeG101},
		{"G101", testutils.SampleCodeG101Values},
		{"G102", testutils.SampleCodeG102},
		{"G103", testutils.SampleCodeG103},
		{"G104", testutils.SampleCodeG104},
		{"G104", testutils.SampleCodeG104Audit},
		{"G106", testutils.SampleCodeG106},
		{"G107", testutils.SampleCodeG107},
		{"G108", testutils.SampleCodeG108},
		{"G109", testutils.SampleCodeG109},
		{"G110", testutils.SampleCodeG110},
		{"G111", testutils.SampleCodeG111},
		{"G112", testutils.SampleCodeG112},
		{"G113", testutils.SampleCodeG113},
		{"G114", testutils.SampleCodeG114},
		{"G115", testutils.SampleCodeG115},
		{"G116", testutils.SampleCodeG116},
		{"G117", testutils.SampleCodeG117},
		{"G118", testutils.SampleCodeG118},
		{"G119", testutils.SampleCodeG119},
		{"G120", testutils.SampleCodeG120},
		{"G121", testutils.SampleCodeG121},
		{"G122", testutils.SampleCodeG122},
		{"G123", testutils.SampleCodeG123},
		{"G124", testutils.SampleCodeG124},
		{"G125", testutils.SampleCodeG125},
		{"G201", testutils.SampleCodeG201},
		{"G202", testutils.SampleCodeG202},
		{"G203", testutils.SampleCodeG203},
		{"G204", testutils.SampleCodeG204},
		{"G301", testutils.SampleCodeG301},
		{"G302", testutils.SampleCodeG302},
		{"G303", testutils.SampleCodeG303},
		{"G304", testutils.SampleCodeG304},
		{"G305", testutils.SampleCodeG305},
		{"G306", testutils.SampleCodeG306},
		{"G307", testutils.SampleCodeG307},
		{"G401", testutils.SampleCodeG401},
		{"G401", testutils.SampleCodeG401b},
		{"G402", testutils.SampleCodeG402},
		{"G403", testutils.SampleCodeG403},
		{"G404", testutils.SampleCodeG404},
		{"G405", testutils.SampleCodeG405},
		{"G405", testutils.SampleCodeG405b},
		{"G406", testutils.SampleCodeG406},
		{"G406", testutils.SampleCodeG406b},
		{"G407", testutils.SampleCodeG407},
		{"G408", testutils.SampleCodeG408},
		{"G501", testutils.SampleCodeG501},
		{"G501", testutils.SampleCodeG501BuildTag},
		{"G502", testutils.SampleCodeG502},
		{"G503", testutils.SampleCodeG503},
		{"G504", testutils.SampleCodeG504},
		{"G505", testutils.SampleCodeG505},
		{"G506", testutils.SampleCodeG506},
		{"G507", testutils.SampleCodeG507},
		{"G601", testutils.SampleCodeG601},
		{"G602", testutils.SampleCodeG602},
		{"G701", testutils.SampleCodeG701},
		{"G702", testutils.SampleCodeG702},
		{"G703", testutils.SampleCodeG703},
		{"G704", testutils.SampleCodeG704},
		{"G705", testutils.SampleCodeG705},
		{"G706", testutils.SampleCodeG706},
		{"G707", testutils.SampleCodeG707},
		{"G708", testutils.SampleCodeG708},
		{"G709", testutils.SampleCodeG709},
		{"G710", testutils.SampleCodeG710},
	}
}

func scan(t testing.TB, s supply.TreeScanner, dir string) supply.Result {
	t.Helper()
	tree, err := supply.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	r, err := s.Scan(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func write(t testing.TB, dir, name, text string) {
	t.Helper()
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// gosec's samples come through with what gosec finds in them. Samples that ask for a configuration of their own
// are left out, and those that need packages that are not here count only where enough is known without them.
func TestGosecsSamples(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "go.mod", "module samples.example\n\ngo 1.22\n")
	want := map[string]int{} // by folder
	for _, rule := range gosecSamples() {
		for i, s := range rule.samples {
			if len(s.Config) > 0 && fmt.Sprint(s.Config) != "map[global:map[]]" || strings.Contains(strings.Join(s.Code, ""), "import \"C\"") {
				continue
			}
			folder := fmt.Sprintf("%s/s%d", rule.rule, len(want)*1000+i)
			want[folder] = s.Errors
			for n, code := range s.Code {
				write(t, dir, fmt.Sprintf("%s/f%d.go", folder, n), code)
			}
		}
	}
	got := map[string]int{}
	for _, f := range scan(t, source.Go{}, dir).Findings {
		folder := filepath.ToSlash(filepath.Dir(f.Place.Path))
		if f.Waiver == nil && f.Rule.ID == "go."+strings.Split(folder, "/")[0] {
			got[folder]++
		}
	}
	all, found, extra := 0, 0, 0
	for folder, n := range want {
		all += n
		found += min(n, got[folder])
		extra += max(0, got[folder]-n)
		if got[folder] != n {
			t.Logf("%s: %d found, %d marked", folder, got[folder], n)
		}
	}
	t.Logf("%d samples: %d faults, %d found (recall %.3f), %d found and not marked", len(want), all, found, float64(found)/float64(all), extra)
	if float64(found) < 0.95*float64(all) || float64(extra) > 0.05*float64(all) {
		t.Errorf("%d of %d found, %d not marked", found, all, extra)
	}
}

const weak = "package p\n\nimport \"crypto/md5\" // line 3\n\nfunc F() []byte { s := md5.Sum(nil); return s[:] }\n"

// Modules within modules, code of no module and code that does not build are all looked at; what is not known is said.
func TestModulesAndLooseCode(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "go.mod", "module a.example\n\ngo 1.22\n")
	write(t, dir, "x/x.go", weak)
	write(t, dir, "x/x_test.go", strings.ReplaceAll(weak, "package p", "package p_test"))
	write(t, dir, "inner/go.mod", "module b.example\n\ngo 1.22\n")
	write(t, dir, "inner/y.go", weak)
	write(t, dir, "x/testdata/z.go", weak)
	write(t, dir, "x/vendor/v.go", strings.Replace(weak, "import", "import \"a.example/x/base\"\n\nimport", 1)+"\nfunc Kept() base.Kept { return base.Kept{} }\n")
	write(t, dir, "x/vendor/else.example/e.go", weak)
	write(t, dir, "x/base/b.go", "package base\n\ntype Kept struct{}\n")
	write(t, dir, "x/both/b.go", "package both\n\nimport (\n\t\"a.example/x/base\"\n\tp \"a.example/x/vendor\"\n)\n\nvar _ base.Kept = p.Kept()\n")
	write(t, dir, "broken/b.go", weak+"\nfunc G() { undefined() }\n")
	loose := t.TempDir()
	write(t, loose, "l.go", weak)
	for _, tc := range []struct {
		dir          string
		want, missed []string
	}{
		{dir, []string{"broken/b.go", "inner/y.go", "x/vendor/v.go", "x/x.go"}, []string{"broken"}}, {loose, []string{"l.go"}, nil},
	} {
		r := scan(t, source.Go{}, tc.dir)
		files := map[string]bool{}
		for _, f := range r.Findings {
			files[f.Place.Path] = true
			if f.Rule.ID == "go.G501" && (f.Place.Line != 3 && f.Place.Path != "x/vendor/v.go" || !strings.Contains(f.Excerpt, "crypto/md5") || cmp.Diff([]string{"CWE-327"}, f.Rule.CWE) != "") {
				t.Errorf("%+v", f)
			}
		}
		for _, name := range tc.want {
			if !files[name] {
				t.Errorf("nothing found in %s", name)
			}
			delete(files, name)
		}
		if len(files) > 0 {
			t.Errorf("found in %v as well", files)
		}
		var missed []string
		for _, why := range r.Checked.Failed {
			name, _, _ := strings.Cut(why, ":")
			missed = append(missed, name)
		}
		if d := cmp.Diff(tc.missed, missed); d != "" {
			t.Errorf("could not check (-want +got):\n%s", d)
		}
	}
}

// A tree cannot have the go command run anything, change anything or read elsewhere.
func TestHostileGoTrees(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	write(t, outside, "secret.go", weak)
	write(t, dir, "go.mod", "module a.example\n\ngo 1.22\n\ntoolchain go1.99.0\n\nrequire example.org/none v1.0.0\n")
	write(t, dir, "a/a.go", "package a\n\n//go:generate touch generated\n\nimport _ \"example.org/none\"\n\n// #cgo CFLAGS: -fplugin=./evil.so\nimport \"C\"\n")
	if err := os.Symlink(filepath.Join(outside, "secret.go"), filepath.Join(dir, "a", "link.go")); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range scan(t, source.Go{}, dir).Findings {
		t.Errorf("found %s in %s", f.Rule.ID, f.Place.Path)
	}
	after, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || string(after) != string(before) {
		t.Errorf("go.mod was changed: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "a", "generated")); err == nil {
		t.Error("a generator ran")
	}
}
