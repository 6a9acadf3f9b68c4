package testkit_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/testkit"
)

func TestNodeImportsEveryPackageThatTheManifestNames(t *testing.T) {
	cmd := testkit.UseNode(t).Command(t.Context(), "installed.mjs")
	var said strings.Builder
	cmd.Stderr = &said // also that Node.js calls WebAssembly modules an experiment
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	want := []string{"@cedar-policy/cedar-wasm", "fhir-kit-client", "fhirclient", "jose", "oauth4webapi", "oidc-provider", "openid-client"}
	if diff := cmp.Diff(want, strings.Fields(string(out))); diff != "" {
		t.Error(diff)
	}
}

func TestPackagesThatNeedNodeAtTheSameTimeShareIt(t *testing.T) {
	want := testkit.UseNode(t)
	for i := range 4 {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(want, testkit.UseNode(t)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
