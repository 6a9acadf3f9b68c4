package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"text/tabwriter"
	"time"
)

type alertsCmd struct {
	List   alertsListCmd   `cmd:"" help:"Of what people were told, the newest first."`
	Ack    alertsAckCmd    `cmd:"" help:"Say that an alert was seen: nobody further is told."`
	Test   alertsTestCmd   `cmd:"" help:"Send a test alert into every channel."`
	Digest alertsDigestCmd `cmd:"" help:"The last day in some lines."`
	Export alertsExportCmd `cmd:"" help:"How far the systems are that the ledger goes to."`
}

type alertsListCmd struct {
	target
	State  string `enum:"open,acknowledged,all" default:"open" help:"open, acknowledged or all."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (alertsListCmd) Help() string {
	return `Example: tutela alerts list --data tutela-data

For administrators, the auditor and the privacy officer. Nobody sees alerts about himself. Exit code 1: an alert is open.`
}

// Run lists alerts.
func (cmd alertsListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	path := "/api/v1/alerts"
	if cmd.State != "all" {
		path += "?state=" + cmd.State
	}
	body, err := client.json(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	var list []struct {
		ID, Finding, Title, Level, State string
		Risk                             int
		Opened                           time.Time
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode alerts: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ID\tLEVEL\tRISK\tSTATE\tOPENED\tFINDING\tWHAT")
		for _, a := range list {
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\t%s\n", a.ID, a.Level, a.Risk, a.State, a.Opened.Format(time.RFC3339), a.Finding, a.Title)
		}
		err = w.Flush()
	}
	for _, a := range list {
		if err == nil && a.State == "open" {
			err = errFound
		}
	}
	return err
}

type alertsAckCmd struct {
	target
	ID string `arg:"" help:"Which, as tutela alerts list gives it."`
}

// Help gives an example.
func (alertsAckCmd) Help() string {
	return "Example: tutela alerts ack 3f0c5c1d0a7b4e5f9a1122334455f6e7 --data tutela-data"
}

// Run acknowledges an alert.
func (cmd alertsAckCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	if _, err := client.json(ctx, http.MethodPost, "/api/v1/alerts/"+url.PathEscape(cmd.ID)+"/acknowledge", nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s is acknowledged\n", cmd.ID)
	return err
}

type alertsTestCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (alertsTestCmd) Help() string {
	return `Example: tutela alerts test --data tutela-data

Exit code 1: a channel did not take it, or there is none.`
}

// Run tries every channel.
func (cmd alertsTestCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/alerts/test", nil)
	if err != nil {
		return err
	}
	var list []struct {
		Channel, Kind, Error string
		Took                 bool
		Waiting              int
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode channels: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "CHANNEL\tKIND\tTOOK\tWAITING\tERROR")
		for _, t := range list {
			fmt.Fprintf(w, "%s\t%s\t%v\t%d\t%s\n", t.Channel, t.Kind, t.Took, t.Waiting, t.Error)
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

type alertsDigestCmd struct {
	target
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (alertsDigestCmd) Help() string { return "Example: tutela alerts digest --data tutela-data" }

// Run prints the last day.
func (cmd alertsDigestCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/alerts/digest", nil)
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	var digest struct {
		Title string
		Lines []string
	}
	if err := json.Unmarshal(body, &digest); err != nil {
		return fmt.Errorf("decode digest: %w", err)
	}
	_, err = fmt.Fprintln(c.out, strings.Join(append([]string{digest.Title}, digest.Lines...), "\n"))
	return err
}

type alertsExportCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (alertsExportCmd) Help() string {
	return `Example: tutela alerts export --data tutela-data

Exit code 1: a system has not acknowledged more than a thousand entries.`
}

// lagging is how many entries a target may be behind before that is worth a look.
const lagging = 1000

// Run lists targets of export.
func (cmd alertsExportCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/export-targets", nil)
	if err != nil {
		return err
	}
	var list []struct {
		Target, Kind  string
		Place, Behind int64
		Moved         time.Time
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode targets: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "TARGET\tKIND\tPLACE\tBEHIND\tMOVED")
		for _, t := range list {
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\n", t.Target, t.Kind, t.Place, t.Behind, t.Moved.Format(time.RFC3339))
		}
		err = w.Flush()
	}
	for _, t := range list {
		if err == nil && t.Behind > lagging {
			err = errFound
		}
	}
	return err
}
