package server_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/internal/rig"
	"github.com/tutela-health/tutela/store"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/attest"
	"github.com/tutela-health/tutela/supply/evidence"
	"github.com/tutela-health/tutela/supply/gate"
)

// pipe is a pipeline with its key and its token.
type pipe struct {
	*site
	key   *attest.Signer
	id    string
	token string
}

const portal = "https://git.example/clinic/portal"

// newPipe registers a pipeline as an administrator would, and signs it in.
func newPipe(t *testing.T, s *site, repository string) *pipe {
	t.Helper()
	key, err := attest.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.Public().PEM()
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]string{"name": "portal", "repository": repository, "key": string(public)})
	if err != nil {
		t.Fatal(err)
	}
	a := s.Do(t, rig.Call{As: admin, Method: http.MethodPost, Path: "/api/v1/pipelines", Body: string(body), Header: map[string]string{"Content-Type": "application/json"}})
	expect(t, a, http.StatusOK)
	p := &pipe{site: s, key: key, id: decode[evidence.Pipeline](t, a.Body).ID}
	c, err := s.Identity.Client(t.Context(), p.id)
	if err != nil {
		t.Fatal(err)
	}
	issued, err := s.Identity.IssueService(t.Context(), c, []string{identity.ScopePipeline})
	if err != nil {
		t.Fatal(err)
	}
	p.token = issued.Token
	return p
}

// onBoth runs a test over a site on each engine.
func onBoth(t *testing.T, test func(*testing.T, *site)) {
	t.Helper()
	for _, engine := range []store.Engine{store.SQLite, store.Postgres} {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(t, newRigged(t, rig.Config{Engine: engine}, nil))
		})
	}
}

// call calls with the pipeline's token.
func (p *pipe) call(t *testing.T, method, path, body string) rig.Answer {
	t.Helper()
	return p.Do(t, rig.Call{Method: method, Path: path, Body: body, Header: map[string]string{"Content-Type": "application/json", "Authorization": "Bearer " + p.token}})
}

// report sends a statement, signed by a key.
func (p *pipe) report(t *testing.T, key *attest.Signer, st attest.Statement) rig.Answer {
	t.Helper()
	return p.call(t, http.MethodPost, "/api/v1/evidence", envelope(t, key, st))
}

func envelope(t *testing.T, key *attest.Signer, st attest.Statement) string {
	t.Helper()
	e, err := key.Sign(st)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// tree is a subject of a repository.
func tree(uri string) attest.Resource {
	return attest.Resource{Name: "portal", URI: uri, Digest: map[string]string{"gitCommit": strings.Repeat("ab", 20), "dirHash": strings.Repeat("cd", 32)}}
}

// found is a report with one finding, one waived, and dependencies that could not be looked at.
func found() *supply.Report {
	f := supply.Finding{Class: supply.Source, Rule: supply.Rule{ID: "code.xss"}, Severity: supply.High}
	waived := supply.Finding{Class: supply.Secrets, Rule: supply.Rule{ID: "secret.key"}, Severity: supply.High,
		Waiver: &supply.Waiver{Reason: "a sample", Owner: "ann", Approver: "bea", Expires: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}}
	return &supply.Report{
		Tool: "tutela 1", Began: time.Now().Add(-time.Hour), Findings: []supply.Finding{f, waived},
		Checked:    []supply.Checked{{Class: supply.Secrets, Files: 3}, {Class: supply.Source, Files: 2}, {Class: supply.Dependencies, Blind: "no advisories"}},
		Components: []supply.Component{{Ecosystem: "npm", Name: "b", Version: "1.0.0", PURL: "pkg:npm/b@1.0.0", Path: "package-lock.json"}},
	}
}

func ruling(t *testing.T, subject attest.Resource) attest.Statement {
	t.Helper()
	r := found()
	st, err := attest.OfVerdict(r, gate.Verdict{Reasons: []string{"1 findings fail"}, Failing: r.Findings[:1]}, attest.Resource{Name: gate.File}, "https://ci.example/7", subject)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func scanned(t *testing.T, subject attest.Resource) attest.Statement {
	t.Helper()
	st, err := attest.OfReport(found(), subject)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

func bill(t *testing.T, subject attest.Resource) attest.Statement {
	t.Helper()
	st, err := attest.OfBill(found(), subject)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// verdicts are those of the evidence that the ledger holds, by check.
func (s *site) verdicts(t *testing.T) map[string]string {
	t.Helper()
	got := map[string]string{}
	for _, e := range s.entries(t, tutela.ActionEvidence) {
		got[e.Evidence.Check] = e.Evidence.Verdict.String()
	}
	return got
}

// What a pipeline signed is in the ledger as evidence, of its repository and commit, by what looked and
// what it saw; and the bill of materials comes back as it was.
func TestAPipelinesWordBecomesEvidence(t *testing.T) { onBoth(t, aPipelinesWordBecomesEvidence) }

func aPipelinesWordBecomesEvidence(t *testing.T, s *site) {
	p := newPipe(t, s, portal)
	subject := tree("git+ssh://git@git.example/clinic/portal.git") // another way to the same repository
	for _, st := range []attest.Statement{ruling(t, subject), scanned(t, subject)} {
		expect(t, p.report(t, p.key, st), http.StatusOK)
	}
	want := map[string]string{
		"supply.gate": "fail", "supply.gate.secrets": "pass", "supply.gate.sast": "fail", "supply.gate.deps": "could-not-check",
		"supply.scan.secrets": "pass", "supply.scan.sast": "fail", "supply.scan.deps": "could-not-check",
	}
	if d := cmp.Diff(want, s.verdicts(t)); d != "" {
		t.Error(d)
	}
	for _, e := range s.entries(t, tutela.ActionEvidence) {
		on, life := e.Evidence.On, e.Evidence.Expires.Sub(e.Evidence.At)
		if on != "git.example/clinic/portal@"+subject.Digest["gitCommit"] || life != evidence.Fresh || time.Since(e.Evidence.At) < 50*time.Minute {
			t.Errorf("%s: on %s, of %s, for %v", e.Evidence.Check, on, e.Evidence.At, life)
		}
		if e.Actor.Name != p.id || e.Actor.Kind != tutela.ActorService || e.Outcome != tutela.OutcomeSuccess {
			t.Errorf("%+v", e.Actor)
		}
	}
	a := s.Do(t, rig.Call{As: auditor, Method: http.MethodGet, Path: "/api/v1/ledger/entries?action=pipeline.report&personal=true"})
	if body := string(a.Body); !strings.Contains(body, `"approver":"bea"`) || !strings.Contains(body, `"url":"https://ci.example/7"`) {
		t.Errorf("the ledger does not tell waivers and run: %s", body)
	}
	expect(t, p.report(t, p.key, bill(t, subject)), http.StatusOK)
	bills := decode[[]evidence.Bill](t, s.Get(t, "developer", "/api/v1/sboms").Body)
	want1 := []evidence.Bill{{Pipeline: "portal", Repository: "git.example/clinic/portal", Commit: subject.Digest["gitCommit"], Files: subject.Digest["dirHash"], Components: 1}}
	if d := cmp.Diff(want1, bills, cmpopts.IgnoreFields(evidence.Bill{}, "ID", "Received")); d != "" {
		t.Fatal(d)
	}
	if got := s.Get(t, auditor, "/api/v1/sboms/"+bills[0].ID); !strings.Contains(string(got.Body), "pkg:npm/b@1.0.0") {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}

// What another key signed, what speaks of another repository, what came before, and what is no report
// changes nothing but the ledger's entry of the try.
func TestReportsThatAreNobodysWord(t *testing.T) { onBoth(t, reportsThatAreNobodysWord) }

func reportsThatAreNobodysWord(t *testing.T, s *site) {
	p, other := newPipe(t, s, portal), newPipe(t, s, "https://git.example/clinic/billing")
	good := ruling(t, tree(portal))
	expect(t, p.report(t, p.key, good), http.StatusOK)
	before := s.verdicts(t)
	tries := 0
	refused := func(name string, a rig.Answer, status int) {
		t.Helper()
		tries++
		if a.Status != status {
			t.Errorf("%s: %d %s, want %d", name, a.Status, a.Body, status)
		}
	}
	refused("replayed", p.report(t, p.key, good), 409)
	refused("replayed in another envelope", p.call(t, "POST", "/api/v1/evidence", strings.Replace(envelope(t, p.key, good), `{"`, `{"extra":1,"`, 1)), 409)
	refused("signed by another pipeline", p.report(t, other.key, ruling(t, tree(portal))), 403)
	refused("of another repository", p.report(t, p.key, ruling(t, tree("https://git.example/clinic/billing"))), 403)
	refused("of a repository within", p.report(t, p.key, ruling(t, tree(portal+"/../billing"))), 403)
	refused("of no repository", p.report(t, p.key, ruling(t, tree(""))), 403)
	refused("another's, about the first", other.report(t, other.key, ruling(t, tree(portal))), 403)
	later := scanned(t, tree(portal))
	later.Predicate = json.RawMessage(strings.ReplaceAll(string(later.Predicate), `"scanFinishedOn":"20`, `"scanFinishedOn":"21`))
	refused("of a time to come", p.report(t, p.key, later), 422)
	strange := good
	strange.PredicateType = "https://example.com/praise/v1"
	refused("of a type that nobody knows", p.report(t, p.key, strange), 422)
	several := good
	several.Subject = append(several.Subject, tree("https://git.example/clinic/billing"))
	refused("of several trees", p.report(t, p.key, several), 422)
	refused("no envelope", p.call(t, "POST", "/api/v1/evidence", `{"a":1}`), 400)
	refused("nothing", p.call(t, "POST", "/api/v1/evidence", ``), 400)
	refused("too long", p.call(t, "POST", "/api/v1/evidence", `{"payload":"`+strings.Repeat("A", evidence.MaxReport)+`"}`), 413)
	garbage := good
	garbage.Predicate = json.RawMessage(`"PASSED"`)
	refused("a verdict that is none", p.report(t, p.key, garbage), 422)
	if d := cmp.Diff(before, s.verdicts(t)); d != "" {
		t.Errorf("what was refused left evidence:\n%s", d)
	}
	if got := len(s.entries(t, tutela.ActionPipelineReport)); got != 1+tries {
		t.Errorf("%d entries of %d reports", got, 1+tries)
	}
	if a := s.Do(t, rig.Call{As: rig.Loader, Method: "POST", Path: "/api/v1/evidence", Body: envelope(t, p.key, scanned(t, tree(portal))), Header: map[string]string{"Content-Type": "application/json"}}); a.Status != http.StatusForbidden {
		t.Errorf("a service that is no pipeline reports: %d", a.Status)
	}
}

// A pipeline may report, and nothing else that is there; once it is revoked, not even that.
func TestAPipelineMayDoNothingElse(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	p := newPipe(t, s, portal)
	s.Put(t, `{"resourceType":"Patient","id":"1"}`)
	s.Put(t, `{"resourceType":"Organization","id":"o"}`)
	for _, operation := range s.server.Mounted("/api/v1") {
		method, path, _ := strings.Cut(operation, " ")
		switch path {
		case "/api/v1/evidence", "/api/v1/openapi.json", "/api/v1/tryout/token":
			continue
		}
		path = strings.NewReplacer("{id}", "1", "{n}", "1").Replace(path)
		if a := p.call(t, method, path, `{}`); a.Status != http.StatusForbidden && a.Status != http.StatusNotFound {
			t.Errorf("%s: %d %s", operation, a.Status, a.Body)
		}
	}
	for _, c := range [][2]string{{"GET", "Patient/1"}, {"GET", "Patient"}, {"GET", "Organization/o"}, {"GET", "Organization"}, {"DELETE", "Patient/1"}, {"GET", "Patient/1/_history"}} {
		if a := p.call(t, c[0], c[1], ""); a.Status != http.StatusForbidden && a.Status != http.StatusNotFound {
			t.Errorf("%s %s: %d", c[0], c[1], a.Status)
		}
	}
	if a := p.call(t, "GET", "/scim/v2/Users", ""); a.Status < 400 {
		t.Errorf("SCIM: %d", a.Status)
	}
	expect(t, s.Do(t, rig.Call{As: admin, Method: http.MethodDelete, Path: "/api/v1/pipelines/" + p.id}), http.StatusOK)
	expect(t, p.report(t, p.key, ruling(t, tree(portal))), http.StatusUnauthorized)
	if list := s.Get(t, admin, "/api/v1/pipelines"); strings.Contains(string(list.Body), p.id) {
		t.Errorf("%s", list.Body)
	}
}

// Approving is a person's: it is an entry under his name, of one commit.
func TestAnApprovalIsSomebodysEntry(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	approve := func(as, repository, commit string) int {
		body := `{"repository":"` + repository + `","commit":"` + commit + `","note":"seen"}`
		return s.Do(t, rig.Call{As: as, Method: "POST", Path: "/api/v1/approvals", Body: body, Header: map[string]string{"Content-Type": "application/json"}}).Status
	}
	commit := strings.Repeat("ab", 20)
	for name, c := range map[string]struct {
		as, repository, commit string
		want                   int
	}{
		"a developer's": {"developer", portal, commit, 200}, "an auditor's": {auditor, portal, commit, 403}, "a service's": {rig.Loader, portal, commit, 403},
		"of a branch": {"developer", portal, "main", 422}, "of half a name": {"developer", portal, commit[:12], 422}, "of a folder": {"developer", "/srv/git/portal", commit, 422},
	} {
		if got := approve(c.as, c.repository, c.commit); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	var approved []tutela.Entry
	for _, e := range s.entries(t, tutela.ActionPipelineApprove) {
		if e.Outcome == tutela.OutcomeSuccess {
			approved = append(approved, e)
		}
	}
	if len(approved) != 1 || approved[0].Actor.Name != "developer" || approved[0].Subject.ID != commit || approved[0].Subject.Detail != "git.example/clinic/portal" {
		t.Errorf("%+v", approved)
	}
}

// Of a pipeline's bills the newest are kept, and what was sealed for one is not taken for another's.
func TestOldBillsMakeRoom(t *testing.T) { onBoth(t, oldBillsMakeRoom) }

func oldBillsMakeRoom(t *testing.T, s *site) {
	p := newPipe(t, s, portal)
	for i := range 52 {
		st := bill(t, tree(portal))
		st.Subject[0].Name = strings.Repeat("x", i+1) // another statement
		expect(t, p.report(t, p.key, st), http.StatusOK)
	}
	bills := decode[[]evidence.Bill](t, s.Get(t, admin, "/api/v1/sboms").Body)
	if len(bills) != 50 {
		t.Errorf("%d bills are kept", len(bills))
	}
}
