package source_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply/source"
)

// Every line of the samples that is marked is found with its rule, and no other: each fault has a twin without it.
func TestCodeSamples(t *testing.T) {
	for _, name := range []string{"server.js", "page.tsx", "server.py"} {
		text, err := os.ReadFile(filepath.Join("testdata", "code", name))
		if err != nil {
			t.Fatal(err)
		}
		found, err := source.NewCode().File(t.Context(), name, text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		want, got := map[string]bool{}, map[string]bool{}
		for i, line := range strings.Split(string(text), "\n") {
			if _, rule, ok := strings.Cut(line, "WANT "); ok {
				want[fmt.Sprintf("%s:%d %s", name, i+1, strings.Fields(rule)[0])] = true
			}
		}
		for _, f := range found {
			got[fmt.Sprintf("%s:%d %s", name, f.Place.Line, f.Rule.ID)] = true
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("findings (-want +got):\n%s", d)
		}
		t.Logf("%s: %d faults", name, len(want))
	}
}

// The key that a line holds is not shown, whichever rule shows the line.
func TestCodeShowsNoKeys(t *testing.T) {
	src := "const jwt = require('jsonwebtoken')\njwt.verify(t,'correct-horse',{algorithms:['none']})\nsession = require('express-session')\napp.use(session({secret:\n 'battery-staple'}))\n"
	found, err := source.NewCode().File(t.Context(), "a.js", []byte(src))
	if err != nil || len(found) != 3 {
		t.Fatalf("%d findings, %v", len(found), err)
	}
	for _, f := range found {
		if all := fmt.Sprintf("%+v", f); strings.Contains(all, "correct-horse") || strings.Contains(all, "battery-staple") {
			t.Errorf("%s shows the key: %s", f.Rule.ID, f.Excerpt)
		}
	}
}

// What is made to break a reader is said to be unread, or read; it neither hangs nor breaks.
func TestHostileCode(t *testing.T) {
	many := func(s string) string { return strings.Repeat(s+"\n", 30_000) }
	hostile := map[string]string{}
	for _, piece := range []string{"(", "[", "{", "!", "-", "a=>", "a?", "`${", "<a>", "<a b={", "if(x)", "x=", "a.b", "new ", "async(", "f(a,", "'", "/", "/*", "a<b<", "+a", "class A{x=", "@", "f\"{", "lambda:", "not ", "if x:", "x[", "\tx:", "await ", "a if ", "else if(x)", "function f(){", "(a):(b)=>", "import "} {
		hostile[piece] = many(piece)
	}
	hostile["invalid"] = "eval(req.body\xff.code)\n\xfe\xff"
	for open, shut := range map[string]string{"f([": "])", "a[": "]+=1", "a[0][b[": "]=1]=1", "f(function(x){g(x,": ")})", "<a dangerouslySetInnerHTML={{__html:": "}}/>", "f(x=>": ")"} {
		hostile[open] = strings.Repeat(open, 90) + "1" + strings.Repeat(shut, 90)
	}
	hostile["zero"] = "\x00\x00\x00"
	for piece, text := range hostile {
		for _, name := range []string{"a.js", "a.ts", "a.tsx", "a.py"} {
			began := time.Now()
			_, _ = source.NewCode().File(t.Context(), name, []byte(text))
			if took := time.Since(began); took > time.Minute {
				t.Errorf("%q as %s took %v", piece, name, took)
			} else if took > 200*time.Millisecond {
				t.Logf("%q as %s took %v", piece, name, took)
			}
		}
	}
}

// A fault in one place does not hide what stands elsewhere, and is told.
func TestFaultsDoNotHideFindings(t *testing.T) {
	for name, src := range map[string]string{
		"a.js": "let x = ;\nfunction f() {\n  const a = (1,;\n}\napp.get('/', (req, res) => { eval(req.query.a) })\n",
		"a.py": "x = = 2\nprint 'two'\ndef f():\n    return (1,\n\nfrom flask import request\neval(request.args['a'])\n",
	} {
		found, err := source.NewCode().File(t.Context(), name, []byte(src))
		if err == nil || len(found) != 1 {
			t.Errorf("%s: %d findings, %v", name, len(found), err)
		}
	}
}

// Bundles and huge files are said to be unchecked.
func TestWhatToolsMakeIsNotChecked(t *testing.T) {
	for name, text := range map[string]string{
		"bundle.js": strings.Repeat("a();", 20_000),
		"line.js":   "x\n" + strings.Repeat("a", 25_000),
		"huge.py":   strings.Repeat("x = 1\n", 500_000),
	} {
		if _, err := source.NewCode().File(t.Context(), name, []byte(text)); err == nil {
			t.Errorf("%s counts as checked", name)
		}
	}
}

func FuzzCode(f *testing.F) {
	for _, name := range []string{"server.js", "page.tsx", "server.py"} {
		text, err := os.ReadFile(filepath.Join("testdata", "code", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name, text)
	}
	f.Add("a.ts", []byte("const a = <T,>(x: T): x is T => <U>x as any satisfies V; b?.[c]?.(d)!; enum E { A = `x${1}` }"))
	f.Add("a.py", []byte("match x:\n  case {'a': [1, *b]} if f'{y!r:>{w}}':\n    async with (a as b, c): yield (z := lambda *a, k=1, /: not a)\n"))
	c := source.NewCode()
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		for _, as := range []string{name, "a.js", "a.tsx", "a.ts", "a.py"} {
			_, _ = c.File(t.Context(), as, text)
		}
	})
}
