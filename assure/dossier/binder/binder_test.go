package binder_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/assure/dossier/binder"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/store"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// house is a system with a past.
type house struct {
	*rig.Rig
	now    time.Time
	binder *binder.Binder
	vkeys  []string
}

// past is a system in which, an entry a second and a hundred in a batch, things happened for some while until now.
func past(t *testing.T, r *rig.Rig, entries int) *house {
	t.Helper()
	h := &house{Rig: r, now: time.Now().UTC().Truncate(time.Second)}
	actions := []tutela.Action{tutela.ActionRead, tutela.ActionRead, tutela.ActionSearch, tutela.ActionAuthenticate, tutela.ActionUserRoles, tutela.ActionIncidentOpen, tutela.ActionPipelineReport, tutela.ActionRead}
	for i := range entries {
		_, err := r.Audit.Append(t.Context(), tutela.Entry{
			Time: h.now.Add(time.Duration(i-entries) * time.Second), Actor: tutela.Actor{ID: "u-ann", Kind: tutela.ActorPerson, Name: "=ann()"}, Action: actions[i%len(actions)],
			Outcome: tutela.OutcomeSuccess, Subject: &tutela.Subject{Kind: "thing", ID: fmt.Sprint("thing-", i)}, Patients: []tutela.Touched{{Patient: tutela.Bucket(i)}},
		}, nil)
		must(t, err)
		if i%100 == 99 {
			_, err := r.Audit.Sequence(t.Context())
			must(t, err)
		}
	}
	h.binder = binder.New(binder.Config{Audit: r.Audit, Clock: func() time.Time { return h.now }, Tenant: "rig", Sources: func(context.Context) ([]binder.Source, error) {
		return []binder.Source{{Name: "controls.json", Write: func(_ context.Context, w io.Writer) error { _, err := io.WriteString(w, "{}\n"); return err }}}, nil
	}})
	var err error
	h.vkeys, err = r.Audit.VerifierKeys(t.Context())
	must(t, err)
	return h
}

func entry() tutela.Entry {
	return tutela.Entry{Actor: tutela.Actor{ID: "u-aud", Kind: tutela.ActorPerson, Name: "auditor"}, Action: tutela.ActionPackageMake}
}

func (h *house) write(t *testing.T, a binder.Asked) ([]byte, dossier.Manifest) {
	t.Helper()
	p, err := h.binder.Plan(t.Context(), entry(), a)
	must(t, err)
	var b bytes.Buffer
	m, err := h.binder.Write(t.Context(), &b, entry(), p)
	must(t, err)
	return b.Bytes(), m
}

func verify(t *testing.T, b []byte, vkeys ...string) *dossier.Report {
	t.Helper()
	r, err := dossier.Verify(bytes.NewReader(b), int64(len(b)), vkeys...)
	must(t, err)
	return r
}

// files unpacks a package.
func files(t *testing.T, b []byte) map[string][]byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	must(t, err)
	all := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		must(t, err)
		all[f.Name], err = io.ReadAll(r)
		must(t, err)
	}
	return all
}

// pack is files' reverse.
func pack(t *testing.T, all map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range all {
		w, err := z.Create(name)
		must(t, err)
		_, err = w.Write(text)
		must(t, err)
	}
	must(t, z.Close())
	return b.Bytes()
}

// A package of any period verifies by the ledger's key alone, and its tables have what happened then: each row, and no other.
func TestPackagesVerify(t *testing.T) {
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		h := past(t, r, 1200)
		second := func(i int) time.Time { return h.now.Add(time.Duration(i-1200) * time.Second) }
		for name, c := range map[string]struct {
			asked binder.Asked
			rows  map[string]int
			whole bool
		}{
			"all":              {binder.Asked{}, map[string]int{"accounts": 150, "incidents": 150, "pipelines": 150, "access": 600, "logins": 150}, true},
			"a sample of all":  {binder.Asked{Sampled: true, Word: "the auditor's"}, map[string]int{"accounts": 150, "incidents": 150, "pipelines": 150}, false},
			"a middle":         {binder.Asked{From: second(400), To: second(800)}, map[string]int{"accounts": 50, "incidents": 50, "pipelines": 50, "access": 200, "logins": 50}, true},
			"a sample of it":   {binder.Asked{From: second(400), To: second(800), Sampled: true}, map[string]int{"accounts": 50, "incidents": 50, "pipelines": 50}, false},
			"one entry":        {binder.Asked{From: second(700), To: second(701)}, map[string]int{"accounts": 1}, true},
			"from in the past": {binder.Asked{From: second(-9000), To: second(8)}, map[string]int{"accounts": 1, "access": 4}, true},
		} {
			b, m := h.write(t, c.asked)
			got := verify(t, b, h.vkeys...)
			if !got.Good() || m.Complete != c.whole {
				t.Errorf("%s: complete %v: %v", name, m.Complete, got.Problems)
			}
			for p, n := range c.rows {
				if got.Rows[p] != n {
					t.Errorf("%s: %d rows of %s, want %d", name, got.Rows[p], p, n)
				}
			}
			if _, there := got.Rows["access"]; there != c.whole {
				t.Errorf("%s: a table of accesses: %v", name, there)
			}
			text := string(files(t, b)["populations/accounts.csv"])
			if strings.Contains(text, ",=ann()") || !strings.Contains(text, ",'=ann(),") || strings.Count(text, "\n") != c.rows["accounts"]+1 {
				t.Errorf("%s: %.300s", name, text)
			}
		}
	})
}

// Whoever changes a byte of any file, takes one away, adds one or brings another package's proof is found.
func TestAlteredPackagesAreFound(t *testing.T) {
	h := past(t, rig.Open(t, rig.Config{}), 300)
	for name, asked := range map[string]binder.Asked{"complete": {}, "sample": {Sampled: true}} {
		b, _ := h.write(t, asked)
		if got := verify(t, b, h.vkeys...); !got.Good() {
			t.Fatal(got.Problems)
		}
		clean := files(t, b)
		h.now = h.now.Add(time.Minute)
		other, _ := h.write(t, asked)
		refused := func(what string, all map[string][]byte) {
			t.Helper()
			packed := pack(t, all)
			r, err := dossier.Verify(bytes.NewReader(packed), int64(len(packed)), h.vkeys...)
			if err == nil && r.Good() {
				t.Errorf("%s: %s is not seen", name, what)
			}
		}
		for file, text := range clean {
			for _, at := range []int{0, len(text) / 3, len(text) / 2, len(text) - 2} {
				all := cloned(clean)
				all[file][at] ^= 1
				refused(fmt.Sprintf("byte %d of %s", at, file), all)
			}
			all := cloned(clean)
			delete(all, file)
			refused("without "+file, all)
			all = cloned(clean)
			all[file] = append(all[file], '\n', 'x')
			refused("more in "+file, all)
		}
		all := cloned(clean)
		all["extra.csv"] = []byte("a")
		refused("another file", all)
		all = cloned(clean)
		all[dossier.ProofFile] = files(t, other)[dossier.ProofFile]
		refused("another package's proof", all)
		all[dossier.ManifestFile] = files(t, other)[dossier.ManifestFile]
		refused("another package's manifest and proof", all)
	}
}

func cloned(all map[string][]byte) map[string][]byte {
	c := map[string][]byte{}
	for name, text := range all {
		c[name] = bytes.Clone(text)
	}
	return c
}

// forged lets a house that owns the ledger's key leave things out before the package is sealed: manifest, seal and proof
// are real, and made by it.
func (h *house) forged(t *testing.T, all map[string][]byte, edit func(*dossier.Manifest)) []byte {
	t.Helper()
	var m dossier.Manifest
	must(t, json.Unmarshal(all[dossier.ManifestFile], &m))
	edit(&m)
	for i, f := range m.Files {
		sum := sha256.Sum256(all[f.Name])
		m.Files[i].SHA256, m.Files[i].Bytes = hex.EncodeToString(sum[:]), int64(len(all[f.Name]))
	}
	text, err := json.Marshal(m)
	must(t, err)
	sum := sha256.Sum256(text)
	e := entry()
	e.ID, e.Time, e.Action, e.Outcome, e.Subject = audit.NewID(), h.now, dossier.Sealing, tutela.OutcomeSuccess, &tutela.Subject{Kind: "package", ID: hex.EncodeToString(sum[:])}
	_, err = h.Audit.Append(t.Context(), e, nil)
	must(t, err)
	_, err = h.Audit.Sequence(t.Context())
	must(t, err)
	seal, err := h.Audit.Find(t.Context(), audit.Query{ID: e.ID})
	must(t, err)
	var p dossier.Proof
	var spans []audit.Span
	for text := range bytes.Lines(all[dossier.LeavesFile]) {
		var l dossier.Line
		must(t, json.Unmarshal(text, &l))
		spans = append(spans, audit.Span{From: l.Leaf, End: l.Leaf + 1})
	}
	edge := []audit.Span{{From: m.End, End: m.End + 1}}
	if seal > m.End {
		edge = append(edge, audit.Span{From: seal, End: seal + 1})
	}
	spans = append(spans, edge...)
	slices.SortFunc(spans, func(a, b audit.Span) int { return int(a.From - b.From) })
	spans = slices.Compact(spans)
	must(t, h.Audit.Leaves(t.Context(), edge, func(l audit.Leaf) error {
		p.Seal = dossier.Line{Leaf: l.Index, Sealed: l.Sealed, Salt: l.Header.Salt, Header: l.Header.Plaintext}
		if l.Index == m.End {
			p.After = p.Seal
		}
		return nil
	}))
	in, err := h.Audit.Include(t.Context(), spans)
	must(t, err)
	p.Checkpoint = string(in.Checkpoint)
	for _, hash := range in.Hashes {
		p.Hashes = append(p.Hashes, hash[:])
	}
	all = cloned(all)
	all[dossier.ManifestFile] = text
	all[dossier.ProofFile], err = json.Marshal(p)
	must(t, err)
	return pack(t, all)
}

// without takes the nth line out of a text, counted from its end.
func without(text []byte, n int) []byte {
	lines := slices.Collect(bytes.Lines(text))
	n = len(lines) - 1 - n
	return bytes.Join(slices.Delete(slices.Clone(lines), n, n+1), nil)
}

// A house that seals a package in which it left something out, or altered it, is found too.
func TestDishonestHousesAreFound(t *testing.T) {
	h := past(t, rig.Open(t, rig.Config{}), 300)
	same := func(*dossier.Manifest) {}
	for name, asked := range map[string]binder.Asked{"complete": {From: h.now.Add(-200 * time.Second), To: h.now.Add(-50 * time.Second)}, "sample": {From: h.now.Add(-200 * time.Second), To: h.now.Add(-50 * time.Second), Sampled: true}} {
		b, _ := h.write(t, asked)
		clean := files(t, b)
		if got := verify(t, h.forged(t, clean, same), h.vkeys...); !got.Good() {
			t.Fatalf("%s: the forger itself does not work: %v", name, got.Problems)
		}
		for what, f := range map[string]func(map[string][]byte) func(*dossier.Manifest){
			"a row left out of a table": func(all map[string][]byte) func(*dossier.Manifest) {
				all["populations/accounts.csv"] = without(all["populations/accounts.csv"], 3)
				return same
			},
			"a row altered": func(all map[string][]byte) func(*dossier.Manifest) {
				all["populations/incidents.csv"] = bytes.Replace(all["populations/incidents.csv"], []byte("incident.open"), []byte("incident.note"), 1)
				return same
			},
			"a leaf at the edge left out": func(all map[string][]byte) func(*dossier.Manifest) {
				all[dossier.LeavesFile] = without(all[dossier.LeavesFile], 0)
				return same
			},
			"another header under a leaf": func(all map[string][]byte) func(*dossier.Manifest) {
				lines := slices.Collect(bytes.Lines(all[dossier.LeavesFile]))
				var one, two dossier.Line
				must(t, json.Unmarshal(lines[5], &one))
				must(t, json.Unmarshal(lines[6], &two))
				one.Header, one.Salt = two.Header, two.Salt
				lines[5], _ = json.Marshal(one)
				lines[5] = append(lines[5], '\n')
				all[dossier.LeavesFile] = bytes.Join(lines, nil)
				return same
			},
			"a shorter span": func(map[string][]byte) func(*dossier.Manifest) { return func(m *dossier.Manifest) { m.End -= 20 } },
			"a later span":   func(map[string][]byte) func(*dossier.Manifest) { return func(m *dossier.Manifest) { m.First += 20 } },
			"another tenant": func(map[string][]byte) func(*dossier.Manifest) {
				return func(m *dossier.Manifest) { m.Tenant = "clinic-b" }
			},
			"no span": func(map[string][]byte) func(*dossier.Manifest) { return func(m *dossier.Manifest) { m.End = m.First } },
		} {
			all := cloned(clean)
			edit := f(all)
			if got := verify(t, h.forged(t, all, edit), h.vkeys...); got.Good() {
				t.Errorf("%s: %s is not seen", name, what)
			}
		}
		if name == "complete" {
			all := cloned(clean)
			all[dossier.LeavesFile] = without(all[dossier.LeavesFile], 40)
			if got := verify(t, h.forged(t, all, same), h.vkeys...); got.Good() {
				t.Error("a leaf left out of all is not seen")
			}
			continue
		}
		if got := verify(t, h.forged(t, cloned(clean), func(m *dossier.Manifest) { m.Seed = strings.Repeat("0", 64) }), h.vkeys...); got.Good() {
			t.Error("a sample drawn by something else is not seen")
		}
	}
}

// Another ledger's key, or one that signed nothing of it, verifies nothing.
func TestPackagesOfOthersAreRefused(t *testing.T) {
	h, other := past(t, rig.Open(t, rig.Config{}), 100), past(t, rig.Open(t, rig.Config{}), 100)
	b, _ := h.write(t, binder.Asked{})
	for name, vkeys := range map[string][]string{"another ledger's": other.vkeys, "none": nil, "no key at all": {"x+y+z"}} {
		if r, err := dossier.Verify(bytes.NewReader(b), int64(len(b)), vkeys...); err == nil && r.Good() {
			t.Errorf("%s verifies it", name)
		}
	}
	for name, b := range map[string][]byte{"nothing": nil, "no zip": []byte("PK"), "an empty zip": pack(t, nil), "another zip": pack(t, map[string][]byte{"a": []byte("b")})} {
		if _, err := dossier.Verify(bytes.NewReader(b), int64(len(b)), h.vkeys...); err == nil {
			t.Errorf("%s is taken for a package", name)
		}
	}
}

// The check goes red when a hash of the ledger's tree was edited, since no package verifies any more, and green when it is as
// it was.
func TestCheckOfPackagesSeesAnEditedTree(t *testing.T) {
	h := past(t, rig.Open(t, rig.Config{}), 600)
	w := testkit.Sabotage(t, "govern.package-verifies")
	try := h.binder.Checks()[0].Try
	w.Expect(try(t.Context()), tutela.Pass, "it verifies, and not when it is altered")
	first, err := h.Audit.Tile(t.Context(), 0, 0, 256)
	must(t, err)
	second, err := h.Audit.Tile(t.Context(), 0, 1, 256)
	must(t, err)
	put := func(hashes []byte) {
		must(t, h.DB.Update(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE ledger_tiles SET hashes = ? WHERE level = 0 AND idx = 0`, hashes)
			return err
		}))
	}
	put(second)
	w.Expect(try(t.Context()), tutela.Fail, "does not verify")
	put(first)
	w.Expect(try(t.Context()), tutela.Pass)
	h.now = h.now.Add(2 * time.Hour)
	w.Expect(try(t.Context()), tutela.NotApplicable)
}

// Of a busy hour the check takes the end: a package of all of it would be held in memory.
func TestCheckOfPackagesTakesTheEndOfABusyHour(t *testing.T) {
	h := past(t, rig.Open(t, rig.Config{}), 10)
	for i := range 5000 {
		_, err := h.Audit.Append(t.Context(), tutela.Entry{
			Time: h.now.Add(time.Duration(i-5000) * 500 * time.Millisecond), Actor: tutela.Actor{ID: "u-ann", Kind: tutela.ActorPerson}, Action: tutela.ActionRead, Outcome: tutela.OutcomeSuccess,
		}, nil)
		must(t, err)
		if i%500 == 499 {
			_, err := h.Audit.Sequence(t.Context())
			must(t, err)
		}
	}
	e := h.binder.Checks()[0].Try(t.Context())
	_, rest, _ := strings.Cut(e.Observed, "files, ")
	n, err := strconv.Atoi(strings.Split(rest, " ")[0])
	if err != nil || e.Verdict != tutela.Pass || n < 500 || n > 4096 {
		t.Errorf("%d entries: %+v", n, e)
	}
}

func TestWhatCannotBePackagedIsRefused(t *testing.T) {
	h := past(t, rig.Open(t, rig.Config{}), 10)
	for name, c := range map[string]struct {
		asked binder.Asked
		kind  errs.Kind
	}{
		"a period backwards":    {binder.Asked{From: h.now, To: h.now.Add(-time.Hour)}, errs.Invalid},
		"the future":            {binder.Asked{From: h.now.Add(time.Hour)}, errs.Invalid},
		"both":                  {binder.Asked{Complete: true, Sampled: true}, errs.Invalid},
		"a word of two lines":   {binder.Asked{Word: "a\nb"}, errs.Invalid},
		"when nothing happened": {binder.Asked{To: h.now.Add(-time.Hour)}, errs.NotFound},
	} {
		if _, err := h.binder.Plan(t.Context(), entry(), c.asked); !errs.Is(err, c.kind) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
