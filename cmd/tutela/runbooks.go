package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela/respond/incident"
)

// printSteps prints what is to be done, in order, and what is due when.
func printSteps(c console, in *incident.Incident) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	if len(in.Steps) > 0 {
		fmt.Fprintln(w, "\nSTEP\tBEFORE\tWHO\tDUE\tAPPROVED\tRESULT\tWHAT")
	}
	for _, p := range in.Steps {
		due := ""
		if !p.Due.IsZero() {
			due = p.Due.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d of %d\t%s\t%s\n", p.ID, p.Phase, p.Role, due, len(p.Approved), p.Approvals, cmp.Or(string(p.Result), "-"), p.Title)
	}
	for i, clock := range in.Clocks {
		if i == 0 {
			fmt.Fprintln(w, "\nCLOCK\tDUE\tUNTIL\tBY\tWHAT")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", clock.ID, clock.Due.Format(time.RFC3339), clock.Until, clock.Cite, clock.Title)
	}
	return w.Flush()
}

type incidentsStepCmd struct {
	target
	ID   string `arg:"" help:"Which incident."`
	Step string `arg:"" help:"Which step, as tutela incidents show gives it."`
	Note string `required:"" help:"What was done, or why it is skipped."`
	Skip bool   `help:"It does not apply, or cannot be done."`
}

// Help gives an example.
func (incidentsStepCmd) Help() string {
	return `Example: tutela incidents step 3f0c5c1d0a7b4e5f9a1122334455f6e7 isolate --note "port 14 of the ward's switch is off" --data tutela-data

A step that wants approvals is done only when so many people have approved it. One with a check is done only when
the system has tried it: that the ledger verifies, or that a backup came back since the discovery.`
}

// Run says how a step went.
func (cmd incidentsStepCmd) Run(ctx context.Context, c console) error {
	result := incident.Done
	if cmd.Skip {
		result = incident.Skipped
	}
	return cmd.tell(ctx, c, "admin", stepPath(cmd.ID, cmd.Step), map[string]string{"result": string(result), "note": cmd.Note})
}

func stepPath(id, step string) string {
	return "/" + url.PathEscape(id) + "/steps/" + url.PathEscape(step)
}

type incidentsApproveCmd struct {
	target
	ID   string `arg:"" help:"Which incident."`
	Step string `arg:"" help:"Which step."`
	Note string `required:"" help:"Why you agree."`
}

// Help gives an example.
func (incidentsApproveCmd) Help() string {
	return `Example: tutela incidents approve 3f0c5c1d0a7b4e5f9a1122334455f6e7 rebuild --note "the hole is closed" --as privacy --data tutela-data

Each person counts once.`
}

// Run approves a step.
func (cmd incidentsApproveCmd) Run(ctx context.Context, c console) error {
	return cmd.tell(ctx, c, "privacy", stepPath(cmd.ID, cmd.Step), map[string]string{"result": string(incident.Approve), "note": cmd.Note})
}

type incidentsRunbooksCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (incidentsRunbooksCmd) Help() string {
	return `Example: tutela incidents runbooks --data tutela-data

An organisation's own lie in the folder that respond.incidents.runbooks names.`
}

// Run lists runbooks.
func (cmd incidentsRunbooksCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/incidents/runbooks", nil)
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	var list incident.Runbooks
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode runbooks: %w", err)
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tVERSION\tKIND\tOWNER\tREAD\tSTEPS\tTITLE")
	for _, r := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", r.ID, r.Version, r.Kind, r.Owner, r.Reviewed, len(r.Steps), r.Title)
	}
	return w.Flush()
}

type incidentsDrillCmd struct {
	target
	Runbook string `arg:"" help:"Which runbook, as tutela incidents runbooks gives it."`
}

// Help gives an example.
func (incidentsDrillCmd) Help() string {
	return `Example: tutela incidents drill ransomware --data tutela-data

It opens an incident that is not real. Work through it as through one: step, approve, note, contain, recover, close.
Then tutela incidents score tells how it went.`
}

// Run begins a drill.
func (cmd incidentsDrillCmd) Run(ctx context.Context, c console) error {
	return cmd.tell(ctx, c, "privacy", "/drills", map[string]string{"runbook": cmd.Runbook})
}

type incidentsScoreCmd struct {
	target
	ID     string `arg:"" help:"Which incident or drill."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (incidentsScoreCmd) Help() string {
	return `Example: tutela incidents score 3f0c5c1d0a7b4e5f9a1122334455f6e7 --data tutela-data

A clock that was kept counts 3, a step done in time 2 and late 1, a lesson 2. Passed: closed, no clock missed, and
80 of 100 points. Exit code 1: it has not passed.`
}

// Run prints a score.
func (cmd incidentsScoreCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/incidents/"+url.PathEscape(cmd.ID)+"/score", nil)
	if err != nil {
		return err
	}
	var sc incident.Score
	if err := json.Unmarshal(body, &sc); err != nil {
		return fmt.Errorf("decode score: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = printScore(c, &sc)
	}
	if err == nil && !sc.Passed {
		err = errFound
	}
	return err
}

func printScore(c console, sc *incident.Score) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	passed := "not passed"
	if sc.Passed {
		passed = "passed"
	}
	fmt.Fprintf(w, "%s, %s: %d of %d points, %s\n%d steps skipped, %d left, %d communications, %d lessons\n\n",
		cmp.Or(sc.Runbook, "no runbook"), sc.State, sc.Points, sc.Of, passed, sc.Skipped, sc.Left, sc.Told, sc.Lessons)
	fmt.Fprintln(w, "WHAT\tMINUTE\tDUE\tHOW")
	for _, t := range append(sc.Clocks, sc.Steps...) {
		how, due := cmp.Or(string(t.Result), "kept"), ""
		switch {
		case t.Reached.IsZero() && t.Late:
			how = "missed"
		case t.Reached.IsZero():
			how = "running"
		case t.Late:
			how += ", late"
		}
		if !t.Due.IsZero() {
			due = t.Due.Format(time.RFC3339)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", t.ID, t.Minutes, due, how)
	}
	return w.Flush()
}
