package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Modules are kept, taken, and their results from elsewhere brought in.
func TestTrainingIsTaken(t *testing.T) {
	dir, files := tryOutSystem(t), t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(files, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	phishing := file("phishing.md", "---\ntitle: Phishing\nroles: [nurse]\nevery: 6\noutside: true\n---\nMails that are none.\n")
	good := file("good.csv", "Person,Date,Passed,Score\nnurse,2026-01-02,yes,80\n")
	bad := file("bad.csv", "person,date,passed\nnurse,2026-01-02,perhaps\n")
	for _, step := range []struct {
		code int
		says string
		args []string
	}{
		{exitClean, "there is no module", []string{"training", "list"}},
		{exitError, "no policy permits this", []string{"training", "starter", "--as", "nurse"}},
		{exitClean, "3 modules", []string{"training", "starter"}},
		{exitClean, "0 of ", []string{"training", "list"}},
		{exitFound, "privacy-basics", []string{"training", "mine", "--as", "nurse"}},
		{exitClean, "take the training", []string{"duties", "--mine", "--as", "nurse"}},
		{exitError, "no module \"secure-development\" is for you", []string{"training", "take", "secure-development", "--as", "nurse"}},
		{exitError, "were not answered", []string{"training", "take", "privacy-basics", "--as", "nurse"}},
		{exitError, "5 questions, and 1 answers", []string{"training", "take", "privacy-basics", "--answers", "1", "--as", "nurse"}},
		{exitFound, "20 percent are right, and 80 are needed", []string{"training", "take", "privacy-basics", "--answers", "1,1,1,1,1", "--as", "nurse"}},
		{exitClean, "passed with 100 percent", []string{"training", "take", "privacy-basics", "--answers", "2,3,1,2,3", "--as", "nurse"}},
		{exitFound, "100 %", []string{"training", "mine", "--as", "nurse"}},
		{exitError, "no policy permits this", []string{"training", "mine", "--as", "patient"}},
		{exitError, "cannot be read", []string{"training", "set", "phishing", phishing + "x"}},
		{exitClean, "phishing is live", []string{"training", "set", "phishing", phishing}},
		{exitError, "taken elsewhere", []string{"training", "take", "phishing", "--as", "nurse"}},
		{exitError, "line 2: passed is yes or no", []string{"training", "import", "phishing", bad}},
		{exitError, "is not taken elsewhere", []string{"training", "import", "privacy-basics", good}},
		{exitClean, "1 of 1 results are new", []string{"training", "import", "phishing", good}},
		{exitClean, "0 of 1 results are new", []string{"training", "import", "phishing", good}},
		{exitClean, "phishing is withdrawn", []string{"training", "withdraw", "phishing"}},
		{exitClean, "withdrawn", []string{"training", "list", "--all"}},
	} {
		code, out, said := command(t, append(step.args, "--data", dir)...)
		if code != step.code || !strings.Contains(out+said, step.says) {
			t.Errorf("%q: %d %s%s; want %d and %q", step.args, code, out, said, step.code, step.says)
		}
	}
}
