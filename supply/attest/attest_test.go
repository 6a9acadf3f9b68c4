package attest_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	slsa "github.com/in-toto/attestation/go/predicates/provenance/v1"
	testresult "github.com/in-toto/attestation/go/predicates/test_result/v0"
	intoto "github.com/in-toto/attestation/go/v1"
	"github.com/secure-systems-lab/go-securesystemslib/dsse"
	"golang.org/x/mod/sumdb/dirhash"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/tutela-health/tutela/internal/checkout"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/attest"
	"github.com/tutela-health/tutela/supply/gate"
)

func newSigner(t *testing.T) *attest.Signer {
	t.Helper()
	key, err := attest.NewSigner()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// must gives what a call that cannot fail gives.
func must[T any](v T, err error) func(t *testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func sample(t *testing.T) attest.Statement {
	t.Helper()
	return must(attest.NewStatement("https://example.com/p/v1", map[string]string{"a": "b"}, attest.Resource{Name: "x", Digest: map[string]string{"sha256": strings.Repeat("a", 64)}}))(t)
}

// The reference implementation of DSSE takes our envelopes, and knows what it signs as we do.
func TestEnvelopesAreThoseOfTheReferenceImplementation(t *testing.T) {
	key := newSigner(t)
	e := must(key.Sign(sample(t)))(t)
	var theirs dsse.Envelope
	if err := json.Unmarshal(must(json.Marshal(e))(t), &theirs); err != nil {
		t.Fatal(err)
	}
	payload := must(theirs.DecodeB64Payload())(t)
	block, _ := pem.Decode(must(key.Public().PEM())(t))
	public := must(x509.ParsePKIXPublicKey(block.Bytes))(t).(*ecdsa.PublicKey)
	sum := sha256.Sum256(dsse.PAE(theirs.PayloadType, payload))
	if !ecdsa.VerifyASN1(public, sum[:], must(base64.StdEncoding.DecodeString(theirs.Signatures[0].Sig))(t)) {
		t.Error("what the reference implementation authenticates is not what we signed")
	}
	if theirs.PayloadType != "application/vnd.in-toto+json" {
		t.Error(theirs.PayloadType)
	}
	st, by, err := e.Verify(newSigner(t).Public(), key.Public())
	if d := cmp.Diff(sample(t), st); d != "" || err != nil || by.ID() != key.Public().ID() {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}

// Whatever of an envelope is changed, nothing of it is believed.
func TestForgedEnvelopesAreRefused(t *testing.T) {
	key, other := newSigner(t), newSigner(t)
	good := must(key.Sign(sample(t)))(t)
	payload := must(base64.StdEncoding.DecodeString(good.Payload))(t)
	foreign := must(other.Sign(sample(t)))(t).Signatures[0]
	for name, forge := range map[string]func(e *attest.Envelope){
		"another payload":     func(e *attest.Envelope) { e.Payload = base64.StdEncoding.EncodeToString(append(payload, ' ')) },
		"another type":        func(e *attest.Envelope) { e.PayloadType = "text/plain" },
		"no signature":        func(e *attest.Envelope) { e.Signatures = nil },
		"another's signature": func(e *attest.Envelope) { e.Signatures = []attest.Signature{foreign} },
		"a borrowed key id": func(e *attest.Envelope) {
			e.Signatures = []attest.Signature{{KeyID: key.Public().ID(), Sig: foreign.Sig}}
		},
		"an empty signature":    func(e *attest.Envelope) { e.Signatures[0].Sig = "" },
		"no base64":             func(e *attest.Envelope) { e.Payload = "?" },
		"type and text shifted": func(e *attest.Envelope) { e.PayloadType += " " },
	} {
		e := good
		e.Signatures = append([]attest.Signature{}, good.Signatures...)
		forge(&e)
		if st, by, err := e.Verify(key.Public()); !errors.Is(err, attest.ErrSignature) || by != nil || len(st.Subject) > 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := good.Verify(); !errors.Is(err, attest.ErrSignature) {
		t.Errorf("without a key that is trusted: %v", err)
	}
	good.Payload = strings.NewReplacer("+", "-", "/", "_").Replace(good.Payload)
	good.Signatures[0].KeyID = "someone"
	if _, _, err := good.Verify(key.Public()); err != nil {
		t.Errorf("the other alphabet of base64, and another hint: %v", err)
	}
}

// What is signed and says nothing of anything is not taken for a statement.
func TestStatementsNameTheirSubjects(t *testing.T) {
	for _, subjects := range [][]attest.Resource{nil, {{Name: "x"}}, make([]attest.Resource, 2000)} {
		if _, err := attest.NewStatement("https://example.com/p", 1, subjects...); err == nil {
			t.Errorf("%d subjects are taken", len(subjects))
		}
	}
	if _, err := attest.NewStatement("", 1, sample(t).Subject...); err == nil {
		t.Error("a predicate without a type is taken")
	}
}

func TestKeysAreReadAsWritten(t *testing.T) {
	key := newSigner(t)
	again := must(attest.ReadSigner(must(key.PEM())(t)))(t)
	public := must(attest.ReadVerifier(must(key.Public().PEM())(t)))(t)
	e := must(again.Sign(sample(t)))(t)
	if _, _, err := e.Verify(public); err != nil {
		t.Error(err)
	}
	for _, text := range []string{"", "x", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"} {
		if _, err := attest.ReadSigner([]byte(text)); err == nil {
			t.Errorf("%q is taken for a key", text)
		}
		if _, err := attest.ReadVerifier([]byte(text)); err == nil {
			t.Errorf("%q is taken for a key", text)
		}
	}
}

// official reads a statement as in-toto's own schema does, which knows every field, and holds it to its rules.
func official(t *testing.T, st attest.Statement, predicate proto.Message) {
	t.Helper()
	var s intoto.Statement
	if err := protojson.Unmarshal(must(json.Marshal(st))(t), &s); err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(); err != nil {
		t.Error(err)
	}
	if predicate == nil {
		return
	}
	if err := protojson.Unmarshal(st.Predicate, predicate); err != nil {
		t.Error(err)
	}
	if v, ok := predicate.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func reported() *supply.Report {
	f := func(id string, s supply.Severity) supply.Finding {
		return supply.Finding{Class: supply.Source, Rule: supply.Rule{ID: id}, Severity: s, Excerpt: "password := \"shown nowhere\"", Message: "a message", Place: supply.Place{Path: "a.go", Line: 1}, Fingerprint: id}
	}
	waived := f("w", supply.High)
	waived.Waiver = &supply.Waiver{Reason: "public", Owner: "ann", Approver: "bea"}
	return &supply.Report{
		Tool: "tutela 1.2", Began: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Took: 1.5, Findings: []supply.Finding{f("one", supply.Critical), f("two", supply.Low), waived},
		Checked:    []supply.Checked{{Class: supply.Secrets, Files: 3}, {Class: supply.Source, Files: 2}, {Class: supply.Dependencies, Blind: "no advisories"}},
		Components: []supply.Component{{Ecosystem: "npm", Name: "b", Version: "1", PURL: "pkg:npm/b@1", Path: "package-lock.json"}},
	}
}

// The statements of a gate follow in-toto's schemas, and say no less than the gate did.
func TestVerdictsFollowTheSchemas(t *testing.T) {
	subject := sample(t).Subject[0]
	r := reported()
	v := gate.Verdict{Reasons: []string{"1 findings fail"}, Failing: r.Findings[:1], Tests: &gate.TestResults{Passed: 7}}
	st := must(attest.OfVerdict(r, v, attest.Resource{Name: ".tutela.yaml"}, "https://ci.example/1", subject))(t)
	var got testresult.TestResult
	official(t, st, &got)
	if got.GetResult() != "FAILED" || len(got.GetConfiguration()) != 1 {
		t.Errorf("%v", &got)
	}
	if d := cmp.Diff([]string{"sast: 1 findings fail", "1 findings fail"}, got.GetFailedTests()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"deps: not all could be checked"}, got.GetWarnedTests()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"secrets", "tests: 7 passed"}, got.GetPassedTests()); d != "" {
		t.Error(d)
	}
	for _, tc := range []struct {
		checked supply.Checked
		want    string
	}{{supply.Checked{Class: supply.Secrets}, "PASSED"}, {supply.Checked{Class: supply.Secrets, Failed: []string{"x"}}, "WARNED"}} {
		st := must(attest.OfVerdict(&supply.Report{Checked: []supply.Checked{tc.checked}}, gate.Verdict{Passed: true}, attest.Resource{Name: "p"}, "", subject))(t)
		if !strings.Contains(string(st.Predicate), `"result":"`+tc.want+`"`) {
			t.Errorf("%s", st.Predicate)
		}
	}
}

// A scan's statement has its result and no line of the files; one that missed something is not clean.
func TestScansAreStatedWithoutWhatFilesSay(t *testing.T) {
	subject := sample(t).Subject[0]
	st := must(attest.OfReport(reported(), subject))(t)
	official(t, st, nil)
	if strings.Contains(string(st.Predicate), "shown nowhere") {
		t.Error("the statement holds a line of a file")
	}
	if got := st.Summary(); got != "scan: FOUND, 1 critical, 0 high, 1 waived" {
		t.Error(got)
	}
	official(t, must(attest.OfBill(reported(), subject))(t), nil)
	for want, r := range map[string]*supply.Report{
		"CLEAN": {Checked: []supply.Checked{{Class: supply.Secrets}}}, "COULD_NOT_CHECK": {Checked: []supply.Checked{{Class: supply.Secrets, Blind: "no"}}},
	} {
		if got := must(attest.OfReport(r, subject))(t).Summary(); !strings.HasPrefix(got, "scan: "+want+",") {
			t.Errorf("%s is called %s", want, got)
		}
	}
	many := &supply.Report{Findings: make([]supply.Finding, 5000)}
	var p attest.Scan
	if err := json.Unmarshal(must(attest.OfReport(many, subject))(t).Predicate, &p); err != nil || len(p.Findings) != 1000 || p.Omitted != 4000 {
		t.Errorf("%v, %d listed, %d omitted", err, len(p.Findings), p.Omitted)
	}
}

func tree(t *testing.T, dir string) attest.Resource {
	t.Helper()
	opened := must(supply.OpenTree(dir))(t)
	defer func() { _ = opened.Close() }()
	return must(attest.Tree(t.Context(), opened))(t)
}

// A tree is its commit only while every file is as the commit has it; its digest is Go's Hash1.
func TestATreeIsNamedByItsCommitOnlyIfItIsThat(t *testing.T) {
	c := checkout.New(t)
	head := c.Commit("one", map[string]string{"a/b.txt": "b", "a.txt": "a", "a-b/c": "", "Z": "z"})
	r := tree(t, c.Dir)
	want := must(dirhash.Hash1([]string{"Z", "a-b/c", "a.txt", "a/b.txt"}, func(name string) (io.ReadCloser, error) { return os.Open(filepath.Join(c.Dir, name)) }))(t)
	if r.Digest["gitCommit"] != head || "h1:"+base64.StdEncoding.EncodeToString(must(hex.DecodeString(r.Digest["dirHash"]))(t)) != want {
		t.Errorf("%v, want %s", r, want)
	}
	for name, change := range map[string]func(){
		"changed": func() { c.Write(map[string]string{"a.txt": "A"}) },
		"added":   func() { c.Write(map[string]string{"new": ""}) },
		"removed": func() { _ = os.Remove(filepath.Join(c.Dir, "Z")) },
		"same size, filter says it is clean": func() {
			c.Git("config", "filter.f.clean", "printf a")
			c.Write(map[string]string{".git/info/attributes": "* filter=f\n", "a.txt": "X"})
		},
	} {
		c.Git("checkout", "-q", "-f", "main")
		c.Git("clean", "-qfd")
		change()
		if got := tree(t, c.Dir); got.Digest["gitCommit"] != "" || got.Digest["dirHash"] == r.Digest["dirHash"] {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A build's provenance follows SLSA's schema, with the program's own modules, the commit, and no login.
func TestProvenanceFollowsTheSchema(t *testing.T) {
	c := checkout.New(t)
	head := c.Commit("one", map[string]string{"go.mod": "module m\n", ".gitignore": "out\n"})
	c.Git("remote", "add", "origin", "https://ann:letmein@git.example/clinic/portal.git?token=1") //nolint:gosec // a login that must not be handed on
	program := must(os.Executable())(t)
	st := must(attest.Build{Tree: c.Dir, Builder: "https://ci.example/builder", Tool: "tutela 1.2", Invocation: "https://ci.example/7"}.Provenance(t.Context(), program))(t)
	var p slsa.Provenance
	official(t, st, &p)
	if strings.Contains(string(st.Predicate), "letmein") || strings.Contains(string(st.Predicate), "token=1") {
		t.Error("a login is handed on")
	}
	resolved := p.GetBuildDefinition().GetResolvedDependencies()
	if resolved[0].GetDigest()["gitCommit"] != head || resolved[0].GetUri() != "git+https://git.example/clinic/portal.git" {
		t.Errorf("%v", resolved[0])
	}
	if resolved[1].GetName() != "go" || p.GetBuildDefinition().GetBuildType() != attest.BuildGo {
		t.Errorf("%v", resolved)
	}
	c.Write(map[string]string{"out": "artifact", "go.mod": "module changed\n"})
	st = must(attest.Build{Tree: c.Dir}.Provenance(t.Context(), filepath.Join(c.Dir, "out")))(t)
	var again slsa.Provenance
	official(t, st, &again)
	if resolved := again.GetBuildDefinition().GetResolvedDependencies(); resolved[0].GetDigest()["gitCommit"] != "" || resolved[1].GetName() != "go.mod" {
		t.Errorf("a changed tree is called its commit: %v", resolved)
	}
	if again.GetRunDetails().GetBuilder().GetId() != attest.Unhosted {
		t.Errorf("%v", again.GetRunDetails())
	}
}

func FuzzEnvelope(f *testing.F) {
	key, err := attest.NewSigner()
	if err != nil {
		f.Fatal(err)
	}
	st, err := attest.NewStatement("a:b", 1, attest.Resource{Digest: map[string]string{"sha256": "a"}})
	if err != nil {
		f.Fatal(err)
	}
	e, err := key.Sign(st)
	if err != nil {
		f.Fatal(err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"AA=="}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		list, err := attest.ParseLines(text)
		if err != nil {
			return
		}
		for _, got := range list {
			if _, _, err := got.Verify(key.Public()); err == nil && got.Payload != e.Payload {
				t.Errorf("believed: %s", text)
			}
		}
	})
}
