package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/respond/incident"
)

// incidentConfig says which findings open incidents.
type incidentConfig struct {
	// Level of findings that open an incident, and of those above it: high where it is left out.
	Level finding.Level `yaml:"level,omitempty"`
	// Runbooks is a folder of the organisation's own: one with the id of a shipped one takes its place.
	Runbooks string `yaml:"runbooks,omitempty"`
	// Mail are the addresses and domains whose messages are reports; none are where it is left out.
	Mail []string `yaml:"mail,omitempty"`
	// Zone is where the organisation counts its days, as in Europe/Berlin: UTC where it is left out.
	Zone string `yaml:"zone,omitempty"`
}

// keepIncidents wires incidents.
func (s *system) keepIncidents() (*incident.Service, error) {
	c := s.config.Respond.Incidents
	if c.Level != "" && c.Level.Severity() == 0 {
		return nil, usage("respond.incidents.level is informational, low, medium, high or critical")
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		return nil, usage("respond.incidents.zone: %v", err)
	}
	book := &incident.Book{Record: s.recordRunbooks}
	if c.Runbooks != "" {
		book.Own = os.DirFS(s.config.path(c.Runbooks))
	}
	if err := book.Open(); err != nil && !s.readOnly {
		return nil, usage("respond.incidents.runbooks: %v", err)
	}
	s.runbooks = book
	return incident.New(incident.Config{
		DB: s.db, Audit: s.audit, Clock: s.clock, Notes: s.records, Findings: s.detection, Alias: s.identity.Alias,
		People: s.identity, Runbooks: book.Runbooks, Zone: zone, Senders: c.Mail, Level: c.Level, Node: s.config.Node + s.role, Log: s.log, TryOut: s.config.TryOut,
	}), nil
}

// followRunbooks takes up changed runbooks, as policies are.
func (s *system) followRunbooks(ctx context.Context) {
	look := time.NewTicker(policyInterval)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-look.C:
		}
		if err := s.runbooks.Look(ctx); err != nil && ctx.Err() == nil {
			s.log.LogAttrs(ctx, slog.LevelError, "changed runbooks are not in force", slog.String("error", err.Error()))
		}
	}
}

// recordRunbooks writes down that changed runbooks take force, or why they do not.
func (s *system) recordRunbooks(ctx context.Context, r incident.Reload) error {
	e := tutela.Entry{
		Actor: systemActor("node"), Action: tutela.ActionIncidentReload, Outcome: tutela.OutcomeSuccess,
		Subject: &tutela.Subject{Kind: "runbooks", ID: s.config.Node, Detail: r.Now},
	}
	level := slog.LevelInfo
	if r.Refused != "" {
		e.Outcome, e.Subject.Detail, level = tutela.OutcomeFailed, r.Refused[:min(len(r.Refused), 500)], slog.LevelError
	}
	_, err := s.audit.Append(ctx, e, nil)
	s.log.LogAttrs(ctx, level, "runbooks were reloaded", slog.String("detail", e.Subject.Detail))
	return err
}

// hindered tells erasures of the open incident whose evidence they would destroy.
func (s *system) hindered(ctx context.Context, b tutela.Bucket) (string, error) {
	if s.response == nil {
		return "", errs.New(errs.Unavailable, "incidents are not open yet")
	}
	return s.response.incidents.Hinders(ctx, b)
}

type incidentsCmd struct {
	List    incidentsListCmd    `cmd:"" help:"Incidents, the newest first."`
	Show    incidentsShowCmd    `cmd:"" help:"One incident with its timeline."`
	Report  incidentsReportCmd  `cmd:"" help:"Say that something is wrong. For everybody."`
	Open    incidentsOpenCmd    `cmd:"" help:"Open an incident, or take up one that was reported."`
	Note    incidentsNoteCmd    `cmd:"" help:"Write into the timeline: a note, a communication, a lesson."`
	Step    incidentsStepCmd    `cmd:"" help:"Say that a step of the runbook is done, or why it is skipped."`
	Approve incidentsApproveCmd `cmd:"" help:"Agree that a step be done that wants several people."`
	Contain incidentsContainCmd `cmd:"" help:"Say that it does no more harm."`
	Recover incidentsRecoverCmd `cmd:"" help:"Say that everything works as before."`
	Close   incidentsCloseCmd   `cmd:"" help:"Say that nothing is left to do."`

	Runbooks incidentsRunbooksCmd `cmd:"" help:"The runbooks in force."`
	Drill    incidentsDrillCmd    `cmd:"" help:"Begin a drill of a runbook."`
	Score    incidentsScoreCmd    `cmd:"" help:"How an incident or a drill went, by its clocks and steps."`
}

type incidentsListCmd struct {
	target
	State  string `enum:"reported,open,contained,recovered,closed,all,any" default:"any" help:"reported, open, contained, recovered, closed, all, or any that is not closed."`
	Kind   string `help:"Of this kind only."`
	Limit  int    `default:"200" help:"How many at most."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (incidentsListCmd) Help() string {
	return `Example: tutela incidents list --state open --data tutela-data

For administrators and the privacy officer. Nobody sees what may be his own doing. Exit code 1: one is not closed.`
}

// Run lists incidents.
func (cmd incidentsListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	q := url.Values{"limit": {strconv.Itoa(cmd.Limit)}}
	switch cmd.State {
	case "any":
	case "all":
		q.Set("all", "true")
	default:
		q.Set("state", cmd.State)
	}
	if cmd.Kind != "" {
		q.Set("kind", cmd.Kind)
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/incidents?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	var list []incident.Incident
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode incidents: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = printIncidents(c, list)
	}
	for i := range list {
		if err == nil && !list[i].Over() {
			err = errFound
		}
	}
	return err
}

func printIncidents(c console, list []incident.Incident) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tSTATE\tKIND\tSEVERITY\tDISCOVERED\tBY\tITEMS\tTITLE")
	for i := range list {
		in := &list[i]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", in.ID, in.State, in.Kind, in.Severity, in.Discovered.Format(time.RFC3339), in.Source, in.Items, in.Title)
	}
	return w.Flush()
}

type incidentsShowCmd struct {
	target
	ID     string `arg:"" help:"Which, as tutela incidents list gives it."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (incidentsShowCmd) Help() string {
	return `Example: tutela incidents show 3f0c5c1d0a7b4e5f9a1122334455f6e7 --data tutela-data

Exit code 1: it is not closed.`
}

// Run prints an incident.
func (cmd incidentsShowCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/incidents/"+url.PathEscape(cmd.ID), nil)
	if err != nil {
		return err
	}
	var in incident.Whole
	if err := json.Unmarshal(body, &in); err != nil {
		return fmt.Errorf("decode incident: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = printIncident(c, &in)
	}
	if err == nil && !in.Over() {
		err = errFound
	}
	return err
}

func printIncident(c console, in *incident.Whole) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "title\t%s\nstate\t%s\nkind\t%s, %s\n", in.Title, in.State, in.Kind, in.Severity)
	for _, t := range []struct {
		name string
		at   time.Time
	}{{"discovered", in.Discovered}, {"contained", in.Contained}, {"recovered", in.Recovered}, {"closed", in.Closed}} {
		if !t.at.IsZero() {
			fmt.Fprintf(w, "%s\t%s\t%d minutes after discovery\n", t.name, t.at.Format(time.RFC3339), int(t.at.Sub(in.Discovered)/time.Minute))
		}
	}
	if in.Sender != "" {
		fmt.Fprintf(w, "sender\t%s (not proved)\n", in.Sender)
	}
	for _, f := range in.Findings {
		fmt.Fprintf(w, "finding\t%s\n", f)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if err := printSteps(c, &in.Incident); err != nil {
		return err
	}
	for _, item := range in.Timeline {
		head := string(item.Kind)
		if item.To != "" {
			head += " to " + item.To + " by " + item.Channel
		}
		if _, err := fmt.Fprintf(c.out, "\n%d. %s %s, %s\n%s\n", item.Number, item.At.Format(time.RFC3339), item.By.Name, head, item.Text); err != nil {
			return err
		}
	}
	return nil
}
