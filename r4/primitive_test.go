package r4

import (
	"regexp"
	"strings"
	"testing"
)

// patterns are the regular expressions of FHIR R4, datatypes.html#primitive, which the validators
// must agree with on every sample but the ones that name days or bytes that cannot be.
func patterns() map[typeID]*regexp.Regexp {
	day := `([0-9]([0-9]([0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)(-(0[1-9]|1[0-2])(-(0[1-9]|[1-2][0-9]|3[0-1])`
	clock := `T([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?(Z|(\+|-)((0[0-9]|1[0-3]):[0-5][0-9]|14:00))`
	out := map[typeID]*regexp.Regexp{}
	for t, p := range map[typeID]string{
		typeId:           `[A-Za-z0-9\-\.]{1,64}`,
		typeOid:          `urn:oid:[0-2](\.(0|[1-9][0-9]*))+`,
		typeUuid:         `urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`,
		typeUri:          `\S+`,
		typeCode:         `[^\s]+(\s[^\s]+)*`,
		typeDate:         day + `)?)?`,
		typeDateTime:     day + `(` + clock + `)?)?)?`,
		typeInstant:      day + clock + `))`,
		typeTime:         `([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]+)?`,
		typeInteger:      `0|-?[1-9][0-9]{0,8}`,
		typeUnsignedInt:  `0|[1-9][0-9]{0,8}`,
		typePositiveInt:  `[1-9][0-9]{0,8}`,
		typeDecimal:      `-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?`,
		typeBase64Binary: `(\s*([0-9a-zA-Z\+\/=]){4}\s*)+`,
	} {
		out[t] = regexp.MustCompile(`^(` + p + `)$`)
	}
	return out
}

func TestFormatsAgreeWithTheSpecification(t *testing.T) {
	samples := strings.Split(strings.TrimSpace(`
a|A-b.9|a_b|1.2.3|`+strings.Repeat("a", 64)+`|`+strings.Repeat("a", 65)+`
urn:oid:1.2.3|urn:oid:2.16.840.1.113883|urn:oid:3.1|urn:oid:1|urn:oid:1.|urn:oid:1.02|urn:oid:1.0|urn:oid:1..2|urn:oid:
urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7|urn:uuid:53FEFA32-fcbb-4ff8-8a92-55ee120877b7|urn:uuid:53fefa32|urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7a|urn:uuid:53fefa32+fcbb-4ff8-8a92-55ee120877b7
http://a.b/c|http://a.b/c d|mailto:x| a|a |a b|a  b|a b c
2018|1973-06|1905-08-23|0000|0001|1905-13|1905-00|1905-01-00|1905-1-1|19050101|190|1905-08-23-01|+1905
2015-02-07T13:28:17.239+02:00|2017-01-01T00:00:00.000Z|2017-01-01T00:00:00Z|2017-01-01T00:00:60Z|2017-01-01T00:00:61Z|2017-01-01T24:00:00Z|2017-01-01T00:60:00Z
2017-01-01T00:00:00|2017-01-01T00:00Z|2017-01-01T00:00:00.Z|2017-01-01T00:00:00+14:00|2017-01-01T00:00:00+14:01|2017-01-01T00:00:00-13:59|2017-01-01t00:00:00Z|2017-01T00:00:00Z
12:00:00|12:00:00.5|12:00|24:00:00|12:00:00Z|12:00:00.
0|-0|1|-1|01|1.0|123456789|1.00|-1.5e10|1E-2|0.0
YWJj|YWJ=|YWI=|YW|Y W J j|YWJjZA==|YW*j`), "\n")
	for typ, pattern := range patterns() {
		for sample := range strings.SplitSeq(strings.Join(samples, "|"), "|") {
			if (typ == typeDecimal || typ == typeInteger || typ == typeUnsignedInt || typ == typePositiveInt) && !isJSONNumber(sample) {
				continue // no JSON number, and so never asked
			}
			if typ == typeBase64Binary && strings.Contains(sample, " ") {
				continue // the pattern allows white space between groups of four only
			}
			if got, want := validPrimitive(typ, []byte(sample)), pattern.MatchString(sample); got != want {
				t.Errorf("%s %q: valid %t, the specification says %t", typ.name(), sample, got, want)
			}
		}
	}
}

func isJSONNumber(s string) bool {
	return regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`).MatchString(s)
}

// TestFormatsRefuseMoreThanPatterns lists where the text of the specification is stricter than its
// regular expressions, and where exact arithmetic has bounds.
func TestFormatsRefuseMoreThanPatterns(t *testing.T) {
	for _, tt := range []struct {
		typ  typeID
		text string
		want bool
	}{
		{typeDate, "2021-02-29", false},
		{typeDate, "2020-02-29", true},
		{typeDate, "2021-04-31", false},
		{typeInteger, "2147483647", true},
		{typeInteger, "2147483648", false},
		{typeInteger, "-2147483648", true},
		{typeInteger, "-2147483649", false},
		{typePositiveInt, "0", false},
		{typeDecimal, "1e400", true},
		{typeDecimal, "1e401", false},
		{typeDecimal, "1e-99999999999", false},
		{typeDecimal, "1e000000000000000000000001", true},
		{typeDecimal, strings.Repeat("9", 129), false},
		{typeBase64Binary, "=YWJ", false},
		{typeBase64Binary, "YW JjZA\n==", true},
		{typeString, "tab\tline\n", true},
		{typeString, "bell\a", false},
	} {
		if got := validPrimitive(tt.typ, []byte(tt.text)); got != tt.want {
			t.Errorf("%s %q: valid %t, want %t", tt.typ.name(), tt.text, got, tt.want)
		}
	}
}

func TestNarrativesWithActiveContentAreRefused(t *testing.T) {
	for div, want := range map[string]bool{
		`<div xmlns="http://www.w3.org/1999/xhtml"><p class="a">x &lt; y</p><br/></div>`: true,
		`<div><a href="Patient/1">x</a><a href="https://a.b?x=1&amp;y=2">y</a></div>`:    true,
		`<div><img src="data:image/png;base64,AAAA" alt="x"/></div>`:                     true,
		`<div><!-- <script> in a comment --><b>x</b></div>`:                              true,
		`<div style="color: red">x</div>`:                                                true,
		`plain`:                                                                          false,
		`<p>no div</p>`:                                                                  false,
		`<div><script>alert(1)</script></div>`:                                           false,
		`<div><SCRIPT>alert(1)</SCRIPT></div>`:                                           false,
		`<div><p onclick="x()">y</p></div>`:                                              false,
		`<div ONLOAD='x()'>y</div>`:                                                      false,
		`<div><a href="javascript:x()">y</a></div>`:                                      false,
		`<div><a href=" JaVaScript:x()">y</a></div>`:                                     false,
		`<div><a href="java&#115;cript:x()">y</a></div>`:                                 false,
		`<div><a href="java` + "\n" + `script:x()">y</a></div>`:                          false,
		`<div><a href=javascript:x()>y</a></div>`:                                        false,
		`<div><img src="data:image/svg+xml;base64,AA"/></div>`:                           false,
		`<div><img src="data:text/html;base64,AA"/></div>`:                               false,
		`<div><iframe src="http://a.b"/></div>`:                                          false,
		`<div><form><input/></form></div>`:                                               false,
		`<div><object data="x"/></div>`:                                                  false,
		`<div><svg><a xlink:href="x"/></svg></div>`:                                      false,
		`<div><a xlink:href="javascript:x()">y</a></div>`:                                false,
		`<div style="background:url(http://a.b/c)">x</div>`:                              false,
		`<div style="width:expression(x())">x</div>`:                                     false,
		`<div><link href="a.css"/></div>`:                                                false,
		`<div><!-- unfinished </div>`:                                                    false,
		`<div><p title="unfinished></div>`:                                               false,
		`<div><![CDATA[x]]></div>`:                                                       false,
		`<div><?xml version="1.0"?></div>`:                                               false,
	} {
		if got := safeXHTML([]byte(div)); got != want {
			t.Errorf("%s: safe %t, want %t", div, got, want)
		}
	}
}

// TestOnlyWhatHasNoPathIsRefused keeps parameters of the seven offered types from slipping onto the
// list of those that are not.
func TestOnlyWhatHasNoPathIsRefused(t *testing.T) {
	reasons := map[string]int{}
	for _, u := range unsupportedParams {
		reasons[u.reason]++
	}
	delete(reasons, "composite parameters are not offered")
	delete(reasons, "special parameters are not offered")
	if reasons["has no expression"] != 3 || len(reasons) != 1 {
		t.Errorf("refused for other reasons: %v", reasons)
	}
	if len(params) < 1600 || len(params)+len(unsupportedParams) < 1700 {
		t.Errorf("only %d parameters compile", len(params))
	}
}
