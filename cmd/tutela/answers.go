package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"text/tabwriter"
	"time"
)

type answersCmd struct {
	List answersListCmd `cmd:"" help:"What was done by itself, the newest first."`
	Show answersShowCmd `cmd:"" help:"One answer."`
	Undo answersUndoCmd `cmd:"" help:"Take an answer back, at once."`
}

// answerLine is an answer as the API gives it.
type answerLine struct {
	ID     string `json:"id"`
	Kind   string `json:"kind"`
	Asked  string `json:"asked"`
	Target struct {
		On   string `json:"on"`
		ID   string `json:"id"`
		Role string `json:"role"`
	} `json:"target"`
	State   string    `json:"state"`
	Because string    `json:"because"`
	Finding string    `json:"finding"`
	Title   string    `json:"title"`
	Given   time.Time `json:"given"`
	Until   time.Time `json:"until"`
}

type answersListCmd struct {
	target
	State   string `enum:"active,over,undone,withheld,all" default:"active" help:"active, over, undone, withheld or all."`
	Finding string `help:"To this finding only."`
	Limit   int    `default:"200" help:"How many at most."`
	Format  string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (answersListCmd) Help() string {
	return `Example: tutela answers list --state all --data tutela-data

For administrators, the auditor and the privacy officer. Nobody sees answers about himself. Exit code 1: an answer is active.`
}

// Run lists answers.
func (cmd answersListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	q := url.Values{"limit": {strconv.Itoa(cmd.Limit)}}
	if cmd.State != "all" {
		q.Set("state", cmd.State)
	}
	if cmd.Finding != "" {
		q.Set("finding", cmd.Finding)
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/answers?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	var list []answerLine
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode answers: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = printAnswers(c, list)
	}
	for i := range list {
		if err == nil && list[i].State == "active" {
			err = errFound
		}
	}
	return err
}

func printAnswers(c console, list []answerLine) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tKIND\tSTATE\tON\tWHOM\tGIVEN\tUNTIL\tFINDING\tWHAT")
	for i := range list {
		a := &list[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", a.ID, a.Kind, a.State, a.Target.On, a.Target.ID,
			a.Given.Format(time.RFC3339), a.Until.Format(time.RFC3339), a.Finding, a.Title)
	}
	return w.Flush()
}

type answersShowCmd struct {
	target
	ID     string `arg:"" help:"Which, as tutela answers list gives it."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (answersShowCmd) Help() string {
	return `Example: tutela answers show 3f0c5c1d0a7b4e5f9a1122334455f6e7 --data tutela-data

Exit code 1: the answer is active.`
}

// Run prints an answer.
func (cmd answersShowCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/answers/"+url.PathEscape(cmd.ID), nil)
	if err != nil {
		return err
	}
	var a answerLine
	if err := json.Unmarshal(body, &a); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = a.print(c)
	}
	if err == nil && a.State == "active" {
		err = errFound
	}
	return err
}

func (a *answerLine) print(c console) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, value)
		}
	}
	line("what", a.Kind+" on "+a.Target.On+" "+a.Target.ID)
	line("role", a.Target.Role)
	line("state", a.State)
	line("asked", a.Asked)
	line("because", a.Because)
	line("finding", a.Finding+": "+a.Title)
	line("given", a.Given.Format(time.RFC3339))
	line("until", a.Until.Format(time.RFC3339))
	return w.Flush()
}

type answersUndoCmd struct {
	target
	ID string `arg:"" help:"Which, as tutela answers list gives it."`
}

// Help gives an example.
func (answersUndoCmd) Help() string {
	return `Example: tutela answers undo 3f0c5c1d0a7b4e5f9a1122334455f6e7 --data tutela-data

It holds nobody any longer, on any node, within a second. Sessions that were ended stay ended: their owner signs in again.`
}

// Run takes an answer back.
func (cmd answersUndoCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	if _, err := client.json(ctx, http.MethodPost, "/api/v1/answers/"+url.PathEscape(cmd.ID)+"/undo", nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s is undone\n", cmd.ID)
	return err
}
