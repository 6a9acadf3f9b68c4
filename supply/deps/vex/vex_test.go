package vex_test

import (
	"strings"
	"testing"
	"time"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/vex"
)

func now() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// found is a fault of lodash in a folder.
func found() *supply.Finding {
	return &supply.Finding{
		Rule: supply.Rule{ID: "GHSA-1"}, Aliases: []string{"CVE-2021-1"}, Place: supply.Place{Path: "web/package-lock.json"},
		Component: &supply.Component{Ecosystem: "npm", Name: "lodash", Version: "4.17.20"},
	}
}

func open(statement string) string {
	return `{"@context":"https://openvex.dev/ns/v0.2.0","statements":[` + statement + `]}`
}

func TestStatements(t *testing.T) {
	for name, tc := range map[string]struct {
		file, text string
		excused    bool
	}{
		"openvex, part":        {".vex/a.json", open(`{"vulnerability":{"name":"CVE-2021-1"},"products":[{"@id":"pkg:oci/app","subcomponents":[{"@id":"pkg:npm/lodash@4.17.20"}]}],"status":"not_affected","justification":"vulnerable_code_not_in_execute_path"}`), true},
		"openvex, other part":  {".vex/a.json", open(`{"vulnerability":{"name":"CVE-2021-1"},"products":[{"@id":"pkg:oci/app","subcomponents":[{"@id":"pkg:npm/other"}]}],"status":"not_affected","justification":"component_not_present"}`), false},
		"openvex, other one":   {".vex/a.json", open(`{"vulnerability":{"name":"CVE-2021-1"},"products":[{"@id":"pkg:npm/other@1"}],"status":"not_affected","justification":"component_not_present"}`), false},
		"openvex, version":     {".vex/a.json", open(`{"vulnerability":{"name":"CVE-2021-1"},"products":["pkg:npm/lodash@4.17.19"],"status":"not_affected","justification":"component_not_present"}`), false},
		"openvex, old form":    {"x.openvex.json", open(`{"vulnerability":"GHSA-1","products":["app"],"status":"not_affected","impact_statement":"not called"}`), true},
		"openvex, no reason":   {"x.openvex.json", open(`{"vulnerability":"GHSA-1","products":["app"],"status":"not_affected"}`), false},
		"openvex, affected":    {"x.openvex.json", open(`{"vulnerability":"GHSA-1","products":["app"],"status":"affected","justification":"x"}`), false},
		"openvex, no product":  {"x.openvex.json", open(`{"vulnerability":"GHSA-1","status":"not_affected","justification":"component_not_present"}`), false},
		"openvex, other fault": {"x.openvex.json", open(`{"vulnerability":"GHSA-11","products":["app"],"status":"not_affected","justification":"x"}`), false},
		"openvex, elsewhere":   {"api/.vex/a.json", open(`{"vulnerability":"GHSA-1","products":["app"],"status":"not_affected","justification":"x"}`), false},
		"openvex, above":       {"web/.vex/a.json", open(`{"vulnerability":"GHSA-1","products":["app"],"status":"not_affected","justification":"x"}`), true},
		"cyclonedx":            {".vex/a.json", `{"bomFormat":"CycloneDX","components":[{"bom-ref":"r1","purl":"pkg:npm/lodash@4.17.20"}],"vulnerabilities":[{"id":"CVE-2021-1","analysis":{"state":"not_affected","justification":"code_not_reachable"},"affects":[{"ref":"urn:cdx:x/1#r1"}]}]}`, true},
		"cyclonedx, exploited": {".vex/a.json", `{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"CVE-2021-1","analysis":{"state":"exploitable","detail":"x"},"affects":[{"ref":"app"}]}]}`, false},
		"cyclonedx, reason":    {".vex/a.json", `{"bomFormat":"CycloneDX","vulnerabilities":[{"id":"CVE-2021-1","analysis":{"state":"not_affected"},"affects":[{"ref":"app"}]}]}`, false},
		"osv-scanner":          {"osv-scanner.toml", "[[IgnoredVulns]]\nid = 'CVE-2021-1'\nignoreUntil = 2026-12-01\nreason = 'x'", true},
		"osv-scanner, ended":   {"osv-scanner.toml", "[[IgnoredVulns]]\nid = 'CVE-2021-1'\nignoreUntil = 2026-11-22", false},
		"osv-scanner, time":    {"osv-scanner.toml", "[[IgnoredVulns]]\nid = 'CVE-2021-1'\nignoreUntil = 2026-11-22T11:00:00Z", false},
		"osv-scanner, package": {"osv-scanner.toml", "[[PackageOverrides]]\nname = 'lodash'\necosystem = 'npm'\nignore = true", true},
		"osv-scanner, other":   {"osv-scanner.toml", "[[PackageOverrides]]\nname = 'lodash'\necosystem = 'PyPI'\nignore = true", false},
		"osv-scanner, licence": {"osv-scanner.toml", "[[PackageOverrides]]\nname = 'lodash'\nlicense.ignore = true", false},
		"trivy":                {".trivyignore", "# why\nCVE-2021-1 exp:2026-12-01\n", true},
		"trivy, ended":         {".trivyignore", "CVE-2021-1 exp:2026-01-01\n", false},
		"trivy, other":         {".trivyignore", "CVE-2021-11\nAVD-DS-0002\n", false},
		"trivy yaml":           {".trivyignore.yaml", "vulnerabilities:\n  - id: CVE-2021-1\n    paths: [web/package-lock.json]\n    expired_at: 2026-12-01\n    statement: x\n", true},
		"trivy yaml, path":     {".trivyignore.yaml", "vulnerabilities:\n  - id: CVE-2021-1\n    paths: [api/package-lock.json]\n", false},
		"trivy yaml, part":     {".trivyignore.yaml", "vulnerabilities:\n  - id: CVE-2021-1\n    purls: ['pkg:npm/other']\n", false},
	} {
		list, err := vex.Read(tc.file, []byte(tc.text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		excused := false
		for _, s := range list {
			excused = excused || s.Excuses(found(), now())
		}
		if excused != tc.excused {
			t.Errorf("%s: excused %v, want %v", name, excused, tc.excused)
		}
	}
}

// A file that cannot be read is said, and so is an end that is no date: it may have ended.
func TestWhatCannotBeReadIsAnError(t *testing.T) {
	for name, text := range map[string]string{
		".vex/a.json": "{}", "x.openvex.json": "[", "osv-scanner.toml": "[[IgnoredVulns]]\nid = 'x'\nignoreUntil = 'soon'", ".trivyignore": "CVE-1 exp:soon",
		".trivyignore.yaml": "vulnerabilities: [{id: x, expired_at: soon}]", ".trivyignore.yml": strings.Repeat("a", 2<<20),
	} {
		if list, err := vex.Read(name, []byte(text)); err == nil {
			t.Errorf("%s: %v", name, list)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{".vex/a.json", "osv-scanner.toml", ".trivyignore", ".trivyignore.yaml"} {
		f.Add(name, []byte("[[IgnoredVulns]]\nid = 'x'"))
		f.Add(name, []byte(open(`{"vulnerability":{"name":"x"},"products":["a",{"@id":"pkg:npm/a"}],"status":"not_affected","justification":"x"}`)))
		f.Add(name, []byte("vulnerabilities: [{id: x}]"))
	}
	f.Fuzz(func(_ *testing.T, name string, text []byte) {
		if !vex.Is(name) {
			return
		}
		list, err := vex.Read(name, text)
		for _, s := range list {
			_ = err == nil && s.Excuses(found(), now())
		}
	})
}
