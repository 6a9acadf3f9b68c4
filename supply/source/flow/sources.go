package flow

import (
	"strings"

	"github.com/tutela-health/tutela/supply/source/syntax"
)

// canonical gives what a name by itself is taken for: the request, the answer or the context of a handler.
func canonical(name string, l Language) string {
	if l == Python {
		return name
	}
	switch name {
	case "req", "request", "_req":
		return "req"
	case "res", "response", "reply", "_res":
		return "res"
	case "ctx", "context":
		return "ctx"
	}
	return name
}

// browser reports whether a name of the browser holds what an address brings.
func browser(path string) bool { return path == "location" }

// comesIn reports whether a path is something that a request brings.
func (s *scan) comesIn(path string) bool {
	i := strings.LastIndexByte(path, '.')
	of, name := path[:max(i, 0)], path[i+1:]
	of = strings.TrimPrefix(strings.TrimPrefix(of, "this."), "self.")
	if s.lang == Python {
		return pythonRequest(of, name)
	}
	switch {
	case of == "req" || of == "ctx.req" || of == "ctx.request" || strings.HasSuffix(of, ".req") && of != "res.req":
		return oneOf(name, "query body params headers cookies signedCookies url originalUrl files file rawBody nextUrl searchParams querystring hostname")
	case of == "ctx":
		return oneOf(name, "query params querystring")
	case of == "event":
		return oneOf(name, "queryStringParameters pathParameters body multiValueQueryStringParameters")
	case of == "window" || of == "document" || of == "self" || of == "globalThis":
		return name == "location" || of == "document" && oneOf(name, "URL documentURI referrer")
	case of == "message":
		return name == "data"
	}
	return false
}

func pythonRequest(of, name string) bool {
	if of != "request" && !strings.HasSuffix(of, ".request") && of != "req" {
		return false
	}
	return oneOf(name, "args form values data json cookies headers files query_string url base_url full_path referrer view_args stream GET POST COOKIES META body FILES "+
		"query_params path_params query match_info forms params rel_url path get_json get_data get_full_path QUERY_STRING raw_post_data post text read")
}

func oneOf(word, words string) bool {
	return word != "" && strings.Contains(" "+words+" ", " "+word+" ")
}

// gives reports whether a call gives what a request brings, which no member does.
func (s *scan) gives(path string) bool {
	path = strings.TrimPrefix(strings.TrimPrefix(path, "this."), "self.")
	if s.lang == Python {
		return oneOf(path, "get_argument get_arguments get_query_argument get_body_argument get_query_arguments get_body_arguments get_cookie")
	}
	return oneOf(path, "req.get req.header req.param req.json req.text req.formData ctx.get ctx.req.query ctx.req.param ctx.req.json ctx.req.text ctx.req.header ctx.req.parseBody "+
		"next/navigation.useSearchParams next/headers.headers next/headers.cookies next/router.useRouter().query react-router-dom.useParams react-router-dom.useSearchParams prompt")
}

// route says of which kind of handler a Python function is, by its decorators; empty where it is none.
func (s *scan) route(f *syntax.Node) string {
	if s.lang != Python {
		return ""
	}
	for _, m := range f.Marks {
		if m.Is(syntax.Call) && m.Kid(0).Is(syntax.Member) && oneOf(m.Last(), "route get post put delete patch websocket api_route") && (strings.HasPrefix(literal(m.Kid(1)), "/") || m.Last() == "route" && m.Kid(1).Is(syntax.Text)) {
			return "route " + m.Kid(1).Text
		}
	}
	return ""
}

// given is what is known of a parameter before the function is called.
func (s *scan) given(f *syntax.Node, i int, p *syntax.Node, route string) value {
	if v, ok := s.bindings[f]; ok && i < len(v) {
		return v[i]
	}
	if s.lang == Python {
		return s.givenPython(p, route)
	}
	for _, m := range p.Marks {
		if oneOf(m.Last(), "Query Param Body Headers Cookies UploadedFile HostParam") && !oneOf(strings.TrimSpace(p.Type), "number boolean") && !parsed(m) {
			return value{from: "@" + m.Last() + "()", path: p.Text}
		}
	}
	if oneOf(strings.TrimSpace(p.Type), "number boolean") {
		return vetted(p.Text)
	}
	if next := f.Kid(i + 1); p.Text == "" && i == 0 && next.Is(syntax.Param) && canonical(next.Text, s.lang) == "res" {
		return value{path: "req"}
	}
	if of := s.instanceOf(p); of != "" {
		return value{path: of}
	}
	return value{path: canonical(p.Text, s.lang)}
}

// parsed reports whether a decorator turns what comes in into a number.
func parsed(m *syntax.Node) bool {
	found := false
	m.Walk(func(n *syntax.Node) bool {
		found = found || n.Is(syntax.Name) && (strings.HasPrefix(n.Text, "Parse") || n.Text == "ValidationPipe")
		return true
	})
	return found
}

func (s *scan) givenPython(p *syntax.Node, route string) value {
	v := value{path: p.Text}
	if route == "" || oneOf(p.Text, "self cls request req db session response background_tasks args kwargs") {
		return v
	}
	if d := p.Kid(1); d.Is(syntax.Call) && !oneOf(d.Last(), "Query Path Body Form Header Cookie File") {
		return v
	}
	kind := strings.ToLower(p.Type)
	if kind != "" && !strings.Contains(kind, "str") && !strings.Contains(kind, "dict") && !strings.Contains(kind, "any") {
		return vetted(p.Text)
	}
	if at := strings.Index(route, p.Text+">"); kind == "" && at > 0 && route[at-1] == ':' && !strings.HasSuffix(route[:at], "string:") && !strings.HasSuffix(route[:at], "path:") {
		return vetted(p.Text)
	}
	if kind == "" && !strings.Contains(route, p.Text) {
		return v
	}
	v.from = p.Text
	return v
}

// answered judges what a handler gives back: frameworks send a text as a page.
func (s *scan) answered(f *syntax.Node, route string, v value) {
	if route != "" && v.harms(markup) && (v.composed || strings.Contains(v.text, "<")) {
		s.report(xss(), f.Line, tell(v, "goes into a page"))
	}
}

func tell(v value, what string) string { return short(v.from) + " " + what }

// short is a source as it is named in a message.
func short(from string) string {
	if len(from) > 60 {
		return from[:60] + "…"
	}
	return from
}
