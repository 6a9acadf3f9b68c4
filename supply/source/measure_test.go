package source_test

import (
	"cmp"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/supply/source"
)

// TestMeasureCode measures the rules on a folder of others ($TUTELA_CODE_TREE), else on our samples: how many files,
// how many findings of each rule, and of lines that a comment before them marks ("ruleid:" a fault, "ok:" none, as
// Semgrep's rules mark their samples) how many are found.
func TestMeasureCode(t *testing.T) {
	root := cmp.Or(os.Getenv("TUTELA_CODE_TREE"), filepath.Join("testdata", "code"))
	mark := regexp.MustCompile(`(?:#|//|/\*)\s*(ruleid|ok)\s*:`)
	files, unread, rules, marked, hit := 0, 0, map[string]int{}, map[string]int{}, map[string]int{}
	code := source.NewCode()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !code.Wants(d.Name(), 0) {
			return err
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		files++
		found, err := code.File(t.Context(), name, text)
		if err != nil {
			unread++
		}
		lines := map[int]bool{}
		for _, f := range found {
			lines[f.Place.Line] = true
			rules[f.Rule.ID]++
		}
		all := strings.Split(string(text), "\n")
		for i, line := range all {
			m := mark.FindStringSubmatch(line)
			if m == nil {
				continue
			}
			next := i + 1
			for next < len(all) && mark.MatchString(all[next]) {
				next++
			}
			marked[m[1]]++
			if lines[next+1] {
				hit[m[1]]++
			}
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files, %v", files, err)
	}
	t.Logf("%d files, %d not read as a whole; faults marked %d, found %d; marked as right %d, found %d; %v", files, unread, marked["ruleid"], hit["ruleid"], marked["ok"], hit["ok"], rules)
}
