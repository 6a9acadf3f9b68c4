package testkit_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/testkit"
)

func TestNodeImportsEveryPackageThatTheManifestNames(t *testing.T) {
	out, err := testkit.UseNode(t).Command(t.Context(), "installed.mjs").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := []string{"fhir-kit-client", "fhirclient", "oauth4webapi", "oidc-provider", "openid-client"}
	if diff := cmp.Diff(want, strings.Fields(string(out))); diff != "" {
		t.Error(diff)
	}
}

func TestPackagesThatNeedNodeAtTheSameTimeShareIt(t *testing.T) {
	var users [4]testkit.Node
	var wait sync.WaitGroup
	for i := range users {
		wait.Go(func() { users[i] = testkit.UseNode(t) })
	}
	wait.Wait()
	for _, n := range users {
		if n.Bin == "" || n != users[0] {
			t.Errorf("%v beside %v", n, users[0])
		}
	}
}
