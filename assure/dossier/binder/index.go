package binder

import (
	_ "embed"
	"html/template"
	"io"

	"github.com/tutela-health/tutela/assure/dossier"
)

//go:embed index.html
var page string

// index is the first page of a package. Its own name is not in the list: the list goes before it.
func index(w io.Writer, m dossier.Manifest) error {
	t, err := template.New("index").Parse(page)
	if err != nil {
		return err
	}
	return t.Execute(w, m)
}
