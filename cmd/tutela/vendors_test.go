package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// keyOf is a file with the verifier key of a try-out system's ledger.
func keyOf(t *testing.T, dir string) string {
	t.Helper()
	client, err := target{Data: dir}.connect(t.Context(), "auditor")
	if err != nil {
		t.Fatal(err)
	}
	key, err := client.do(t.Context(), http.MethodGet, "/ledger/key", nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, key, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Who answered once shares that; elsewhere it is verified by his key, without a server, and taken as an assessment.
func TestAnswersAreSharedOnce(t *testing.T) {
	they, we := tryOutSystem(t), tryOutSystem(t)
	theirs, ours := keyOf(t, they), keyOf(t, we)
	_, blank, _ := command(t, "vendors", "questionnaire", "export")
	sheet, shared, forged := filepath.Join(t.TempDir(), "sheet"), filepath.Join(t.TempDir(), "shared"), filepath.Join(t.TempDir(), "forged")
	if err := os.WriteFile(sheet, []byte(strings.ReplaceAll(blank, ",,,,", ",yes,,,")), 0o600); err != nil {
		t.Fatal(err)
	}
	next := time.Now().AddDate(0, 6, 0).Format(time.DateOnly)
	for _, step := range []struct {
		code int
		says string
		args []string
	}{
		{exitError, "no such answers", []string{"vendors", "answers", "share", "--data", they}},
		{exitError, "no policy permits this", []string{"vendors", "answers", "import", sheet, "--name", "Acme", "--service", "X-rays", "--data", they, "--as", "auditor"}},
		{exitClean, "revision 1; score 100", []string{"vendors", "answers", "import", sheet, "--name", "Acme", "--service", "X-rays", "--data", they}},
		{exitClean, "revision 2; score 100", []string{"vendors", "answers", "import", sheet, "--name", "Acme", "--service", "X-rays", "--data", they}},
		{exitClean, "Acme: X-rays", []string{"vendors", "answers", "show", "--data", they}},
		{exitClean, ",tests,", []string{"vendors", "answers", "show", "--format", "csv", "--data", they}},
		{exitError, "no policy permits this", []string{"vendors", "answers", "share", "--data", they, "--as", "auditor"}},
		{exitClean, `"kind":"answers"`, []string{"vendors", "answers", "share", "--data", they}},
		{exitClean, "Acme: X-rays", []string{"vendors", "answers", "read", shared, "--key", theirs}},
		{exitFound, "NOT what the ledger", []string{"vendors", "answers", "read", shared, "--key", ours}},
		{exitFound, "NOT what the ledger", []string{"vendors", "answers", "read", forged, "--key", theirs}},
		{exitError, "no statement", []string{"vendors", "answers", "read", sheet, "--key", theirs}},
		{exitClean, "acme is open", []string{"vendors", "set", "acme", "--name", "Acme", "--service", "X-rays", "--contact", "c", "--owner", "privacy", "--gets", "none", "--critical", "1", "--data", we}},
		{exitError, "does not name this text", []string{"vendors", "answers", "take", "acme", forged, "--key", theirs, "--next", next, "--data", we}},
		{exitError, "not signed by this key", []string{"vendors", "answers", "take", "acme", shared, "--key", ours, "--next", next, "--data", we}},
		{exitClean, "score 100", []string{"vendors", "answers", "take", "acme", shared, "--key", theirs, "--next", next, "--data", we}},
		{exitClean, "sealed by", []string{"vendors", "show", "acme", "--data", we}},
	} {
		code, out, said := command(t, step.args...)
		if code != step.code || !strings.Contains(out+said, step.says) {
			t.Errorf("%q: %d %.500s%s; want %d and %q", step.args, code, out, said, step.code, step.says)
		}
		if strings.HasPrefix(out, `{"version"`) {
			for path, text := range map[string]string{shared: out, forged: strings.Replace(out, "yes", "no", 1)} {
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// A thousand vendors come in at once, and a thousand questionnaires with a sentence to each answer.
func TestAThousandVendorsAtOnce(t *testing.T) {
	dir := tryOutSystem(t)
	path := filepath.Join(t.TempDir(), "sheet")
	put := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	sheet := "id,name,service,contact,owner,data,critical,agreement\n"
	for i := range 1000 {
		sheet += fmt.Sprintf("v%d,V,s,c,privacy,none,1,none\n", i)
	}
	put(sheet)
	if code, out, said := command(t, "vendors", "import", path, "--data", dir); code != exitClean || !strings.Contains(out, "1000 vendors kept") {
		t.Fatalf("%d %.300s%s", code, out, said)
	}
	_, answers, _ := command(t, "vendors", "questionnaire", "export", "--all", "--data", dir)
	put(strings.ReplaceAll(answers, ",,,,\n", ",yes,"+strings.Repeat("so it is ", 12)+",,\n"))
	code, out, said := command(t, "vendors", "questionnaire", "import", path, "--next", time.Now().AddDate(0, 6, 0).Format(time.DateOnly), "--data", dir)
	if n := strings.Count(out, "score 100"); code != exitClean || n != 1000 {
		t.Errorf("%d, %d of 1000: %.300s%.300s", code, n, out, said)
	}
}

// A vendor is written down, assessed by a sheet, puts things right and is closed; many come in by a sheet, or none.
func TestVendorsAreKept(t *testing.T) {
	dir := tryOutSystem(t)
	date := func(months int) string { return time.Now().AddDate(0, months, 0).Format(time.DateOnly) }
	file := func(name, text string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	_, blank, _ := command(t, "vendors", "questionnaire", "export")
	filled := strings.ReplaceAll(blank, ",,,,", ",yes,,,")
	worse := strings.Replace(filled, ",yes,,,", ",no,=soon,,", 1)
	const head = "id,name,service,contact,owner,data,critical,agreement\n"
	many := head
	for i := range 200 {
		many += fmt.Sprintf("v%d,V,s,c,privacy,none,1,none\n", i)
	}
	set := []string{"vendors", "set", "acme", "--name", "=cmd()", "--service", "X-rays", "--contact", "c", "--owner", "privacy", "--gets", "health", "--critical", "3"}
	fill := func(text string, more ...string) []string {
		return append([]string{"vendors", "questionnaire", "import", file("answers.csv", text), "--next", date(6)}, more...)
	}
	for _, step := range []struct {
		code int
		says string
		args []string
	}{
		{exitClean, "VENDOR", []string{"vendors", "list"}},
		{exitError, "username or id", append(slices.Clip(set), "--owner", "nobody")},
		{exitError, "no policy permits this", append(slices.Clip(set), "--as", "auditor")},
		{exitError, "is a date such as", append(slices.Clip(set), "--assess", "soon")},
		{exitError, "say with --agreement", append(slices.Clip(set), "--signed", date(-1))},
		{exitClean, "no agreement holds", set},
		{exitFound, "does not hold", []string{"vendors", "list"}},
		{exitClean, "revision 2", []string{"vendors", "set", "acme", "--agreement", "baa", "--signed", date(-1), "--ends", date(30), "--file", file("baa", "signed")}},
		{exitClean, "baa", []string{"vendors", "list"}},
		{exitError, "whose answer", fill(filled)},
		{exitError, "answers every question", fill(blank, "--vendor", "acme")},
		{exitError, "line 2: an answer is", fill(strings.Replace(filled, ",yes", ",aye", 1), "--vendor", "acme")},
		{exitError, "no such vendor", fill(filled, "--vendor", "globex")},
		{exitError, "say by when", fill(worse, "--vendor", "acme")},
		{exitClean, "to put right 1", fill(worse, "--vendor", "acme", "--until", date(2))},
		{exitClean, ",no,'=soon,,", []string{"vendors", "questionnaire", "export", "acme"}},
		{exitError, "no vendor globex", []string{"vendors", "questionnaire", "export", "globex"}},
		{exitClean, "to put right 0", []string{"vendors", "act", "acme", "1", "--done", "saw it"}},
		{exitError, "closed already", []string{"vendors", "act", "acme", "1", "--done", "saw it"}},
		{exitClean, "to put right 1", []string{"vendors", "act", "acme", "--what", "more", "--until", date(2)}},
		{exitClean, "score 100, to put right 1", []string{"vendors", "assess", "acme", "--answer", "responsible=yes", "--next", date(6)}},
		{exitClean, "saw it", []string{"vendors", "show", "acme", "--format", "json"}},
		{exitClean, "responsible", []string{"vendors", "show", "acme"}},
		{exitClean, ",'=cmd(),", []string{"vendors", "export"}},
		{exitError, "line 3 (b): the owner", []string{"vendors", "import", file("v.csv", head+"a,A,s,c,privacy,none,1,none\nb,B,s,c,nobody,none,1,none\n")}},
		{exitError, "no such vendor", []string{"vendors", "show", "a"}},
		{exitClean, "200 vendors kept, 200 of them new", []string{"vendors", "import", file("v.csv", many)}},
		{exitClean, "200 vendors kept, 0 of them new", []string{"vendors", "import", file("v.csv", many)}},
		{exitClean, "acme is closed", []string{"vendors", "close", "acme", "--reason", "gone"}},
		{exitError, "is closed", []string{"vendors", "close", "acme", "--reason", "gone"}},
	} {
		code, out, said := command(t, append(step.args, "--data", dir)...)
		if code != step.code || !strings.Contains(out+said, step.says) {
			t.Errorf("%q: %d %.500s%s; want %d and %q", step.args, code, out, said, step.code, step.says)
		}
	}
}
