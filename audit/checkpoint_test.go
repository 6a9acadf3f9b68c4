package audit

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func testSigner(t testing.TB, origin string) *signer {
	t.Helper()
	s, err := newSigner(origin, bytes.Repeat([]byte{7}, 32))
	must(t, err)
	return s
}

func TestCheckpointSurvivesSigning(t *testing.T) {
	s := testSigner(t, testOrigin)
	want := Checkpoint{testOrigin, 42, tlog.Hash{1, 2, 3}}
	signed, err := s.checkpoint(want.Size, want.Root)
	must(t, err)
	got, err := OpenCheckpoint(signed, s.vkey)
	must(t, err)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// A key speaks for its own ledger only.
func TestCheckpointUnderAnotherOriginIsRefused(t *testing.T) {
	s := testSigner(t, "tutela.test/other")
	signed, err := note.Sign(&note.Note{Text: Checkpoint{testOrigin, 1, tlog.Hash{}}.text()}, s)
	must(t, err)
	if _, err := OpenCheckpoint(signed, s.vkey); err == nil {
		t.Error("a checkpoint of another ledger is accepted")
	}
}

func TestMalformedCheckpointTexts(t *testing.T) {
	good := Checkpoint{testOrigin, 7, tlog.Hash{9}}.text()
	if _, err := parseCheckpoint(good); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"empty":         "",
		"no origin":     strings.Replace(good, testOrigin, "", 1),
		"negative size": strings.Replace(good, "\n7\n", "\n-7\n", 1),
		"leading zero":  strings.Replace(good, "\n7\n", "\n07\n", 1),
		"no number":     strings.Replace(good, "\n7\n", "\nx\n", 1),
		"short root":    good[:len(good)-3] + "\n",
		"extension":     good + "extension\n",
		"no last line":  strings.TrimSuffix(good, "\n"),
	} {
		if c, err := parseCheckpoint(text); err == nil {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

func TestSignerPrintsNothingOfItsKey(t *testing.T) {
	s := testSigner(t, testOrigin)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d"} {
		if got := fmt.Sprintf(verb, s); got != s.vkey {
			t.Errorf("%s prints %q", verb, got)
		}
	}
}
