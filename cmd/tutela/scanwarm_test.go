package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/checkout"
)

// warmTree is a tree with something for every scanner to find: packages that import each other, scripts,
// containers, workflows, and a key.
func warmTree() map[string]string {
	return map[string]string{
		"go.mod":            "module warm.example\n\ngo 1.24\n\nrequire lib.example v0.0.0\n\nreplace lib.example => ./lib\n",
		"lib/go.mod":        "module lib.example\n\ngo 1.21\n",
		"lib/lib.go":        "package lib\n\nfunc N() int64 { return 7 }\n",
		"use/use.go":        "package use\n\nimport \"lib.example\"\n\nfunc Narrow() int32 { return int32(lib.N()) }\n",
		"low/low.go":        "package low\n\nimport \"crypto/md5\"\n\nconst Size = 4\n\ntype T struct{ N int64 }\n\nfunc Sum(b []byte) [16]byte { return md5.Sum(b) }\n",
		"mid/mid.go":        "package mid\n\nimport \"warm.example/low\"\n\nfunc Narrow(t low.T) int32 { return int32(t.N) }\n\nvar _ = low.Size\n",
		"top/main.go":       "package main\n\nimport (\n\t\"os/exec\"\n\n\t\"warm.example/mid\"\n\t\"warm.example/low\"\n)\n\nfunc main() {\n\t_ = exec.Command(\"sh\", \"-c\", string(rune(mid.Narrow(low.T{})))).Run()\n}\n",
		"top/other.go":      "//go:build windows\n\npackage main\n\nfunc other() {}\n",
		"app/server.js":     "const express = require('express');\nconst app = express();\napp.get('/', (req, res) => { res.send('<b>' + req.query.q + '</b>'); });\n",
		"app/job.py":        "import hashlib, os\n\ndef f(x):\n    os.system('ls ' + input())\n    return hashlib.md5(x).hexdigest()\n",
		"app/route.ts":      "import { Runner } from '@/run';\nconst runner = new Runner();\napp.get('/ping', (req, res) => { runner.ping(req.query.host); });\n",
		"app/lib/run.ts":    "import { execFileSync, execSync } from 'child_process';\nexport class Runner {\n  ping(x: string) { execFileSync('ping', [x]); }\n}\n",
		"app/tsconfig.json": "{ \"compilerOptions\": { \"paths\": { \"@/*\": [\"./lib/*\"] } } } // aliases\n",
		"app/view.py":       "from flask import request\nfrom app.store import Store\n\nstore = Store()\n\ndef show():\n    store.find(request.args['name'])\n",
		"app/store.py":      "class Store:\n    def find(self, name):\n        return self.db.execute('SELECT * FROM charts WHERE name = ?', (name,))\n",
		"Dockerfile":        "FROM alpine\nRUN apk add curl\n",
		"ci/config.ini":     "[db]\npassword = mq7Xw2RtL9zPc4Vb\n",
		".gitignore":        "out\n",
	}
}

// A scan that remembers says byte for byte what one says that looks at everything, whatever was changed in between:
// also where time and size of a file are as before.
func TestWarmAndColdScansAgree(t *testing.T) {
	t.Setenv("GOCACHE", goCache(t))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("TUTELA_ADVISORIES", t.TempDir())
	c := checkout.New(t)
	c.Commit("begin", warmTree())
	long := time.Now().Add(-time.Hour)
	dice := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // which edits are made is no secret
	for round := range 24 {
		what := "nothing"
		if round > 1 {
			what = edit(t, c.Dir, round, dice)
		}
		warm, cold := scanned(t, c.Dir), scanned(t, c.Dir, "--no-cache")
		if d := cmp.Diff(cold, warm); d != "" {
			t.Fatalf("round %d, after %s (-cold +warm):\n%s", round, what, d)
		}
		if round == 0 && strings.Count(cold, `"fingerprint"`) < 6 {
			t.Fatalf("little is found: %s", cold)
		}
		lookOld(t, c.Dir, long)
	}
}

// lookOld makes files look as if nobody had touched them for long, as far as a program can.
func lookOld(t *testing.T, dir string, at time.Time) {
	t.Helper()
	for name := range warmTree() {
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
}

// scanned is what a scan writes, without what differs by nature.
func scanned(t *testing.T, dir string, flags ...string) string {
	t.Helper()
	var out, errors bytes.Buffer
	run(t.Context(), append([]string{"scan", dir, "--format", "json"}, flags...), console{&out, &errors})
	var r map[string]any
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v: %s", err, errors.String())
	}
	for _, name := range []string{"began", "tookSeconds", "cached"} {
		delete(r, name)
	}
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// edit changes something, and says what.
func edit(t *testing.T, dir string, round int, dice *rand.Rand) string {
	t.Helper()
	change := func(name string, f func(string) string) {
		file := filepath.Join(dir, name)
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(f(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, info.ModTime(), info.ModTime()); err != nil { // as a tool would that hides
			t.Fatal(err)
		}
	}
	replaced := func(old, by string) func(string) string {
		return func(s string) string {
			if !strings.Contains(s, old) {
				old, by = by, old
			}
			return strings.ReplaceAll(s, old, by)
		}
	}
	n := dice.IntN(1000)
	edits := []struct {
		what string
		do   func()
	}{
		{"a type that others use was changed", func() { change("low/low.go", replaced("N int64", "N int16")) }},
		{"a module that another folder stands in for", func() { change("lib/lib.go", replaced("N() int64", "N() int16")) }},
		{"a body", func() { change("low/low.go", replaced("md5", "sha1")) }},
		{"a function more", func() { change("mid/mid.go", func(s string) string { return s + fmt.Sprintf("\nfunc f%d() {}\n", n) }) }},
		{"what does not build, or does again", func() { change("low/low.go", replaced("package low", "package law")) }},
		{"a constraint on building", func() { change("top/other.go", replaced("windows", "!plan9 ")) }},
		{"a fault of a script, of the same size", func() { change("app/server.js", replaced("req.query.q", "Number('0') ")) }},
		{"a method that another script calls through an alias", func() { change("app/lib/run.ts", replaced("execFileSync('ping', [x])", "execSync('ping ' + x)")) }},
		{"where an alias leads", func() { change("app/tsconfig.json", replaced("./lib/*", "./none/*")) }},
		{"where it leads again", func() { change("app/tsconfig.json", replaced("./lib/*", "./none/*")) }},
		{"a method that another file calls", func() { change("app/store.py", replaced("= ?', (name,))", "= ' + name)")) }},
		{"a script that has another secret", func() { change("ci/config.ini", replaced("mq7Xw2RtL9zPc4Vb", "changeme-changeme")) }},
		{"the language's version", func() { change("go.mod", replaced("go 1.24", "go 1.21")) }},
		{"a line before others", func() { change("app/job.py", func(s string) string { return "# a line\n" + s }) }},
		{"the container", func() { change("Dockerfile", replaced("FROM alpine\n", "FROM alpine:3.20\nUSER app\n")) }},
	}
	e := edits[dice.IntN(len(edits))]
	if round-2 < len(edits) {
		e = edits[round-2] // each once, and then any
	}
	e.do()
	return e.what
}

// goCache is where Go keeps what it compiled, which XDG_CACHE_HOME would move.
func goCache(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
