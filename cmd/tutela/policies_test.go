package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/testkit"
)

// madeWithPolicies makes a system that follows a policy folder, which holds the shipped ones.
func madeWithPolicies(t *testing.T, postgres string) (conf config, folder string) {
	t.Helper()
	folder = filepath.Join(t.TempDir(), "policies")
	if code, _, said := command(t, "policy", "show", "--write", folder); code != exitClean {
		t.Fatalf("policy show --write: %s", said)
	}
	conf = config{Tenant: "test", Origin: "test/policies", Node: "node-1", Hosts: []string{"localhost"}, Listen: "localhost:0",
		Certificate: certificateTLS, Key: keyTLS, Keys: localKeys("keys/provider"), Policies: folder, dir: filepath.Join(t.TempDir(), "data")}
	if err := makeSystem(t.Context(), conf, postgres); err != nil {
		t.Fatal(err)
	}
	conf, err := readConfig(filepath.Join(conf.dir, configFile))
	if err != nil {
		t.Fatal(err)
	}
	return conf, folder
}

// withPolicies opens a system that follows a policy folder, which holds the shipped ones.
func withPolicies(t *testing.T, postgres string) (s *system, folder string) {
	t.Helper()
	conf, folder := madeWithPolicies(t, postgres)
	var err error
	if s, err = openSystem(t.Context(), conf, "", slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return s, folder
}

// reloads are what the ledger says of policies.
func reloads(t *testing.T, s *system) (list []tutela.Entry) {
	t.Helper()
	err := s.audit.Search(t.Context(), audit.Query{Action: tutela.ActionPolicyReload}, func(o audit.Opened) error {
		list = append(list, o.Entry)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestReloadsAndRefusalsAreInTheLedger(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(testing.TB) string{"sqlite": func(testing.TB) string { return "" }, "postgres": testkit.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reloadsAreKept(t, database(t))
		})
	}
}

func reloadsAreKept(t *testing.T, postgres string) {
	s, folder := withPolicies(t, postgres)
	first := s.access.Version()
	r := s.reloader()
	for _, text := range []string{
		`@id("more") permit (principal in Role::"nurse", action == Action::"metrics.read", resource);`,
		"\n" + `@id("wrong") permit (principal in Role::"nurse", action, resource) when { resource.nothing };`,
	} {
		if err := os.WriteFile(filepath.Join(folder, "more.cedar"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := r.Look(t.Context(), true); err != nil {
			t.Fatal(err)
		}
	}
	second := s.access.Version()
	list := reloads(t, s)
	if len(list) != 2 || second == first {
		t.Fatalf("versions %s and %s, entries %+v", first, second, list)
	}
	taken, refused := list[0], list[1]
	if diff := cmp.Diff(tutela.Subject{Kind: "policies", ID: second, Detail: "instead of " + first}, *taken.Subject); diff != "" {
		t.Errorf("taken up (-want +got):\n%s", diff)
	}
	if taken.Outcome != tutela.OutcomeSuccess || taken.PolicyVersion != second || refused.Outcome != tutela.OutcomeFailed || refused.PolicyVersion != second {
		t.Errorf("outcomes and versions: %+v, %+v", taken, refused)
	}
	for _, want := range []string{"refused, " + second + " stays", "more.cedar, line 2: policy wrong:", "nothing"} {
		if !strings.Contains(refused.Subject.Detail, want) {
			t.Errorf("the refusal does not say %q: %s", want, refused.Subject.Detail)
		}
	}
}

func TestNoSystemStartsOnBadPolicies(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.cedar"), []byte("permit (principal, action, resource);"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (config{Policies: folder}).policies(); err == nil || !strings.Contains(err.Error(), "a.cedar, line 1") {
		t.Errorf("the error is %v", err)
	}
	if _, err := (config{Policies: t.TempDir()}).policies(); err == nil {
		t.Error("a folder without policies is good enough")
	}
}

func TestPolicyCommands(t *testing.T) {
	t.Parallel()
	broad := t.TempDir()
	if err := os.WriteFile(filepath.Join(broad, "a.cedar"), []byte(`@id("a") permit (principal, action in [Action::"see"], resource);`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		out  string
	}{
		{[]string{"check"}, exitClean, "nothing to say against them"},
		{[]string{"check", broad}, exitFound, "warning: a.cedar, line 1: policy a: it permits callers who have no role at all"},
		{[]string{"check", broad}, exitFound, "warning: the policies together: the role physician reaches"},
		{[]string{"check", t.TempDir()}, exitFound, "error: no *.cedar file"},
		{[]string{"show"}, exitClean, "limit.consent"},
		{[]string{"show", broad, "--format", "json"}, exitClean, `"effect":"permit"`},
		{[]string{"show", "--write", broad}, exitError, ""},
		{[]string{"explain", "--role", "admin", "--type", "Patient"}, exitClean, "denied\nno policy permits it"},
		{[]string{"explain", "--role", "physician", "--type", "Condition", "--standing", "treated"}, exitClean, "allowed\npermitted by: physician.chart"},
		{[]string{"explain", "--role", "physician", "--type", "Condition", "--standing", "treated", "--label", "HIV"}, exitClean, "forbidden by: limit.sensitivity"},
		{[]string{"explain", "--role", "registration", "--type", "Slot", "--format", "json"}, exitClean, `"comment"`},
	} {
		code, out, said := command(t, append([]string{"policy"}, c.args...)...)
		if code != c.code || !strings.Contains(out, c.out) {
			t.Errorf("policy %v: %d %s%s", c.args, code, out, said)
		}
	}
}
