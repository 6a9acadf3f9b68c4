package downtime

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
)

const passphrase = "twelve violet tractors"

func extract() Extract {
	made := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	return Extract{
		Head: Head{ID: "e1", Ward: "ward-1", By: "nurse", Created: made, Expires: made.Add(24 * time.Hour)},
		Charts: []Chart{{Patient: "Patient/ann", Resources: []json.RawMessage{
			json.RawMessage(`{"resourceType":"Patient","id":"ann","name":[{"family":"Ames <b>","given":["Ann"]}],"birthDate":"1950-02-03"}`),
			json.RawMessage(`{"resourceType":"AllergyIntolerance","id":"a","clinicalStatus":{"coding":[{"code":"active"}]},"code":{"text":"Penicillin"}}`),
		}}},
	}
}

func sealed(t *testing.T) []byte {
	t.Helper()
	file, err := Seal(extract(), passphrase)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func unlocked(t *testing.T, file []byte) *File {
	t.Helper()
	f, err := Unlock(file, passphrase)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAnExtractOpensUntilItsEnd(t *testing.T) {
	file := sealed(t)
	if bytes.Contains(file, []byte("Ames")) || bytes.Contains(file, []byte("ann")) {
		t.Error("the file shows whom it holds")
	}
	f, x := unlocked(t, file), extract()
	for at, opens := range map[time.Time]bool{
		x.Created: true, x.Expires.Add(-time.Second): true, x.Expires: false, x.Expires.Add(time.Hour): false, x.Created.Add(-2 * time.Hour): false,
	} {
		charts, err := f.Open(at)
		if opens != (err == nil) || !opens && (charts != nil || !errs.Is(err, errs.Gone)) {
			t.Errorf("at %v: %v", at, err)
		}
	}
	charts, _ := f.Open(x.Created)
	if diff := cmp.Diff(x.Charts, charts); diff != "" {
		t.Errorf("charts (-want +got): %s", diff)
	}
}

// The end and everything else that is readable is authenticated: no byte of a file can be changed.
func TestAChangedFileOpensNothing(t *testing.T) {
	file := sealed(t)
	later := bytes.Replace(file, []byte(`"expires":"2026-11-23`), []byte(`"expires":"2036-11-23`), 1)
	if bytes.Equal(later, file) {
		t.Fatal("the end does not lie where the attack looks for it")
	}
	flipped := bytes.Clone(file)
	flipped[len(flipped)-1] ^= 1
	weak := bytes.Replace(file, []byte(`rounds":600000`), []byte(`rounds":100000`), 1)
	endless := bytes.Replace(file, []byte(`rounds":600000`), []byte(`rounds":2000000000`), 1)
	for name, text := range map[string][]byte{
		"a later end": later, "a flipped bit": flipped, "fewer rounds": weak, "endless rounds": endless,
		"cut short": file[:len(file)-20], "nothing": nil, "another file": []byte("hello\nworld\n"),
	} {
		if _, err := Unlock(text, passphrase); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Unlock(file, passphrase+"!"); !errs.Is(err, errs.Invalid) {
		t.Errorf("another passphrase: %v", err)
	}
}

func TestWeakExtractsAreNotMade(t *testing.T) {
	long, none := extract(), extract()
	long.Expires, none.Expires = long.Created.Add(Longest+1), none.Created
	for name, c := range map[string]struct {
		x    Extract
		pass string
	}{"a short passphrase": {extract(), "elevenchars"}, "a life too long": {long, passphrase}, "no life": {none, passphrase}} {
		if _, err := Seal(c.x, c.pass); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheLogIsAChain(t *testing.T) {
	f := unlocked(t, sealed(t))
	path := filepath.Join(t.TempDir(), "ward.log")
	at := extract().Created
	for _, who := range []string{"ann", "bob", "eve"} {
		if err := f.Note(path, at, who, "pc-7"); err != nil {
			t.Fatal(err)
		}
	}
	list, err := f.Log(path)
	if err != nil || len(list) != 3 || list[1].Who != "bob" || list[2].Number != 3 {
		t.Fatalf("log: %+v, %v", list, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for name, edited := range map[string]string{
		"another name":  strings.Replace(string(text), "eve", "ann", 1),
		"a line less":   lines[0] + lines[2],
		"another order": lines[1] + lines[0] + lines[2],
		"a line twice":  lines[0] + lines[0],
		"the first cut": lines[1] + lines[2],
		"no JSON":       string(text) + "x\n",
	} {
		if err := os.WriteFile(path, []byte(edited), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := f.Log(path); !errs.Is(err, errs.Conflict) {
			t.Errorf("%s: %v", name, err)
		}
		if err := f.Note(path, at, "ann", "pc-7"); err == nil {
			t.Errorf("%s: a line was added behind it", name)
		}
	}
	// The log of one file is not another's.
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := unlocked(t, sealed(t)).Log(path); !errs.Is(err, errs.Conflict) {
		t.Errorf("the log of another file: %v", err)
	}
}

func TestThePageShowsTheChartAndRunsNothing(t *testing.T) {
	f := unlocked(t, sealed(t))
	var b bytes.Buffer
	if err := f.WriteHTML(&b, extract().Charts); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Ames &lt;b&gt;, Ann", "1950-02-03", "Penicillin", "active", "ward-1"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(b.String(), "<script") || strings.Contains(b.String(), "<b>") {
		t.Error("the page has markup of the chart's")
	}
}
