package git

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// A commit is read as git keeps it, with headers of several lines and without what is missing.
func TestCommitsAreRead(t *testing.T) {
	text := "tree a\nparent b\nparent c\nauthor Ann B <ann@clinic.example> 1790000000 +0100\ncommitter X <x> 1 +0000\ngpgsig -----BEGIN\n author Eve <e> 5 +0000\n\nsubject\n\nbody\n"
	want := Commit{ID: "id", Author: "Ann B", Time: time.Unix(1790000000, 0).UTC(), Subject: "subject", Body: "\nbody\n", Merge: true}
	if d := cmp.Diff(want, parseCommit("id", text)); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(Commit{ID: "id"}, parseCommit("id", "")); d != "" {
		t.Error(d)
	}
}

func FuzzCommit(f *testing.F) {
	f.Add("tree a\nauthor A <a> 1 +0\n\ns\n")
	f.Add("author <> > 99999999999999999999 \n\n\n\n\xff")
	f.Fuzz(func(t *testing.T, text string) {
		c := parseCommit("id", text)
		if strings.Contains(c.Subject, "\n") || !utf8.ValidString(c.Author+c.Subject+c.Body) {
			t.Errorf("%+v", c)
		}
	})
}
