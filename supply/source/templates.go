package source

import (
	"bytes"
	"context"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/tutela-health/tutela/supply"
)

// Templates finds where templates of pages put values in without escaping them: EJS, Handlebars and Mustache, Pug,
// Jinja with its kin (Django, Nunjucks, Twig), Vue, Svelte, ERB; and pages that Go makes with text/template. It goes
// by lines, and knows nothing of where a value comes from. It is a supply.FileScanner.
type Templates struct{}

// Class is sast.
func (Templates) Class() supply.Class { return supply.Source }

// Version changes with what is found.
func (Templates) Version() string { return "templates 2" }

// Wants reports whether a file is a template by its name, or Go.
func (Templates) Wants(name string, size int64) bool {
	return size <= maxSource && !tests(name) && (dialectOf(name) != "" || path.Ext(name) == ".go" && !strings.HasSuffix(name, "_test.go"))
}

// dialectOf gives the kind of template of a name.
func dialectOf(name string) string {
	switch strings.ToLower(path.Ext(name)) {
	case ".ejs":
		return "ejs"
	case ".hbs", ".handlebars", ".mustache":
		return "handlebars"
	case ".pug", ".jade":
		return "pug"
	case ".html", ".htm", ".jinja", ".jinja2", ".j2", ".njk", ".twig", ".django":
		return "jinja"
	case ".vue":
		return "vue"
	case ".svelte":
		return "svelte"
	case ".erb":
		return "erb"
	}
	return ""
}

func rawOutput() supply.Rule {
	return supply.Rule{
		ID: "template.raw-output", Name: "A template does not escape", Severity: supply.Medium, CWE: []string{"CWE-79"}, OWASP: []string{"A03:2021"},
		Help: "What is put in stands in the page as markup. Let the template escape it, or clean it with a kept sanitizer where it is made.",
	}
}

func autoescapeOff() supply.Rule {
	return supply.Rule{
		ID: "template.autoescape-off", Name: "Escaping is switched off", Severity: supply.Medium, CWE: []string{"CWE-79"}, OWASP: []string{"A03:2021"},
		Help: "Everything that is put in stands in the page as markup. Leave escaping on, and mark what is markup by itself.",
	}
}

func textForPages() supply.Rule {
	return supply.Rule{
		ID: "template.text-for-pages", Name: "A page by text/template", Severity: supply.Medium, CWE: []string{"CWE-79"}, OWASP: []string{"A03:2021"},
		Help: "text/template escapes nothing. Make pages with html/template, which has the same methods.",
	}
}

// dialect is how one kind of template puts a value in raw. The first group is what is put in.
type dialect struct {
	raw, off *regexp.Regexp
}

// dialects are all of them.
var dialects = sync.OnceValue(func() map[string]dialect {
	one := func(raw, off string) dialect {
		d := dialect{raw: regexp.MustCompile(raw)}
		if off != "" {
			d.off = regexp.MustCompile(off)
		}
		return d
	}
	return map[string]dialect{
		"ejs":        one(`<%-([^%]*)%>`, ""),
		"handlebars": one(`\{\{\{([^}]*)\}\}\}|\{\{&([^}]*)\}\}`, ""),
		"pug":        one(`^\s*(?:[\w.#-]+(?:\([^)]*\))?)?!=\s*(.*)|!\{([^}]*)\}`, ""),
		"jinja":      one(`\{\{-?([^{}]*\|\s*(?:safe|raw)\b[^{}]*)\}\}`, `\{%-?\s*autoescape\s+(?:false|off)\b`),
		"vue":        one(`\bv-html\s*=\s*["']([^"']*)["']`, ""),
		"svelte":     one(`\{@html\s+([^}]*)\}`, ""),
		"erb":        one(`<%==([^%]*)%>|<%=\s*raw[ (]([^%]*)%>|<%=([^%]*\.html_safe\b[^%]*)%>`, ""),
	}
})

// File looks into a template.
func (Templates) File(_ context.Context, name string, text []byte) ([]supply.Finding, error) {
	finder := supply.NewFinder(text, supply.Rule{})
	if path.Ext(name) == ".go" {
		goPage(&finder, text)
		return finder.Found, nil
	}
	if readable(text) != nil {
		return nil, nil // made by a tool: what it is made from is looked into
	}
	d, line := dialects()[dialectOf(name)], 0
	for row := range bytes.Lines(text) {
		line++
		for _, m := range d.raw.FindAllSubmatch(row, 20) {
			if put := strings.TrimSpace(string(bytes.Join(m[1:], nil))); !markupByNature(put) {
				finder.Add(rawOutput(), line, "what is put in is not escaped")
				break
			}
		}
		if d.off != nil && d.off.Match(row) {
			finder.Add(autoescapeOff(), line, "nothing is escaped from here on")
		}
	}
	return finder.Found, nil
}

// markupByNature reports whether what is put in is made of templates itself, stands in the template, or was cleaned.
func markupByNature(put string) bool {
	lower := strings.ToLower(put)
	first := lower
	if i := strings.IndexAny(first, " (|.,"); i >= 0 {
		first = first[:i]
	}
	switch first {
	case "", "include", "body", "yield", "content", "block", "super", "partial", "render", "contentfor", ">", "csrf_input", "__", "_", "t", "gettext", "csrffield", "csrf_field":
		return true
	}
	filters := strings.Split(lower, "|")
	switch final, _, _ := strings.Cut(strings.TrimSpace(filters[len(filters)-1]), "("); final {
	case "urlencode", "url_encode", "escapejs":
		return len(filters) > 1 // it encodes what was marked before
	}
	for _, word := range []string{"sanitize", "purify", "bleach", "escape", "tojson", "nonce", "csrf", "encodeuri", "super()", "render(", "partial(", "include("} {
		if strings.Contains(lower, word) {
			return true
		}
	}
	quoted := strings.Trim(strings.TrimSuffix(strings.TrimSpace(strings.SplitN(put, "|", 2)[0]), ";"), " ")
	return len(quoted) > 1 && (quoted[0] == '"' || quoted[0] == '\'' || quoted[0] == '`') && quoted[len(quoted)-1] == quoted[0] && !strings.Contains(quoted, "${") && strings.Count(quoted, quoted[:1]) == 2
}

// goPages find a template of text/template that is written to who asked over HTTP.
var goPages = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`\.Execute(?:Template)?\(\s*(?:w|rw|writer|res|resp|response)\s*,`)
})

func goPage(finder *supply.Finder, text []byte) {
	if !bytes.Contains(text, []byte(`"text/template"`)) || !bytes.Contains(text, []byte(`"net/http"`)) || !bytes.Contains(text, []byte("http.ResponseWriter")) {
		return
	}
	line := 0
	for row := range bytes.Lines(text) {
		if line++; goPages().Match(row) && !bytes.HasPrefix(bytes.TrimSpace(row), []byte("//")) {
			finder.Add(textForPages(), line, "text/template escapes nothing of what goes into this page")
		}
	}
}
