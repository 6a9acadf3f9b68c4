package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"

	"github.com/tutela-health/tutela/assure/vendor"
)

type vendorsImportCmd struct {
	target
	File string `arg:"" type:"existingfile" help:"CSV, as tutela vendors export writes it."`
}

// Help gives an example.
func (vendorsImportCmd) Help() string {
	return `Example: tutela vendors import vendors.csv --data tutela-data

The first line names the columns: id, name, service, contact, owner, data, critical, agreement and, where there is something to say,
revision, signed, ends, sha256, assess. 1000 lines at most; either all are kept, or none is, and each bad line is named.
A line with a revision changes what it was exported from; one that somebody changed since is refused.`
}

// Run brings vendors in.
func (cmd vendorsImportCmd) Run(ctx context.Context, c console) error {
	f, err := os.Open(cmd.File)
	if err != nil {
		return err
	}
	defer f.Close()
	list, err := vendor.ReadVendors(f)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return usage("%s has no vendors", cmd.File)
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	now, err := client.revisions(ctx)
	if err != nil {
		return err
	}
	fresh := 0
	for i := range list {
		if list[i].Revision < 0 {
			list[i].Revision = now[list[i].ID].Revision
		}
		if list[i].Revision == 0 {
			fresh++
		}
	}
	kept, err := client.manyVendors(ctx, http.MethodPut, "/api/v1/vendors", list)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%d vendors kept, %d of them new\n", len(kept), fresh)
	return err
}

// revisions are all vendors as they are, by their ids.
func (cl *client) revisions(ctx context.Context) (map[string]vendor.Kept, error) {
	list, _, err := cl.vendors(ctx, true)
	if err != nil {
		return nil, err
	}
	all := make(map[string]vendor.Kept, len(list))
	for _, k := range list {
		all[k.ID] = k
	}
	return all, nil
}

type vendorsExportCmd struct {
	target
	All bool `help:"Those that are closed, too."`
}

// Help gives an example.
func (vendorsExportCmd) Help() string {
	return "Example: tutela vendors export --data tutela-data > vendors.csv"
}

// Run takes vendors out.
func (cmd vendorsExportCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	list, _, err := client.vendors(ctx, cmd.All)
	if err != nil {
		return err
	}
	return vendor.WriteVendors(c.out, list)
}

type questionnaireCmd struct {
	Export questionnaireExportCmd `cmd:"" help:"Write the questionnaire as CSV: blank, or with vendors' answers."`
	Import questionnaireImportCmd `cmd:"" help:"Assess vendors by the answers in a CSV file, all or none."`
}

type questionnaireExportCmd struct {
	target
	IDs []string `arg:"" optional:"" name:"ID" help:"With the answers of these vendors; none is a blank questionnaire."`
	All bool     `help:"With the answers of all vendors that are open."`
}

// Help gives an example.
func (questionnaireExportCmd) Help() string {
	return `Example: tutela vendors questionnaire export > questionnaire.csv
         tutela vendors questionnaire export acme globex --data tutela-data > answers.csv

A blank questionnaire needs no server.`
}

// Run takes the questionnaire out.
func (cmd questionnaireExportCmd) Run(ctx context.Context, c console) error {
	q, err := vendor.Shipped()
	if err != nil {
		return err
	}
	if len(cmd.IDs) == 0 && !cmd.All {
		return vendor.WriteAnswers(c.out, q)
	}
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	list, _, err := client.vendors(ctx, false)
	if err != nil {
		return err
	}
	for _, id := range cmd.IDs {
		if !slices.ContainsFunc(list, func(k vendor.Kept) bool { return k.ID == id }) {
			return usage("no vendor %s is open: see tutela vendors list", id)
		}
	}
	list = slices.DeleteFunc(list, func(k vendor.Kept) bool { return !cmd.All && !slices.Contains(cmd.IDs, k.ID) })
	if len(list) == 0 {
		return usage("no vendor is open")
	}
	return vendor.WriteAnswers(c.out, q, list...)
}

type questionnaireImportCmd struct {
	target
	File   string `arg:"" type:"existingfile" help:"CSV, as tutela vendors questionnaire export writes it."`
	Vendor string `help:"Whose answers they are, where the sheet does not say."`
	assessing
}

// Help gives an example.
func (questionnaireImportCmd) Help() string {
	return `Example: tutela vendors questionnaire import answers.csv --vendor acme --next 2027-11-01 --until 2027-03-01 --data tutela-data

A sheet can hold the answers of up to 1000 vendors, each line with the vendor's id; either all are kept, or none is. The column waive
says why nothing is to be put right where an answer is no or partly.`
}

// Run assesses by a sheet.
func (cmd questionnaireImportCmd) Run(ctx context.Context, c console) error {
	q, err := vendor.Shipped()
	if err != nil {
		return err
	}
	f, err := os.Open(cmd.File)
	if err != nil {
		return err
	}
	defer f.Close()
	sheets, err := q.ReadAnswers(f)
	if err != nil {
		return err
	}
	list, err := cmd.assessments(sheets)
	if err != nil {
		return err
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	now, err := client.revisions(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Revision = now[list[i].ID].Revision
	}
	return client.assess(ctx, c, list...)
}

// assessments are what sheets say. An empty answer is none.
func (cmd questionnaireImportCmd) assessments(sheets []vendor.Sheet) ([]vendor.Assessment, error) {
	if len(sheets) == 0 {
		return nil, usage("%s has no answers", cmd.File)
	}
	var list []vendor.Assessment
	for _, s := range sheets {
		a := vendor.Assessment{ID: s.Vendor, Line: s.Line, Answers: s.Answers, Waive: s.Waive}
		switch {
		case s.Vendor == "" && cmd.Vendor == "":
			return nil, usage("line %d does not say whose answer it is: say it with --vendor", s.Line)
		case s.Vendor == "":
			a.ID = cmd.Vendor
		case cmd.Vendor != "" && s.Vendor != cmd.Vendor:
			return nil, usage("line %d is of %s, and not of %s", s.Line, s.Vendor, cmd.Vendor)
		}
		if err := cmd.into(&a); err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}
