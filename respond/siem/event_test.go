package siem_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/respond/siem"
)

// What somebody calls himself begins no field and ends no line.
func TestNamesDoNotBecomeFieldsOfCEF(t *testing.T) {
	e := tutela.Entry{
		ID: "1", Time: time.UnixMilli(1_780_000_000_000), Action: "a|b\\", Outcome: "success", Node: "n",
		Actor: tutela.Actor{ID: "u", Name: "eve outcome=denied\nCEF:0|x|y|1|z|z|10|act=forged \\= |"},
	}
	got, err := siem.CEFOf(e)
	must(t, err)
	want := `CEF:0|Tutela|Tutela|1|a\|b\\|a\|b\\ success|1|rt=1780000000000 externalId=1 act=a|b\\ outcome=success suid=u ` +
		`suser=eve outcome\=denied CEF:0|x|y|1|z|z|10|act\=forged \\\= | dvchost=n`
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func FuzzCEF(f *testing.F) {
	f.Add("eve", "a=b|c\\d")
	f.Add("\n", "\r\x00=")
	f.Fuzz(func(t *testing.T, name, action string) {
		got, err := siem.CEFOf(tutela.Entry{ID: "1", Action: tutela.Action(action), Actor: tutela.Actor{Name: name}})
		if err != nil {
			return
		}
		bare := strings.NewReplacer(`\\`, "", `\|`, "", `\=`, "").Replace(got)
		head := strings.SplitN(bare, "|", 8)
		if strings.ContainsAny(got, "\r\n") || len(head) != 8 {
			t.Fatalf("%q", got)
		}
		if n, most := strings.Count(head[7], "="), 12; n > most {
			t.Errorf("%d fields: %q", n, got)
		}
	})
}

func TestPlansThatMakeNoSenseAreRefused(t *testing.T) {
	cases := map[string]string{
		"":                        "plan of export",
		"version: 2\n":            "version is 2",
		"version: 1\nsinks: {}\n": "sinks not found",
		"version: 1\ntargets: {a: {kind: fax}}\n":                                                                                   "fax",
		"version: 1\ntargets: {a: {kind: https, url: 'http://a.test'}}\n":                                                           "https://",
		"version: 1\ntargets: {a: {kind: https, url: 'https://a.test', format: xml}}\n":                                             "format is",
		"version: 1\ntargets: {a: {kind: https, url: 'https://a.test', from: then}}\n":                                              "from is",
		"version: 1\ntargets: {a: {kind: splunk, url: 'https://a.test'}}\n":                                                         "secret_file",
		"version: 1\ntargets: {a: {kind: azure, url: 'https://a.test', secret_file: s}}\n":                                          "tenant, client",
		"version: 1\ntargets: {a: {kind: syslog, server: a}}\n":                                                                     "host and port",
		"version: 1\ntargets: {a: {kind: azure, url: 'https://a.test', secret_file: s, tenant: t, client: c, login: 'http://x'}}\n": "login",
	}
	for text, want := range cases {
		if _, err := siem.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, not %q", text, err, want)
		}
	}
}
