package sigma

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"
)

// test reports whether one value of a field is as a rule wants it; lower is the value in lower case.
type test func(value, lower string) bool

// chain is a field's modifiers in order.
type chain struct {
	line  *yaml.Node
	names []string
}

func (c chain) has(name string) bool { return slices.Contains(c.names, name) }

// check refuses modifiers that nobody knows, and combinations that mean nothing.
func (c chain) check() error {
	known := strings.Fields(`all startswith endswith contains exists cased neq windash re i m s base64 base64offset
		utf16le utf16be utf16 wide lt lte gt gte minute hour day week month year cidr expand fieldref`)
	kinds := 0
	for i, name := range c.names {
		switch {
		case !slices.Contains(known, name):
			return flaw(c.line, "has an unknown modifier %q", name)
		case slices.Contains(c.names[:i], name):
			return flaw(c.line, "has the modifier %q twice", name)
		case name == "expand":
			return flaw(c.line, "has the modifier expand, and there are no placeholders here: write the values out")
		case (name == "i" || name == "m" || name == "s") && !c.has("re"):
			return flaw(c.line, "has the modifier %q, which belongs to re", name)
		case slices.Contains([]string{"re", "cidr", "exists", "fieldref", "lt", "lte", "gt", "gte"}, name):
			kinds++
		}
	}
	if kinds > 1 {
		return flaw(c.line, "has modifiers that exclude each other: %s", strings.Join(c.names, ", "))
	}
	return nil
}

// compile makes the tests of one value; a value may become several, of which one must hold.
func (c chain) compile(v *yaml.Node) ([]test, error) {
	switch {
	case v.Kind != yaml.ScalarNode:
		return nil, flaw(v, "is no single value")
	case c.part() != "":
		return c.timed(v)
	case c.has("re"):
		return c.regular(v)
	case c.has("cidr"):
		return network(v)
	case c.has("lt"), c.has("lte"), c.has("gt"), c.has("gte"):
		t, err := c.bound(v)
		return []test{t}, err
	}
	return c.strings(v)
}

// strings makes the tests of a text: transformed in the given order, then compared.
func (c chain) strings(v *yaml.Node) ([]test, error) {
	values := []string{v.Value}
	encoded := false
	for _, name := range c.names {
		var err error
		if values, err = transform(name, values); err != nil {
			return nil, flaw(v, "%v", err)
		}
		encoded = encoded || strings.HasPrefix(name, "base64") || strings.HasPrefix(name, "utf16") || name == "wide"
	}
	var tests []test
	for _, s := range values {
		p := pattern{parts: []string{s}}
		if !encoded {
			p = readPattern(s)
		}
		p.open = p.open || c.has("contains") || c.has("endswith")
		p.shut = p.shut || c.has("contains") || c.has("startswith")
		tests = append(tests, p.test(c.has("cased") || encoded))
	}
	return tests, nil
}

// test makes the comparison with or without case.
func (p pattern) test(cased bool) test {
	if cased {
		if s, ok := p.literal(); ok {
			return func(value, _ string) bool { return value == s }
		}
		return func(value, _ string) bool { return p.matches(value) }
	}
	p = p.lower()
	if s, ok := p.literal(); ok {
		return func(_, lower string) bool { return lower == s }
	}
	return func(_, lower string) bool { return p.matches(lower) }
}

// transform applies one modifier that changes values (appendix, "String Modifiers").
func transform(name string, values []string) ([]string, error) {
	var out []string
	for _, s := range values {
		switch name {
		case "windash":
			out = append(out, dashes(s)...)
		case "base64":
			out = append(out, base64.StdEncoding.EncodeToString([]byte(s)))
		case "base64offset":
			out = append(out, offsets(s)...)
		case "utf16le", "wide":
			out = append(out, wide(s, false))
		case "utf16be":
			out = append(out, wide(s, true))
		case "utf16":
			out = append(out, "\xff\xfe"+wide(s, false))
		default:
			out = append(out, s)
		}
	}
	if len(out) > maxValues {
		return nil, errors.New("becomes too many values")
	}
	return out, nil
}

// dashes gives a text with each of the five dashes in place of those that begin an option.
func dashes(s string) []string {
	const all = "-/–—―"
	if !strings.ContainsAny(s, all) {
		return []string{s}
	}
	var out []string
	for _, d := range all {
		var b strings.Builder
		before := ' '
		for _, r := range s {
			if strings.ContainsRune(all, r) && before == ' ' {
				b.WriteRune(d)
			} else {
				b.WriteRune(r)
			}
			before = r
		}
		out = append(out, b.String())
	}
	return out
}

// offsets gives what is certain of a text in base64 at each of the three places within a group of bytes.
func offsets(s string) []string {
	var out []string
	for at, skip := range []int{0, 2, 3} {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat(" ", at) + s))
		drop := []int{0, 3, 2}[(len(s)+at)%3]
		if skip < len(text)-drop {
			out = append(out, text[skip:len(text)-drop])
		}
	}
	return out
}

func wide(s string, bigEndian bool) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		if bigEndian {
			b.Write([]byte{byte(u >> 8), byte(u)})
		} else {
			b.Write([]byte{byte(u), byte(u >> 8)})
		}
	}
	return b.String()
}

// regular makes a test by a regular expression (RE2: what would take time beyond measure cannot be written).
func (c chain) regular(v *yaml.Node) ([]test, error) {
	flags := ""
	for _, f := range []string{"i", "m", "s"} {
		if c.has(f) {
			flags += f
		}
	}
	text := v.Value
	if flags != "" {
		text = "(?" + flags + ")" + text
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, flaw(v, "is no regular expression of RE2: %v", err)
	}
	need := hints(text)
	return []test{func(value, lower string) bool {
		// The long s is the one letter that expressions without case take for another and that has no lower case.
		return (hinted(lower, need) || strings.Contains(value, "ſ")) && re.MatchString(value)
	}}, nil
}

func network(v *yaml.Node) ([]test, error) {
	p, err := netip.ParsePrefix(v.Value)
	if err != nil {
		return nil, flaw(v, "is no network such as 10.0.0.0/8")
	}
	return []test{func(value, _ string) bool {
		a, err := netip.ParseAddr(value)
		return err == nil && p.Contains(a.Unmap())
	}}, nil
}

// bound makes a test of numbers.
func (c chain) bound(v *yaml.Node) (test, error) {
	limit, err := strconv.ParseFloat(v.Value, 64)
	if err != nil {
		return nil, flaw(v, "is no number")
	}
	holds := comparison(c.names)
	return func(value, _ string) bool {
		n, err := strconv.ParseFloat(value, 64)
		return err == nil && holds(n, limit)
	}, nil
}

// comparison is that of the first modifier that compares; equality without one.
func comparison(names []string) func(n, limit float64) bool {
	for _, name := range names {
		switch name {
		case "lt":
			return func(n, limit float64) bool { return n < limit }
		case "lte":
			return func(n, limit float64) bool { return n <= limit }
		case "gt":
			return func(n, limit float64) bool { return n > limit }
		case "gte":
			return func(n, limit float64) bool { return n >= limit }
		}
	}
	return func(n, limit float64) bool { return n == limit }
}

// part is the modifier that takes a number out of a time, if there is one.
func (c chain) part() string {
	for _, name := range c.names {
		switch name {
		case "minute", "hour", "day", "week", "month", "year":
			return name
		}
	}
	return ""
}

// timed makes a test of a part of a time, in UTC (appendix, "Time Modifiers").
func (c chain) timed(v *yaml.Node) ([]test, error) {
	want, err := strconv.ParseFloat(v.Value, 64)
	if err != nil {
		return nil, flaw(v, "is no number")
	}
	part, holds := c.part(), comparison(c.names)
	return []test{func(value, _ string) bool {
		t, err := readTime(value)
		return err == nil && holds(float64(partOf(t, part)), want)
	}}, nil
}

// readTime reads RFC 3339 or Unix milliseconds.
func readTime(s string) (time.Time, error) {
	if ms, err := strconv.ParseInt(s, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("read time: %w", err)
	}
	return t.UTC(), nil
}

func partOf(t time.Time, part string) int {
	switch part {
	case "minute":
		return t.Minute()
	case "hour":
		return t.Hour()
	case "day":
		return t.Day()
	case "week":
		_, week := t.ISOWeek()
		return week
	case "month":
		return int(t.Month())
	}
	return t.Year()
}
