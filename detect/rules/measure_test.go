package rules_test

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/rules"
)

// sample is a line with its label.
type sample struct {
	family string // of the attack; empty for a clean line
	line   *event.Event
}

// group is the lines of one origin.
type labelled struct {
	name  string
	lines []sample
}

// TestMeasureInjections counts what the rules about injections find. TUTELA_INJECTION_SETS names the folder that
// scripts/injection-sets.sh prints; without it the lines of our own that stand in this file are all.
func TestMeasureInjections(t *testing.T) {
	sets := []labelled{{"searches of FHIR, our own", fhirSearches()}}
	if dir := os.Getenv("TUTELA_INJECTION_SETS"); dir != "" {
		sets = append(sets, tuned(t, dir)...)
		sets = append(sets, held(t, dir)...)
	}
	for _, s := range sets {
		measure(t, s)
	}
}

// injectionRules are the titles of what counts here.
func isInjection(title string) bool {
	return strings.HasSuffix(title, "attempt") && (strings.Contains(title, "njection") || strings.Contains(title, "scripting") ||
		strings.Contains(title, "traversal") || strings.Contains(title, "entity"))
}

func measure(t *testing.T, s labelled) {
	d := rules.New(rules.Open(nil), nil)
	all, found, by := map[string]int{}, map[string]int{}, map[string]map[string]int{}
	show := os.Getenv("TUTELA_INJECTION_SHOW") == s.name
	for _, l := range s.lines {
		all[l.family]++
		got := slices.DeleteFunc(titles(d, []*event.Event{l.line}), func(s string) bool { return !isInjection(s) })
		if len(got) > 0 {
			found[l.family]++
		}
		for _, title := range got {
			if by[l.family] == nil {
				by[l.family] = map[string]int{}
			}
			by[l.family][title]++
		}
		if show && (len(got) > 0) == (l.family == "") {
			t.Logf("WRONG %q %q: %q %q", l.family, got, l.line.Log.Text, l.line.Log.Fields)
		}
	}
	for _, family := range slices.Sorted(maps.Keys(all)) {
		label := "attack: " + family
		if family == "" {
			label = "clean"
		}
		t.Logf("%-34s %-44s %5d lines, %5d with a hit (%.1f %%) %v", s.name, label, all[family], found[family], 100*float64(found[family])/float64(all[family]), by[family])
	}
	if all[""] > 0 && float64(found[""])/float64(all[""]) > 0.02 {
		t.Errorf("%s: %d of %d clean lines raise an alarm", s.name, found[""], all[""])
	}
}

// written gives a payload in one of the ways that logs hold it.
func written(payload string, way int) *event.Event {
	switch way % 4 {
	case 0:
		return log(`192.0.2.7 - - [22/Nov/2026:09:30:00 +0000] "GET /search?q=` + url.QueryEscape(payload) + ` HTTP/1.1" 200 512 "-" "Mozilla/5.0"`)
	case 1:
		return log(`192.0.2.7 - - [22/Nov/2026:09:30:00 +0000] "GET /search?q=` + url.QueryEscape(url.QueryEscape(payload)) + ` HTTP/1.1" 404 19`)
	case 2:
		e := log("request refused")
		e.Log.Fields = map[string]string{"method": "POST", "path": "/api/search", "body": "name=x&q=" + payload}
		return e
	}
	return log("error: bad request: POST /api/search q=" + payload)
}

// tuned are the sets that the rules were written with in view.
func tuned(t *testing.T, dir string) []labelled {
	var list []labelled
	for _, family := range []string{"SQL", "XSS", "XML", "Traversal"} {
		s := labelled{name: "wfuzz " + family}
		for i, p := range textLines(t, filepath.Join(dir, "wfuzz", family+".txt")) {
			if len(p) > 5 && strings.ContainsAny(p, "'\"<>()=;|*/\\%{&- ") {
				s.lines = append(s.lines, sample{family, written(p, i)})
			}
		}
		list = append(list, s)
	}
	clean := labelled{name: "fail2ban"}
	for _, f := range files(t, filepath.Join(dir, "fail2ban", "*")) {
		if name := filepath.Base(f); strings.HasPrefix(name, "apache-") || strings.HasPrefix(name, "nginx-") || name == "php-url-fopen" || name == "suhosin" {
			continue // logs of attacks on the web
		}
		for _, text := range textLines(t, f) {
			if text != "" && text[0] != '#' {
				clean.lines = append(clean.lines, sample{"", log(text)})
			}
		}
	}
	return append(append(list, clean), coreRuleSet(t, dir, 0)...)
}

// held are the sets that nobody looked at while the rules were written.
func held(t *testing.T, dir string) []labelled {
	return append(append(coreRuleSet(t, dir, 1), naughty(t, dir)), wapiti(t, dir), sqlmap(t, dir), statements(t, dir), prose(t, dir))
}

// wapiti are a scanner's payloads.
func wapiti(t *testing.T, dir string) labelled {
	s := labelled{name: "wapiti"}
	for _, name := range []string{"execPayloads.txt", "blindSQLPayloads.txt", "xssPayloads.ini", "fileHandlingPayloads.ini", "xxePayloads.ini"} {
		for i, text := range textLines(t, filepath.Join(dir, "wapiti", name)) {
			if strings.HasSuffix(name, ".ini") {
				var ok bool
				if text, ok = strings.CutPrefix(text, "payload = "); !ok {
					continue
				}
			}
			if text = strings.NewReplacer("[TAB]", "\t", "[LF]", "\n", "[TIME]", "5", "__XSS__", "x").Replace(text); len(text) > 3 {
				s.lines = append(s.lines, sample{name, written(text, i)})
			}
		}
	}
	return s
}

// sqlmap are payloads made of a tool's templates: each behind a number and behind a quote.
func sqlmap(t *testing.T, dir string) labelled {
	s := labelled{name: "sqlmap"}
	payload, place := regexp.MustCompile(`<payload>(.*?)</payload>`), regexp.MustCompile(`\[[A-Z_]+[0-9]*\]`)
	values := strings.NewReplacer("[SLEEPTIME]", "5", "[INFERENCE]", "5=5", "[QUERY]", "SELECT user", "[ORIGVALUE]", "1", "[ORIGINAL]", "1", "[GENERIC_SQL_COMMENT]", "-- -", "&lt;", "<", "&gt;", ">", "&amp;", "&")
	for _, f := range files(t, filepath.Join(dir, "sqlmap", "*.xml")) {
		for i, text := range textLines(t, f) {
			m := payload.FindStringSubmatch(text)
			if m == nil || m[1] == "" {
				continue
			}
			p := place.ReplaceAllString(values.Replace(m[1]), "4711")
			s.lines = append(s.lines, sample{strings.TrimSuffix(filepath.Base(f), ".xml"), written("1 "+p+"-- -", i)}, sample{strings.TrimSuffix(filepath.Base(f), ".xml"), written("x' "+p+" AND 'a'='a", i+1)})
		}
	}
	return s
}

// naughty are strings of which some sections are attacks.
func naughty(t *testing.T, dir string) labelled {
	s := labelled{name: "naughty strings"}
	attacks := []string{"Script Injection", "SQL Injection", "Server Code Injection", "Command Injection (Ruby)", "XXE Injection (XML)", "Unwanted Interpolation", "File Inclusion", "Known CVEs and Vulnerabilities"}
	family, comment := "", false
	for i, text := range textLines(t, filepath.Join(dir, "naughty", "blns.txt")) {
		if head, ok := strings.CutPrefix(text, "#\t"); ok {
			if !comment {
				family = ""
				if slices.Contains(attacks, head) {
					family = head
				}
			}
			comment = true
			continue
		}
		comment = strings.HasPrefix(text, "#")
		if text != "" && !comment {
			s.lines = append(s.lines, sample{family, written(text, i)})
		}
	}
	return s
}

// statements are those of a database's own files, as its log would show them.
func statements(t *testing.T, dir string) labelled {
	s := labelled{name: "PostgreSQL's statements"}
	space := regexp.MustCompile(`\s+`)
	for _, f := range files(t, filepath.Join(dir, "postgresql", "*.sql")) {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range strings.Split(string(text), ";\n") {
			if one = strings.TrimSpace(space.ReplaceAllString(one, " ")); one != "" {
				s.lines = append(s.lines, sample{"", log("2026-11-22 09:30:00.123 UTC [4711] app@clinic LOG:  statement: " + one)})
			}
		}
	}
	return s
}

func prose(t *testing.T, dir string) labelled {
	s := labelled{name: "Debian's FAQ"}
	for _, f := range files(t, filepath.Join(dir, "faq", "*.txt.gz")) {
		for _, text := range textLines(t, f) {
			if strings.TrimSpace(text) != "" {
				e := log("note saved")
				e.Log.Fields = map[string]string{"note": text, "path": "/api/notes"}
				s.lines = append(s.lines, sample{"", e})
			}
		}
	}
	return s
}

// regression is what is read of a file of the Core Rule Set's tests.
type regression struct {
	Rule  int `yaml:"rule_id"`
	Tests []struct {
		Stages []struct {
			Input struct {
				Headers map[string]string
				Method  string
				URI     string `yaml:"uri"`
				Data    string
			}
			Output struct {
				Log struct {
					Expect []int `yaml:"expect_ids"`
				}
			}
		}
	}
}

// coreRuleSet gives the requests that a rule of the set must find, by the rule's family and paranoia level, as a log
// shows them that keeps address, headers and body. Half of the rules, by their numbers, were in view.
func coreRuleSet(t *testing.T, dir string, half int) []labelled {
	levels := paranoia(t, filepath.Join(dir, "crs-rules"))
	var list []labelled
	for _, family := range []string{"930-APPLICATION-ATTACK-LFI", "932-APPLICATION-ATTACK-RCE", "933-APPLICATION-ATTACK-PHP", "934-APPLICATION-ATTACK-GENERIC", "941-APPLICATION-ATTACK-XSS", "942-APPLICATION-ATTACK-SQLI", "944-APPLICATION-ATTACK-JAVA"} {
		s := labelled{name: "CRS " + strings.Replace(family, "APPLICATION-ATTACK-", "", 1) + []string{" in view", " held"}[half]}
		for _, f := range files(t, filepath.Join(dir, "crs", "REQUEST-"+family, "*.yaml")) {
			if number, _, _ := strings.Cut(filepath.Base(f), "."); len(number) == 6 && int(number[4]-'0')%2 == half {
				s.lines = append(s.lines, regressions(t, f, levels)...)
			}
		}
		list = append(list, s)
	}
	return list
}

func regressions(t *testing.T, file string, levels map[int]string) []sample {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var r regression
	if err := yaml.Unmarshal(text, &r); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var list []sample
	for _, test := range r.Tests {
		for _, stage := range test.Stages {
			if !slices.Contains(stage.Output.Log.Expect, r.Rule) {
				continue
			}
			in := stage.Input
			e := log(fmt.Sprintf("%s %s HTTP/1.1", in.Method, in.URI))
			e.Log.Fields = map[string]string{"method": in.Method, "uri": in.URI, "body": in.Data}
			for name, value := range in.Headers {
				e.Log.Fields["header."+strings.ToLower(name)] = value
			}
			list = append(list, sample{"paranoia level " + levels[r.Rule], e})
		}
	}
	return list
}

// paranoia reads the level of each rule.
func paranoia(t *testing.T, dir string) map[int]string {
	levels := map[int]string{}
	id, level := regexp.MustCompile(`"?id:(\d{6}),`), regexp.MustCompile(`paranoia-level/(\d)`)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".conf") {
			return err
		}
		rule := 0
		for _, text := range textLines(t, path) {
			if m := id.FindStringSubmatch(text); m != nil {
				fmt.Sscan(m[1], &rule)
			}
			if m := level.FindStringSubmatch(text); m != nil && rule != 0 {
				levels[rule] = m[1]
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return levels
}

func files(t *testing.T, pattern string) []string {
	list, err := filepath.Glob(pattern)
	if err != nil || len(list) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return list
}

func textLines(t *testing.T, file string) []string {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(file, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	var list []string
	s := bufio.NewScanner(r)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		list = append(list, s.Text())
	}
	return list
}

// fhirSearches are clean requests as clinics send them, with names that look like quotes.
func fhirSearches() []sample {
	names := []string{"O'Brien", "D'Angelo", "N'Golo", "Union", "Select", "Drop", "Null", "Smith-Or", "Müller", "van der Berg", "O’Neill", "And", "Case", "Sánchez", "Table", "<none>"}
	queries := []string{
		"Patient?family=%s&birthdate=1960-01-01", "Patient?name:contains=%s&_count=20&_sort=-birthdate", "Observation?code=http://loinc.org|4548-4&subject:Patient.family=%s",
		"Patient?given=Anna&family=%s&identifier=http://hospital.example/mrn|004711", "MedicationRequest?patient=123&status=active,on-hold&note=%s", "Condition?code:text=%s&onset-date=ge2026-01-01&onset-date=lt2026-02-01",
		"Patient?_filter=family eq '%s' and birthdate gt 1960-01-01", "Practitioner?name=%s&_include=Practitioner:organization&_format=json", "Observation?value-quantity=gt5.4|http://unitsofmeasure.org|mg&performer.name=%s",
	}
	var list []sample
	for _, q := range queries {
		for i, n := range names {
			path := strings.ReplaceAll(strings.Replace(q, "%s", url.QueryEscape(n), 1), " ", []string{"+", "%20"}[i%2])
			list = append(list, sample{"", log(`192.0.2.7 - anna [22/Nov/2026:09:30:00 +0000] "GET /fhir/r4/` + path + ` HTTP/2.0" 200 5120 "https://ehr.example/charts?view=summary&tab=labs" "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"`)})
		}
	}
	return list
}
