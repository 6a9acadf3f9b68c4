package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"text/tabwriter"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure"
	"github.com/tutela-health/tutela/internal/clock"
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
	body, err := client.do(ctx, http.MethodPost, "/api/v1/assess", nil)
	if err != nil {
		return err
	}
	var got struct {
		Evidence []tutela.Evidence `json:"evidence"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("decode evidence: %w", err)
	}
	if cmd.Format == "json" {
		if _, err := c.out.Write(body); err != nil {
			return err
		}
	} else if err := printEvidence(c, got.Evidence); err != nil {
		return err
	}
	for _, e := range got.Evidence {
		if e.Verdict != tutela.Pass && e.Verdict != tutela.NotApplicable {
			return errFound
		}
	}
	return nil
}

func printEvidence(c console, list []tutela.Evidence) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CHECK\tVERDICT\tON\tOBSERVED")
	for _, e := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", e.Check, e.Verdict, e.On, e.Observed)
	}
	return w.Flush()
}

// assess runs the checks of every plane.
func (s *system) assess(ctx context.Context) ([]tutela.Evidence, error) {
	return assure.New(s.audit, clock.System, s.checks()...).Run(ctx)
}

// checks are those that the planes registered.
func (s *system) checks() []tutela.Check { return nil }
