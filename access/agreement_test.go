package access

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"
	"testing/fstest"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/testkit"
	"github.com/tutela-health/tutela/r4"
)

// oneOf draws from a list.
func oneOf[T any](r *rand.Rand, list ...T) T { return list[r.IntN(len(list))] }

// some draws a part of a list, in its order.
func some(r *rand.Rand, list ...string) []string {
	var part []string
	for _, s := range list {
		if r.IntN(4) == 0 {
			part = append(part, s)
		}
	}
	return part
}

// anyQuestion draws a question as decisions ask them.
func anyQuestion(r *rand.Rand) question {
	var roles []string
	for range 1 + r.IntN(2) {
		roles = append(roles, string(oneOf(r, Roles()...)))
	}
	q := question{
		roles: join(roles), clearances: join(some(r, "ETH", "HIV", "PSY", "R")),
		kind: oneOf(r, tutela.ActorPerson, tutela.ActorService, tutela.ActorSystem), assurance: oneOf(r, "", "aal1", "aal2", "aal3"),
		purpose: oneOf(r, "", tutela.PurposeTreatment, tutela.PurposeEmergency, tutela.PurposePayment),
		action:  oneOf(r, tutela.ActionAuditRead, tutela.ActionKeyList, tutela.ActionMetrics, tutela.ActionPeopleWrite, tutela.ActionPolicyReload),
	}
	if r.IntN(10) > 0 {
		q.action = oneOf(r, tutela.ActionRead, tutela.ActionVRead, tutela.ActionHistory, tutela.ActionSearch, tutela.ActionExport,
			tutela.ActionCreate, tutela.ActionUpdate, tutela.ActionDelete)
		q.typ = oneOf(r, r4.ResourceTypes()...)
		q.facts = class{own: r.IntN(2) == 0, treated: r.IntN(2) == 0, general: r.IntN(4) == 0, emergency: r.IntN(8) == 0,
			labels: join(some(r, "ETH", "HIV", "PSY", unknownLabel)), consent: oneOf(r, ConsentNone, ConsentPermit, ConsentDeny)}
	}
	return q
}

// asked is a request in Cedar's JSON.
type asked struct {
	Principal cedar.EntityUID `json:"principal"`
	Action    cedar.EntityUID `json:"action"`
	Resource  cedar.EntityUID `json:"resource"`
	Context   types.Record    `json:"context"`
	Entities  []types.Entity  `json:"entities"`
}

// verdict is what an implementation said.
type verdict struct {
	Allow   bool     `json:"allow"`
	Reasons []string `json:"reasons"`
	Errors  int      `json:"errors"`
}

// TestDecisionsAgreeWithCedarInRust asks Cedar's reference implementation, built for WebAssembly, the
// same questions with the same entities.
func TestDecisionsAgreeWithCedarInRust(t *testing.T) {
	p, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	const n = 10_000
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // questions, no secrets
	var requests []asked
	var want []verdict
	for range n {
		q := anyQuestion(r)
		entities, request := p.entities(q)
		requests = append(requests, asked{request.Principal, request.Action, request.Resource, request.Context, []types.Entity{entities.principal, entities.resource}})
		d := p.ask(q)
		want = append(want, verdict{Allow: d.allow, Reasons: append([]string{}, d.policies...)})
	}
	got := inRust(t, p, requests)
	if len(got) != n {
		t.Fatalf("%d answers", len(got))
	}
	allowed := 0
	for i := range want {
		if diff := cmp.Diff(got[i], want[i]); diff != "" {
			t.Errorf("%+v (-Rust +ours):\n%s", requests[i], diff)
		}
		if want[i].Allow {
			allowed++
		}
	}
	if allowed < n/20 || allowed > n-n/20 {
		t.Errorf("%d of %d are allowed: the questions say little", allowed, n)
	}
}

func inRust(t *testing.T, p *Policies, requests []asked) []verdict {
	t.Helper()
	schema, err := shipped.ReadFile("policies/" + schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	policies := map[string]string{}
	for _, one := range p.policies {
		policies[one.id] = string(one.cedar.MarshalCedar())
	}
	var classes []types.Entity
	for uid, e := range p.base {
		if uid.Type == "Class" {
			classes = append(classes, e)
		}
	}
	batch, err := json.Marshal(map[string]any{"schema": string(schema), "policies": policies, "classes": classes, "requests": requests})
	if err != nil {
		t.Fatal(err)
	}
	cmd := testkit.UseNode(t).Command(t.Context(), "cedar.mjs")
	cmd.Stdin = bytes.NewReader(batch)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cedar.mjs: %v: %s", err, said.String())
	}
	var got []verdict
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestSlicesDecideLikeTheWhole: leaving out the policies of roles that the caller does not have
// changes no answer.
func TestSlicesDecideLikeTheWhole(t *testing.T) {
	p, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // questions, no secrets
	for range 10_000 {
		q := anyQuestion(r)
		entities, request := p.entities(q)
		allowed, why := cedar.Authorize(sliced(p.policies), entities, request)
		var reasons []string
		for _, reason := range why.Reasons {
			reasons = append(reasons, string(reason.PolicyID))
		}
		d := p.ask(q)
		if d.allow != bool(allowed) || !sameSet(reasons, d.policies) {
			t.Fatalf("%+v: the whole says %v by %v, the slice %v by %v", q, allowed, reasons, d.allow, d.policies)
		}
	}
}

func sameSet(a, b []string) bool {
	in := map[string]int{}
	for _, s := range a {
		in[s]++
	}
	for _, s := range b {
		in[s]--
	}
	for _, n := range in {
		if n != 0 {
			return false
		}
	}
	return true
}

// TestMemoryChangesNoAnswer: what was decided before, and in which order, changes nothing.
func TestMemoryChangesNoAnswer(t *testing.T) {
	warm, err := Shipped()
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6)) //nolint:gosec // questions, no secrets
	var list []question
	for range 3000 {
		list = append(list, anyQuestion(r))
	}
	for range 2 {
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
		for _, q := range list {
			got, fresh := warm.decide(q), warm.ask(q)
			if got.allow != fresh.allow || got.hiding != fresh.hiding || !sameSet(got.policies, fresh.policies) {
				t.Fatalf("%+v: remembered %+v, asked %+v", q, got, fresh)
			}
		}
	}
}

// TestPoliciesThatCannotBeEvaluatedDeny: Cedar leaves out a policy that fails, and it may have been the
// one that forbids.
func TestPoliciesThatCannotBeEvaluatedDeny(t *testing.T) {
	p, err := LoadPolicies(fstest.MapFS{"a.cedar": {Data: []byte(`
@id("yes") permit (principal in Role::"nurse", action in [Action::"see"], resource);
@id("fails") forbid (principal, action == Action::"vread", resource) when { 9223372036854775807 + 1 > 0 };`)}})
	if err != nil {
		t.Fatal(err)
	}
	for action, want := range map[tutela.Action]bool{tutela.ActionRead: true, tutela.ActionVRead: false} {
		if d := p.ask(question{roles: string(RoleNurse), kind: tutela.ActorPerson, action: action, typ: "Patient"}); d.allow != want {
			t.Errorf("%s: allowed %v", action, d.allow)
		}
	}
}
