package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/tutela-health/tutela/respond/incident"
)

// tell sends what was said about incidents, and prints what came of it in a line.
func (t target) tell(ctx context.Context, c console, as, path string, said any) error {
	client, err := t.connect(ctx, as)
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/incidents"+path, said)
	if err != nil {
		return err
	}
	return printMoved(c, body)
}

// printMoved says which incident is in which state.
func printMoved(c console, body []byte) error {
	var got struct {
		ID    string         `json:"id"`
		State incident.State `json:"state"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("decode incident: %w", err)
	}
	_, err := fmt.Fprintf(c.out, "%s is %s\n", got.ID, got.State)
	return err
}

type incidentsReportCmd struct {
	target
	Text string `arg:"" optional:"" help:"What happened, as far as you know."`
	Mail string `help:"A file with an e-mail that is a report; - is standard input, as a mail server pipes it."`
	Kind string `help:"What it looks like: ransomware, insider, lost-device, vendor-breach, misdirected-disclosure, account-takeover or downtime."`
}

// Help gives an example.
func (incidentsReportCmd) Help() string {
	return `Example: tutela incidents report "my work telephone is gone since this morning" --kind lost-device --data tutela-data

Everybody may, and nobody need be sure. At most 20 in a day. A mail server hands messages in, as the account of
a service: tutela incidents report --mail - --server https://tutela.example < message`
}

// Run reports.
func (cmd incidentsReportCmd) Run(ctx context.Context, c console) error {
	if cmd.Mail != "" {
		return cmd.mailed(ctx, c)
	}
	if cmd.Text == "" {
		return usage("say what happened, or hand in a message with --mail FILE")
	}
	return cmd.tell(ctx, c, "nurse", "/reports", map[string]string{"text": cmd.Text, "kind": cmd.Kind})
}

// mailed hands a message in.
func (cmd incidentsReportCmd) mailed(ctx context.Context, c console) error {
	var in io.Reader = os.Stdin
	if cmd.Mail != "-" {
		f, err := os.Open(cmd.Mail)
		if err != nil {
			return usage("%v", err)
		}
		defer func() { _ = f.Close() }() // only read
		in = f
	}
	message, err := io.ReadAll(io.LimitReader(in, incident.MaxMail+1))
	if err != nil {
		return fmt.Errorf("read message: %w", err)
	}
	if len(message) > incident.MaxMail {
		return usage("a message takes %d bytes at most", incident.MaxMail)
	}
	client, err := cmd.connect(ctx, "loader")
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, client.base+"/api/v1/incidents/mail", bytes.NewReader(message))
	if err != nil {
		return fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "message/rfc822")
	req.Header.Set("Authorization", "Bearer "+client.token)
	body, err := client.send(req)
	if err != nil {
		return err
	}
	return printMoved(c, body)
}

type incidentsOpenCmd struct {
	target
	What       string   `arg:"" help:"A title for a new one, or the id of one that was reported or is not over after all."`
	Kind       string   `help:"ransomware, insider, lost-device, vendor-breach, misdirected-disclosure, account-takeover, downtime or other."`
	Severity   string   `help:"informational, low, medium, high or critical; high where nothing is said."`
	Detail     string   `help:"What is known, or why it is open."`
	Discovered string   `help:"When the first person knew (RFC 3339); now where nothing is said."`
	Finding    string   `help:"The finding that it is about."`
	Patient    []string `help:"Ids of patients who are touched: they are not erased while it is open."`
}

// Help gives an example.
func (incidentsOpenCmd) Help() string {
	return `Example: tutela incidents open "Laptop stolen from a car" --kind lost-device --discovered 2026-03-08T07:30:00Z --data tutela-data

With an id instead of a title, an incident that was reported is taken up, and one that is not over after all is open again.`
}

// Run opens one.
func (cmd incidentsOpenCmd) Run(ctx context.Context, c console) error {
	if isIncident(cmd.What) {
		said := map[string]string{"to": string(incident.Open), "note": orElse(cmd.Detail, "taken up"), "kind": cmd.Kind, "severity": cmd.Severity}
		return cmd.tell(ctx, c, "privacy", "/"+cmd.What+"/state", said)
	}
	said := map[string]any{"title": cmd.What, "kind": cmd.Kind, "severity": cmd.Severity, "detail": cmd.Detail, "finding": cmd.Finding, "patients": cmd.Patient}
	if cmd.Discovered != "" {
		at, err := time.Parse(time.RFC3339, cmd.Discovered)
		if err != nil {
			return usage("--discovered is a time in RFC 3339, as in 2026-03-08T07:30:00Z")
		}
		said["discovered"] = at
	}
	return cmd.tell(ctx, c, "privacy", "", said)
}

// isIncident reports whether a text is an id and no title.
func isIncident(text string) bool {
	if len(text) != 32 {
		return false
	}
	for _, r := range text {
		if (r < '0' || r > '9') && (r < 'a' || r > 'f') {
			return false
		}
	}
	return true
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

type incidentsNoteCmd struct {
	target
	ID      string `arg:"" help:"Which incident."`
	Text    string `arg:"" help:"What is to be written down."`
	Kind    string `enum:"note,communication,lesson" default:"note" help:"note, communication or lesson."`
	To      string `help:"Whom a communication went to."`
	Channel string `help:"How: telephone, letter, meeting."`
}

// Help gives an example.
func (incidentsNoteCmd) Help() string {
	return `Example: tutela incidents note 3f0c5c1d0a7b4e5f9a1122334455f6e7 "asked for the disk encryption report" --kind communication --to "IT service desk" --channel telephone --data tutela-data

What is written stays. It may name patients: it is sealed.`
}

// Run writes it down.
func (cmd incidentsNoteCmd) Run(ctx context.Context, c console) error {
	said := map[string]string{"kind": cmd.Kind, "text": cmd.Text, "to": cmd.To, "channel": cmd.Channel}
	return cmd.tell(ctx, c, "privacy", "/"+url.PathEscape(cmd.ID)+"/notes", said)
}

// incidentMove is what all changes of state take.
type incidentMove struct {
	target
	ID   string `arg:"" help:"Which incident."`
	Note string `required:"" help:"Why: what was done, and how it is known."`
}

func (cmd incidentMove) run(ctx context.Context, c console, to incident.State) error {
	return cmd.tell(ctx, c, "privacy", "/"+url.PathEscape(cmd.ID)+"/state", map[string]string{"to": string(to), "note": cmd.Note})
}

type incidentsContainCmd struct{ incidentMove }

// Help gives an example.
func (incidentsContainCmd) Help() string {
	return `Example: tutela incidents contain 3f0c5c1d0a7b4e5f9a1122334455f6e7 --note "the account is locked, its sessions have ended" --data tutela-data

How long it took from the discovery is measured to the minute.`
}

// Run says that it is contained.
func (cmd incidentsContainCmd) Run(ctx context.Context, c console) error {
	return cmd.run(ctx, c, incident.Contained)
}

type incidentsRecoverCmd struct{ incidentMove }

// Help gives an example.
func (incidentsRecoverCmd) Help() string {
	return `Example: tutela incidents recover 3f0c5c1d0a7b4e5f9a1122334455f6e7 --note "restored from the backup of 2 a.m., wards work again" --data tutela-data`
}

// Run says that everything works.
func (cmd incidentsRecoverCmd) Run(ctx context.Context, c console) error {
	return cmd.run(ctx, c, incident.Recovered)
}

type incidentsCloseCmd struct{ incidentMove }

// Help gives an example.
func (incidentsCloseCmd) Help() string {
	return `Example: tutela incidents close 3f0c5c1d0a7b4e5f9a1122334455f6e7 --note "letters are out, the policy was changed" --data tutela-data

It needs a lesson in its timeline: tutela incidents note ID "…" --kind lesson. A report that was nothing is closed at once.`
}

// Run closes it.
func (cmd incidentsCloseCmd) Run(ctx context.Context, c console) error {
	return cmd.run(ctx, c, incident.Closed)
}
