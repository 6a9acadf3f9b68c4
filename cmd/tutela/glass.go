package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela/access/emergency"
	"github.com/tutela-health/tutela/internal/errs"
)

// glass makes emergency access.
func (s *system) glass() (*emergency.Service, error) {
	return emergency.New(emergency.Config{
		DB: s.db, Audit: s.audit, Clock: s.clock, Fresh: s.changes.Fresh, Locate: s.records.Bucket, Alias: s.identity.Alias,
		Life: time.Duration(s.config.BreakGlassMinutes) * time.Minute,
		Session: func(ctx context.Context, id string) (emergency.Login, error) {
			session, user, err := s.identity.Session(ctx, id)
			return emergency.Login{User: user.ID, Proved: session.AuthTime}, err
		},
	})
}

type glassCmd struct {
	Open   glassOpenCmd   `cmd:"" help:"Give yourself access to one patient, for minutes. Everybody will know."`
	End    glassEndCmd    `cmd:"" help:"End an emergency access of your own."`
	List   glassListCmd   `cmd:"" help:"Emergency accesses and their reviews."`
	Review glassReviewCmd `cmd:"" help:"Close the review of one."`
}

type glassOpenCmd struct {
	target
	Patient string `arg:"" help:"Patient/ID."`
	Reason  string `required:"" help:"Why; at least 10 characters."`
	Format  string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (glassOpenCmd) Help() string {
	return `Example: tutela break-glass open Patient/123 --reason "found unconscious in the lobby" --data tutela-data

It counts for your session, for 15 minutes unless it is configured otherwise, and for this patient alone.
The second factor must have been shown within five minutes: otherwise you sign in again (at
a server elsewhere: tutela login --session).`
}

// Run breaks the glass.
func (cmd glassOpenCmd) Run(ctx context.Context, c console) error {
	ask := map[string]string{"patient": cmd.Patient, "reason": cmd.Reason}
	client, err := cmd.connect(ctx, "physician")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/break-glass", ask)
	if cmd.Server != "" && (errs.Is(err, errs.Unauthenticated) || errs.Is(err, errs.Denied)) {
		return usage("%v; it counts for a session of which both factors were shown within five minutes: tutela login --session --server %s", err, cmd.Server)
	}
	if errs.Is(err, errs.Unauthenticated) {
		if client, err = cmd.connectAfresh(ctx, "physician"); err != nil {
			return err
		}
		body, err = client.json(ctx, http.MethodPost, "/api/v1/break-glass", ask)
	}
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	var got struct {
		ID    string    `json:"id"`
		Until time.Time `json:"until"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	_, err = fmt.Fprintf(c.out, "%s is open to you until %s. The privacy officer will review it as %s.\n", cmd.Patient, got.Until.Local().Format(time.TimeOnly), got.ID)
	return err
}

type glassEndCmd struct {
	target
	ID string `arg:"" help:"As open said it."`
}

// Help gives an example.
func (glassEndCmd) Help() string {
	return "Example: tutela break-glass end 83c30b5ffd271f588dfb1b68f4e2bb97 --data tutela-data"
}

// Run ends it.
func (cmd glassEndCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "physician")
	if err != nil {
		return err
	}
	if _, err := client.json(ctx, http.MethodDelete, "/api/v1/break-glass/"+url.PathEscape(cmd.ID), nil); err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, "ended; the review stays open")
	return err
}

type glassListCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (glassListCmd) Help() string {
	return `Example: tutela break-glass list --data tutela-data

Exit code 1: a review is open.`
}

// Run prints the cases.
func (cmd glassListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/break-glass", nil)
	if err != nil {
		return err
	}
	var list []glassCase
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode cases: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = printCases(c, list)
	}
	if err == nil && slices.ContainsFunc(list, func(g glassCase) bool { return g.State == "open" }) {
		err = errFound
	}
	return err
}

// glassCase is a case as the API gives it.
type glassCase struct {
	ID       string    `json:"id"`
	Patient  string    `json:"patient"`
	By       string    `json:"by"`
	Opened   time.Time `json:"opened"`
	Reason   string    `json:"reason"`
	Accesses int       `json:"accesses"`
	State    string    `json:"state"`
	Verdict  string    `json:"verdict"`
}

func printCases(c console, list []glassCase) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tOPENED\tBY\tPATIENT\tACCESSES\tREVIEW\tREASON")
	for _, g := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%q\n", g.ID, when(g.Opened), g.By, g.Patient, g.Accesses, cmp.Or(g.Verdict, g.State), g.Reason)
	}
	return w.Flush()
}

type glassReviewCmd struct {
	target
	ID      string `arg:"" help:"As list prints it."`
	Verdict string `required:"" enum:"justified,unjustified" help:"justified or unjustified."`
	Note    string `required:"" help:"What was found; at least 10 characters."`
}

// Help gives an example.
func (glassReviewCmd) Help() string {
	return `Example: tutela break-glass review 83c30b5ffd271f588dfb1b68f4e2bb97 --verdict justified --note "the ward confirmed it" --data tutela-data

Access that is still open ends. Nobody reviews his own.`
}

// Run closes the case.
func (cmd glassReviewCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	said := map[string]string{"verdict": cmd.Verdict, "note": cmd.Note}
	if _, err := client.json(ctx, http.MethodPost, "/api/v1/break-glass/"+url.PathEscape(cmd.ID)+"/review", said); err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, "the review is closed:", cmd.Verdict)
	return err
}
