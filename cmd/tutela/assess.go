package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/tutela-health/tutela/assure"
	"github.com/tutela-health/tutela/assure/catalog"
	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/internal/errs"
)

type assessCmd struct {
	target
	Requirements bool `help:"Try nothing: say of each requirement of this product how it is known, or that it is not built."`

	packaged

	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (assessCmd) Help() string {
	return `Example: tutela assess --data tutela-data

Each check tries to break something. Exit code 0: all passed. 1: at least one did not, or could
not be checked.

tutela assess --package FILE.zip [--from DAY --to DAY] writes an auditor's package: controls, evidence, registers, accounts, policies and
the ledger's entries of a period, with proofs. tutela-verify verifies it by the ledger's key alone.

tutela assess --requirements shows which checks bear on each requirement, and what they said the last time. Exit code 1: one of them fails.`
}

// Run has the running server try its controls.
func (cmd assessCmd) Run(ctx context.Context, c console) error {
	if cmd.Package != "" {
		client, err := cmd.connect(ctx, "auditor")
		if err != nil {
			return err
		}
		return cmd.take(ctx, c, client)
	}
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	if cmd.Requirements {
		return cmd.requirements(ctx, c, client)
	}
	return cmd.assess(ctx, c, client)
}

// requirements prints how each of our own requirements is known.
func (cmd assessCmd) requirements(ctx context.Context, c console, client *client) error {
	o, body, err := client.controls(ctx, control.Filter{Regulation: catalog.Own})
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = writeRequirements(c, o.Controls)
	}
	if err == nil && slices.ContainsFunc(o.Controls, func(k control.Control) bool { return k.Standing == control.Red }) {
		return errFound
	}
	return err
}

func writeRequirements(c console, list []control.Control) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tREQUIREMENT\tKNOWN\tSTANDING\tCHECKS\tLACKS")
	for _, k := range list {
		known, standing, lacks := string(k.Known), string(k.Standing), k.Lacks
		if k.Unbuilt {
			known, standing = "not built", "-"
		}
		var checks []string
		for _, way := range k.Ways {
			if way.Known == control.Probed {
				checks = append(checks, way.By)
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Title, known, standing, dashed(strings.Join(checks, " ")), dashed(lacks))
	}
	return w.Flush()
}

// assess asks a server for an assessment and prints it.
func (cmd assessCmd) assess(ctx context.Context, c console, client *client) error {
	body, err := client.do(ctx, http.MethodPost, "/api/v1/assess", nil)
	if err != nil {
		return err
	}
	var got struct {
		Evidence []assure.Result `json:"evidence"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("decode evidence: %w", err)
	}
	if len(got.Evidence) == 0 {
		return errs.New(errs.Unavailable, "the server tried nothing: it brought no checks")
	}
	if cmd.Format == "json" {
		if _, err := c.out.Write(body); err != nil {
			return err
		}
	} else if err := printEvidence(c, got.Evidence); err != nil {
		return err
	}
	if slices.ContainsFunc(got.Evidence, func(r assure.Result) bool { return !r.Good() }) {
		return errFound
	}
	return nil
}

// printEvidence gives a check a line, and what it observed and bears on a line each below it.
func printEvidence(c console, list []assure.Result) error {
	for _, r := range list {
		_, err := fmt.Fprintf(c.out, "%-16s %s: %s\n%17son %s\n%17s%s\n%17s[%s]\n", r.Verdict, r.Check, r.Title,
			"", r.On, "", r.Observed, "", strings.Join(r.Controls, ", "))
		if err != nil {
			return err
		}
	}
	return nil
}
