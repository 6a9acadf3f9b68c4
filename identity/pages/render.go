package pages

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
)

//go:embed html
var htmlFiles embed.FS

// names are the pages; each is a file in html that fills the layout.
func names() []string {
	return []string{
		"accesses", "account", "client", "clients", "codes", "confirm", "consent", "continue", "emergency", "enrol", "error", "factor",
		"invitation", "login", "logout", "newpasskey", "password", "patient", "provider", "providers", "records", "report", "review", "reviews", "totp", "user", "users",
	}
}

// parse reads the pages, each with the layout.
func parse() (map[string]*template.Template, error) {
	layout, err := template.ParseFS(htmlFiles, "html/layout.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	all := map[string]*template.Template{}
	for _, name := range names() {
		t, err := layout.Clone()
		if err == nil {
			_, err = t.ParseFS(htmlFiles, "html/"+name+".html")
		}
		if err != nil {
			return nil, fmt.Errorf("parse page %s: %w", name, err)
		}
		all[name] = t
	}
	return all, nil
}

// page is what the layout draws, and in Body what the page's own template draws.
type page[T any] struct {
	Title   string
	Place   string  // entry of the menu
	Me      *viewer // nil: nobody is signed in
	Token   string  // of its forms
	Notice  string
	Problem problem
	Script  bool // has forms of passkeys
	Body    T
}

// viewer is the person who reads the page.
type viewer struct {
	Username string
	Admin    bool
	Offers   Offers
}

// problem is what was wrong with the form that led here. Field is the id of the input, or "".
type problem struct {
	Field string
	Text  string
}

// passkeyForm is a form that passkey.js completes.
type passkeyForm struct {
	Action   string // where the answer goes
	Options  string // where the challenge comes from
	Kind     string // "create" or "get"
	Label    string
	ReturnTo string
	Token    string
	Main     bool
}

// render answers with a page. It is drawn whole before the first byte goes out.
func render[T any](v *visit, name string, status int, p page[T]) error {
	var b bytes.Buffer
	if err := v.pages.html[name].ExecuteTemplate(&b, "layout", p); err != nil {
		return fmt.Errorf("draw page %s: %w", name, err)
	}
	harden(v.w, v.formTarget)
	v.w.WriteHeader(status)
	_, _ = v.w.Write(b.Bytes()) // the peer may be gone
	return nil
}

// draw answers 200 with a page.
func draw[T any](v *visit, name string, p page[T]) error { return render(v, name, http.StatusOK, p) }
