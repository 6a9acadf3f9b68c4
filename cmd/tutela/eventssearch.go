package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"
)

type eventsSearchCmd struct {
	target
	ID      string `help:"The event of this id, as findings name it."`
	Text    string `help:"Words, all of which the line has."`
	Actor   string `help:"Of this account."`
	Patient string `help:"About this patient: a pseudonym, or AUTHORITY|NUMBER."`
	Address string `help:"From this address."`
	Source  string `help:"Of this source."`
	From    string `help:"That happened at or after this time (RFC 3339)."`
	To      string `help:"That happened before this time (RFC 3339)."`
	Limit   int    `default:"100" help:"How many at most."`
	Format  string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (eventsSearchCmd) Help() string {
	return `Example: tutela events search --text "permission denied" --source web --data tutela-data

For the auditor and the privacy officer, of the sources that are theirs to see. What came last comes first. The search is in the ledger.`
}

// foundEvent is an event as the API gives it.
type foundEvent struct {
	ID       string          `json:"id"`
	Source   string          `json:"source"`
	Time     time.Time       `json:"time"`
	Received time.Time       `json:"received"`
	Event    json.RawMessage `json:"event"`
}

// Run searches, page by page.
func (cmd eventsSearchCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	list := []foundEvent{}
	for before := ""; len(list) < cmd.Limit; {
		body, err := client.json(ctx, http.MethodGet, "/api/v1/events?"+cmd.query(cmd.Limit-len(list), before), nil)
		if err != nil {
			return err
		}
		var page struct {
			Events []foundEvent `json:"events"`
			Next   string       `json:"next"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return fmt.Errorf("decode events: %w", err)
		}
		list = append(list, page.Events...)
		if before = page.Next; before == "" {
			break
		}
	}
	if cmd.Format == "json" {
		return json.NewEncoder(c.out).Encode(list)
	}
	return printEvents(c, list)
}

func (cmd eventsSearchCmd) query(limit int, before string) string {
	q := url.Values{"limit": {strconv.Itoa(min(limit, 1000))}}
	for name, value := range map[string]string{
		"id": cmd.ID, "text": cmd.Text, "actor": cmd.Actor, "patient": cmd.Patient, "address": cmd.Address, "source": cmd.Source, "from": cmd.From, "to": cmd.To, "before": before,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q.Encode()
}

func printEvents(c console, list []foundEvent) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tTIME\tSOURCE\tWHAT")
	for _, f := range list {
		var said struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(f.Event, &said) // one without a message is shown whole
		fmt.Fprintf(w, "%s\t%s\t%s\t%q\n", f.ID, f.Time.Format(time.RFC3339), f.Source, cmp.Or(said.Message, string(f.Event)))
	}
	return w.Flush()
}

type eventsSourcesCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (eventsSourcesCmd) Help() string {
	return "Example: tutela events sources --data tutela-data\n\nWhat the node that answers has heard since it started. Exit code 1: a source is silent for longer than it may be."
}

// Run lists sources.
func (cmd eventsSourcesCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/events/sources", nil)
	if err != nil {
		return err
	}
	var list []struct {
		Source  string    `json:"source"`
		Last    time.Time `json:"last"`
		Taken   int64     `json:"taken"`
		Refused int64     `json:"refused"`
		Silent  bool      `json:"silent"`
		Reason  string    `json:"reason"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode sources: %w", err)
	}
	silent := false
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SOURCE\tLAST\tTAKEN\tREFUSED\tSILENT\tLAST REFUSED BECAUSE IT")
	for _, s := range list {
		last := "never"
		if !s.Last.IsZero() {
			last = s.Last.Format(time.RFC3339)
		}
		silent = silent || s.Silent
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%v\t%s\n", s.Source, last, s.Taken, s.Refused, s.Silent, s.Reason)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = w.Flush()
	}
	if err == nil && silent {
		err = errFound
	}
	return err
}
