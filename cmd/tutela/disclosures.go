package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela/privacy/rights"
)

type patientDiscloseCmd struct {
	target
	patientArg
	Recipient     string    `required:"" help:"To whom."`
	Address       string    `help:"His address, where it is known."`
	What          string    `required:"" help:"What was disclosed."`
	Purpose       string    `required:"" help:"What for, in words."`
	Ground        string    `required:"" help:"public-health, abuse, oversight, judicial, law-enforcement, decedents, donation, research, threat, government, workers-compensation, required-by-law, secretary, breach; or what an accounting leaves out: treatment, payment, operations, individual, incident, authorization, directory, national-security, custody, limited-data-set."`
	Date          time.Time `help:"When, as in 2026-11-22T10:00:00Z; now otherwise."`
	WithheldUntil time.Time `help:"Until when an oversight or law enforcement agency asked that the patient is not told."`
	Oral          bool      `help:"It asked so by word of mouth: for 30 days at most."`
}

// Help gives an example.
func (patientDiscloseCmd) Help() string {
	return `Example: tutela patient disclose 123 --recipient "county health office" --what "a positive test" --purpose "a reportable disease" --ground public-health --data tutela-data`
}

// Run writes it down.
func (cmd patientDiscloseCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	said := map[string]any{"recipient": cmd.Recipient, "address": cmd.Address, "what": cmd.What, "purpose": cmd.Purpose, "ground": cmd.Ground, "oral": cmd.Oral}
	for name, at := range map[string]time.Time{"date": cmd.Date, "withheld_until": cmd.WithheldUntil} {
		if !at.IsZero() {
			said[name] = at
		}
	}
	body, err := client.json(ctx, http.MethodPost, cmd.path("disclosures"), said)
	if err != nil {
		return err
	}
	var got struct {
		Entry string `json:"entry"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	_, err = fmt.Fprintln(c.out, "in the ledger as", got.Entry)
	return err
}

// accountingFlags say which disclosures are asked for.
type accountingFlags struct {
	From   string `help:"Not before this time (RFC 3339); six years back otherwise."`
	Until  string `help:"Before this time (RFC 3339)."`
	All    bool   `help:"Those too that 45 CFR 164.528(a)(1) leaves out."`
	To     string `type:"path" help:"A folder for the statements with their proofs and the ledger's keys, for the patient."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

type patientDisclosuresCmd struct {
	target
	patientArg
	accountingFlags
}

// Help gives an example.
func (patientDisclosuresCmd) Help() string {
	return `Example: tutela patient disclosures 123 --to accounting-of-123 --data tutela-data

Each line has a proof (C2SP tlog-proof) that the patient checks alone: docs/patient-rights.md says how.`
}

// Run asks for the accounting.
func (cmd patientDisclosuresCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	return cmd.account(ctx, c, client, cmd.patientArg)
}

// account asks for a patient's accounting and tells it.
func (f accountingFlags) account(ctx context.Context, c console, client *client, patient patientArg) error {
	q := url.Values{"all": {fmt.Sprint(f.All)}}
	for name, at := range map[string]string{"from": f.From, "to": f.Until} {
		if at != "" {
			q.Set(name, at)
		}
	}
	body, err := client.do(ctx, http.MethodGet, patient.path("disclosures?"+q.Encode()), nil)
	if err != nil {
		return err
	}
	var a accounting
	if err := json.Unmarshal(body, &a); err != nil {
		return fmt.Errorf("decode accounting: %w", err)
	}
	if f.To != "" {
		if err := a.write(f.To); err != nil {
			return err
		}
	}
	if f.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	return a.print(c)
}

// accounting is what the API answers.
type accounting struct {
	Keys  []string      `json:"keys"`
	Lines []rights.Line `json:"lines"`
}

func (a accounting) print(c console) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DATE\tRECIPIENT\tWHAT\tPURPOSE\tGROUND\tPROOF\tENTRY")
	for _, l := range a.Lines {
		proof := "yes"
		if l.Proof == "" {
			proof = "in seconds"
		}
		if !l.Withheld.IsZero() {
			proof += ", withheld until " + l.Withheld.Format(time.DateOnly)
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", l.Date.Local().Format(time.DateOnly), l.Recipient, l.What, l.Purpose, l.Ground, proof, l.Entry)
	}
	return w.Flush()
}

// write puts into a folder what it takes to check each line: its proof, its statement with the salt, and the
// keys.
func (a accounting) write(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := writePrivate(filepath.Join(dir, "ledger.keys"), []byte(strings.Join(a.Keys, "\n")+"\n")); err != nil {
		return err
	}
	for i, l := range a.Lines {
		text, err := json.MarshalIndent(l, "", "  ")
		if err != nil {
			return fmt.Errorf("encode line: %w", err)
		}
		name := filepath.Join(dir, fmt.Sprintf("%04d", i+1))
		if err := writePrivate(name+".json", append(text, '\n')); err != nil {
			return err
		}
		if l.Proof == "" {
			continue
		}
		if err := writePrivate(name+".tlog-proof", []byte(l.Proof)); err != nil {
			return err
		}
	}
	return nil
}

type auditDisclosuresCmd struct {
	target
	accountingFlags
	Patient string `required:"" help:"Id of the Patient."`
}

// Help gives an example.
func (auditDisclosuresCmd) Help() string {
	return `Example: tutela audit disclosures --patient 123 --all --data tutela-data

The same as tutela patient disclosures.`
}

// Run asks for the accounting.
func (cmd auditDisclosuresCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	return cmd.account(ctx, c, client, patientArg{cmd.Patient})
}

type patientAccessesCmd struct {
	target
	patientArg
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (patientAccessesCmd) Help() string {
	return "Example: tutela patient accesses 123 --as patient --data tutela-data"
}

// Run lists them.
func (cmd patientAccessesCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.do(ctx, http.MethodGet, cmd.path("accesses"), nil)
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	var list []rights.Look
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode accesses: %w", err)
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TIME\tWHO\tAS\tDID\tWHAT\tPURPOSE\tEMERGENCY")
	for _, l := range list {
		emergency := ""
		if l.Emergency {
			emergency = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", when(l.Time), l.Who, strings.Join(l.Roles, " "), l.Action, l.What, l.Purpose, emergency)
	}
	return w.Flush()
}
