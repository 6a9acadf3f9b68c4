package source_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/source"
)

// What gosec is not sure of counts a step less than what it is.
func TestDoubtLowersSeverity(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "go.mod", "module m\n\ngo 1.26\n")
	write(t, dir, "a.go", `package m

import (
	"crypto/tls"
	"math/rand"
)

func Narrow(n uint64) int32 { return int32(n) }

func Token() int { return rand.Int() }

var Config = tls.Config{InsecureSkipVerify: true}
`)
	got := map[string]supply.Severity{}
	for _, f := range scan(t, source.Go{}, dir).Findings {
		got[f.Rule.ID] = f.Severity
	}
	want := map[string]supply.Severity{"go.G115": supply.Medium, "go.G404": supply.Medium, "go.G402": supply.High}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("severities (-want +got):\n%s", d)
	}
}

// A nil nonce is the only one that an AEAD of NewGCMWithRandomNonce takes; whatever else it may be is not excused.
func TestNilNoncesOfRandomNonceAEADs(t *testing.T) {
	const head = "package m\n\nimport \"crypto/cipher\"\n\nvar _ cipher.Block\n\n"
	for name, tc := range map[string]struct {
		code  string
		fault bool
	}{
		"here":          {"func f(b cipher.Block) []byte {\n\ta, err := cipher.NewGCMWithRandomNonce(b)\n\tif err != nil {\n\t\treturn nil\n\t}\n\treturn a.Seal(nil, nil, []byte(\"x\"), nil)\n}\n", false},
		"by a function": {"func made(b cipher.Block) (cipher.AEAD, error) {\n\ta, err := cipher.NewGCMWithRandomNonce(b)\n\tif err != nil {\n\t\treturn nil, err\n\t}\n\treturn a, nil\n}\n\nfunc f(b cipher.Block) []byte {\n\ta, _ := made(b)\n\treturn a.Seal(nil, nil, []byte(\"x\"), nil)\n}\n", false},
		"in a field":    {"type key struct{ a cipher.AEAD }\n\nfunc newKey(b cipher.Block) *key {\n\ta, _ := cipher.NewGCMWithRandomNonce(b)\n\treturn &key{a: a}\n}\n\nfunc (k *key) seal() []byte { return k.a.Seal(nil, nil, []byte(\"x\"), nil) }\n", false},
		"another AEAD":  {"func f(b cipher.Block) []byte {\n\ta, _ := cipher.NewGCM(b)\n\treturn a.Seal(nil, nil, []byte(\"x\"), nil)\n}\n", true},
		"fixed nonce":   {"func f(b cipher.Block) []byte {\n\ta, _ := cipher.NewGCMWithRandomNonce(b)\n\treturn a.Seal(nil, []byte(\"123456789012\"), []byte(\"x\"), nil)\n}\n", true},
		"either":        {"func f(b cipher.Block, old bool) []byte {\n\ta, _ := cipher.NewGCMWithRandomNonce(b)\n\tif old {\n\t\ta, _ = cipher.NewGCM(b)\n\t}\n\treturn a.Seal(nil, nil, []byte(\"x\"), nil)\n}\n", true},
		"handed in":     {"func f(a cipher.AEAD) []byte { return a.Seal(nil, nil, []byte(\"x\"), nil) }\n", true},
		"set by others": {"type Key struct{ A cipher.AEAD }\n\nfunc (k *Key) seal() []byte { return k.A.Seal(nil, nil, []byte(\"x\"), nil) }\n", true},
		"in a circle":   {"var a cipher.AEAD = g()\n\nfunc g() cipher.AEAD { return h() }\n\nfunc h() cipher.AEAD { return i() }\n\nfunc i() cipher.AEAD { return k.a }\n\nvar k struct{ a cipher.AEAD }\n\nfunc init() { k.a = k.a }\n\nfunc f() []byte { return k.a.Seal(nil, nil, []byte(\"x\"), nil) }\n", true},
	} {
		dir := t.TempDir()
		write(t, dir, "go.mod", "module m\n\ngo 1.26\n")
		write(t, dir, "a.go", head+tc.code)
		r := scan(t, source.Go{}, dir)
		found := slices.ContainsFunc(r.Findings, func(f supply.Finding) bool { return f.Rule.ID == "go.G407" })
		if found != tc.fault || len(r.Checked.Failed) > 0 {
			t.Errorf("%s: a fault: %v, want %v; could not check %v", name, found, tc.fault, r.Checked.Failed)
		}
	}
}

// remembered is a cache that says what it did not know.
func remembered(t *testing.T, folder, dir string) (r supply.Result, looked int) {
	t.Helper()
	c, err := supply.OpenCache(folder, dir)
	if err != nil {
		t.Fatal(err)
	}
	before, err := supply.OpenCache(folder, dir)
	if err != nil {
		t.Fatal(err)
	}
	r = scan(t, source.Go{}.Using(c), dir)
	if err := c.Save([]supply.Class{supply.Source}); err != nil {
		t.Fatal(err)
	}
	return r, c.Fresh(before)
}

// A package is looked into again when its files change, or what it sees of those that it imports; not
// when the body of a function elsewhere does.
func TestOnlyWhatChangedIsLookedIntoAgain(t *testing.T) {
	dir, folder := t.TempDir(), t.TempDir()
	write(t, dir, "go.mod", "module m\n\ngo 1.26\n")
	write(t, dir, "a/a.go", "package a\n\nfunc A() int { return 1 }\n")
	write(t, dir, "b/b.go", "package b\n\nimport \"m/a\"\n\nfunc B() int32 { return int32(a.A()) }\n")
	write(t, dir, "c/c.go", "package c\n\nimport \"m/b\"\n\nvar C = b.B()\n")
	whole, looked := remembered(t, folder, dir)
	if looked != 3 || len(whole.Findings) == 0 {
		t.Fatalf("%d packages, %d findings", looked, len(whole.Findings))
	}
	for _, step := range []struct {
		name, file, text string
		looked           int
	}{
		{"nothing", "a/README", "no Go", 0},
		{"a body", "a/a.go", "package a\n\n// A is one.\nfunc A() int { return 2 }\n", 1},
		{"a function of its own", "a/own.go", "package a\n\nfunc own() int { return 3 }\n", 1},
		{"a signature", "a/a.go", "package a\n\nfunc A() int64 { return 2 }\n", 3},
		{"a file more", "c/d.go", "package c\n", 1},
		{"the versions", "go.mod", "module m\n\ngo 1.25\n", 3},
		{"an error", "b/b.go", "package b\n\nfunc B() int32 { return nowhere }\n", 0},
		{"the error again", "x", "", 0},
		{"mended", "b/b.go", "package b\n\nimport \"m/a\"\n\nfunc B() int32 { return int32(a.A()) }\n", 2},
	} {
		write(t, dir, step.file, step.text)
		r, looked := remembered(t, folder, dir)
		if looked != step.looked {
			t.Errorf("%s: %d packages are new, want %d", step.name, looked, step.looked)
		}
		fresh := scan(t, source.Go{}, dir)
		if d := cmp.Diff(summary(fresh), summary(r)); d != "" {
			t.Errorf("%s: what is remembered is not what is there (-want +got):\n%s", step.name, d)
		}
	}
}

// A folder that stands in for another module changes what its module sees; what else lies in the tree does not, unless
// that folder uses it. What lies outside the tree nobody sees change, so that nothing is remembered then.
func TestWhatStandsInForAModuleCounts(t *testing.T) {
	const (
		mod    = "module m.example\n\ngo 1.26\n\nrequire lib.example v0.0.0\n\nreplace lib.example => ./lib\n"
		user   = "package b\n\nimport lib \"lib.example\"\n\nfunc B() int32 { return int32(lib.N()) }\n"
		narrow = "package lib\n\nfunc N() int16 { return 2 }\n"
		wide   = "package lib\n\nfunc N() int64 { return 2 }\n"
	)
	parent := t.TempDir()
	dir, folder := filepath.Join(parent, "tree"), t.TempDir()
	write(t, dir, "go.mod", mod)
	write(t, dir, "a/a.go", "package a\n\nfunc A() int64 { return 1 }\n")
	write(t, dir, "b/b.go", user)
	write(t, dir, "lib/go.mod", "module lib.example\n\ngo 1.26\n")
	write(t, dir, "lib/lib.go", narrow)
	write(t, parent, "beside/go.mod", "module lib.example\n\ngo 1.26\n")
	write(t, parent, "beside/lib.go", wide)
	for _, step := range []struct {
		name, file, text string
		looked, found    int
	}{
		{"everything", "x", "", 3, 0},
		{"a package beside it", "a/a.go", "package a\n\nfunc A() int64 { return 2 }\n", 1, 0},
		{"what stands in", "lib/lib.go", wide, 3, 1},
		{"a body of it", "lib/lib.go", "package lib\n\nfunc N() int64 { return 3 }\n", 3, 1},
		{"back to what it was", "lib/lib.go", narrow, 3, 0},
		{"what it would use, and does not yet", "a/a.go", "package a\n\nfunc A() int16 { return 1 }\n", 1, 0},
		{"its module", "lib/go.mod", "module lib.example\n\ngo 1.26\n\nrequire m.example v0.0.0\n\nreplace m.example => ../\n", 3, 0},
		{"what it uses of the module itself", "lib/lib.go", "package lib\n\nimport \"m.example/a\"\n\nfunc N() int16 { return int16(a.A()) }\n", 3, 0},
		{"that", "a/a.go", "package a\n\nfunc A() int64 { return 1 }\n", 3, 1},
		{"a folder outside", "go.mod", strings.Replace(mod, "./lib", "../beside", 1), 1, 2},
		{"the same", "x", "again", 0, 2},
	} {
		write(t, dir, step.file, step.text)
		r, looked := remembered(t, folder, dir)
		if looked != step.looked || len(r.Findings) != step.found {
			t.Errorf("%s: %d packages are new, want %d; %d findings, want %d", step.name, looked, step.looked, len(r.Findings), step.found)
		}
		if d := cmp.Diff(summary(scan(t, source.Go{}, dir)), summary(r)); d != "" {
			t.Errorf("%s: what is remembered is not what is there (-want +got):\n%s", step.name, d)
		}
	}
	write(t, parent, "beside/lib.go", narrow)
	if r, _ := remembered(t, folder, dir); len(r.Findings) != 1 {
		t.Errorf("what changed outside the tree is not seen: %v", summary(r))
	}
}

func summary(r supply.Result) []string {
	list := []string{fmt.Sprint(r.Checked.Files, r.Checked.Failed)}
	for _, f := range r.Findings {
		list = append(list, fmt.Sprint(f.Rule.ID, f.Severity, f.Place, strings.TrimSpace(f.Excerpt)))
	}
	slices.Sort(list)
	return list
}
