package testkit_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/testkit"
)

func TestNodeImportsEveryPackageThatTheManifestNames(t *testing.T) {
	out, err := testkit.UseNode(t).Command(t.Context(), "installed.mjs").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	want := []string{"fhir-kit-client", "fhirclient", "jose", "oauth4webapi", "oidc-provider", "openid-client"}
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
