package flow

import (
	"fmt"
	"strings"

	"github.com/tutela-health/tutela/supply/source/syntax"
)

// call is a call with what is known of its parts.
type call struct {
	n    *syntax.Node
	path string // what is called
	name string // its last word
	of   value  // what it is called on
	args []value
}

// arg gives the first of the arguments that a list names by position or keyword, such as "0 url".
func (c *call) arg(which string) (value, *syntax.Node) {
	for word := range strings.FieldsSeq(which) {
		if v, n := c.one(word); n != nil {
			return v, n
		}
	}
	return value{}, nil
}

func (c *call) one(word string) (value, *syntax.Node) {
	position := 0
	for i, k := range c.n.Kids[1:] {
		switch {
		case k.Is(syntax.Argument):
			if k.Text == word {
				return c.args[i], k.Kid(0)
			}
		case len(word) == 1 && word[0] == byte('0'+position):
			return c.args[i], k
		default:
			position++
		}
	}
	return value{}, nil
}

// call judges a call, and gives what it gives.
func (s *scan) call(n *syntax.Node, sc *scope) value {
	c := &call{n: n}
	callee := s.callee(c, sc)
	c.path, c.name = callee.path, n.Kid(0).Last()
	if i := strings.LastIndexByte(c.path, '.'); n.Kid(0).Is(syntax.Name) && i >= 0 {
		c.name = c.path[i+1:]
	}
	s.bind(c, sc)
	c.args = s.each(n.Kids[1:], sc)
	if m, ok := s.module(c); ok {
		return m
	}
	s.judge(c, sc)
	v := s.result(c, callee, sc)
	v.path = c.path + "()"
	return v
}

func (s *scan) callee(c *call, sc *scope) value {
	k := c.n.Kid(0)
	if !k.Is(syntax.Member) {
		return s.eval(k, sc)
	}
	c.of = s.eval(k.Kid(0), sc)
	if d := k.Dotted(); d != "" {
		if v, ok := sc.find(d); ok && v.path != "" {
			return v
		}
	}
	return s.of(c.of, k.Text)
}

// module is what require and import give, and functions that wrap one.
func (s *scan) module(c *call) (value, bool) {
	if len(c.args) == 0 {
		return value{}, false
	}
	switch {
	case (c.path == "require" || c.path == "import" || c.path == "importlib.import_module") && c.args[0].known:
		return value{path: strings.TrimPrefix(c.args[0].text, "node:")}, true
	case c.name == "promisify" || c.name == "promisifyAll" || c.path == "functools.partial":
		return value{path: c.args[0].path}, true
	}
	return value{}, false
}

// bind says what function literals among the arguments are called with.
func (s *scan) bind(c *call, sc *scope) {
	for i, k := range c.n.Kids[1:] {
		if !k.Is(syntax.Function) {
			continue
		}
		switch n := len(k.Params()); {
		case s.lang == Script && registers(c) && n >= 2 && n <= 4:
			s.bindings[k] = []value{{path: "req"}, {path: "res"}}
			if n == 4 {
				s.bindings[k] = []value{{}, {path: "req"}, {path: "res"}}
			}
		case c.of.from != "" && oneOf(c.name, "forEach map filter some every find flatMap then reduce"):
			v := c.of
			v.path = ""
			s.bindings[k] = []value{v}
			if c.name == "reduce" {
				s.bindings[k] = []value{v, v}
			}
		case c.name == "addEventListener" && i > 0 && literal(c.n.Kid(1)) == "message":
			s.bindings[k] = []value{{path: "message"}}
		}
	}
}

// registers reports whether a call gives a path its handlers.
func registers(c *call) bool {
	return oneOf(c.name, "get post put patch delete all use route") && strings.HasPrefix(literal(c.n.Kid(1)), "/")
}

// literal is a text that stands in the source.
func literal(n *syntax.Node) string {
	if n.Is(syntax.Text) {
		return n.Text
	}
	return ""
}

// result is what a call gives.
func (s *scan) result(c *call, callee value, sc *scope) value {
	if s.gives(c.path) {
		return value{from: c.path, cleared: asksHost(c)}
	}
	if v, ok := s.elsewhere(c); ok {
		return v
	}
	if v, ok := s.harmless(c); ok {
		return v
	}
	if c.of.from != "" {
		return s.received(c)
	}
	if s.lang == Python && s.comesIn(c.path) {
		return value{from: c.path + "()"}
	}
	if s.passes(c) {
		return s.passed(c)
	}
	return s.follow(c, sc)
}

// received is what a method of a value from outside gives.
func (s *scan) received(c *call) value {
	switch {
	case oneOf(c.name, "includes startsWith endsWith startswith endswith indexOf find isdigit test match count index save validate is_valid set add push append pipe on"):
		return value{}
	case c.name == "replace" || c.name == "replaceAll" || c.name == "translate":
		return c.of.clean(replaced(c))
	case c.name == "join" && len(c.args) > 0 && c.args[0].from == "":
		return c.of
	}
	v := c.of
	if s.lang == Script && ownAddress(v.from) && !oneOf(c.name, "toString toLowerCase trim clone valueOf") {
		v.cleared &^= redirect // a piece of it
	}
	for _, a := range c.args {
		if a.from != "" {
			v = join(v, a)
		}
	}
	v.composed = v.composed || c.name == "format" || c.name == "concat"
	return v
}

// replaced says what replacing letters makes harmless.
func replaced(c *call) hazard {
	what := ""
	if n := c.n.Kid(1); n.Is(syntax.Regex) || n.Is(syntax.Text) {
		what = n.Text
	}
	var h hazard
	if strings.Contains(what, "<") {
		h |= markup
	}
	if strings.Contains(what, `\n`) || strings.Contains(what, "\n") || strings.Contains(what, `\r`) {
		h |= record
	}
	if strings.Contains(what, "[^") {
		h |= all
	}
	if strings.Contains(what, "..") || strings.Contains(what, `\.`) {
		h |= file
	}
	return h
}

// harmless knows functions that take harm away.
func (s *scan) harmless(c *call) (value, bool) {
	if oneOf(c.path, "parseInt Number parseFloat Boolean BigInt Date int float bool len uuid.UUID ord hash isinstance Math.floor Math.round") || oneOf(c.name, "hexdigest digest toFixed getTime") {
		return vetted(""), true
	}
	h := clears(c)
	if h == 0 {
		return value{}, false
	}
	v := value{}
	for _, a := range append([]value{c.of}, c.args...) {
		if a.from != "" {
			v = a
		}
	}
	return v.clean(h), true
}

func clears(c *call) hazard {
	switch {
	case oneOf(c.path, "encodeURIComponent urllib.parse.quote urllib.parse.quote_plus urllib.parse.urlencode querystring.escape querystring.stringify django.utils.http.urlquote"):
		return address | redirect | markup | file | record
	case oneOf(c.path, "escape-html he.encode he.escape sanitize-html xss validator.escape html.escape bleach.clean markupsafe.escape flask.escape django.utils.html.escape django.utils.html.conditional_escape "+
		"lodash.escape nh3.clean cgi.escape django.utils.html.strip_tags xss-filters.inHTMLData entities.encode escapeHtml escapeHTML django.utils.html.format_html"),
		c.name == "sanitize" && strings.Contains(strings.ToLower(c.path), "purify"):
		return markup
	case oneOf(c.path, "path.basename os.path.basename werkzeug.utils.secure_filename sanitize-filename"):
		return file
	case oneOf(c.path, "shlex.quote pipes.quote shell-quote.quote shell-escape"):
		return shell
	case oneOf(c.name, "escapeId escape_string quote_ident escapeLiteral escapeIdentifier") || c.name == "escape" && (oneOf(last(c.of.path), "mysql mysql2 connection conn db pool sqlstring sequelize") || c.path == "sqlstring.escape"):
		return sql
	case oneOf(c.path, "re.escape lodash.escapeRegExp escape-string-regexp escapeRegExp"):
		return pattern
	case last(c.of.path) == "launder": // apostrophe's
		return all
	case oneOf(c.path, "mongo-sanitize String str JSON.stringify json.dumps"):
		return query
	case cleans(c.name) && c.name != "encode" && c.name != "quote":
		return all
	}
	return 0
}

func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// passes reports whether a function gives what it is given, in another form.
func (s *scan) passes(c *call) bool {
	switch {
	case oneOf(c.path, "String str bytes repr list tuple dict set sorted reversed JSON.stringify JSON.parse json.loads json.dumps decodeURIComponent decodeURI unescape Buffer.from Object.assign Array.from Object.values Object.keys "+
		"URL URLSearchParams url.parse querystring.parse qs.parse path.join path.resolve path.normalize util.format os.path.join os.path.abspath os.path.normpath os.path.realpath os.path.expanduser pathlib.Path pathlib.PurePath "+
		"urllib.parse.unquote urllib.parse.unquote_plus urllib.parse.urljoin urllib.parse.urlparse urllib.parse.parse_qs urllib.parse.urlsplit base64.b64decode base64.b64encode base64.urlsafe_b64decode atob btoa io.BytesIO io.StringIO "+
		"lodash.get lodash.pick lodash.merge lodash.template copy.deepcopy copy.copy typing.cast max min filter map zip enumerate sqlalchemy.text Promise.resolve urllib.request.Request textwrap.dedent html.unescape pathlib.posixpath.join"):
		return true
	case c.name == "format" || c.name == "join" || c.name == "concat":
		return true
	}
	return false
}

// passed is what such a function gives.
func (s *scan) passed(c *call) value {
	switch {
	case c.path == "path.join" || c.path == "os.path.join" || c.path == "path.resolve" || c.path == "path.normalize":
		v := value{}
		for _, a := range c.args {
			if a.from != "" {
				v = join(v, a)
			}
		}
		v.known, v.pieces = false, false
		return v
	case c.path == "urllib.parse.urljoin" || c.path == "URL" && len(c.args) == 2:
		return join(c.args[0], value{})
	case c.name == "format" && c.of.text != "" || c.name == "concat":
		return compose(append([]value{c.of}, c.args...))
	case c.name == "join":
		return compose(append(c.args, value{known: true, text: " "}))
	}
	if len(c.args) == 1 {
		return c.args[0]
	}
	v := value{}
	for _, a := range c.args {
		if a.from != "" {
			v = join(v, a)
		}
	}
	if len(c.args) > 0 && v.text == "" {
		v.text, v.composed, v.pieces = c.args[0].text, c.args[0].composed, c.args[0].pieces
	}
	return v
}

// Limits on following calls within a file.
const (
	maxFollowed = 3   // calls within calls
	maxInlined  = 400 // calls at all
)

// follow goes into a function of the file with what it is called with, where something of it comes from outside.
func (s *scan) follow(c *call, sc *scope) value {
	f := s.functions[c.n.Kid(0).Last()]
	if f == nil || s.depth >= maxFollowed || len(s.inlined) >= maxInlined {
		return value{}
	}
	args := c.args
	if params := f.Params(); len(params) > 0 && s.lang == Python && oneOf(params[0].Text, "self cls") && c.n.Kid(0).Is(syntax.Member) {
		args = append([]value{{path: "self"}}, args...)
	}
	key := fmt.Sprintf("%p", f)
	outside := false
	for i, a := range args {
		if a.from != "" {
			outside = true
			key += fmt.Sprintf(" %d:%d", i, a.cleared)
		}
	}
	if known, ok := s.inlined[key]; !outside || ok {
		return known
	}
	s.inlined[key] = value{}
	s.depth++
	defer func() { s.depth-- }()
	top := sc
	for top.up != nil {
		top = top.up
	}
	inner := &scope{vars: map[string]value{}, up: top, function: true, returns: &value{}}
	for i, p := range f.Params() {
		v := value{path: p.Text}
		if i < len(args) {
			v = args[i]
		}
		s.into(p.Kid(0), v, inner)
	}
	s.block(f.Body(), inner)
	s.inlined[key] = *inner.returns
	return *inner.returns
}
