package deps_test

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps"
	"github.com/tutela-health/tutela/supply/deps/osv"
)

// boundary is a version at which an advisory changes its mind, and what it says there.
type boundary struct {
	id, module, version string
	affected            bool
}

// boundaries reads them out of a zip in another way than the store does: pair by pair, in the order written.
func boundaries(t *testing.T, file string) (list []boundary) {
	t.Helper()
	z, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = z.Close() }()
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		var record struct {
			ID        string
			Withdrawn string
			Affected  []struct {
				Package struct{ Name string }
				Ranges  []struct{ Events []map[string]string }
				Own     struct {
					Custom []any `json:"custom_ranges"`
				} `json:"ecosystem_specific"`
			}
		}
		if err := json.Unmarshal(text, &record); err != nil {
			t.Fatal(err)
		}
		for _, a := range record.Affected {
			for _, g := range a.Ranges {
				if len(a.Own.Custom) == 0 { // these are judged by the project's numbers too
					list = append(list, edges(record.ID, a.Package.Name, record.Withdrawn != "", g.Events)...)
				}
			}
		}
	}
	return list
}

// edges are the first affected version and the fix of each pair of a range.
func edges(id, module string, withdrawn bool, events []map[string]string) (list []boundary) {
	for _, e := range events {
		switch version := e["introduced"] + e["fixed"]; {
		case version == "":
		case version == "0":
			list = append(list, boundary{id, module, "v0.0.0-00010101000000-000000000000", !withdrawn})
		default:
			list = append(list, boundary{id, module, "v" + version, e["fixed"] == "" && !withdrawn})
		}
	}
	return list
}

// Every edge of every range of the Go database: where a fault begins it is found, and where it is fixed
// it is not.
func TestMeasureGoDatabase(t *testing.T) {
	file := filepath.Join(os.Getenv("TUTELA_TESTDATA"), "osv", "Go", "all.zip")
	if _, err := os.Stat(file); err != nil {
		t.Log("TUTELA_TESTDATA has no Go database; own records in its place")
		file = zipped(t, advisory("GO-1", "Go", "example.org/x", "1.2.0", ""), advisory("GO-2", "Go", "example.org/y", "0.0.0-20210101000000-aaaaaaaaaaaa", ""))
	}
	store, err := osv.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if _, err := store.Import(t.Context(), file, now(), nil); err != nil {
		t.Fatal(err)
	}
	list := boundaries(t, file)
	var components []supply.Component
	for _, b := range list {
		components = append(components, supply.Component{Ecosystem: "Go", Name: b.module, Version: b.version, PURL: b.module + b.version})
	}
	slices.SortFunc(components, func(a, b supply.Component) int { return strings.Compare(a.PURL, b.PURL) })
	components = slices.CompactFunc(components, func(a, b supply.Component) bool { return a.PURL == b.PURL })
	m, err := deps.Match(t.Context(), store, components, now())
	if err != nil {
		t.Fatal(err)
	}
	told := map[[2]string]bool{}
	for _, f := range m.Findings {
		for _, name := range append(f.Aliases, f.Rule.ID) {
			told[[2]string{name, f.Component.PURL}] = true
		}
	}
	begins := map[[2]string]bool{} // a fix that brought in the next part of the same fault is both
	for _, b := range list {
		if b.affected {
			begins[[2]string{b.id, b.module + b.version}] = true
		}
	}
	right, missed, wrong := 0, 0, 0
	for _, b := range list {
		switch got := told[[2]string{b.id, b.module + b.version}]; {
		case b.affected && !got:
			missed++
			t.Errorf("%s: %s %s is not found", b.id, b.module, b.version)
		case !b.affected && got && !begins[[2]string{b.id, b.module + b.version}]:
			wrong++
			t.Errorf("%s: %s %s is fixed, and found", b.id, b.module, b.version)
		case b.affected:
			right++
		}
	}
	t.Logf("%d edges: %d found, %d missed, %d found where fixed; %d could not be compared", len(list), right, missed, wrong, len(m.Failed))
}

func zipped(t *testing.T, records ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "all.zip")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	for i, r := range records {
		w, err := z.Create(string(rune('a'+i)) + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(r)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	return file
}
