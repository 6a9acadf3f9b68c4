package rules_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/rules"
)

func own(detection string) *fstest.MapFile {
	return &fstest.MapFile{Data: []byte("title: Ours\nid: ours\ndescription: d\nlevel: low\nlogsource: {category: ehr_access}\ndetection:\n  s: {" + detection + "}\n  condition: s\n")}
}

// Rules of a folder take force while events go by, those that are not understood are named, and what was counted under
// rules that stay is not lost.
func TestChangedRulesTakeForce(t *testing.T) {
	dir := fstest.MapFS{"a.yml": own("metadata.event_code: read")}
	book := rules.Open(dir)
	var told []rules.Reload
	r := rules.Reloader{Dir: dir, Book: book, Record: func(_ context.Context, r rules.Reload) error {
		told = append(told, r)
		return nil
	}}
	d := rules.New(book, nil)
	guess := func(n int) []string {
		var got []string
		for range n {
			got = append(got, titles(d, one(failedLogin("u-9")))...)
		}
		return got
	}
	look := func(now bool) {
		t.Helper()
		if err := r.Look(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"Ours"}, titles(d, one(entry(tutela.ActionRead)))); diff != "" {
		t.Fatal(diff)
	}
	guess(9)
	look(true)
	if len(told) != 0 {
		t.Fatalf("told of a change without one: %v", told)
	}
	dir["a.yml"] = own("metadata.event_code: vread")
	dir["b.yml"] = own("metadata.event_kode: read")
	look(false)
	if len(told) != 0 {
		t.Fatal("files that may still be written took force at the first look")
	}
	look(false)
	if len(told) != 1 || len(told[0].Refused) != 1 || !strings.Contains(told[0].Text(), "b.yml:") || !strings.Contains(told[0].Text(), "metadata.event_kode") {
		t.Fatalf("told %+v", told)
	}
	if got := titles(d, one(entry(tutela.ActionRead))); len(got) != 0 {
		t.Errorf("the rule before still counts: %q", got)
	}
	if diff := cmp.Diff([]string{"Many failed logins to one account"}, guess(1)); diff != "" {
		t.Errorf("the tenth guess, nine of them before the change:\n%s", diff)
	}
	if diff := cmp.Diff([]string{"Ours"}, titles(d, one(entry(tutela.ActionVRead)))); diff != "" {
		t.Error(diff)
	}
}

// A file that somebody spoils does not take its rules out of force: the text from before counts until there is a sound
// one, and that is told.
func TestSpoiledFileKeepsItsRulesInForce(t *testing.T) {
	dir := fstest.MapFS{"a.yml": own("metadata.event_code: read")}
	book := rules.Open(dir)
	d := rules.New(book, nil)
	var told []rules.Reload
	r := rules.Reloader{Dir: dir, Book: book, Record: func(_ context.Context, r rules.Reload) error {
		told = append(told, r)
		return nil
	}}
	for _, row := range []struct {
		file *fstest.MapFile
		of   tutela.Action
		says string
	}{
		{own("metadata.event_kode: read"), tutela.ActionRead, "what was in force before stays for a.yml"},
		{&fstest.MapFile{Data: []byte("title: [")}, tutela.ActionRead, "what was in force before stays for a.yml"},
		{own("metadata.event_code: vread"), tutela.ActionVRead, ""},
		{nil, "", ""},
	} {
		if dir["a.yml"] = row.file; row.file == nil {
			delete(dir, "a.yml") // whoever takes a file away means it
		}
		if err := r.Look(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		last := told[len(told)-1]
		if (len(last.Refused) > 0) != (row.says != "") || !strings.Contains(last.Text(), row.says) {
			t.Errorf("told %+v", last)
		}
		for _, a := range []tutela.Action{tutela.ActionRead, tutela.ActionVRead} {
			if got := slices.Contains(titles(d, one(entry(a))), "Ours"); got != (a == row.of) {
				t.Errorf("after %s: %s is found: %v", last.Text(), a, got)
			}
		}
	}
	if len(told) != 4 {
		t.Errorf("told %d times", len(told))
	}
}

// What cannot be written down does not take force.
func TestReloadThatCannotBeRecordedDoesNotCount(t *testing.T) {
	dir := fstest.MapFS{}
	book := rules.Open(dir)
	before := book.Edition().Version
	dir["a.yml"] = own("metadata.event_code: read")
	r := rules.Reloader{Dir: dir, Book: book, Record: func(context.Context, rules.Reload) error { return errors.New("full") }}
	if err := r.Look(t.Context(), true); err == nil || book.Edition().Version != before {
		t.Errorf("%v, version %s after %s", err, book.Edition().Version, before)
	}
}
