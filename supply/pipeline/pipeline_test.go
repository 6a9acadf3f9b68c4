package pipeline_test

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	diff "github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply/pipeline"
)

// expected reads the marks of a sample: a line that ends in "WANT rule rule …" is where these are found.
func expected(text string) []string {
	var list []string
	for i, line := range strings.Split(text, "\n") {
		if _, marks, ok := strings.Cut(line, "WANT "); ok {
			for _, rule := range strings.Fields(marks) {
				list = append(list, fmt.Sprintf("%d ci.%s", i+1, rule))
			}
		}
	}
	return list
}

// Every line of the samples that is wrong is found, as what it is, and none that is right: both lists are whole.
func TestSamples(t *testing.T) {
	count := 0
	err := filepath.WalkDir("testdata", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		count++
		t.Run(path, func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			name := strings.TrimPrefix(filepath.ToSlash(path), "testdata/")
			if !(pipeline.Scanner{}).Wants(name, int64(len(text))) {
				t.Fatalf("%s is taken for no pipeline", name)
			}
			found, err := pipeline.Scanner{}.File(t.Context(), name, text)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range found {
				got = append(got, fmt.Sprintf("%d %s", f.Place.Line, f.Rule.ID))
			}
			want := expected(string(text))
			slices.SortFunc(got, byLine)
			slices.SortFunc(want, byLine)
			if d := diff.Diff(want, got); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
		})
		return nil
	})
	if err != nil || count < 8 {
		t.Fatalf("%d samples, %v", count, err)
	}
}

func byLine(a, b string) int {
	var i, j int
	var r, s string
	_, _ = fmt.Sscan(a, &i, &r)
	_, _ = fmt.Sscan(b, &j, &s)
	return cmp.Or(cmp.Compare(i, j), cmp.Compare(r, s))
}

// The value of a credential is not repeated.
func TestCredentialsAreNotRepeated(t *testing.T) {
	for name, text := range map[string]string{
		".github/workflows/a.yml": "jobs:\n  a:\n    env: {DB_PASSWORD: hunter2hunter2}\n    permissions: {}\n",
		"jenkins.yaml":            "credentials:\n  system:\n    password: hunter2hunter2\n",
		"Jenkinsfile":             "def password = 'hunter2hunter2'\n",
		".gitlab-ci.yml":          "variables:\n  API_TOKEN: hunter2hunter2\n",
	} {
		found, err := pipeline.Scanner{}.File(t.Context(), name, []byte(text))
		if err != nil || len(found) == 0 {
			t.Errorf("%s: %d findings, %v", name, len(found), err)
		}
		for _, f := range found {
			if strings.Contains(f.Excerpt+f.Message, "hunter") {
				t.Errorf("%s: %q %q", name, f.Message, f.Excerpt)
			}
		}
	}
}

func FuzzFile(f *testing.F) {
	f.Add("Jenkinsfile", "pipeline { agent any /* \"\"\" ' */ }")
	f.Add("jenkins.yaml", "jenkins: {numExecutors: -1, authorizationStrategy: &a {x: *a}}")
	f.Add(".github/workflows/x.yml", "on: [push]\njobs: {a: {steps: [{run: 'a'}]}}")
	f.Add(".gitlab-ci.yml", "a: {script: [b]}\ninclude: x")
	f.Add("plugins.txt", "git\n")
	f.Fuzz(func(t *testing.T, name, text string) {
		s := pipeline.Scanner{}
		if !s.Wants(name, int64(len(text))) {
			return
		}
		found, _ := s.File(t.Context(), name, []byte(text)) // refused or looked at
		for _, x := range found {
			if n := strings.Count(text, "\n") + 1; x.Place.Line < 0 || x.Place.Line > n {
				t.Errorf("line %d of %d", x.Place.Line, n)
			}
		}
	})
}
