package rights_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/privacy/rights"
)

// accounting is what the API answers with.
type accounting struct {
	Patient string
	Keys    []string
	Lines   []rights.Line
}

func (o *office) accounting(t *testing.T, as, query string) accounting {
	t.Helper()
	return decoded[accounting](t, o.get(t, as, "patients/ann/disclosures"+query, http.StatusOK))
}

func (a accounting) recipients() []string {
	list := []string{}
	for _, l := range a.Lines {
		list = append(list, l.Recipient)
	}
	return list
}

// sequence brings every entry into the tree.
func (o *office) sequence(t *testing.T) {
	t.Helper()
	for {
		n, err := o.Audit.Sequence(t.Context())
		if err != nil && !errs.Is(err, errs.Conflict) {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// disclosed is a statement as the officer sends it.
func disclosed(recipient, ground, more string) string {
	return `{"recipient":"` + recipient + `","what":"the immunization record","purpose":"a reportable disease","ground":"` + ground + `"` + more + `}`
}

// The accounting tells what 45 CFR 164.528 asks for, and leaves out what (a)(1) does.
func TestAccountingLeavesOutWhatTheRuleDoes(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		grounds := map[string]bool{}
		for _, g := range []string{"public-health", "abuse", "oversight", "judicial", "law-enforcement", "decedents", "donation", "research", "threat",
			"government", "workers-compensation", "required-by-law", "secretary", "breach"} {
			grounds[g] = true
		}
		for _, g := range []string{"treatment", "payment", "operations", "individual", "incident", "authorization", "directory", "national-security", "custody", "limited-data-set"} {
			grounds[g] = false
		}
		for g := range grounds {
			o.post(t, "privacy", "patients/ann/disclosures", disclosed(g, g, ""), http.StatusOK)
		}
		o.post(t, "privacy", "patients/bob/disclosures", disclosed("about bob", "breach", ""), http.StatusOK)
		told, all := map[string]bool{}, map[string]bool{}
		for _, to := range o.accounting(t, "ann", "").recipients() {
			told[to] = true
		}
		for _, to := range o.accounting(t, "ann", "?all=true").recipients() {
			all[to] = true
		}
		for g, counted := range grounds {
			if told[g] != counted || !all[g] {
				t.Errorf("%s: told %v, want %v; among all %v", g, told[g], counted, all[g])
			}
		}
		if len(all) != len(grounds) {
			t.Errorf("%d recipients, want %d: another patient's are among them", len(all), len(grounds))
		}
		for _, body := range []string{
			disclosed("x", "nonsense", ""), disclosed("", "breach", ""), disclosed("x", "breach", `,"date":"2100-01-01T00:00:00Z"`),
			disclosed("x", "breach", `,"withheld_until":"2100-01-01T00:00:00Z"`),
			disclosed("x", "law-enforcement", `,"oral":true,"withheld_until":"2100-01-01T00:00:00Z"`),
		} {
			o.post(t, "privacy", "patients/ann/disclosures", body, http.StatusBadRequest)
		}
	})
}

// What an agency asked to withhold is not in the patient's answers until its time has passed: neither in the
// accounting nor among those who looked. The officer sees it.
func TestWithheldDisclosuresAreToldLater(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		until := o.Now().Add(10 * day).UTC().Format(time.RFC3339)
		before := string(o.get(t, "ann", "patients/ann/disclosures", http.StatusOK))
		looks := string(o.get(t, "ann", "patients/ann/accesses", http.StatusOK))
		o.post(t, "privacy", "patients/ann/disclosures", disclosed("the police", "law-enforcement", `,"oral":true,"withheld_until":"`+until+`"`), http.StatusOK)
		if diff := cmp.Diff(before, string(o.get(t, "ann", "patients/ann/disclosures", http.StatusOK))); diff != "" {
			t.Errorf("the accounting shows it (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(looks, string(o.get(t, "ann", "patients/ann/accesses", http.StatusOK))); diff != "" {
			t.Errorf("those who looked show it (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"the police"}, o.accounting(t, "privacy", "").recipients()); diff != "" {
			t.Errorf("the officer (-want +got):\n%s", diff)
		}
		o.Advance(11 * day)
		if diff := cmp.Diff([]string{"the police"}, o.accounting(t, "ann", "").recipients()); diff != "" {
			t.Errorf("after its time (-want +got):\n%s", diff)
		}
	})
}

// An accounting goes six years back from when it is asked for, and no further.
func TestAccountingGoesSixYearsBack(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		date := func(years, days int) string {
			return `,"date":"` + o.Now().AddDate(-years, 0, days).UTC().Format(time.RFC3339) + `"`
		}
		o.post(t, "privacy", "patients/ann/disclosures", disclosed("old", "judicial", date(6, -1)), http.StatusOK)
		o.post(t, "privacy", "patients/ann/disclosures", disclosed("young", "judicial", date(6, 1)), http.StatusOK)
		o.post(t, "privacy", "patients/ann/disclosures", disclosed("new", "judicial", ""), http.StatusOK)
		if diff := cmp.Diff([]string{"young", "new"}, o.accounting(t, "ann", "").recipients()); diff != "" {
			t.Errorf("six years (-want +got):\n%s", diff)
		}
		from := "?from=" + o.Now().AddDate(-1, 0, 0).UTC().Format(time.RFC3339)
		if diff := cmp.Diff([]string{"new"}, o.accounting(t, "ann", from).recipients()); diff != "" {
			t.Errorf("a year (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"young"}, o.accounting(t, "ann", "?to="+o.Now().AddDate(-1, 0, 0).UTC().Format(time.RFC3339)).recipients()); diff != "" {
			t.Errorf("but the last year (-want +got):\n%s", diff)
		}
	})
}

// A patient checks each line alone, with what the Go project publishes for transparency logs and nothing of ours:
// the walkthrough of docs/patient-rights.md, step by step.
func TestPatientChecksEachLineAlone(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.post(t, "privacy", "patients/ann/disclosures", disclosed("the health office", "public-health", ""), http.StatusOK)
		o.sequence(t)
		o.post(t, "privacy", "patients/bob/disclosures", disclosed("another", "judicial", ""), http.StatusOK)
		o.sequence(t)
		a := o.accounting(t, "ann", "")
		if len(a.Lines) != 1 {
			t.Fatalf("%d lines", len(a.Lines))
		}
		l := a.Lines[0]
		if err := checkAlone(a.Keys, l); err != nil {
			t.Errorf("a true line: %v", err)
		}
		lie := l
		lie.Parts = []rights.Part{l.Parts[0]}
		lie.Parts[0].Plaintext = bytes.Replace(l.Parts[0].Plaintext, []byte("the health office"), []byte("your employer"), 1)
		if checkAlone(a.Keys, lie) == nil {
			t.Error("a line that was altered passes")
		}
		lie = l
		lie.Proof = strings.Replace(l.Proof, "index ", "index 1", 1)
		if checkAlone(a.Keys, lie) == nil {
			t.Error("a proof of another place passes")
		}
		if checkAlone([]string{"example.org+2a8d66ea+AbnFWxVYHKLuNeGGyvqA8IYsSGrVgfpoTf7K5zOmdLv5"}, l) == nil {
			t.Error("a proof by another ledger's key passes")
		}
	})
}

// checkAlone is the walkthrough. It uses golang.org/x/mod's note and tlog, SHA-256 and base64.
func checkAlone(keys []string, l rights.Line) error {
	head, signed, ok := strings.Cut(l.Proof, "\n\n") // 1. the proof's lines, and the signed checkpoint
	lines := strings.Split(head, "\n")
	if !ok || len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("no tlog-proof")
	}
	var verifiers []note.Verifier // 2. the ledger signed the checkpoint
	for _, k := range keys {
		v, err := note.NewVerifier(k)
		if err != nil {
			return err
		}
		verifiers = append(verifiers, v)
	}
	checkpoint, err := note.Open([]byte(signed), note.VerifierList(verifiers...))
	if err != nil {
		return err
	}
	parts := strings.Split(checkpoint.Text, "\n") // 3. it names the size and the root of the tree
	size, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := tlog.ParseHash(parts[2])
	if err != nil {
		return err
	}
	entry, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra ")) // 4. the tree holds the entry
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64)
	if err != nil {
		return err
	}
	var path tlog.RecordProof
	for _, line := range lines[3:] {
		h, err := tlog.ParseHash(line)
		if err != nil {
			return err
		}
		path = append(path, h)
	}
	if err := tlog.CheckRecord(path, size, root, index, tlog.RecordHash(entry)); err != nil {
		return err
	}
	for _, part := range l.Parts { // 5. the entry is committed to the statement
		sum := sha256.Sum256(append(bytes.Clone(part.Salt), part.Plaintext...))
		var said rights.Disclosure
		if err := json.Unmarshal(part.Plaintext, &said); err != nil {
			return err
		}
		if bytes.Contains(entry, sum[:]) && said.Recipient == l.Recipient && said.Date.Equal(l.Date) {
			return nil
		}
	}
	return fmt.Errorf("no part of the entry says this")
}
