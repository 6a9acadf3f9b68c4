package flow

import (
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/source/syntax"
)

// judge reports what is wrong with a call.
func (s *scan) judge(c *call, sc *scope) {
	s.first = nil
	if l := c.n.Kid(1); l.Is(syntax.List) && len(l.Kids) > 0 {
		v := s.eval(l.Kids[0], sc)
		s.first = &v
	}
	path := strings.TrimPrefix(strings.TrimPrefix(c.path, "window."), "globalThis.")
	for _, k := range s.rules.exact[path] {
		s.pour(k, c)
	}
	if c.n.Kid(0).Is(syntax.Member) {
		for _, k := range s.rules.methods[c.name] {
			s.pour(k, c)
		}
	}
	s.wrong(c, sc)
}

// pour judges what a sink is given.
func (s *scan) pour(k sink, c *call) {
	for which := range strings.FieldsSeq(k.args) {
		v, n := c.arg(which)
		if which == "self" {
			v, n = c.of, c.n
		}
		if n == nil {
			continue
		}
		switch {
		case v.harms(k.harm) && (k.when == nil || k.when(s, c, v)):
			s.report(k.rule(), c.n.Line, tell(v, k.says))
			return
		case k.loose != nil && v.from == "" && v.composed && v.pieces && v.cleared&k.harm == 0 && (k.when == nil || k.when(s, c, v)):
			s.report(k.loose(), c.n.Line, "what is not known "+k.says)
			return
		}
	}
}

// assigned judges an assignment.
func (s *scan) assigned(n, target, given *syntax.Node, v value, sc *scope) {
	name := target.Last()
	if target.Is(syntax.Index) && target.Kid(1).Is(syntax.Text) {
		name = target.Kid(1).Text
	}
	switch {
	case s.lang == Script && target.Is(syntax.Member) && (name == "innerHTML" || name == "outerHTML" || name == "srcdoc"):
		s.markup(v, given, n.Line)
	case s.lang == Script && (name == "location" && n.Text != "var" || name == "href" && target.Is(syntax.Member) && target.Kid(0).Last() == "location") && v.harms(redirect) && !strings.HasPrefix(v.path, "?."):
		s.report(openRedirect(), n.Line, tell(v, "says where the user is sent"))
	case name == "NODE_TLS_REJECT_UNAUTHORIZED" && (v.text == "0" || v.text == "false"):
		s.report(tlsOff(), n.Line, "certificates of no connection are verified")
	case s.lang == Python && (target.Dotted() == "ssl._create_default_https_context" && strings.Contains(given.Dotted(), "unverified") ||
		name == "verify_mode" && given.Last() == "CERT_NONE" || name == "check_hostname" && given.Text == "False" && target.Kid(0).Dotted() != "self" || name == "verify" && target.Is(syntax.Member) && given.Text == "False"):
		s.report(tlsOff(), n.Line, "certificates are not verified")
	}
	s.secret(n, target, given, name)
	s.flags(n, given, name)
	if secretName(name) && predictable(given, s) {
		s.report(weakRandom(), n.Line, name+" is predictable")
	}
}

// markup judges what becomes part of a page.
func (s *scan) markup(v value, n *syntax.Node, line int) {
	switch {
	case v.harms(markup):
		s.report(xss(), line, tell(v, "goes into the page as markup"))
	case v.from == "" && v.composed && v.pieces && v.cleared&markup == 0:
		s.report(rawMarkup(), line, "what is not known goes into the page as markup")
	}
}

// secret looks for keys that frameworks sign with.
func (s *scan) secret(n, target, given *syntax.Node, name string) {
	if !given.Is(syntax.Text) || len(given.Text) < 3 || s.lang != Python || anyOf(given.Text, "secretkey secretaccesskey jwtsecret") && !strings.ContainsAny(given.Text, " !@#$%^&*") {
		return
	}
	switch {
	case name == "SECRET_KEY" || name == "secret_key" && target.Is(syntax.Member) || name == "JWT_SECRET_KEY" || name == "SECURITY_PASSWORD_SALT":
		if !strings.HasPrefix(given.Text, "${") && !strings.HasPrefix(given.Text, "{{") {
			s.report(hardCodedKey(), given.Line, name+" stands in the source")
		}
	}
}

// flags judges settings of Python's frameworks.
func (s *scan) flags(n, given *syntax.Node, name string) {
	if s.lang != Python || !given.Is(syntax.Constant) {
		return
	}
	off, on := given.Text == "False", given.Text == "True"
	switch {
	case name == "DEBUG" && on || name == "debug" && on && n.Kid(0).Is(syntax.Member) && n.Kid(0).Kid(0).Dotted() != "self":
		s.report(debugMode(), n.Line, "debug mode is on")
	case off && oneOf(name, "SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE REMEMBER_COOKIE_SECURE JWT_COOKIE_SECURE"):
		s.report(cookieSecure(), n.Line, name+" is off")
	case off && oneOf(name, "SESSION_COOKIE_HTTPONLY REMEMBER_COOKIE_HTTPONLY"):
		s.report(cookieReadable(), n.Line, name+" is off")
	}
}

// predictable reports whether an expression takes randomness that can be guessed.
func predictable(n *syntax.Node, s *scan) bool {
	found := false
	n.Walk(func(k *syntax.Node) bool {
		if k.Is(syntax.Call) {
			d := k.Kid(0).Dotted()
			module, rest, ok := strings.Cut(d, ".")
			if full := s.imports[module]; full != "" && ok {
				d = full + "." + rest
			} else if full := s.imports[d]; full != "" {
				d = full
			}
			found = found || oneOf(d, "Math.random random.random random.randint random.choice random.choices random.sample random.randrange random.getrandbits random.uniform")
		}
		return !k.Is(syntax.Function)
	})
	return found
}

// keyed judges an assignment under a key: two keys from outside reach the prototype of all objects.
func (s *scan) keyed(target *syntax.Node, v value, sc *scope) {
	of, key := s.eval(target.Kid(0), sc), s.eval(target.Kid(1), sc)
	if d := target.Kid(0).Dotted(); d != "" && target.Kid(1).Is(syntax.Text) {
		sc.set(d+"."+target.Kid(1).Text, v)
	} else if d != "" && v.from != "" {
		old, _ := sc.find(d)
		sc.set(d, join(old, v))
	}
	inner := target.Kid(0)
	if s.lang == Script && inner.Is(syntax.Index) && key.from != "" && s.eval(inner.Kid(1), sc).from != "" && of.from == "" {
		s.report(prototypePollution(), target.Line, tell(key, "says which key of which object is set"))
	}
}

// element judges a tag of JSX.
func (s *scan) element(n *syntax.Node, sc *scope) {
	for _, k := range n.Kids {
		v := s.eval(k, sc)
		if !k.Is(syntax.Pair) {
			continue
		}
		switch {
		case k.Text == "dangerouslySetInnerHTML":
			s.dangerous(k, sc)
		case (k.Text == "href" || k.Text == "src" && n.Text == "iframe") && v.harms(redirect) && v.from != "" && !v.composed && letterCase(n.Text):
			s.report(xss(), k.Line, tell(v, "is an address that may be a script's"))
		}
	}
}

// letterCase reports whether a tag is HTML's.
func letterCase(tag string) bool { return tag != "" && tag[0] >= 'a' && tag[0] <= 'z' }

func (s *scan) dangerous(k *syntax.Node, sc *scope) {
	html := k.Kid(0).Key("__html")
	if html == nil {
		return
	}
	switch v := s.eval(html, sc); {
	case v.harms(markup):
		s.report(xss(), k.Line, tell(v, "goes into the page as markup"))
	case !v.known && v.cleared&markup == 0 && !cleansHTML(html) && !upper(v.path):
		s.report(rawMarkup(), k.Line, "what is not known goes into the page as markup")
	}
}

func cleansHTML(n *syntax.Node) bool {
	found := false
	n.Walk(func(k *syntax.Node) bool {
		found = found || k.Is(syntax.Call) && (cleans(k.Last()) || strings.Contains(strings.ToLower(k.Kid(0).Dotted()), "purify") || k.Last() == "stringify")
		return true
	})
	return found
}

// said makes a report for a call with a text of its own.
func (s *scan) said(r supply.Rule, c *call, says string) { s.report(r, c.n.Line, says) }
