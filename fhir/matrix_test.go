package fhir_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
)

// TestMatrix holds every role, type, situation and path to the table in testdata/matrix.txt. Everybody has
// the widest scopes, so that policies alone decide.
func TestMatrix(t *testing.T) {
	t.Parallel()
	s := readSpec(t)
	for _, engine := range rig.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			r, other := rig.Open(t, rig.Config{Engine: engine}), rig.Open(t, rig.Config{Engine: engine, Tenant: "other"})
			rig.Neighbours(t, r, other)
			w := world(t, r, other)
			for _, role := range slices.Sorted(maps.Keys(s.cells)) {
				m := &matrix{r: r, other: other, spec: s, role: role, as: "matrix-" + role, all: w}
				m.enroll(t)
				m.read(t)
				m.search(t)
				m.bundles(t)
				m.everything(t)
				m.cross(t)
			}
			for _, role := range slices.Sorted(maps.Keys(s.cells)) {
				m := &matrix{r: r, spec: s, role: role, as: "matrix-" + role, all: w}
				m.write(t)
			}
			if diff := cmp.Diff(len(w), stillThere(t, r, other, w)); diff != "" {
				t.Errorf("resources after all attempts (-want +got):\n%s", diff)
			}
		})
	}
}

// thing is one resource of the world.
type thing struct {
	specimen
	at     situation
	column int
	ref    string
	text   string
}

// home is the tenant in which something is.
func (x thing) home(r, other *rig.Rig) *rig.Rig {
	if x.at.name == "foreign" {
		return other
	}
	return r
}

// world stores a resource of every type in every situation, in one tenant and in the other.
func world(t *testing.T, r, other *rig.Rig) []thing {
	t.Helper()
	var all []thing
	for _, s := range specimens() {
		for i, at := range situations() {
			if !at.possible(s) {
				continue
			}
			x := thing{s, at, i, s.typ + "/" + s.id(at), s.stored(at, s.id(at))}
			x.home(r, other).Put(t, x.text)
			all = append(all, x)
		}
	}
	r.Put(t, rig.CareTeam("team-treated", "treated", "active", "physician", "nurse"))
	r.Put(t, rig.CareTeam("team-once", "once", "active", "physician", "nurse"))
	r.Put(t, rig.CareTeam("team-once", "once", "inactive", "physician", "nurse"))
	r.Put(t, rig.CareTeam("team-held", "held", "active", "physician", "nurse"))
	restrict(t, r, "held")
	return all
}

// nobodys tells the types of which there may be one that concerns no patient.
func nobodys(typ string) bool {
	return slices.Contains([]string{"Observation", "DiagnosticReport", "Appointment", "Account", "DocumentReference",
		"Practitioner", "Organization", "Medication", "Questionnaire"}, typ)
}

func stillThere(t *testing.T, r, other *rig.Rig, all []thing) (n int) {
	t.Helper()
	held := chartOf(t, r, "privacy", "Patient/held/$everything")
	for _, x := range all {
		if held[x.ref] != "" || x.home(r, other).Get(t, rig.Loader, x.ref).Status == http.StatusOK {
			n++
		}
	}
	return n
}

// matrix is one role's part.
type matrix struct {
	r, other *rig.Rig
	spec     spec
	role, as string
	all      []thing
}

func (m *matrix) enroll(t *testing.T) {
	t.Helper()
	u := identity.NewUser{Username: m.as, Kind: tutela.ActorPerson, Roles: []string{m.role}, Scopes: []string{"user/*.cruds"}, Client: "rig"}
	switch access.Role(m.role) {
	case access.RoleService, access.RoleProvisioner:
		u.Kind, u.Scopes, u.Client = tutela.ActorService, []string{"system/*.cruds"}, m.as
	case access.RolePhysician, access.RoleNurse:
		u.FHIRUser = tutela.Ref{Type: "Practitioner", ID: m.role}
	case access.RolePatient:
		u.FHIRUser, u.Patient = tutela.Ref{Type: "Patient", ID: "own"}, "own"
	case access.RoleProxy:
		u.FHIRUser, u.Patient = tutela.Ref{Type: "RelatedPerson", ID: "relatedperson-own"}, "own"
	}
	m.r.Enroll(t, u)
}

func (m *matrix) cell(t *testing.T, x thing) string {
	t.Helper()
	row := m.spec.cells[m.role][x.typ]
	if row == nil || row[x.column] == "." {
		t.Fatalf("the table says nothing of %s on %s, %s", m.role, x.typ, x.at.name)
	}
	return row[x.column]
}

// expected is what the role sees of a resource; nil for nothing.
func (m *matrix) expected(t *testing.T, x thing) map[string]any {
	t.Helper()
	return m.spec.seen(t, m.role, x.typ, m.cell(t, x), x.text)
}

func (m *matrix) errorf(t *testing.T, path, format string, args ...any) {
	t.Helper()
	t.Errorf("%s, %s: %s", m.role, path, fmt.Sprintf(format, args...))
}

// read tries each resource by itself: read, conditional read, version, history.
func (m *matrix) read(t *testing.T) {
	t.Helper()
	for _, x := range m.all {
		want := m.expected(t, x)
		absent := m.r.Get(t, m.as, x.typ+"/absent")
		for _, path := range []string{x.ref, x.ref + "/_history/1"} {
			a := m.r.Get(t, m.as, path)
			switch {
			case want == nil && (a.Status != absent.Status || string(a.Body) != string(absent.Body)):
				m.errorf(t, path, "%d, unlike what is not there (%d)", a.Status, absent.Status)
			case want == nil:
			case a.Status != http.StatusOK:
				m.errorf(t, path, "%d %s", a.Status, a.Body)
			default:
				if diff := cmp.Diff(want, a.JSON(t)); diff != "" {
					m.errorf(t, path, "(-want +got):\n%s", diff)
				}
			}
		}
		for path, call := range map[string]rig.Call{"history": get(x.ref + "/_history"), "condition": get(x.ref, "If-None-Match", `W/"1"`)} {
			a := m.r.Do(t, asking(m.as, call))
			if ok := a.Status == http.StatusOK || a.Status == http.StatusNotModified; ok != (want != nil) {
				m.errorf(t, x.ref, "by %s: %d", path, a.Status)
			}
		}
	}
}

// search tries each type: all pages, the count, what is included and what includes.
func (m *matrix) search(t *testing.T) {
	t.Helper()
	for _, s := range specimens() {
		want, whose := map[string]bool{}, map[string]bool{}
		for _, x := range m.all {
			if x.typ != s.typ || m.expected(t, x) == nil {
				continue
			}
			want[x.ref] = true
			if x.at.patient != "" && s.param != "" {
				whose["Patient/"+x.at.patient] = true
			}
		}
		got := m.found(t, s.typ+"?_count=3&_total=accurate", len(want), "match")
		if diff := cmp.Diff(sorted(want), got); diff != "" {
			m.errorf(t, s.typ, "search (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(sorted(want), m.found(t, s.typ+"?_count=1000", -1, "match")); diff != "" { // as tutela export asks
			m.errorf(t, s.typ, "export (-want +got):\n%s", diff)
		}
		if s.param == "" {
			continue
		}
		m.included(t, s, whose)
		m.including(t, s, want)
	}
}

// included: of whom the found ones are, as far as they may be read.
func (m *matrix) included(t *testing.T, s specimen, whose map[string]bool) {
	t.Helper()
	for _, x := range m.all {
		if x.typ == "Patient" && m.expected(t, x) == nil {
			delete(whose, x.ref)
		}
	}
	path := s.typ + "?_include=" + s.typ + ":" + s.param + ":Patient"
	if diff := cmp.Diff(sorted(whose), m.found(t, path, -1, "include")); diff != "" {
		m.errorf(t, path, "(-want +got):\n%s", diff)
	}
}

// including: what is of the found patients, as far as it may be read.
func (m *matrix) including(t *testing.T, s specimen, readable map[string]bool) {
	t.Helper()
	want := map[string]bool{}
	for _, x := range m.all {
		if x.typ == s.typ && readable[x.ref] && slices.ContainsFunc(m.all, func(p thing) bool {
			return p.ref == "Patient/"+x.at.patient && m.expected(t, p) != nil
		}) {
			want[x.ref] = true
		}
	}
	path := "Patient?_revinclude=" + s.typ + ":" + s.param
	if diff := cmp.Diff(sorted(want), m.found(t, path, -1, "include")); diff != "" {
		m.errorf(t, path, "(-want +got):\n%s", diff)
	}
}

// found pages through a search and gives what the world holds of it. A type that the role has no part in is refused.
func (m *matrix) found(t *testing.T, path string, total int, mode string) []string {
	t.Helper()
	if m.role == "researcher" || m.role == "developer" {
		total = -1 // they are shown others by count, and nobody by name: TestDeidentified… has them
	}
	known := map[string]thing{}
	for _, x := range m.all {
		known[x.ref] = x
	}
	list := map[string]bool{}
	for next := path; next != ""; {
		a := m.r.Get(t, m.as, next)
		if a.Status == http.StatusForbidden {
			break
		}
		b := a.Bundle(t)
		next = b.Next()
		if total >= 0 && (b.Total == nil || *b.Total != total+m.teams(path)) {
			m.errorf(t, path, "total %v, want %d", b.Total, total)
		}
		for _, e := range b.Entry {
			ref := strings.TrimPrefix(e.FullURL, rig.Base+"/")
			x, ok := known[ref]
			if !ok {
				continue // a team that makes a relationship
			}
			if e.Search.Mode == mode {
				list[ref] = true
			}
			if diff := cmp.Diff(m.expected(t, x), rig.Plain(t, e.Resource)); diff != "" {
				m.errorf(t, path, "%s (-want +got):\n%s", ref, diff)
			}
		}
	}
	return sorted(list)
}

// teams is how many of the care teams that make the relationships the role sees.
func (m *matrix) teams(path string) int {
	if !strings.HasPrefix(path, "CareTeam?") {
		return 0
	}
	n := 0
	for _, column := range []int{1, 2} {
		if strings.Contains(m.spec.cells[m.role]["CareTeam"][column], "r") {
			n++
		}
	}
	return n
}

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// bundles reads everything within a batch and within a transaction.
func (m *matrix) bundles(t *testing.T) {
	t.Helper()
	var entries []req
	for _, x := range m.all {
		entries = append(entries, req{method: "GET", url: x.ref})
	}
	for _, kind := range []string{"batch", "transaction"} {
		b := m.r.Do(t, asking(m.as, post("", bundle(kind, entries...)))).Bundle(t)
		for i, x := range m.all {
			want := m.expected(t, x)
			if want == nil && b.Entry[i].Resource == nil {
				continue
			}
			if b.Entry[i].Resource == nil || want == nil {
				m.errorf(t, kind+" "+x.ref, "%s", b.Entry[i].Response.Status)
				continue
			}
			if diff := cmp.Diff(want, rig.Plain(t, b.Entry[i].Resource)); diff != "" {
				m.errorf(t, kind+" "+x.ref, "(-want +got):\n%s", diff)
			}
		}
	}
}
