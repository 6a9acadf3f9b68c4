package report

import (
	_ "embed"
	"html/template"
	"io"
	"time"

	"github.com/tutela-health/tutela/supply"
)

//go:embed page.html
var page string

// HTML writes a page that stands alone: no script, nothing loaded from elsewhere.
func HTML(w io.Writer, r *supply.Report) error {
	t, err := template.New("report").Funcs(template.FuncMap{
		"at": At, "sentence": sentence, "summary": Summary, "link": link,
		"age":  func(d supply.Data) string { return age(r.Began, d.Newest) },
		"date": func(t time.Time) string { return t.Format(time.DateOnly) },
	}).Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, r)
}
