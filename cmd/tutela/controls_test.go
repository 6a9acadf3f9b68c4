package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/dossier"
)

// After an assessment the controls that its checks bear on are green; a word makes another one green until it ends; the table
// of requirements names checks, or says what is not built.
func TestControlsAreShownAndAttested(t *testing.T) {
	dir := tryOutSystem(t)
	if code, _, said := command(t, "assess", "--data", dir); code == exitError {
		t.Fatal(said)
	}
	code, out, said := command(t, "controls", "list", "--data", dir, "--regulation", "hipaa-security", "--format", "json")
	var o control.Overview
	if err := json.Unmarshal([]byte(out), &o); err != nil || code == exitError {
		t.Fatalf("%d %v %s", code, err, said)
	}
	count := o.Regulations[0]
	if count.Known[control.Probed][control.Green] < 10 || count.Known[control.NotCovered][control.Amber] == 0 || len(o.Controls) != count.Total {
		t.Errorf("%+v", count)
	}
	const id = "45 CFR 164.310(a)(1)"
	file, back := filepath.Join(t.TempDir(), "doors.pdf"), filepath.Join(t.TempDir(), "back.pdf")
	if err := os.WriteFile(file, []byte("badges"), 0o600); err != nil {
		t.Fatal(err)
	}
	until := time.Now().AddDate(0, 1, 0).Format(time.DateOnly)
	for _, step := range []struct {
		code int
		says string
		args []string
	}{
		{exitError, "is a date such as", []string{"controls", "attest", id, "--statement", "Badges", "--expires", "soon"}},
		{exitError, "within 366 days", []string{"controls", "attest", id, "--statement", "Badges", "--expires", "2099-01-01"}},
		{exitError, "names the provider", []string{"controls", "attest", id, "--statement", "Badges", "--expires", until, "--provider", "A cloud"}},
		{exitError, "no such requirement", []string{"controls", "attest", "45 CFR 1", "--statement", "Badges", "--expires", until}},
		{exitError, "nobody attested", []string{"controls", "file", id, "--out", back}},
		{exitClean, "is attested until " + until, []string{"controls", "attest", id, "--statement", "Badges", "--expires", until}},
		{exitError, "rests on no file", []string{"controls", "file", id, "--out", back}},
		{exitClean, "is inherited until " + until, []string{"controls", "attest", id, "--statement", "Badges", "--expires", until, "--provider", "A cloud", "--file", file}},
		{exitClean, "a report of A cloud", []string{"controls", "show", "45-cfr-164.310-a-1"}},
		{exitClean, "SHA-256", []string{"controls", "file", id, "--out", back}},
		{exitError, "exists", []string{"controls", "file", id, "--out", back}},
		{exitError, "no policy permits this", []string{"controls", "withdraw", id, "--as", "auditor"}},
		{exitError, "no policy permits this", []string{"controls", "list", "--as", "nurse"}},
		{exitClean, "is withdrawn", []string{"controls", "withdraw", id}},
		{exitError, "was withdrawn", []string{"controls", "withdraw", id}},
		{exitClean, "not-covered, amber", []string{"controls", "show", id}},
		{exitClean, "REGULATION", []string{"controls", "list", "--counts", "--standing", "green"}},
		{exitError, "known is probed", []string{"controls", "list", "--known", "guessed"}},
	} {
		code, out, said := command(t, append(step.args, "--data", dir)...)
		if code != step.code || !strings.Contains(out+said, step.says) {
			t.Errorf("%q: %d %s%s; want %d and %q", step.args, code, out, said, step.code, step.says)
		}
	}
	if text, err := os.ReadFile(back); err != nil || string(text) != "badges" {
		t.Errorf("%q %v", text, err)
	}
	document := filepath.Join(t.TempDir(), "catalog.json")
	if code, _, said := command(t, "controls", "oscal", "catalog", "--out", document, "--data", dir); code != exitClean {
		t.Error(said)
	}
	if list, err := readCatalogs(document); err != nil || len(list) != 11 {
		t.Errorf("%d regulations: %v", len(list), err)
	}
	if code, out, _ := command(t, "controls", "oscal", "assessment-results", "--data", dir); code != exitClean || !strings.Contains(out, `"observations"`) {
		t.Errorf("%d %.300s", code, out)
	}
	_, out, _ = command(t, "assess", "--requirements", "--data", dir)
	for _, line := range []string{`P06 +Multi-factor authentication +probed +green +.*identity.second-factor`, `P16 +Electronic signatures +not built +- `} {
		if !regexp.MustCompile(line).MatchString(out) {
			t.Errorf("no line %q in\n%s", line, out)
		}
	}
	if lines := strings.Count(out, "\n"); lines != 63 {
		t.Errorf("%d lines", lines)
	}
}

// An auditor's package of a running system has its files, and verifies by what the server says is the ledger's key.
func TestPackagesOfARunningSystemVerify(t *testing.T) {
	dir := tryOutSystem(t, "--patients", "1")
	file := filepath.Join(t.TempDir(), "package.zip")
	until := time.Now().AddDate(0, 1, 0).Format(time.DateOnly)
	if code, _, said := command(t, "controls", "attest", "GDPR 37", "--statement", "She is named", "--expires", until, "--data", dir); code != exitClean {
		t.Fatal(said)
	}
	for _, step := range []struct {
		code int
		says string
		args []string
	}{
		{exitError, "is a day such as", []string{"--from", "soon"}},
		{exitError, "not both", []string{"--sample", "--complete"}},
		{exitError, "before it begins", []string{"--from", "2026-10-02", "--to", "2026-10-01"}},
		{exitError, "no entries of this period", []string{"--to", "2020-01-01"}},
		{exitError, "no policy permits this", []string{"--as", "admin"}},
		{exitClean, "verify it by", nil},
		{exitError, "is there already", nil},
	} {
		code, out, said := command(t, append([]string{"assess", "--package", file, "--data", dir}, step.args...)...)
		if code != step.code || !strings.Contains(out+said, step.says) {
			t.Errorf("%q: %d %s%s; want %d and %q", step.args, code, out, said, step.code, step.says)
		}
	}
	info, err := target{Data: dir}.running()
	if err != nil {
		t.Fatal(err)
	}
	tls, err := clientTLS(info.CA)
	if err != nil {
		t.Fatal(err)
	}
	key, err := (&client{http: &http.Client{Transport: &http.Transport{TLSClientConfig: tls}}, base: info.URL}).do(t.Context(), http.MethodGet, "/ledger/key", nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := dossier.Verify(bytes.NewReader(text), int64(len(text)), strings.Fields(string(key))...)
	if err != nil || !r.Good() || r.Rows["accounts"] == 0 {
		t.Fatalf("%v %+v", err, r)
	}
	var names []string
	for _, f := range r.Manifest.Files {
		names = append(names, f.Name)
	}
	for _, want := range []string{"accounts.csv", "controls.csv", "controls.json", "index.html", "oscal/assessment-results.json", "policies/house.cedar", "registers/attestation.ndjson", "populations/accounts.csv"} {
		if !slices.Contains(names, want) {
			t.Errorf("%s is not in %q", want, names)
		}
	}
}
