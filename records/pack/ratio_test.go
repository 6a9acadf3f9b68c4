package pack

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/tutela-health/tutela/internal/sample"
	"github.com/tutela-health/tutela/records/pack/internal/corpus"
)

// synthea gives the folder of Synthea Bundles, or "" where the test data is not there.
func synthea(tb testing.TB) string {
	tb.Helper()
	folder := filepath.Join(os.Getenv("TUTELA_TESTDATA"), "synthea-r4")
	if _, err := os.Stat(folder); os.Getenv("TUTELA_TESTDATA") == "" || err != nil {
		tb.Log("TUTELA_TESTDATA has no synthea-r4: using patients of internal/sample")
		return ""
	}
	return folder
}

// heldOut gives resources that no dictionary was trained on.
func heldOut(tb testing.TB) []corpus.Resource {
	tb.Helper()
	var all []corpus.Resource
	for _, b := range heldOutBundles(tb) {
		for r, err := range corpus.Stored(b) {
			if err != nil {
				tb.Fatal(err)
			}
			all = append(all, r)
		}
	}
	return all
}

func heldOutBundles(tb testing.TB) [][]byte {
	tb.Helper()
	var bundles [][]byte
	folder := synthea(tb)
	if folder == "" {
		for b := range sample.Patients(10, 99) {
			bundles = append(bundles, b)
		}
		return bundles
	}
	files, err := corpus.Files(folder, corpus.HeldOut)
	if err != nil {
		tb.Fatal(err)
	}
	for _, f := range files {
		b, err := corpus.Read(f)
		if err != nil {
			tb.Fatal(err)
		}
		bundles = append(bundles, b)
	}
	return bundles
}

// TestPackShrinksHeldOutResources holds the ratio that the storage budget counts on:
// compact JSON to packed bytes, padding included, resource by resource.
func TestPackShrinksHeldOutResources(t *testing.T) {
	p := newPacker(t)
	plain, packed, framed := map[string]int{}, map[string]int{}, 0
	for _, r := range heldOut(t) {
		out := mustPack(t, p, r.JSON)
		_, body, err := split(out)
		if err != nil {
			t.Fatal(err)
		}
		framed += len(body)
		for _, k := range []string{r.Type, "all"} {
			plain[k] += len(r.JSON)
			packed[k] += len(out)
		}
	}
	for k := range plain {
		t.Logf("%-22s %9d → %8d  %.2f", k, plain[k], packed[k], ratio(plain[k], packed[k]))
	}
	t.Logf("without padding and head %.2f", ratio(plain["all"], framed))
	want := 5.5
	if synthea(t) == "" {
		want = 3.5 // its resources are half as long, and ids and times do not shrink
	}
	if got := ratio(plain["all"], packed["all"]); got < want {
		t.Errorf("ratio %.2f, want at least %.1f", got, want)
	}
}

func ratio(plain, packed int) float64 { return float64(plain) / float64(packed) }
