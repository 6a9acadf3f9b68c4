package roster_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/roster"
)

func TestParse(t *testing.T) {
	file := "\ufeffUserName, name,Email,roles,external_id,active,end_date,clearances\r\n" +
		"ann,\"Lee, Ann\",ann@clinic.test,nurse physician,E-1,,,PSY HIV\r\n" +
		"\r\n" +
		"bob,Bob,,nurse;billing,E-2,No,2026-12-31,\r\n"
	got := roster.Parse([]byte(file))
	want := identity.Roster{Columns: identity.RosterColumns(), Rows: []identity.RosterRow{
		{Line: 2, Username: "ann", Name: "Lee, Ann", Email: "ann@clinic.test", Roles: []string{"nurse", "physician"}, External: "E-1", Active: true, Cleared: []string{"PSY", "HIV"}},
		{Line: 4, Username: "bob", Name: "Bob", Roles: []string{"nurse", "billing"}, External: "E-2", Ends: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), Cleared: []string{}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	semicolons := roster.Parse([]byte("roles;username\nnurse physician;ann\n"))
	if diff := cmp.Diff([]identity.RosterRow{{Line: 2, Username: "ann", Roles: []string{"nurse", "physician"}, Active: true}}, semicolons.Rows); diff != "" {
		t.Error(diff)
	}
}

// Each wrong line is named, and what stands in it is not repeated.
func TestWrongLinesAreNamed(t *testing.T) {
	head := "username,active,end_date\n"
	for name, c := range map[string]struct {
		file string
		line int
	}{
		"nothing": {"", 1}, "no username": {"name\nAnn\n", 1}, "an unknown column": {"username,zebra\nann,x\n", 1},
		"a column twice": {"username,USERNAME\nann,x\n", 1}, "not UTF-8": {"username\nzebra\xff\n", 1},
		"a cell too few": {head + "ann,true,\nzebra,true\n", 3}, "a cell too many": {head + "zebra,true,,\n", 2},
		"no truth": {head + "ann,zebra,\n", 2}, "no day": {head + "ann,true,zebra\n", 2}, "a day that is none": {head + "ann,true,2026-02-30\n", 2},
		"an open quotation": {head + "ann,true,\n\"zebra,true,\n", 3}, "a quotation within": {head + "ze\"bra,true,\n", 2},
		"too many": {"username\n" + strings.Repeat("ann\n", roster.MaxRows+5), roster.MaxRows + 2},
	} {
		got := roster.Parse([]byte(c.file))
		if len(got.Problems) != 1 || got.Problems[0].Line != c.line || strings.Contains(got.Problems[0].Text, "zebra") {
			t.Errorf("%s: %+v, want line %d", name, got.Problems, c.line)
		}
	}
}

// Whatever comes as a file, each row has its line, and no row is made of nothing.
func FuzzParse(f *testing.F) {
	f.Add([]byte("username,roles\nann,nurse\n"))
	f.Add([]byte("\ufeffusername;end_date\n\"a\nb\";2026-12-31\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		got := roster.Parse(file)
		last := 1
		for _, r := range got.Rows {
			if r.Line <= last {
				t.Fatalf("a row of line %d after line %d", r.Line, last)
			}
			last = r.Line
		}
		if len(got.Rows) > 0 && len(got.Columns) == 0 {
			t.Error("rows without columns")
		}
	})
}
