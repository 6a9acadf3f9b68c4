package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/xeipuuv/gojsonschema"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/report"
)

// billed is a report with parts of every kind, and text that a hostile tree might bring.
func billed() *supply.Report {
	yes := true
	lodash := supply.Component{
		Ecosystem: "npm", Name: "lodash", Version: "4.17.20", PURL: "pkg:npm/lodash@4.17.20", Path: "package-lock.json", Direct: true, Deprecated: "gone\x1b[2J",
		Hashes: []string{"SHA-1:da39a3ee5e6b4b0d3255bfef95601890afd80709"}, Licenses: []string{"MIT OR Apache-2.0"}, Requires: []string{"pkg:npm/b@1", "pkg:npm/absent@1"},
	}
	again := lodash
	again.Path = "web/package-lock.json"
	r := sample()
	r.Components = []supply.Component{
		lodash, again,
		{Ecosystem: "npm", Name: "b", Version: "1", PURL: "pkg:npm/b@1", Path: "\xff\xfe", Develop: true, Licenses: []string{"SEE LICENSE IN x"}},
		{Ecosystem: "Debian:12", Name: "libssl3", Version: "3.0.11-1", PURL: "pkg:deb/debian/libssl3@3.0.11-1?distro=debian-12", Path: "image.tar", Licenses: []string{"MIT", "UNLICENSED"}},
	}
	rule := supply.Rule{ID: "GHSA-1", Name: "a fault", Severity: supply.High, CWE: []string{"CWE-1395", "CWE-79", "CWE-x"}, URL: "https://osv.dev/vulnerability/GHSA-1"}
	for i := range 2 {
		r.Findings = append(r.Findings, supply.Finding{
			Class: supply.Dependencies, Rule: rule, Severity: supply.Critical, Component: &r.Components[i], Fix: "upgrade to 4.17.21", Aliases: []string{"CVE-2021-1"}, Exploited: true,
			Reachable: &yes, Waiver: &supply.Waiver{Reason: "not called"},
		})
	}
	return r
}

// validBill holds a bill to the official schema with its two parts, and without a network.
func validBill(t *testing.T, text []byte) {
	t.Helper()
	loader := gojsonschema.NewSchemaLoader()
	for _, name := range []string{"spdx.schema.json", "jsf-0.82.schema.json"} {
		part, err := os.ReadFile("testdata/cyclonedx/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := loader.AddSchema("http://cyclonedx.org/schema/"+name, gojsonschema.NewBytesLoader(part)); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := os.ReadFile("testdata/cyclonedx/bom-1.6.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := loader.Compile(gojsonschema.NewBytesLoader(whole))
	if err != nil {
		t.Fatal(err)
	}
	got, err := schema.Validate(gojsonschema.NewBytesLoader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range got.Errors() {
		t.Error(e)
	}
}

func TestBillFollowsTheSchema(t *testing.T) {
	text := written(t, report.CycloneDX, billed())
	validBill(t, text)
	validBill(t, written(t, report.CycloneDX, &supply.Report{Tool: "tutela devel"}))
	if !bytes.Equal(text, written(t, report.CycloneDX, billed())) {
		t.Error("the same report gives another bill")
	}
	var b struct {
		Components   []struct{ Name, Scope string }
		Dependencies []struct {
			Ref       string
			DependsOn []string
		}
		Vulnerabilities []struct {
			ID      string
			CWEs    []int
			Affects []struct{ Ref string }
		}
		Compositions []struct{ Aggregate string }
	}
	if err := json.Unmarshal(text, &b); err != nil {
		t.Fatal(err)
	}
	if len(b.Components) != 3 || b.Components[1].Scope != "excluded" || b.Compositions[0].Aggregate != "complete" {
		t.Errorf("%+v, %+v", b.Components, b.Compositions)
	}
	if d := cmp.Diff([]string{"pkg:npm/lodash@4.17.20"}, b.Dependencies[0].DependsOn); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"pkg:npm/b@1"}, b.Dependencies[1].DependsOn); d != "" {
		t.Error(d)
	}
	if len(b.Vulnerabilities) != 1 || len(b.Vulnerabilities[0].Affects) != 1 || !cmp.Equal(b.Vulnerabilities[0].CWEs, []int{1395, 79}) {
		t.Errorf("%+v", b.Vulnerabilities)
	}
}

// A bill of a tree in which something could not be read does not call itself complete.
func TestBillSaysWhatItLacks(t *testing.T) {
	r := billed()
	r.Checked = []supply.Checked{{Class: supply.Dependencies, Failed: []string{"pom.xml: cannot be read"}}}
	if text := written(t, report.CycloneDX, r); !bytes.Contains(text, []byte(`"aggregate": "incomplete"`)) {
		t.Errorf("%s", text)
	}
}
