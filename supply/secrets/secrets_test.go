package secrets_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/report"
	"github.com/tutela-health/tutela/supply/secrets"
)

func scanner(t testing.TB) *secrets.Scanner {
	t.Helper()
	s, err := secrets.New()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func scan(t testing.TB, dir string) *supply.Report {
	t.Helper()
	tree, err := supply.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	r, err := supply.Scan{Files: []supply.FileScanner{scanner(t)}, Clock: clock.System}.Run(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// paths lists the files that have findings.
func paths(r *supply.Report) []string {
	var list []string
	for _, f := range r.Findings {
		list = append(list, f.Place.Path)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func names(files map[string]string) []string {
	var list []string
	for name := range files {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// Every kind of file that holds secrets is found, and none of those that only look like it.
func TestFilesThatHoldSecretsAreFound(t *testing.T) {
	p := &planter{t: t}
	if d := cmp.Diff(names(bearing()), paths(scan(t, p.plant(bearing())))); d != "" {
		t.Errorf("files with findings (-want +got):\n%s", d)
	}
}

func TestWhatOnlyLooksLikeASecretIsNone(t *testing.T) {
	p := &planter{t: t}
	for _, f := range scan(t, p.plant(clean())).Findings {
		t.Errorf("%s:%d: %s: %s", f.Place.Path, f.Place.Line, f.Rule.ID, f.Excerpt)
	}
}

// No six characters in a row of any secret are in a report, in whatever form.
func TestNoPartOfASecretIsShown(t *testing.T) {
	p := &planter{t: t}
	r := scan(t, p.plant(bearing()))
	for name, write := range map[string]func(io.Writer, *supply.Report) error{
		"json":  func(w io.Writer, r *supply.Report) error { return json.NewEncoder(w).Encode(r) },
		"table": report.Table, "sarif": report.SARIF, "html": report.HTML, "codequality": report.CodeQuality,
	} {
		var out bytes.Buffer
		if err := write(&out, r); err != nil {
			t.Fatal(err)
		}
		for _, secret := range p.drawn {
			for i := 0; i+6 <= len(secret); i++ {
				if bytes.Contains(out.Bytes(), []byte(secret[i:i+6])) && !known(r, secret[i:i+6]) {
					t.Errorf("%s shows %q of %q", name, secret[i:i+6], secret)
				}
			}
		}
	}
}

// known reports whether characters are in names of files or in what rules say, which no secret is.
func known(r *supply.Report, part string) bool {
	for _, f := range r.Findings {
		if strings.Contains(f.Fingerprint, part) || strings.Contains(f.Place.Path, part) || strings.Contains(f.Rule.Help, part) {
			return true
		}
	}
	return false
}

// The places in a report are where the secrets stand.
func TestAPlaceIsWhereTheSecretStands(t *testing.T) {
	p := &planter{t: t}
	text := p.fill("user: ann\n\nfirst: 1\n  oauth_token: \"{{hex 40}}\"\nkey: |\n  {{pem}}\nlast: 2\n")
	found, err := scanner(t).File(t.Context(), "app.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	var places []supply.Place
	for _, f := range found {
		places = append(places, f.Place)
	}
	lines := bytes.Count(text, []byte("\n"))
	want := []supply.Place{{Path: "app.yaml", Line: 4, Column: 3}, {Path: "app.yaml", Line: 6, Column: 3, End: lines - 1}}
	if d := cmp.Diff(want, places); d != "" {
		t.Errorf("places (-want +got):\n%s", d)
	}
}

// Everything beside a secret in its line is struck out when it repeats the secret or looks like one.
func TestTwinsOfASecretAreStruckOut(t *testing.T) {
	p := &planter{t: t}
	pass := p.funcs()["pass"].(func() string)()
	twin := p.funcs()["b64"].(func(string) string)(pass)
	text := "password: '" + pass + "' # was " + twin + ", once " + pass + "\n"
	found, err := scanner(t).File(t.Context(), "app.yaml", []byte(text))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d findings: %v", len(found), err)
	}
	if want := "password: '[…]' # was […], once […]"; found[0].Excerpt != want {
		t.Errorf("excerpt has %d characters, want %q", len(found[0].Excerpt), want)
	}
}

// A line that its author allows is excused, and the excuse has no end: the gate decides.
func TestAnAllowedLineIsExcusedWithoutEnd(t *testing.T) {
	p := &planter{t: t}
	text := p.fill("password: {{pass}} # gitleaks:allow\ntoken: {{hex 40}}\n")
	found, err := scanner(t).File(t.Context(), "app.yaml", text)
	if err != nil || len(found) != 2 {
		t.Fatalf("%d findings: %v", len(found), err)
	}
	if w := found[0].Waiver; w == nil || !w.Expires.IsZero() || w.From != "gitleaks:allow" || found[1].Waiver != nil {
		t.Errorf("waivers %+v and %+v", found[0].Waiver, found[1].Waiver)
	}
}

// Rules have names of their own, and each says what to do and what it is known as.
func TestRulesAreComplete(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range scanner(t).Rules() {
		if seen[r.ID] || !strings.HasPrefix(r.ID, "secret.") || r.Name == "" || !strings.Contains(r.Help, "Revoke") || r.Severity == supply.Unknown || len(r.CWE) == 0 || len(r.OWASP) == 0 {
			t.Errorf("rule %+v", r)
		}
		seen[r.ID] = true
	}
	if len(seen) < 230 {
		t.Errorf("%d rules", len(seen))
	}
}

// Files that are made to take long are looked at in part, and said to be.
func TestHostileFilesAreBounded(t *testing.T) {
	s := scanner(t)
	words := "api_key token secret password access auth AKIA ghp_ sk_live eyJ xox -----BEGIN RSA PRIVATE KEY----- ://a:b@ "
	for name, text := range map[string]string{
		"one line of keywords":  strings.Repeat(words, 8<<20/len(words)),
		"one line of base64":    strings.Repeat("QUJD", 1<<19),
		"nothing but quotes":    strings.Repeat(`password="`, 2<<20/10),
		"nothing but marks":     strings.Repeat("-----BEGIN PRIVATE KEY-----\n", 40<<10),
		"nothing but addresses": strings.Repeat("://a:b", 1<<18),
		"nothing but braces":    strings.Repeat(`{"kty":"d":"`, 500<<10),
		"nothing but newlines":  strings.Repeat("\n", 8<<20),
		"broken UTF-16":         "\xff\xfe" + strings.Repeat("\xd8\x00", 1<<20) + "\x00",
	} {
		found, err := s.File(t.Context(), "app.yaml", []byte(text))
		if len(found) > 101 || err != nil && err.Error() != "looks like secrets from end to end: it was looked at in part" {
			t.Errorf("%s: %d findings, %v", name, len(found), err)
		}
	}
}

// What is in a file breaks nothing, and what is shown of it is text.
func FuzzFile(f *testing.F) {
	s := scanner(f)
	for name, text := range bearing() {
		f.Add(name, []byte(text))
	}
	for name, text := range clean() {
		f.Add(name, []byte(text))
	}
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		found, err := s.File(t.Context(), name, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, finding := range found {
			if finding.Place.Line < 0 || finding.Place.End != 0 && finding.Place.End <= finding.Place.Line || strings.ContainsAny(finding.Excerpt, "\n\x00\x1b") {
				t.Errorf("%+v", finding)
			}
		}
	})
}

// measured is what TestMeasure reads: a folder with files that hold secrets and others, and a file with
// the paths of those that do.
func measured() (dir, list string) {
	return os.Getenv("TUTELA_SECRETS_TREE"), os.Getenv("TUTELA_SECRETS_TRUTH")
}

// Recall and precision by file, over the planted tree or the one that the environment names; the
// figures of docs/detection-of-faults.md come from here.
func TestMeasure(t *testing.T) {
	dir, list := measured()
	truth := names(bearing())
	if dir == "" {
		both := bearing()
		for name, text := range clean() {
			both["clean/"+name] = text
		}
		dir = (&planter{t: t}).plant(both)
	} else if truth = nil; list != "" {
		text, err := os.ReadFile(list)
		if err != nil {
			t.Fatal(err)
		}
		truth = strings.Fields(string(text))
	}
	r := scan(t, dir)
	got, hit := paths(r), 0
	for _, name := range truth {
		if slices.Contains(got, name) {
			hit++
		} else {
			t.Logf("missed %s", name)
		}
	}
	var beside []string
	for _, f := range r.Findings {
		if !slices.Contains(truth, f.Place.Path) {
			beside = append(beside, f.Place.Path)
			t.Logf("beside: %s %s:%d %s", f.Severity, f.Place.Path, f.Place.Line, f.Rule.ID)
		}
	}
	t.Logf("found %d of %d files; %d findings beside them in %d files (%.2f a thousand); %.1f s", hit, len(truth), len(beside), r.Files, 1000*float64(len(beside))/float64(r.Files), r.Took)
	if hit*42 < len(truth)*40 {
		t.Errorf("recall is below 40 of 42")
	}
	if len(beside)*1000 > r.Files {
		t.Errorf("more than one finding beside in a thousand files")
	}
}
