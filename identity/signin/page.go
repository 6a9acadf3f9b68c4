package signin

import (
	"bytes"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// Page is where a Browser came to.
type Page struct {
	Away    *url.URL // the address that leads away from the site; then nothing else is set
	Status  int
	Path    string
	Title   string
	Problem string // what the page says is wrong
	Secret  string // of one-time passwords, where the page shows one to be kept
	Forms   []Form
}

// Form is a form with what it sends when nobody changes it.
type Form struct {
	Action string
	Fields url.Values
}

// Form finds the form that is sent to an action.
func (p Page) Form(action string) (Form, bool) {
	for _, f := range p.Forms {
		if f.Action == action {
			return f, true
		}
	}
	return Form{}, false
}

// read takes forms, title and problem out of a page.
func (p *Page) read(body []byte) {
	z := html.NewTokenizer(bytes.NewReader(body))
	var into *string // what text belongs to
	var until string // the end tag after which it does not
	for {
		switch z.Next() { //nolint:exhaustive // comments and doctypes say nothing
		case html.ErrorToken:
			p.Title, p.Problem, p.Secret = strings.TrimSpace(p.Title), strings.TrimSpace(p.Problem), strings.TrimSpace(p.Secret)
			return
		case html.TextToken:
			if into != nil {
				*into += string(z.Text())
			}
		case html.EndTagToken:
			if name, _ := z.TagName(); string(name) == until {
				into = nil
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			t := z.Token()
			if text := p.textOf(t); text != nil {
				into, until = text, t.Data
			}
			p.element(t)
		}
	}
}

// textOf is where the text of an element goes; nil: it does not matter.
func (p *Page) textOf(t html.Token) *string {
	switch id := attribute(t, "id"); {
	case t.Data == "h1":
		return &p.Title
	case id == "problem":
		return &p.Problem
	case id == "secret":
		return &p.Secret
	default:
		return nil
	}
}

// element notes a form, or what a form holds.
func (p *Page) element(t html.Token) {
	if t.Data == "form" {
		action := attribute(t, "action")
		if action == "" {
			action = p.Path // a form without an action is sent to where it stands
		}
		p.Forms = append(p.Forms, Form{Action: action, Fields: url.Values{}})
		return
	}
	name := attribute(t, "name")
	if t.Data != "input" || name == "" || len(p.Forms) == 0 || has(t, "disabled") {
		return
	}
	if kind := attribute(t, "type"); (kind == "checkbox" || kind == "radio") && !has(t, "checked") {
		return
	}
	p.Forms[len(p.Forms)-1].Fields.Add(name, attribute(t, "value"))
}

func attribute(t html.Token, name string) string {
	for _, a := range t.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func has(t html.Token, name string) bool {
	for _, a := range t.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}
