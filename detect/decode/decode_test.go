package decode_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/detect/decode"
)

func TestEscapesAreUndone(t *testing.T) {
	for in, want := range map[string]string{
		"":                                   "",
		"Anna O'Brien <anna@clinic>":         "Anna O'Brien <anna@clinic>",
		"GET /q?a=%27%20OR%201=1-- HTTP/1.1": "GET /q?a=' OR 1=1-- HTTP/1.1",
		"/q?a=1+union+select+2":              "/q?a=1 union select 2",
		"1 + 1 is 2":                         "1 + 1 is 2",
		"%2527":                              "'",
		"%25252527":                          "'",
		"%u003cscript%u003E":                 "<script>",
		"..%c0%af..%c0%ae/":                  "../.../",
		"%e0%80%af":                          "/",
		"\xc0\xafetc":                        "/etc",
		"..%5c..%5cboot.ini":                 `..\..\boot.ini`,
		`..\..\etc\passwd`:                   `..\..\etc\passwd`,
		`\x27 or \x31=1`:                     "' or 1=1",
		`\u003cscript\u003e \u{3c}b`:         "<script> <b",
		`{"q":"say \"x\" \/ y\n"}`:           `{"q":"say "x" / y "}`,
		`C:\temp\new`:                        `C:\temp\new`,
		"&lt;img src=x&gt; &#x6a;&#0000097;&#118":  "<img src=x> jav",
		"java&Tab;script&colon;alert&lpar;1&rpar;": "java\tscript:alert(1)",
		"AT&T &ltscript&gt":                        "AT&T <script>",
		"\uff1cscript\uff1e":                       "<script>",
		"..\u2215..\u2215etc":                      "../../etc",
		"sel\u200bect":                             "select",
		"Müller, naïve ’quote’":                    "Müller, naïve ’quote’",
		"un/**/ion sel/*x*/ect":                    "un ion sel ect",
		"1 /*!50000union*/ select":                 "1  union  select",
		"/*<script>alert(1)</script>*/":            "/*<script>alert(1)</script>*/",
		"Accept: */*":                              "Accept: */*",
		"100% of 5%x and %":                        "100% of 5%x and %",
		"%":                                        "%",
		`\`:                                        `\`,
		"&":                                        "&",
		"&#;&#x;&#0;&#99999999;":                   "&#;&#x;&#0;&#99999999;",
		"%00":                                      "\x00",
	} {
		if diff := cmp.Diff(want, decode.Text(in)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", in, diff)
		}
	}
}

// What is nested deeper than anybody reads it is left, and costs no more.
func TestNestingIsBounded(t *testing.T) {
	deep := "%" + strings.Repeat("25", 10_000) + "27"
	if got := decode.Text(deep); !strings.HasSuffix(got, "27") {
		t.Errorf("a text nested 10,000 deep was read to its end: %q", got[max(0, len(got)-20):])
	}
}

func FuzzText(f *testing.F) {
	for _, s := range []string{"%27", "%c0%af", "&#x3c;", `\u003c`, "/*!5*/", "a+b=c+d", "\xe0\x80\xaf", "&lt", "\\u{10ffff}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got := decode.Text(s); len(got) > len(s) {
			t.Errorf("%q became longer: %q", s, got)
		}
	})
}

func BenchmarkText(b *testing.B) {
	const line = `192.0.2.7 - - [22/Nov/2026:09:30:00 +0000] "GET /fhir/r4/Patient?family=O%27Brien&_count=20 HTTP/1.1" 200 5120`
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		decode.Text(line)
	}
}
