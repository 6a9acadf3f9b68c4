package vendor_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/assure/vendor"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/rig"
)

// What was taken out comes in again as it was, and no cell of it is a formula.
func TestSheetsComeBackAsTheyWent(t *testing.T) {
	h := opened(t, rig.Open(t, rig.Config{}))
	k := h.keep(t, "a", h.some(90, func(d *vendor.Details) { d.Name, d.Contact = "=cmd()|'x'!A1", "+1 555 0100" }))
	k = h.assess(t, h.asked(k, map[string]vendor.Word{"tests": vendor.No, "logs": vendor.Partly}, func(a *vendor.Assessment) {
		a.Waive = map[string]string{"logs": "-none"}
		a.Answers["place"] = vendor.Answer{Is: vendor.Yes, Text: "@home", Until: h.in(5)}
	}))
	var sheet, answers bytes.Buffer
	must(t, vendor.WriteVendors(&sheet, []vendor.Kept{k}))
	must(t, vendor.WriteAnswers(&answers, h.Questionnaire(), k))
	for _, cell := range []string{"'=cmd()", "'+1 555", "'-none", "'@home"} {
		if !strings.Contains(sheet.String()+answers.String(), cell) {
			t.Errorf("no %q in %s%s", cell, sheet.String(), answers.String())
		}
	}
	list, err := vendor.ReadVendors(strings.NewReader("\ufeff" + sheet.String()))
	must(t, err)
	want := vendor.Written{ID: "a", Revision: k.Revision, Line: 2, Details: k.Details}
	want.Owner, want.OwnerName = "pia", ""
	if d := cmp.Diff([]vendor.Written{want}, list); d != "" {
		t.Error(d)
	}
	got, err := h.Questionnaire().ReadAnswers(&answers)
	must(t, err)
	if d := cmp.Diff([]vendor.Sheet{{Vendor: "a", Line: 2, Answers: k.Answers, Waive: map[string]string{"logs": "-none"}}}, got); d != "" {
		t.Error(d)
	}
	var blank bytes.Buffer
	must(t, vendor.WriteAnswers(&blank, h.Questionnaire()))
	if n := strings.Count(blank.String(), "?"); n != 20 {
		t.Errorf("%d questions in a blank sheet", n)
	}
}

// A bad sheet is refused by its lines, and nothing of what it says is quoted but ids.
func TestBadLinesAreNamed(t *testing.T) {
	const head = "id,name,service,contact,owner,data,critical,agreement,signed\n"
	good := "a,A,s,c,pia,none,1,none,\n"
	for _, c := range []struct{ text, want string }{
		{"", "empty"},
		{"id,name\n", "column service is missing"},
		{"id,id\n", "there twice"},
		{"id,evil\n", "column 2"},
		{head + good + "b,B\n", "line 3 is no line of CSV"},
		{head + good + "b,\"B,s,c,pia,none,1,none,\n", "line "},
		{head + good + "b,B,s,c,pia,none,one,none,\n" + good + "c,C,s,c,pia,none,1,none,soon\n", "line 3: critical and revision are numbers; line 5: signed is a day"},
		{head + good + "b,B\xff,s,c,pia,none,1,none,\n", "line 3: name is no line of UTF-8"},
		{head + good + "b,B\x1b[2J,s,c,pia,none,1,none,\n", "line 3: name is no line"},
		{head + good + "b," + strings.Repeat("B", 2001) + ",s,c,pia,none,1,none,\n", "line 3: name is no line"},
		{head + strings.Repeat(good, 1001), "1000 lines at most"},
		{head + strings.Repeat(" ", 16<<20), "bytes at most"},
		{head + strings.Repeat("b,B,s,c,pia,none,one,none,\n", 30), "and 10 more"},
	} {
		if _, err := vendor.ReadVendors(strings.NewReader(c.text)); !errs.Is(err, errs.Invalid) || !strings.Contains(errs.Public(err), c.want) {
			t.Errorf("%.80q: %v, want %q", c.text, err, c.want)
		}
	}
	q, err := vendor.Shipped()
	must(t, err)
	text := "question,answer,until\ntests,perhaps,\nelse,yes,\nlogs,yes,\nlogs,no,\nplace,yes,never\n"
	_, err = q.ReadAnswers(strings.NewReader(text))
	for i, want := range []string{"an answer is yes", `"else" is no question`, "", "logs is answered twice", "until is a day"} {
		if line := fmt.Sprintf("line %d: %s", i+2, want); want != "" && (err == nil || !strings.Contains(errs.Public(err), line)) {
			t.Errorf("%v does not say %q", err, line)
		}
	}
}

// Whatever somebody sends as a sheet, it is read or refused, and what is read goes out again.
func FuzzSheets(f *testing.F) {
	f.Add([]byte("id,name,service,contact,owner,data,critical,agreement\na,A,s,c,pia,none,1,none\n"))
	f.Add([]byte("vendor,question,answer\na,tests,yes\n"))
	f.Add([]byte("\xef\xbb\xbfid,\"a\n"))
	q, err := vendor.Shipped()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if list, err := vendor.ReadVendors(bytes.NewReader(text)); err != nil && !errs.Is(err, errs.Invalid) {
			t.Errorf("vendors: %v", err)
		} else {
			for _, w := range list {
				if strings.ContainsAny(w.Name+w.ID+w.Contact, "\x1b\n\r\x00") {
					t.Errorf("%+v", w)
				}
			}
		}
		sheets, err := q.ReadAnswers(bytes.NewReader(text))
		if err != nil && !errs.Is(err, errs.Invalid) {
			t.Errorf("answers: %v", err)
		}
		for _, s := range sheets {
			var out bytes.Buffer
			must(t, vendor.WriteAnswers(&out, q, vendor.Kept{ID: s.Vendor, Vendor: vendor.Vendor{Answers: s.Answers}}))
			if _, err := q.ReadAnswers(&out); err != nil {
				t.Errorf("%q: %v", out.String(), err)
			}
		}
	})
}
