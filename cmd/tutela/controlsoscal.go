package main

import (
	"context"
	"net/http"
	"os"
	"path/filepath"

	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/oscal"
	"github.com/tutela-health/tutela/internal/errs"
)

type controlsOSCALCmd struct {
	target
	Model string `arg:"" enum:"catalog,component-definition,assessment-results,plan-of-action-and-milestones" help:"catalog, component-definition, assessment-results or plan-of-action-and-milestones."`
	Out   string `type:"path" help:"Where to write it, in place of standard output; nothing may be there."`
}

// Help gives an example.
func (controlsOSCALCmd) Help() string {
	return `Example: tutela controls oscal assessment-results --out results.json --data tutela-data

In version 1.1.3 of the language.`
}

// Run writes a document.
func (cmd controlsOSCALCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/oscal/"+cmd.Model, nil)
	if err != nil {
		return err
	}
	if cmd.Out == "" {
		_, err = c.out.Write(body)
		return err
	}
	f, err := os.OpenFile(cmd.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(body)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// readCatalogs reads regulations of an organisation's own: an OSCAL catalog in JSON, or one regulation in YAML.
func readCatalogs(file string) ([]catalog.Regulation, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, errs.Wrap(errs.Invalid, err, "it cannot be read")
	}
	defer f.Close()
	if filepath.Ext(file) == ".json" {
		return oscal.ReadCatalogs(f)
	}
	reg, err := catalog.Read(f)
	return []catalog.Regulation{reg}, err
}
