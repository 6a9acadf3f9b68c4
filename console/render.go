package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"time"

	"github.com/tutela-health/tutela/internal/httpx"
)

//go:embed html
var htmlFiles embed.FS

// names are the pages; each is a file in html that fills the layout.
func names() []string {
	return []string{"error", "overview", "controls", "control", "duties", "policies", "policy", "training", "module", "certificate", "risks", "vendors", "gaps", "reviews", "review", "ledger", "entry",
		"findings", "finding", "answers", "alerts", "incidents", "incident", "breaches", "breach-new", "breach", "letters"}
}

// parse reads the pages, each with the layout and the parts that several draw.
func parse() (map[string]*template.Template, error) {
	common, err := template.New("console").Funcs(words()).ParseFS(htmlFiles, "html/layout.html", "html/parts.html")
	if err != nil {
		return nil, fmt.Errorf("parse layout: %w", err)
	}
	all := map[string]*template.Template{}
	for _, name := range names() {
		t, err := common.Clone()
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

// page is what the layout draws, and in Body what the page's own template draws. What is not exported is filled
// in by draw.
type page[T any] struct {
	Title  string
	Place  string // entry of the menu
	Up     string // address of the list that it belongs to, with its name in UpName
	UpName string
	Script string // of assets, a module that adds to the page
	Body   T

	frame
}

// frame is what is around every page.
type frame struct {
	Menu    []group
	Me      string
	Token   string // of its forms
	Notice  string
	Problem problem
	Now     time.Time
	Request string
	Demo    bool
	visit   *visit
}

// problem is what was wrong with the form that led here.
type problem struct{ Text string }

// Typed is what was typed into a field of the form that led here.
func (f frame) Typed(name string) string {
	if f.Problem.Text == "" {
		return ""
	}
	return f.visit.value(name)
}

// Sent is what the form that led here said in a field, whether something was wrong with it or not.
func (f frame) Sent(name string) string { return f.visit.value(name) }

// May reports whether policy lets the reader make a call.
func (f frame) May(operation string) bool { return f.visit.may(operation) }

// draw answers with a page. It is drawn whole before the first byte goes out.
func draw[T any](v *visit, name string, p page[T]) error {
	p.frame = frame{
		Menu: v.menu(), Me: v.by.Username, Token: v.token, Notice: notice(v.query("done")), Problem: v.wrong, Now: v.now,
		Request: httpx.RequestID(v.r.Context()), Demo: v.console.cfg.Demo, visit: v,
	}
	if !Staff(v.by) {
		p.Menu = nil
	}
	var b bytes.Buffer
	if err := v.console.html[name].ExecuteTemplate(&b, "layout", p); err != nil {
		return fmt.Errorf("draw page %s: %w", name, err)
	}
	status := v.status
	if status == 0 {
		status = http.StatusOK
	}
	v.w.WriteHeader(status)
	_, _ = v.w.Write(b.Bytes()) // the peer may be gone
	return nil
}

// errorTitle heads an error's page.
func errorTitle(status int) string {
	switch {
	case status == http.StatusNotFound:
		return "Not here"
	case status == http.StatusTooManyRequests:
		return "Too many tries"
	case status >= http.StatusInternalServerError:
		return "Something failed on our side"
	default:
		return "That did not work"
	}
}
