package fhir_test

import (
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/access/consent"
	"github.com/tutela-health/tutela/fhir"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/records"
	"github.com/tutela-health/tutela/store"
)

// tried runs the checks of a rig under policies and a regime, through before, and holds them to leaving
// nothing behind.
func tried(t *testing.T, r *rig.Rig, policies *access.Policies, regime consent.Regime, before func(http.Handler) http.Handler, only ...string) map[string]tutela.Evidence {
	t.Helper()
	decides := access.New(access.Config{Policies: policies, Locate: r.Records.Bucket, Relations: r.Records, Emergencies: r.Emergencies, Regime: regime})
	h := fhir.New(fhir.Config{Records: r.Records, Access: decides, Audit: r.Audit, Clock: clock.System, Log: slog.New(slog.DiscardHandler), Base: rig.Base})
	got := map[string]tutela.Evidence{}
	for _, c := range h.ChecksThrough(before) {
		if !slices.Contains(only, c.ID) {
			continue
		}
		if got[c.ID] = c.Try(t.Context()); got[c.ID].On == "" || got[c.ID].Observed == "" || len(c.Controls) == 0 || c.Fresh == 0 {
			t.Errorf("incomplete: %s %+v", c.ID, got[c.ID])
		}
		for _, path := range []string{"Patient", "Observation", "CareTeam", "Consent"} {
			if text := string(r.Get(t, rig.Loader, path+"?_count=1000").Body); strings.Contains(text, records.CanaryID) {
				t.Errorf("%s left behind: %s", c.ID, text)
			}
		}
	}
	return got
}

func verdicts(got map[string]tutela.Evidence) map[string]tutela.Verdict {
	m := map[string]tutela.Verdict{}
	for id, e := range got {
		m[id] = e.Verdict
	}
	return m
}

// policiesBut are the shipped policies with a text of one file replaced.
func policiesBut(t *testing.T, file, old, replacement string) *access.Policies {
	t.Helper()
	files, err := access.ShippedFiles()
	must(t, err)
	text, err := fs.ReadFile(files, file)
	must(t, err)
	all := fstest.MapFS{}
	for _, name := range []string{"clinical.cedar", "house.cedar", "limits.cedar", "office.cedar", "people.cedar"} {
		b, err := fs.ReadFile(files, name)
		must(t, err)
		all[name] = &fstest.MapFile{Data: b}
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q", file, old)
	}
	all[file] = &fstest.MapFile{Data: []byte(strings.Replace(string(text), old, replacement, 1))}
	p, err := access.LoadPolicies(all)
	must(t, err)
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// as has a request that a test picks asked by the organisation's own interface instead of its caller.
func as(picks func(*http.Request) bool, but func(*http.Request)) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if httpx.Principal(r.Context()).Kind == tutela.ActorPerson && picks(r) {
				p := rig.Principal()
				r = r.WithContext(httpx.WithPrincipal(r.Context(), p))
				if but != nil {
					but(r)
				}
			}
			next.ServeHTTP(w, r)
		})
	}
}

func untouched(next http.Handler) http.Handler { return next }

// asked reports whether a search has a parameter.
func asked(name string) func(*http.Request) bool {
	return func(r *http.Request) bool { return r.URL.Query().Has(name) }
}

// On a sound system every check passes, whatever holds where no consent says anything; each is failed by
// the hole that it is there for, and proves nothing where nothing opens.
func TestChecksOfTheAPISeeWhatTheyAreThereToSee(t *testing.T) {
	t.Parallel()
	rig.Each(t, func(t *testing.T, r *rig.Rig) {
		shipped, err := access.Shipped()
		must(t, err)
		const across, includes, masked, withdrawn, nobody = "access.across-patients", "access.through-includes", "access.masked-element", "access.withdrawn-consent", "privacy.deidentified"
		pass := func(but map[string]tutela.Verdict) map[string]tutela.Verdict {
			m := map[string]tutela.Verdict{across: tutela.Pass, includes: tutela.Pass, masked: tutela.Pass, withdrawn: tutela.Pass, nobody: tutela.Pass}
			maps.Copy(m, but)
			return m
		}
		seen := map[string]*testkit.Witness{
			across: testkit.Sabotage(t, across), includes: testkit.Sabotage(t, includes), masked: testkit.Sabotage(t, masked),
			withdrawn: testkit.Sabotage(t, withdrawn), nobody: testkit.Sabotage(t, nobody),
		}
		for _, c := range []struct {
			name     string
			policies *access.Policies
			regime   consent.Regime
			before   func(http.Handler) http.Handler
			but      map[string]tutela.Verdict
		}{
			{"opt-out", shipped, consent.OptOut, untouched, nil},
			{"opt-in", shipped, consent.OptIn, untouched, nil},
			{"no relationship is asked for", policiesBut(t, "clinical.cedar", "when { resource.treated || resource.emergency }", ""), consent.OptOut, untouched,
				map[string]tutela.Verdict{across: tutela.Fail, includes: tutela.Fail}},
			{"a denial by 403 tells what exists", shipped, consent.OptOut, telling, map[string]tutela.Verdict{across: tutela.Fail}},
			{"what is included is not decided", shipped, consent.OptOut, as(asked("_include"), nil), map[string]tutela.Verdict{includes: tutela.Fail, masked: tutela.Fail}},
			{"what includes is not decided", shipped, consent.OptOut, as(asked("_revinclude"), nil),
				map[string]tutela.Verdict{across: tutela.Fail, includes: tutela.Fail, withdrawn: tutela.Fail}},
			{"a hidden value narrows", shipped, consent.OptOut, guessing, map[string]tutela.Verdict{masked: tutela.Fail}},
			{"nothing is hidden", policiesBut(t, "office.cedar", `@elements("show *: identifier`, `@elements("show *: value[x], identifier`), consent.OptOut, untouched,
				map[string]tutela.Verdict{masked: tutela.Fail}},
			{"consents are not asked", policiesBut(t, "limits.cedar", `when { resource.consent == "deny" }`, `when { resource.consent == "deny" && context.purpose == "HRESCH" }`),
				consent.OptOut, untouched, map[string]tutela.Verdict{withdrawn: tutela.Fail}},
			{"consents are not asked, where nothing is open without", policiesBut(t, "limits.cedar", `when { resource.consent == "deny" }`, `when { resource.consent == "deny" && context.purpose == "HRESCH" }`),
				consent.OptIn, untouched, map[string]tutela.Verdict{withdrawn: tutela.Fail}},
			{"researchers see records as they are", policiesBut(t, "house.cedar", "@id(\"researcher.records\")\n@deidentify(\"safe-harbor\")", "@id(\"researcher.records\")"), consent.OptOut, untouched,
				map[string]tutela.Verdict{nobody: tutela.Fail}},
			{"dates are moved and not cut", policiesBut(t, "house.cedar", "@id(\"developer.records\")\n@deidentify(\"safe-harbor\")", "@id(\"developer.records\")\n@deidentify(\"pseudonyms\")"), consent.OptOut, untouched, nil},
			{"a search is asked by another", shipped, consent.OptOut, as(func(r *http.Request) bool {
				return r.URL.Query().Has("code") && httpx.Principal(r.Context()).Roles[0] == string(access.RoleDeveloper)
			}, nil), map[string]tutela.Verdict{nobody: tutela.Fail}},
			{"healed", shipped, consent.OptOut, untouched, nil},
			{"nothing opens", nil, consent.OptOut, untouched, map[string]tutela.Verdict{
				across: tutela.CouldNotCheck, includes: tutela.CouldNotCheck, masked: tutela.CouldNotCheck, withdrawn: tutela.CouldNotCheck, nobody: tutela.CouldNotCheck}},
		} {
			got := tried(t, r, c.policies, c.regime, c.before, across, includes, masked, withdrawn, nobody)
			for id, e := range got {
				seen[id].Saw(e)
			}
			if diff := cmp.Diff(pass(c.but), verdicts(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s\n%+v", c.name, diff, got)
			}
		}
	})
}

// telling answers a read of what is there and not for the caller by 403.
func telling(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := httptest.NewRecorder()
		next.ServeHTTP(got, r)
		if got.Code == http.StatusNotFound && strings.HasSuffix(r.URL.Path, "untreated") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		maps.Copy(w.Header(), got.Header())
		w.WriteHeader(got.Code)
		_, _ = w.Write(got.Body.Bytes())
	})
}

// guessing narrows a search by what its caller may not see, and shows what is left masked.
func guessing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		if p := httpx.Principal(r.Context()); p.Kind != tutela.ActorPerson || !q.Has("value-quantity") {
			next.ServeHTTP(w, r)
			return
		}
		if q.Get("value-quantity") != "5" {
			q.Set("_id", "tutela-nobody")
		}
		q.Del("value-quantity")
		r.URL.RawQuery = q.Encode()
		next.ServeHTTP(w, r)
	})
}

// An assessment that cannot clear the stage says so.
func TestAChecksLeftoversAreNamed(t *testing.T) {
	t.Parallel()
	r := rig.Open(t, rig.Config{Engine: store.SQLite})
	h := fhir.New(fhir.Config{Records: r.Records, Access: r.Access, Audit: r.Audit, Clock: clock.System, Log: slog.New(slog.DiscardHandler), Base: rig.Base})
	stuck := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodDelete {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			next.ServeHTTP(w, r)
		})
	}
	for _, c := range h.ChecksThrough(stuck) {
		if c.ID == "records.conformance-told" {
			continue // plants nothing
		}
		if e := c.Try(t.Context()); e.Verdict != tutela.CouldNotCheck || !strings.Contains(e.Observed, "could not be deleted") {
			t.Errorf("%s: %v %s", c.ID, e.Verdict, e.Observed)
		}
	}
	for _, c := range h.Checks() {
		if e := c.Try(t.Context()); e.Verdict != tutela.Pass {
			t.Errorf("%s after leftovers: %v %s", c.ID, e.Verdict, e.Observed)
		}
	}
}
