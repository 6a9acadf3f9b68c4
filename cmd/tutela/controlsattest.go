package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/tutela-health/tutela/assure/control"
)

type controlsAttestCmd struct {
	target
	ID        string `arg:"" help:"The requirement."`
	Statement string `required:"" help:"What is so."`
	Expires   string `required:"" help:"Until when that counts, as a date (2027-06-30); a year from now at most."`
	File      string `type:"existingfile" help:"What it rests on: a report, a contract, a photograph; 512 KiB at most."`
	Provider  string `help:"Whose report the file is: the requirement then counts as inherited."`
}

// Help gives an example.
func (controlsAttestCmd) Help() string {
	return `Example: tutela controls attest "45 CFR 164.310(a)(1)" --statement "Badges at every door" --file doors.pdf --expires 2027-06-30 --data tutela-data

For administrators and the privacy officer. It takes the place of what was attested before, which stays in the history.
When it ends the control is amber.`
}

// Run attests.
func (cmd controlsAttestCmd) Run(ctx context.Context, c console) error {
	until, err := time.Parse(time.DateOnly, cmd.Expires)
	if err != nil {
		return usage("--expires is a date such as 2027-06-30, and %q is none", cmd.Expires)
	}
	a := control.Attestation{Known: control.Attested, Statement: cmd.Statement, Provider: cmd.Provider, Expires: until}
	if cmd.Provider != "" {
		a.Known = control.Inherited
	}
	if cmd.File != "" {
		data, err := os.ReadFile(cmd.File)
		if err != nil {
			return err
		}
		if len(data) > control.MaxFile {
			return usage("%s has %d bytes; %d is the most", cmd.File, len(data), control.MaxFile)
		}
		a.File = &control.File{Name: filepath.Base(cmd.File), Data: data}
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	now, _, err := client.control(ctx, cmd.ID)
	if err != nil {
		return err
	}
	a.Revision = now.Revision
	if _, err := client.json(ctx, http.MethodPut, attestationOf(cmd.ID), a); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s is %s until %s\n", now.ID, a.Known, cmd.Expires)
	return err
}

func attestationOf(id string) string {
	return "/api/v1/controls/" + url.PathEscape(id) + "/attestation"
}

type controlsWithdrawCmd struct {
	target
	ID string `arg:"" help:"The requirement."`
}

// Help gives an example.
func (controlsWithdrawCmd) Help() string {
	return `Example: tutela controls withdraw "45 CFR 164.310(a)(1)" --data tutela-data`
}

// Run takes an attestation back.
func (cmd controlsWithdrawCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	if _, err := client.json(ctx, http.MethodDelete, attestationOf(cmd.ID), nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "what was attested of %s is withdrawn\n", cmd.ID)
	return err
}

type controlsFileCmd struct {
	target
	ID  string `arg:"" help:"The requirement."`
	Out string `required:"" type:"path" help:"Where to write it; nothing may be there."`
}

// Help gives an example.
func (controlsFileCmd) Help() string {
	return `Example: tutela controls file "45 CFR 164.310(a)(1)" --out doors.pdf --data tutela-data`
}

// Run writes an attestation's file.
func (cmd controlsFileCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, attestationOf(cmd.ID), nil)
	if err != nil {
		return err
	}
	var a control.Attestation
	if err := json.Unmarshal(body, &a); err != nil {
		return fmt.Errorf("decode attestation: %w", err)
	}
	if a.File == nil {
		return usage("what was attested of %s rests on no file", a.Requirement)
	}
	f, err := os.OpenFile(cmd.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := f.Write(a.File.Data); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s, SHA-256 %s\n", cmd.Out, a.File.SHA256)
	return err
}
