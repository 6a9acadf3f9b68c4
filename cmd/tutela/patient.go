package main

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/privacy/handout"
)

type patientCmd struct {
	Export      patientExportCmd      `cmd:"" help:"A copy of everything that concerns a patient: a FHIR Bundle, and a document for people."`
	Erase       patientEraseCmd       `cmd:"" help:"Erase a patient by destroying keys, in every copy; two people want it."`
	Hold        patientHoldCmd        `cmd:"" help:"Keep a patient from being erased: a legal hold."`
	Request     patientRequestCmd     `cmd:"" help:"Take in a request by which a patient exercises a right."`
	Requests    patientRequestsCmd    `cmd:"" help:"Requests, and how many days are left."`
	Decide      patientDecideCmd      `cmd:"" help:"Extend, grant, refuse or fulfil a request."`
	Notify      patientNotifyCmd      `cmd:"" help:"Who is to be told of a rectification, and that somebody was."`
	Restrict    patientRestrictCmd    `cmd:"" help:"Keep a patient's records and not use them."`
	Disclose    patientDiscloseCmd    `cmd:"" help:"Write down that data was disclosed by other means."`
	Disclosures patientDisclosuresCmd `cmd:"" help:"To whom a patient's data was disclosed, with a proof of each."`
	Accesses    patientAccessesCmd    `cmd:"" help:"Who looked at a patient's data."`
}

// patientArg names a patient.
type patientArg struct {
	ID string `arg:"" help:"Id of the Patient."`
}

// path is an address of the API about the patient.
func (p patientArg) path(rest string) string {
	return "/api/v1/patients/" + url.PathEscape(strings.TrimPrefix(p.ID, "Patient/")) + "/" + rest
}

type patientExportCmd struct {
	target
	patientArg
	To      string `required:"" type:"path" help:"A file (.html makes the document, anything else the Bundle), or a folder for both."`
	Purpose string `enum:"PATRQT,HLEGAL" default:"PATRQT" help:"PATRQT: the patient asked. HLEGAL: legal claims."`
}

// Help gives an example.
func (patientExportCmd) Help() string {
	return `Example: tutela patient export 123 --to copy-of-123/ --data tutela-data

The privacy officer gets the complete copy; --as patient or --as physician what they may see. Every page of it
is in the ledger.`
}

// Run writes the copy.
func (cmd patientExportCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.do(ctx, http.MethodGet, cmd.path("export?purpose="+cmd.Purpose), nil)
	if err != nil {
		return err
	}
	h, err := handout.Read(body, tutela.PatientID(strings.TrimPrefix(cmd.ID, "Patient/")), cmp.Or(cmd.As, "privacy"))
	if err != nil {
		return err
	}
	document, err := h.HTML()
	if err != nil {
		return err
	}
	if err := cmd.write(body, document); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.err, "%d resources\n", len(h.Entries))
	return err
}

// write writes one of the two to a file, or both into a folder.
func (cmd patientExportCmd) write(bundle, document []byte) error {
	info, err := os.Stat(cmd.To)
	folder := err == nil && info.IsDir() || err != nil && filepath.Ext(cmd.To) == ""
	if !folder {
		if strings.EqualFold(filepath.Ext(cmd.To), ".html") {
			bundle = document
		}
		return writePrivate(cmd.To, bundle)
	}
	if err := os.MkdirAll(cmd.To, 0o700); err != nil {
		return err
	}
	if err := writePrivate(filepath.Join(cmd.To, "records.json"), bundle); err != nil {
		return err
	}
	return writePrivate(filepath.Join(cmd.To, "records.html"), document)
}
