package infra_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/infra"
)

func scan(t testing.TB, dir string) supply.Result {
	t.Helper()
	tree, err := supply.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	r, err := infra.Scanner{}.Scan(t.Context(), tree)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// marked reads which lines of a tree are wrong: those that end in "WANT rule …", and those of expected.txt,
// for what cannot carry a mark.
func marked(t *testing.T, dir string) (list []string) {
	t.Helper()
	tree, err := supply.OpenTree(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tree.Close() }()
	for _, f := range tree.Files {
		text, err := f.Read()
		if err != nil {
			t.Fatal(err)
		}
		if f.Path == "expected.txt" {
			list = append(list, strings.Split(strings.TrimSpace(string(text)), "\n")...)
			continue
		}
		for i, line := range strings.Split(string(text), "\n") {
			if _, marks, ok := strings.Cut(line, "WANT "); ok {
				for _, rule := range strings.Fields(marks) {
					list = append(list, fmt.Sprintf("%s:%d %s", f.Path, i+1, rule))
				}
			}
		}
	}
	slices.Sort(list)
	return list
}

// Every line of the samples that is wrong is found, as what it is, and none that is right: both lists are whole.
func TestSamples(t *testing.T) {
	for _, dir := range []string{"testdata/bad", "testdata/good"} {
		t.Run(dir, func(t *testing.T) {
			r := scan(t, dir)
			var got []string
			for _, f := range r.Findings {
				got = append(got, fmt.Sprintf("%s:%d %s", f.Place.Path, f.Place.Line, strings.TrimPrefix(f.Rule.ID, "iac.")))
				if strings.Contains(f.Excerpt+f.Message, "correct-horse") || strings.Contains(f.Excerpt+f.Message, "not-a-real") {
					t.Errorf("the secret is repeated: %q %q", f.Message, f.Excerpt)
				}
			}
			slices.Sort(got)
			if d := cmp.Diff(marked(t, dir), got); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
			if len(r.Checked.Failed) != 0 || r.Checked.Files < 5 {
				t.Errorf("%d files, could not check %q", r.Checked.Files, r.Checked.Failed)
			}
		})
	}
}

// What cannot be read is named, and breaks nothing.
func TestWhatCannotBeReadIsNamed(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"broken.tf": "resource {", "deep.tf": "a = " + strings.Repeat("[", 100_000), "signs.tf": "a = " + strings.Repeat("!", 300_000),
		"Dockerfile": "FROM\n", "helm.yaml": "apiVersion: v1\nkind: {{ .Values.kind }}\n", "torn.yaml": "apiVersion: [\n", "data.json": "{", "other.yaml": "a: [",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	for _, why := range scan(t, dir).Checked.Failed {
		name, _, _ := strings.Cut(why, ":")
		names = append(names, name)
	}
	if d := cmp.Diff([]string{"broken.tf", "deep.tf", "helm.yaml", "signs.tf", "torn.yaml"}, names); d != "" {
		t.Errorf("could not check (-want +got):\n%s", d)
	}
}

func FuzzScan(f *testing.F) {
	f.Add("main.tf", "resource \"aws_iam_policy\" \"a\" {\n policy = jsonencode({Statement = [{Effect = \"Allow\"}]})\n}")
	f.Add("Dockerfile", "FROM a AS b\nENV A b\nRUN <<E\nx\nE\n")
	f.Add("compose.yaml", "services: {a: {image: b, ports: [1], volumes: [x]}}")
	f.Add("k.yaml", "apiVersion: v1\nkind: Pod\nspec: {containers: [{name: a}]}")
	f.Add("s.template", "Resources: {A: {Type: 'AWS::S3::Bucket', Properties: {Statement: [{Effect: Allow}]}}}")
	f.Fuzz(func(t *testing.T, name, text string) {
		name = filepath.Base(name)
		if name == "." || name == ".." || name == "/" || strings.ContainsRune(name, 0) || len(name) > 100 {
			return
		}
		dir := t.TempDir()
		if os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600) == nil {
			scan(t, dir)
		}
	})
}
