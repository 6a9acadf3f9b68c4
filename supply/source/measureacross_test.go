package source_test

import (
	"os"
	"testing"
)

// TestMeasureAcross measures what goes from file to file in a folder of others ($TUTELA_CODE_TREE), else in our
// samples: each finding, to be judged by who reads it.
func TestMeasureAcross(t *testing.T) {
	root := os.Getenv("TUTELA_CODE_TREE")
	if root == "" {
		root, _ = copied(t)
	}
	found := scan(t, across(), root).Findings
	if len(found) == 0 && os.Getenv("TUTELA_CODE_TREE") == "" {
		t.Error("nothing is found in the samples")
	}
	for _, f := range found {
		t.Logf("%s:%d %s: %s", f.Place.Path, f.Place.Line, f.Rule.ID, f.Message)
	}
	t.Logf("%d findings from file to file", len(found))
}
