package access

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// shippedFiles are the files of the shipped policies, to be changed.
func shippedFiles(t *testing.T) fstest.MapFS {
	t.Helper()
	files, err := ShippedFiles()
	if err != nil {
		t.Fatal(err)
	}
	all := fstest.MapFS{}
	names, err := fs.Glob(files, "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &fstest.MapFile{Data: text}
	}
	return all
}

// shippedWith are the shipped policies with one of a house's own.
func shippedWith(t *testing.T, policy string) *Policies {
	t.Helper()
	all := shippedFiles(t)
	if policy != "" {
		all["own.cedar"] = &fstest.MapFile{Data: []byte(policy)}
	}
	p, err := LoadPolicies(all)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func sensitive(consent Consent, labels ...string) Facts {
	return Facts{Type: "Observation", Patients: []tutela.Bucket{treated},
		Labels: func() []string { return labels }, Consent: func(Grant) Consent { return consent }}
}

// What a house's policy says of one label or of consents holds, also where no trial of the best and
// the worst would find it.
func TestPoliciesOnLabelsAndConsentsHold(t *testing.T) {
	loader := caller(RoleService, "system/*.cruds")
	for _, c := range []struct {
		name, policy string
		who          tutela.Principal
		facts        Facts
		admits       bool
	}{
		{"shipped: an interface sees what is sensitive", "", loader, sensitive(ConsentDeny, "HIV"), true},
		{"an interface is kept from one label", `@id("own") forbid (principal in Role::"service", action, resource is Record) when { resource.labels.contains("HIV") };`,
			loader, sensitive(ConsentNone, "HIV"), false},
		{"and sees the others", `@id("own") forbid (principal in Role::"service", action, resource is Record) when { resource.labels.contains("HIV") };`,
			loader, sensitive(ConsentNone, "PSY"), true},
		{"nothing where no consent speaks", `@id("own") forbid (principal, action, resource is Record) when { resource.consent == "none" };`,
			loader, sensitive(ConsentNone), false},
		{"one may where a label says so", `@id("own") permit (principal in Role::"auditor", action in [Action::"see"], resource is Record) when { resource.labels.contains("GDIS") && resource.consent == "permit" };`,
			caller(RoleAuditor, "user/*.rs"), sensitive(ConsentPermit), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := New(Config{Policies: shippedWith(t, c.policy), Locate: locate, Relations: relations{}})
			g, err := a.Authorize(t.Context(), c.who, Request{Action: tutela.ActionRead, Type: "Observation"})
			if err != nil {
				t.Fatal(err)
			}
			if got := g.Admits(c.facts); got != c.admits {
				t.Errorf("admitted: %v", got)
			}
		})
	}
}

// An element that is hidden only of what carries a label must not be searched for either.
func TestWhatAnyPolicyHidesIsNotSearched(t *testing.T) {
	const policy = `@id("own") @elements("hide Observation: value[x]")
permit (principal in Role::"auditor", action in [Action::"see"], resource is Record) when { resource.labels.contains("GDIS") };`
	a := New(Config{Policies: shippedWith(t, policy), Locate: locate, Relations: relations{}})
	g, err := a.Authorize(t.Context(), caller(RoleAuditor, "user/*.rs"), Request{Action: tutela.ActionSearch, Type: "Observation"})
	if err != nil {
		t.Fatal(err)
	}
	if !g.Hides("Observation", "Observation.valueQuantity") {
		t.Error("a hidden value can be searched for")
	}
}

func TestShippedPoliciesNeedNoLook(t *testing.T) {
	if shippedWith(t, "").looks {
		t.Error("the shipped policies look into every resource")
	}
	a := authorizer(t)
	if _, err := a.Authorize(t.Context(), caller(RoleAuditor, "user/*.rs"), Request{Action: tutela.ActionRead, Type: "Observation"}); !errs.Is(err, errs.Denied) {
		t.Errorf("an auditor reads: %v", err)
	}
}
