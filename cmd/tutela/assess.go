package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/assure"
	"github.com/tutela-health/tutela/internal/errs"
)

type assessCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (assessCmd) Help() string {
	return `Example: tutela assess --data tutela-data

Each check tries to break something. Exit code 0: all passed. 1: at least one did not, or could
not be checked.`
}

// Run has the running server try its controls.
func (cmd assessCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	return cmd.assess(ctx, c, client)
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
