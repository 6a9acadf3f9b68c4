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

	"github.com/tutela-health/tutela/assure/control"
)

type controlsCmd struct {
	List     controlsListCmd     `cmd:"" help:"Controls by regulation: how each is known, and how it stands."`
	Show     controlsShowCmd     `cmd:"" help:"One control: what shows it, and the evidence of late."`
	OSCAL    controlsOSCALCmd    `cmd:"" name:"oscal" help:"Controls in NIST's OSCAL, for other programs."`
	Attest   controlsAttestCmd   `cmd:"" help:"Give your word, or a provider's report, that a requirement is met."`
	Withdraw controlsWithdrawCmd `cmd:"" help:"Take it back."`
	File     controlsFileCmd     `cmd:"" help:"The file that an attestation rests on."`
}

type controlsListCmd struct {
	target
	Regulation string `help:"Of one regulation: hipaa-security, hipaa-security-proposed, hipaa-breach, hipaa-privacy, hitech, gdpr, part11, pipeda, ccpa, hph, tutela."`
	Known      string `help:"Known in one way: probed, recorded, attested, inherited, not-covered."`
	Standing   string `help:"That stand so: red, amber, green, not-applicable."`
	Counts     bool   `help:"The counts alone."`
	Format     string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (controlsListCmd) Help() string {
	return `Example: tutela controls list --regulation hipaa-security --standing red --data tutela-data

Green: fresh evidence says that it holds. Red: fresh evidence says that it does not. Amber: there is no fresh evidence, or it could not be
checked. Exit code 1: a control that is listed is red.`
}

// Run lists controls.
func (cmd controlsListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	o, body, err := client.controls(ctx, control.Filter{Regulation: cmd.Regulation, Known: control.Knowledge(cmd.Known), Standing: control.Standing(cmd.Standing)})
	if err != nil {
		return err
	}
	switch {
	case cmd.Format == "json":
		_, err = c.out.Write(body)
	case cmd.Counts:
		err = writeCounts(c, o.Regulations)
	default:
		if err = writeCounts(c, o.Regulations); err == nil {
			err = writeControls(c, o.Controls)
		}
	}
	for _, k := range o.Controls {
		if err == nil && k.Standing == control.Red {
			err = errFound
		}
	}
	return err
}

// controls asks how controls are known.
func (cl *client) controls(ctx context.Context, f control.Filter) (o control.Overview, body []byte, err error) {
	q := url.Values{}
	for name, value := range map[string]string{"regulation": f.Regulation, "known": string(f.Known), "standing": string(f.Standing)} {
		if value != "" {
			q.Set(name, value)
		}
	}
	body, err = cl.json(ctx, http.MethodGet, "/api/v1/controls?"+q.Encode(), nil)
	if err != nil {
		return o, nil, err
	}
	if err := json.Unmarshal(body, &o); err != nil {
		return o, nil, fmt.Errorf("decode controls: %w", err)
	}
	return o, body, nil
}

// writeCounts gives a regulation a line: how many are known in which way, and of these how many stand how.
func writeCounts(c console, list []control.Count) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "REGULATION\tSTATUS\tALL")
	for _, k := range control.Kinds() {
		fmt.Fprintf(w, "\t%s", strings.ToUpper(string(k)))
	}
	fmt.Fprintln(w)
	for _, r := range list {
		fmt.Fprintf(w, "%s\t%s\t%d", r.ID, r.Status, r.Total)
		for _, k := range control.Kinds() {
			fmt.Fprintf(w, "\t%s", standings(r.Known[k]))
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}

// standings are counts in words: 12 green, 1 red.
func standings(counts map[control.Standing]int) string {
	var parts []string
	for _, s := range control.Standings() {
		if n := counts[s]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, s))
		}
	}
	return dashed(strings.Join(parts, ", "))
}

func writeControls(c console, list []control.Control) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nCONTROL\tKNOWN\tSTANDING\tWHAT\tBY")
	for _, k := range list {
		by := make([]string, 0, len(k.Ways))
		for _, way := range k.Ways {
			by = append(by, way.By)
		}
		title := k.Title
		if k.Unverified {
			title += " (unverified)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.Known, k.Standing, title, dashed(strings.Join(by, " ")))
	}
	return w.Flush()
}

type controlsShowCmd struct {
	target
	ID     string `arg:"" help:"The requirement, e.g. \"45 CFR 164.312(b)\" or 45-cfr-164.312-b."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (controlsShowCmd) Help() string {
	return `Example: tutela controls show "45 CFR 164.312(b)" --data tutela-data`
}

// Run shows a control.
func (cmd controlsShowCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	s, body, err := client.control(ctx, cmd.ID)
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	return writeControl(c, s)
}

func (cl *client) control(ctx context.Context, id string) (s control.Shown, body []byte, err error) {
	body, err = cl.json(ctx, http.MethodGet, "/api/v1/controls/"+url.PathEscape(id), nil)
	if err != nil {
		return s, nil, err
	}
	if err := json.Unmarshal(body, &s); err != nil {
		return s, nil, fmt.Errorf("decode control: %w", err)
	}
	return s, body, nil
}

// dashedTime is a time, or a dash where there is none.
func dashedTime(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.Format(time.RFC3339)
}

func writeControl(c console, s control.Shown) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s: %s (%s)\n%s\n", s.ID, s.Title, s.Of, s.Says)
	if s.Unverified {
		fmt.Fprintln(w, "Wording, number or times were not held against an official source.")
	}
	if s.Lacks != "" {
		fmt.Fprintf(w, "What is not there yet: %s.\n", s.Lacks)
	}
	if s.Unbuilt {
		fmt.Fprintln(w, "Nothing of it is built.")
	}
	fmt.Fprintf(w, "%s, %s\n", s.Known, s.Standing)
	if len(s.Ways) > 0 {
		fmt.Fprintln(w, "\nKNOWN\tSTANDING\tBY\tSEEN\tUNTIL")
		for _, way := range s.Ways {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", way.Known, way.Standing, way.By, dashed(way.Seen), dashedTime(way.Expires))
		}
	}
	if len(s.History) > 0 {
		fmt.Fprintln(w, "\nTRIED\tVERDICT\tCHECK\tOBSERVED")
		for _, e := range s.History {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", dashedTime(e.At), e.Verdict, e.Check, e.Observed)
		}
	}
	return w.Flush()
}
