package deid

import "strings"

// units are those of the Unified Code for Units of Measure (UCUM) that are shown, and what people write in
// braces beside them. Other annotations are somebody's words.
type units struct {
	alone    map[string]bool // take no prefix
	prefixed map[string]bool // take one of the metric prefixes, or none
	notes    []string
}

func commonUnits() units {
	return units{
		alone: set(`% [ppth] [ppm] [ppb] [pH] [degF] min h d wk mo a a_j deg ' '' [in_i] [ft_i] [yd_i] [mi_i] [lb_av] [oz_av] [gr] [drp] [arb'U] [pfu] [CFU]
[cup_us] [tsp_us] [tbs_us] [foz_us] [pt_us] [gal_us] [Cal] [diop] [hnsf'U] [MET] [Amb'a'1'U] [ELU] [APL'U] [GPL'U] [MPL'U] [BAU] [psi] [HPF] [LPF]`),
		prefixed: set("m g s l L mol eq osm Pa J W V A K cd Hz N C F Ohm S Wb T H lm lx Bq Gy Sv rad sr kat cal Cel U [iU] [IU] bar t B bit By m[Hg] m[H2O]"),
		notes:    strings.Fields("{score} {Score} {count} {nominal} {beats} {breaths} {ratio} {index} {INR} {#} {events}"),
	}
}

// known reports whether a code is made of these units.
func (u units) known(code string) bool {
	if code == "" || len(code) > 32 {
		return false
	}
	for _, note := range u.notes {
		code = strings.ReplaceAll(code, note, "1")
	}
	for part := range strings.FieldsFuncSeq(code, func(r rune) bool { return strings.ContainsRune("./()", r) }) {
		if !u.component(part) {
			return false
		}
	}
	return true
}

// component accepts a factor, or a unit with a prefix and an exponent.
func (u units) component(part string) bool {
	if strings.HasPrefix(part, "10*") || strings.HasPrefix(part, "10^") {
		return len(part) <= 6 && strings.Trim(part[3:], "+-0123456789") == ""
	}
	if digits(part) {
		return len(part) <= 3
	}
	if base := strings.TrimRight(part, "+-0123456789"); len(part)-len(base) <= 2 {
		part = base
	}
	if u.alone[part] || u.prefixed[part] {
		return true
	}
	for prefix := range strings.FieldsSeq("da k d c m u n p f h M G T") {
		if rest, ok := strings.CutPrefix(part, prefix); ok && u.prefixed[rest] {
			return true
		}
	}
	return false
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}
