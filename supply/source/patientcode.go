package source

import (
	"regexp"
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/source/syntax"
)

// tellPatients looks for patient data on its way into logs, errors and addresses, by the same names as in Go.
func tellPatients(tree *syntax.Node, finder *supply.Finder) {
	p := &patients{finder: finder, told: map[int]bool{}, parameter: regexp.MustCompile(`[?&]([A-Za-z_-]+)=$`)}
	tree.Walk(p.visit)
}

// patients is a look at one file.
type patients struct {
	finder    *supply.Finder
	told      map[int]bool // lines
	parameter *regexp.Regexp
}

func (p *patients) tell(r supply.Rule, line int, name, where string) {
	if !p.told[line] {
		p.told[line] = true
		p.finder.Add(r, line, "%s goes into %s", name, where)
	}
}

func (p *patients) visit(n *syntax.Node) bool {
	switch n.Kind {
	case syntax.Call:
		p.call(n)
	case syntax.New:
		if strings.HasSuffix(n.Last(), "URLSearchParams") {
			p.keys(n.Kid(1), n.Line)
		}
	case syntax.Throw:
		p.thrown(n)
	case syntax.Template:
		p.template(n)
	case syntax.Binary:
		p.sum(n)
	}
	return true
}

func (p *patients) call(n *syntax.Node) {
	f := n.Kid(0)
	of, name := strings.ToLower(f.Kid(0).Last()), f.Last()
	args := n.Kids[1:]
	switch {
	case writesLog(of, name):
		p.arguments(args, inLog(), n.Line, "the log")
	case of == "promise" && name == "reject", f.Is(syntax.Name) && name == "next" && len(args) == 1 && args[0].Is(syntax.New):
		p.arguments(args, inError(), n.Line, "an error")
	case (name == "append" || name == "set") && len(args) == 2 && (strings.HasSuffix(of, "params") || strings.HasSuffix(of, "query")) && args[0].Is(syntax.Text) && sensitive(args[0].Text):
		p.tell(inAddress(), n.Line, args[0].Text, "an address")
	case name == "get" || name == "urlencode" || name == "delete":
		p.keys(n.Key("params"), n.Line)
		for _, a := range args {
			p.keys(a.Key("params"), n.Line)
		}
		if name == "urlencode" && len(args) > 0 {
			p.keys(args[0], n.Line)
		}
	}
}

// writesLog reports whether a call writes a log or to a terminal.
func writesLog(of, name string) bool {
	if of == "" {
		return name == "print"
	}
	switch name {
	case "log", "info", "warn", "warning", "error", "debug", "trace", "fatal", "critical", "exception", "verbose", "notice":
		return of == "console" || of == "log" || of == "logging" || strings.HasSuffix(of, "logger") || of == "winston" || of == "pino" || of == "getlogger"
	}
	return false
}

// keys looks at the names of parameters.
func (p *patients) keys(o *syntax.Node, line int) {
	if !o.Is(syntax.Object) {
		return
	}
	for _, k := range o.Kids {
		if k.Is(syntax.Pair) && sensitive(k.Text) {
			p.tell(inAddress(), line, k.Text, "an address")
			return
		}
	}
}

func (p *patients) arguments(args []*syntax.Node, r supply.Rule, line int, where string) {
	for _, a := range args {
		if name := exposed(a); name != "" {
			p.tell(r, line, name, where)
			return
		}
	}
}

// thrown looks at the arguments of an error.
func (p *patients) thrown(n *syntax.Node) {
	e := n.Kid(0)
	if e.Is(syntax.New) || e.Is(syntax.Call) {
		p.arguments(e.Kids[1:], inError(), n.Line, "an error")
	}
}

// template looks at an address that values are put into.
func (p *patients) template(n *syntax.Node) {
	for i, k := range n.Kids[:max(0, len(n.Kids)-1)] {
		if k.Is(syntax.Text) && !n.Kids[i+1].Is(syntax.Text) {
			p.address(k, n.Line)
		}
	}
}

// sum looks at an address with a value behind it.
func (p *patients) sum(n *syntax.Node) {
	left := n.Kid(0)
	if left.Is(syntax.Binary) {
		left = left.Kid(1)
	}
	if n.Text == "+" && left.Is(syntax.Text) && !n.Kid(1).Is(syntax.Text) {
		p.address(left, n.Line)
	}
}

func (p *patients) address(k *syntax.Node, line int) {
	if m := p.parameter.FindStringSubmatch(k.Text); m != nil && sensitive(m[1]) {
		p.tell(inAddress(), line, m[1], "an address")
	}
}

// exposed finds what of an argument is named like patient data: its value, and not its length, hash or id.
func exposed(n *syntax.Node) string {
	switch {
	case n.Is(syntax.Name), n.Is(syntax.Member):
		if name := n.Last(); (sensitive(name) || whole(name)) && !modules(n) {
			return name
		}
	case n.Is(syntax.Index):
		if key := n.Kid(1); key.Is(syntax.Text) && sensitive(key.Text) {
			return key.Text
		}
		return exposed(n.Kid(0))
	case n.Is(syntax.Call):
		return exposedCall(n)
	case n.Is(syntax.Pair), n.Is(syntax.Argument):
		return exposed(n.Kid(0))
	case n.Is(syntax.Choice):
		return exposedAny(n.Kids[1:])
	case n.Is(syntax.Binary):
		if n.Text == "+" || n.Text == "%" || n.Text == "||" || n.Text == "??" || n.Text == "or" {
			return exposedAny(n.Kids)
		}
	case n.Is(syntax.Template), n.Is(syntax.Object), n.Is(syntax.List), n.Is(syntax.Spread), n.Is(syntax.Sequence), n.Is(syntax.New):
		return exposedAny(n.Kids)
	}
	return ""
}

// modules reports whether a full name is that of a module or a command, as in Python: nobody's in particular.
func modules(n *syntax.Node) bool {
	if normal(n.Last()) != "fullname" {
		return false
	}
	of := normal(n.Kid(0).Last())
	return of == "" || !strings.Contains(of, "patient") && !strings.Contains(of, "person") && !strings.Contains(of, "user")
}

func exposedAny(list []*syntax.Node) string {
	for _, k := range list {
		if name := exposed(k); name != "" {
			return name
		}
	}
	return ""
}

// exposedCall looks into a call that gives what it is given, or a part of a record.
func exposedCall(n *syntax.Node) string {
	f := n.Kid(0)
	if safe(f.Kid(0).Last(), f.Last()) {
		return ""
	}
	if key := n.Kid(1); f.Last() == "get" && key.Is(syntax.Text) && sensitive(key.Text) {
		return key.Text
	}
	if name := exposedAny(n.Kids[1:]); name != "" {
		return name
	}
	if f.Is(syntax.Member) && (f.Text == "format" || f.Text == "toString" || f.Text == "trim" || f.Text == "strip" || f.Text == "join" || f.Text == "isoformat" || f.Text == "strftime") {
		return exposed(f.Kid(0))
	}
	if sensitive(f.Last()) {
		return f.Last()
	}
	return ""
}
