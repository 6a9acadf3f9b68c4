package flow

import "strings"

// hazard is a kind of harm that a value can do; as a mask, those that are ruled out.
type hazard uint16

const (
	sql hazard = 1 << iota
	shell
	code
	file
	address
	markup
	redirect
	pattern
	record // of a log
	query  // of a document database
	templating
	all hazard = 1<<iota - 1
)

// value is what is known of an expression.
type value struct {
	from     string // the source that it comes from; empty where it is harmless
	cleared  hazard // what it cannot do any more
	path     string // what it names, such as "child_process.exec"
	text     string // what of it stands in the source
	known    bool   // it stands in the source as a whole
	composed bool   // texts and variables are put together
	pieces   bool   // something in it is not known
}

// maxText is how much of a text is kept, in bytes.
const maxText = 600

func constant(text string) value { return value{text: text[:min(len(text), maxText)], known: true} }

// harms reports whether a value from outside can do this.
func (v value) harms(h hazard) bool { return v.from != "" && v.cleared&h != h }

// clean takes harm away.
func (v value) clean(h hazard) value {
	if v.cleared |= h; v.cleared&all == all {
		v.from = ""
	}
	return v
}

// rules gives the harm that is ruled out: of what stands in the source, all.
func (v value) rules() hazard {
	if v.known {
		return all
	}
	return v.cleared
}

// vetted is a value that somebody made sure of.
func vetted(path string) value { return value{path: path, cleared: all} }

// join is a value that is one or the other.
func join(a, b value) value {
	if a.from == "" {
		a, b = b, a
	}
	switch {
	case b.from != "", a.from == "":
		a.cleared = a.rules() & b.rules()
	}
	a.text = (a.text + " " + b.text)[:min(len(a.text)+1+len(b.text), maxText)]
	a.known = a.known && b.known
	a.composed = a.composed || b.composed
	a.pieces = a.pieces || b.pieces
	if a.path == "" {
		a.path = b.path
	}
	return a
}

// compose puts values together into a text.
func compose(parts []value) value {
	v := value{known: true, composed: len(parts) > 1}
	var b strings.Builder
	first := true
	for _, p := range parts {
		if b.Len() < maxText {
			b.WriteString(p.text)
		}
		if !p.known {
			v.known = false
			v.pieces = v.pieces || p.cleared != all && (p.path == "" || !upper(p.path))
		}
		if p.from != "" {
			cleared := p.cleared
			if !first {
				cleared |= address | redirect // what comes before says where it leads
			}
			if v.from != "" {
				cleared &= v.cleared
			}
			v.from, v.cleared = p.from, cleared
		}
		if p.from != "" || !p.known || settled(b.String()) {
			first = false
		}
	}
	v.text = b.String()
	v.composed = v.composed && !v.known
	return v
}

// settled reports whether the beginning of an address says where it leads.
func settled(text string) bool {
	_, rest, ok := strings.Cut(text, "://")
	switch {
	case ok:
		return strings.ContainsAny(rest, "/?#")
	case strings.HasPrefix(text, "//"):
		return false
	}
	return len(text) > 1 && text[0] == '/' || strings.ContainsAny(text, "?#")
}

// upper reports whether a name is that of a constant.
func upper(path string) bool {
	name := path[strings.LastIndexByte(path, '.')+1:]
	return len(name) > 1 && strings.ToUpper(name) == name
}

// speaksSQL reports whether a text is a statement, or the beginning of one.
func speaksSQL(text string) bool {
	up := strings.ToUpper(text)
	for _, pair := range [][2]string{{"SELECT ", "FROM"}, {"INSERT ", "INTO"}, {"UPDATE ", "SET"}, {"DELETE ", "FROM"}, {"DROP ", "T"}, {"ALTER ", "T"}, {"CREATE ", "T"}, {"WHERE ", ""}, {"ORDER BY", ""}, {"CALL ", "("}} {
		if i := strings.Index(up, pair[0]); i >= 0 && strings.Contains(up[i:], pair[1]) {
			return true
		}
	}
	return false
}

// cleans reports whether a name claims that a value is harmless afterwards.
func cleans(name string) bool {
	low := strings.TrimPrefix(strings.ToLower(name), "_")
	for _, word := range []string{"escape", "sanitiz", "sanitis", "clean", "purif", "encode", "valid", "whitelist", "allowlist", "quote", "hash", "redact", "mask"} {
		if strings.HasPrefix(low, word) {
			return true
		}
	}
	return false
}

// anyOf reports whether a name has one of several words in it, whatever its case and joints.
func anyOf(name, words string) bool {
	low := strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))
	for word := range strings.FieldsSeq(words) {
		if strings.Contains(low, word) {
			return true
		}
	}
	return false
}
