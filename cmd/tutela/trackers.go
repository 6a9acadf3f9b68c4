package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"text/tabwriter"

	"github.com/tutela-health/tutela/respond/tracker"
)

type trackersCmd struct {
	List    trackersListCmd    `cmd:"" help:"Tickets, and what is proposed there."`
	Test    trackersTestCmd    `cmd:"" help:"Ask every tracker whether tickets could be made; none is."`
	Sync    trackersSyncCmd    `cmd:"" help:"Have every open ticket looked at now."`
	Decline trackersDeclineCmd `cmd:"" help:"Say no to what somebody proposes there: the ticket is made what it is here."`
}

type trackersListCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (trackersListCmd) Help() string {
	return `Example: tutela trackers list --data tutela-data

For administrators, the auditor and the privacy officer. Nobody sees tickets about himself. Exit code 1: somebody closed or opened a ticket there, and here it is not so:
judge the finding (tutela findings feedback), do the step (tutela incidents step), or decline it (tutela trackers decline).`
}

// Run lists tickets.
func (cmd trackersListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/trackers", nil)
	if err != nil {
		return err
	}
	var l tracker.Listed
	if err := json.Unmarshal(body, &l); err != nil {
		return fmt.Errorf("decode tickets: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = writeTickets(c, l)
	}
	for _, t := range l.Tickets {
		if err == nil && t.Proposed != "" {
			err = errFound
		}
	}
	return err
}

func writeTickets(c console, l tracker.Listed) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TRACKER\tKIND\tPROJECT\tWAITING")
	for _, t := range l.Trackers {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\n", t.Tracker, t.Kind, t.Project, t.Waiting)
	}
	if err := w.Flush(); err != nil || len(l.Tickets) == 0 {
		return err
	}
	fmt.Fprintln(w, "\nTICKET\tTRACKER\tNUMBER\tHERE\tTHERE\tPROPOSED\tABOUT\tWHAT")
	for _, t := range l.Tickets {
		there := string(t.There)
		if t.Gone {
			there = "gone"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.ID, t.Tracker, dashed(t.Number), t.Here, dashed(there), dashed(string(t.Proposed)), string(t.Kind)+" "+t.Subject, t.Title)
	}
	return w.Flush()
}

// dashed is a text, or a dash where there is none.
func dashed(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

type trackersTestCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (trackersTestCmd) Help() string {
	return `Example: tutela trackers test --data tutela-data

Exit code 1: a tracker does not answer as it should, or there is none.`
}

// Run tries every tracker.
func (cmd trackersTestCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/trackers/test", nil)
	if err != nil {
		return err
	}
	var list []tracker.Tried
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode trackers: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "TRACKER\tKIND\tANSWERS\tWAITING\tERROR")
		for _, t := range list {
			fmt.Fprintf(w, "%s\t%s\t%v\t%d\t%s\n", t.Tracker, t.Kind, t.Took, t.Waiting, t.Error)
		}
		err = w.Flush()
	}
	found := len(list) == 0
	for _, t := range list {
		found = found || !t.Took
	}
	if err == nil && found {
		err = errFound
	}
	return err
}

type trackersSyncCmd struct{ target }

// Help gives an example.
func (trackersSyncCmd) Help() string {
	return `Example: tutela trackers sync --data tutela-data

Tickets are looked at once an hour, and when a tracker tells of them; this has all of them looked at within moments.`
}

// Run has every open ticket looked at.
func (cmd trackersSyncCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/trackers/sync", nil)
	if err != nil {
		return err
	}
	var said struct{ Due int }
	if err := json.Unmarshal(body, &said); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	_, err = fmt.Fprintf(c.out, "%d tickets are looked at now; see tutela trackers list\n", said.Due)
	return err
}

type trackersDeclineCmd struct {
	target
	ID string `arg:"" help:"Which, as tutela trackers list gives it."`
}

// Help gives an example.
func (trackersDeclineCmd) Help() string {
	return "Example: tutela trackers decline 3f0c5c1d0a7b4e5f9a1122334455f6e7 --data tutela-data"
}

// Run declines what is proposed.
func (cmd trackersDeclineCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	if _, err := client.json(ctx, http.MethodPost, "/api/v1/trackers/tickets/"+url.PathEscape(cmd.ID)+"/decline", nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s is declined: its tracker is told\n", cmd.ID)
	return err
}
