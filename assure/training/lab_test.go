package training_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/assure/training"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
)

// mended is the lab of the starter's module as somebody mended it.
func mended(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"chart.py", "service.dockerfile", "settings.env"} {
		text, err := os.ReadFile(filepath.Join("testdata", "lab", name))
		must(t, err)
		files[name] = string(text)
	}
	return files
}

// mine is what is for somebody of a module.
func (h *house) mine(t *testing.T, who, id string) training.Mine {
	t.Helper()
	p, _ := h.as(t, who)
	list, err := h.Mine(t.Context(), p.ID)
	must(t, err)
	for _, m := range list {
		if m.ID == id {
			return m
		}
	}
	t.Fatalf("no module %s is for %s", id, who)
	return training.Mine{}
}

const secure = "secure-development"

// A lab counts when a scan finds nothing in it and nothing is lost; it and the questions are both to be done, each again when
// its months are over.
func TestLabsAreMended(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		h := opened(t, r)
		r.Token(t, "developer")
		p, entry := h.as(t, "developer")
		_, err := h.Begin(t.Context(), entry)
		must(t, err)
		m := h.mine(t, "developer", secure)
		hand := func(files map[string]string) training.Handed {
			t.Helper()
			got, err := h.HandIn(t.Context(), p, entry, secure, m.Digest, files)
			must(t, err)
			return got
		}
		rules := func(got training.Handed) (list string) {
			for _, f := range got.Faults {
				list += f.Rule + " "
			}
			return list
		}
		got := hand(m.Lab.Files)
		for _, want := range []string{"code.sql-injection", "code.command-injection", "secret.password", "iac.root-user"} {
			if !strings.Contains(rules(got), want) || got.Mended {
				t.Errorf("%s is not told: %+v", want, got)
			}
		}
		emptied := maps.Clone(m.Lab.Files)
		for name := range emptied {
			emptied[name] = ""
		}
		if got := hand(emptied); got.Mended || len(got.Lost) != len(m.Lab.Keeps) {
			t.Errorf("empty files: %+v", got)
		}
		half := mended(t)
		half["settings.env"] = m.Lab.Files["settings.env"]
		if got := hand(half); got.Mended || rules(got) != "secret.password " {
			t.Errorf("half of it: %+v", got)
		}
		if h.mine(t, "developer", secure).Result != nil {
			t.Error("a lab that is not mended left a result")
		}
		if got := hand(mended(t)); !got.Mended || got.Result == nil || !got.Result.Last.IsZero() {
			t.Fatalf("%+v", got)
		}
		if _, err := h.Certify(t.Context(), p, secure); !errs.Is(err, errs.Conflict) {
			t.Errorf("half of it is certified: %v", err)
		}
		taken, err := h.Take(t.Context(), p, entry, secure, m.Digest, []int{2, 1, 2, 3, 1})
		if err != nil || !taken.Pass || !taken.Last.Equal(h.now) {
			t.Fatalf("%+v %v", taken, err)
		}
		if m := h.mine(t, "developer", secure); !m.Until.IsZero() {
			t.Errorf("passed, and it is to be taken by %v", m.Until)
		}
		passed := h.now
		h.now = h.now.AddDate(0, 13, 0)
		if taken, err = h.Take(t.Context(), p, entry, secure, m.Digest, []int{2, 1, 2, 3, 1}); err != nil || !taken.Last.Equal(passed) {
			t.Errorf("the lab of last year counts: %+v %v", taken, err)
		}
		if got := hand(mended(t)); got.Result == nil || !got.Result.Last.Equal(h.now) {
			t.Errorf("both again: %+v", got.Result)
		}
	})
}

// What is handed in is foreign: other files than were given, too much of them, and what is no text, are not looked at.
func TestHostileLabsAreRefused(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	h.rig.Token(t, "developer")
	p, entry := h.as(t, "developer")
	_, err := h.Begin(t.Context(), entry)
	must(t, err)
	m := h.mine(t, "developer", secure)
	with := func(name, text string) map[string]string {
		files := mended(t)
		files[name] = text
		return files
	}
	less := mended(t)
	delete(less, "settings.env")
	for name, c := range map[string]struct {
		id, digest string
		files      map[string]string
		kind       errs.Kind
	}{
		"outside":        {secure, m.Digest, with("../../chart.py", "x"), errs.Invalid},
		"a policy":       {secure, m.Digest, with(".tutela.yaml", "waivers: []"), errs.Invalid},
		"one less":       {secure, m.Digest, less, errs.Invalid},
		"too long":       {secure, m.Digest, with("chart.py", strings.Repeat("a", 70_000)), errs.Invalid},
		"no text":        {secure, m.Digest, with("chart.py", "\xff"), errs.Invalid},
		"nothing":        {secure, m.Digest, nil, errs.Invalid},
		"an old one":     {secure, "00", mended(t), errs.Conflict},
		"without a lab":  {"privacy-basics", "", mended(t), errs.Conflict},
		"of no such one": {"none", "", mended(t), errs.NotFound},
	} {
		if got, err := h.HandIn(t.Context(), p, entry, c.id, c.digest, c.files); !errs.Is(err, c.kind) || got.Mended {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	const head = "---\ntitle: T\nevery: 12\npass: 100\nquestions:\n  - {ask: 'a', answers: [b, c], right: 1}\nlab:\n"
	for name, lab := range map[string]string{
		"nothing wrong": "  files: {a.py: 'x = 1'}\n  keeps: [{file: a.py, has: x}]\n",
		"no keeps":      "  files: {a.py: 'x = 1'}\n",
		"keeps of none": "  files: {a.py: 'x = 1'}\n  keeps: [{file: b.py, has: x}]\n",
		"outside":       "  files: {../a.py: 'x = 1'}\n  keeps: [{file: ../a.py, has: x}]\n",
		"hidden":        "  files: {.tutela.yaml: 'x = 1'}\n  keeps: [{file: .tutela.yaml, has: x}]\n",
		"absolute":      "  files: {/a.py: 'x = 1'}\n  keeps: [{file: /a.py, has: x}]\n",
	} {
		if _, err := h.Put(t.Context(), entry, "mine", []byte(head+lab+"---\nText.\n")); !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Public(err), "lab") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A certificate is verified by the ledger's key alone, and says what was passed and for how long.
func TestCertificatesVerify(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		h := opened(t, r)
		h.put(t, "hands", quiz)
		nurse, _ := h.as(t, "nurse")
		if _, err := h.Certify(t.Context(), nurse, "hands"); !errs.Is(err, errs.Conflict) {
			t.Errorf("before: %v", err)
		}
		_, err := h.take(t, "nurse", 1, 3)
		must(t, err)
		_, err = h.take(t, "nurse", 2, 1) // a failed try afterwards takes nothing away
		must(t, err)
		st, err := h.Certify(t.Context(), nurse, "hands")
		must(t, err)
		keys, err := r.Audit.VerifierKeys(t.Context())
		must(t, err)
		sealed, err := st.Verify(keys...)
		if err != nil || sealed.Kind != training.Certificate {
			t.Fatalf("%+v %v", sealed, err)
		}
		var c training.Certified
		must(t, json.Unmarshal([]byte(st.Text), &c))
		if c.Name != "nurse" || c.Title != "Hands" || c.Score != 100 || !c.Passed.Equal(h.now) || !c.Until.Equal(h.now.AddDate(0, 12, 0)) {
			t.Errorf("%+v", c)
		}
		st.Text = strings.Replace(st.Text, "nurse", "mallory", 1)
		if _, err := st.Verify(keys...); err == nil {
			t.Error("an altered certificate verifies")
		}
		physician, _ := h.as(t, "physician")
		if _, err := h.Certify(t.Context(), physician, "hands"); !errs.Is(err, errs.Conflict) {
			t.Errorf("another's: %v", err)
		}
		h.now = h.now.AddDate(0, 12, 1)
		if _, err := h.Certify(t.Context(), nurse, "hands"); !errs.Is(err, errs.Conflict) {
			t.Errorf("when its time is over: %v", err)
		}
	})
}
