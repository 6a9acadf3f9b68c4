package oscal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure"
	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/oscal"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func shipped(t *testing.T) []catalog.Regulation {
	t.Helper()
	list, err := catalog.Shipped()
	must(t, err)
	for i := range list {
		list[i].Prefix = "" // it is in the ids
	}
	return list
}

func text(t *testing.T, d oscal.Document) []byte {
	t.Helper()
	b, err := json.MarshalIndent(d, "", "  ")
	must(t, err)
	if dir := os.Getenv("TUTELA_OSCAL_OUT"); dir != "" {
		must(t, os.WriteFile(filepath.Join(dir, strings.ReplaceAll(t.Name(), "/", "-")+".json"), b, 0o600))
	}
	return b
}

// A catalogue that is written and read is the same, and makes the same document again.
func TestCatalogsSurviveARoundTrip(t *testing.T) {
	want, at := shipped(t), time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC)
	first := text(t, oscal.Catalogs(want, at))
	got, err := oscal.ReadCatalogs(bytes.NewReader(first))
	must(t, err)
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if again := text(t, oscal.Catalogs(got, at)); !bytes.Equal(first, again) {
		t.Error("the second document differs from the first")
	}
	if _, err := catalog.New(got...); err != nil {
		t.Error(err)
	}
}

// Somebody else's catalog becomes a regulation of the organisation's own, by what the language itself says.
func TestForeignCatalogsAreRead(t *testing.T) {
	got, err := oscal.ReadCatalogs(strings.NewReader(`{"catalog":{"uuid":"x","metadata":{"title":"Ours","last-modified":"2026-01-01T00:00:00Z","version":"1","oscal-version":"1.1.2","roles":[{"id":"a","title":"A"}]},
"groups":[{"id":"ac","class":"family","title":"Access Control","controls":[{"id":"ac-1","class":"X","title":"Policy","params":[{"id":"ac-1_prm_1"}],"props":[{"name":"label","value":"AC-1"}],"parts":[{"id":"ac-1_smt","name":"statement","prose":"Have one."},{"name":"guidance","prose":"Long."}]},{"id":"ac-2","title":"Accounts"}]}]}}`))
	must(t, err)
	want := []catalog.Regulation{{ID: "ac", Title: "Access Control", Status: catalog.OurOwn, Requirements: []catalog.Requirement{{ID: "AC-1", Title: "Policy", Says: "Have one."}, {ID: "ac-2", Title: "Accounts"}}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := catalog.New(append(shipped(t), got...)...); err != nil {
		t.Error(err)
	}
}

func TestWhatIsNoCatalogIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"nothing": "", "no JSON": "<catalog/>", "another model": `{"profile":{}}`, "no groups": `{"catalog":{"uuid":"x"}}`,
		"groups that are none": `{"catalog":{"groups":{"id":"a"}}}`,
	} {
		if _, err := oscal.ReadCatalogs(strings.NewReader(text)); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	huge := `{"catalog":{"groups":[{"title":"` + strings.Repeat("a", 17<<20) + `"}]}}`
	if _, err := oscal.ReadCatalogs(strings.NewReader(huge)); !errs.Is(err, errs.TooLarge) {
		t.Errorf("a huge one: %v", err)
	}
}

func FuzzReadCatalogs(f *testing.F) {
	f.Add([]byte(`{"catalog":{"groups":[{"id":"r-a","title":"A","controls":[{"id":"r-b","title":"B"}]}]}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := oscal.ReadCatalogs(bytes.NewReader(b))
		if err != nil {
			return
		}
		if c, err := catalog.New(list...); err == nil {
			oscal.Catalogs(c.Regulations(), time.Time{})
		}
	})
}

// known is how the controls of a system stand in which one check passes, one fails and one could not check.
func known(t *testing.T) control.Overview {
	t.Helper()
	r := rig.Open(t, rig.Config{})
	now := time.Now().UTC()
	check := func(id string, v tutela.Verdict, controls ...string) tutela.Check {
		return tutela.Check{ID: id, Title: "Tries " + id, Controls: controls, Fresh: time.Hour, Try: func(context.Context) tutela.Evidence {
			return tutela.Evidence{Observed: "seen\nof " + id, On: "here", Verdict: v}
		}}
	}
	checks := []tutela.Check{check("a.good", tutela.Pass, "P06", "45 CFR 164.312(d)"), check("a.bad", tutela.Fail, "P07"), check("a.unknown", tutela.CouldNotCheck, "P08")}
	clock := func() time.Time { return now }
	_, err := assure.New(r.Audit, clock, checks...).Run(t.Context())
	must(t, err)
	board := r.Board(t, clock, checks...)
	entry := tutela.Entry{Actor: tutela.Actor{ID: "u-pia", Kind: tutela.ActorPerson}, Action: tutela.ActionControlAttest}
	_, err = board.Attest(t.Context(), entry, "GDPR 6", control.Attestation{Known: control.Inherited, Statement: "It is so", Provider: "A cloud", Expires: now.Add(time.Hour), File: &control.File{Name: "a", Data: []byte("a")}})
	must(t, err)
	o, err := board.List(t.Context(), control.Filter{})
	must(t, err)
	return o
}

// Each model says of a control what the board says, by ids of the catalog, and its references lead somewhere.
func TestModelsAgreeWithTheBoard(t *testing.T) {
	o := known(t)
	catalogs := oscal.Catalogs(shipped(t), o.At)
	ids := map[string]bool{}
	for _, g := range catalogs.Catalog.Groups {
		for _, c := range g.Controls {
			ids[c.ID] = true
		}
	}
	stands := map[string]string{}
	for _, m := range oscal.Models() {
		t.Run(string(m), func(t *testing.T) {
			d, err := oscal.Of(m, o, catalogs, "production")
			must(t, err)
			b := text(t, d)
			var back oscal.Document
			must(t, json.Unmarshal(b, &back))
			if diff := cmp.Diff(string(b), string(text(t, back))); diff != "" {
				t.Errorf("read and written again it differs: %s", diff)
			}
			for _, id := range regexp.MustCompile(`"(?:control-id|target-id)": "([^"]+)"`).FindAllSubmatch(b, -1) {
				if !ids[string(id[1])] {
					t.Errorf("%s is in no catalog", id[1])
				}
			}
			for _, u := range regexp.MustCompile(`"observation-uuid": "([^"]+)"`).FindAllSubmatch(b, -1) {
				if !bytes.Contains(b, []byte(`"uuid": "`+string(u[1])+`"`)) {
					t.Errorf("observation %s is not there", u[1])
				}
			}
			if d.AssessmentResults != nil {
				for _, f := range d.AssessmentResults.Results[0].Findings {
					stands[f.Target.ID] = f.Target.Status.State + " " + f.Target.Status.Reason
				}
			}
		})
	}
	want := map[string]string{"r-p06": "satisfied pass", "r-45-cfr-164.312-d": "satisfied pass", "r-p07": "not-satisfied fail", "r-p08": "not-satisfied other", "r-gdpr-6": "satisfied pass", "r-p16": "not-satisfied other"}
	for id, state := range want {
		if stands[id] != state {
			t.Errorf("%s is %q, want %q", id, stands[id], state)
		}
	}
	if len(stands) != len(ids) {
		t.Errorf("%d of %d controls are in the results", len(stands), len(ids))
	}
	if _, err := oscal.Of("profile", o, catalogs, "production"); !errs.Is(err, errs.NotFound) {
		t.Errorf("an unknown model: %v", err)
	}
}
