package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela/privacy/rights"
)

type patientRequestCmd struct {
	target
	patientArg
	Kind       string   `arg:"" enum:"access,portability,rectification,erasure,restriction,objection,accounting" help:"access, portability, rectification, erasure, restriction, objection or accounting."`
	Regulation string   `enum:"gdpr,hipaa,ccpa" default:"gdpr" help:"gdpr, hipaa or ccpa: it says by when the request is due."`
	Detail     string   `help:"What the patient says."`
	Purpose    []string `help:"What an objection is to: TREAT, HPAYMT, HOPERAT, HRESCH or HSYSADMIN."`
	Format     string   `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (patientRequestCmd) Help() string {
	return `Example: tutela patient request 123 rectification --regulation hipaa --detail "the allergy is wrong" --data tutela-data`
}

// Run takes it in.
func (cmd patientRequestCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	ask := map[string]any{"kind": cmd.Kind, "regulation": cmd.Regulation, "detail": cmd.Detail}
	if len(cmd.Purpose) > 0 {
		ask["purposes"] = cmd.Purpose
	}
	body, err := client.json(ctx, http.MethodPost, cmd.path("requests"), ask)
	if err != nil {
		return err
	}
	return tellRequests(c, cmd.Format, body, true)
}

type patientRequestsCmd struct {
	target
	ID     string `arg:"" optional:"" help:"Of one Patient; everybody's otherwise."`
	Closed bool   `help:"Closed ones too."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (patientRequestsCmd) Help() string {
	return `Example: tutela patient requests --data tutela-data

The soonest due first. Exit code 1: a request is overdue.`
}

// Run lists them.
func (cmd patientRequestsCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	path := fmt.Sprintf("/api/v1/requests?closed=%v", cmd.Closed)
	if cmd.ID != "" {
		path = patientArg{cmd.ID}.path("requests")
	}
	body, err := client.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	if cmd.ID != "" {
		var own struct {
			Requests json.RawMessage `json:"requests"`
		}
		if err := json.Unmarshal(body, &own); err != nil {
			return fmt.Errorf("decode requests: %w", err)
		}
		body = own.Requests
	}
	return tellRequests(c, cmd.Format, body, false)
}

// shownRequest is a request as the API gives it.
type shownRequest struct {
	rights.Request

	DaysLeft *int `json:"days_left"`
	Overdue  bool `json:"overdue"`
}

// tellRequests prints one request or a list, and tells by its error that one is overdue.
func tellRequests(c console, format string, body []byte, one bool) error {
	if one {
		body = slices.Concat([]byte("["), body, []byte("]"))
	}
	var list []shownRequest
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode requests: %w", err)
	}
	if format == "json" {
		if one {
			body = body[1 : len(body)-1]
		}
		if _, err := c.out.Write(append(body, '\n')); err != nil {
			return err
		}
	} else if err := printRequests(c, list); err != nil {
		return err
	}
	if slices.ContainsFunc(list, func(r shownRequest) bool { return r.Overdue }) {
		return errFound
	}
	return nil
}

func printRequests(c console, list []shownRequest) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tPATIENT\tKIND\tLAW\tSTATE\tOPENED\tDUE\tLEFT")
	for _, r := range list {
		due, left := "-", "-"
		if !r.Due.IsZero() {
			due = r.Due.Local().Format(time.DateOnly)
		}
		switch {
		case r.Overdue:
			left = "OVERDUE"
		case r.DaysLeft != nil:
			left = fmt.Sprintf("%d days", *r.DaysLeft)
		}
		patient := r.Patient
		if r.Erased {
			patient = "(erased)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, patient, r.Kind, r.Regulation, r.State, r.Opened.Local().Format(time.DateOnly), due, left)
	}
	return w.Flush()
}

type patientDecideCmd struct {
	target
	Request string `arg:"" help:"Id of the request."`
	Step    string `arg:"" enum:"extend,grant,refuse,fulfil" help:"extend, grant, refuse or fulfil."`
	Reason  string `help:"Why; the patient is told of it."`
	Erasure string `help:"Id of the erasure that a request led to."`
	Format  string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (patientDecideCmd) Help() string {
	return `Example: tutela patient decide 83c30b5ffd271f588dfb1b68f4e2bb97 refuse --reason "the record is accurate and complete" --data tutela-data

A granted restriction or objection takes force at once.`
}

// Run takes the step.
func (cmd patientDecideCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	said := map[string]string{"reason": cmd.Reason}
	if cmd.Erasure != "" {
		said["erasure"] = cmd.Erasure
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/requests/"+url.PathEscape(cmd.Request)+"/"+cmd.Step, said)
	if err != nil {
		return err
	}
	return tellRequests(c, cmd.Format, body, true)
}

type patientNotifyCmd struct {
	target
	Request   string `arg:"" help:"Id of the request."`
	Recipient string `help:"Who was told; left out, the command lists who is to be."`
	How       string `help:"How he was told: a letter, a call."`
}

// Help gives an example.
func (patientNotifyCmd) Help() string {
	return `Example: tutela patient notify 83c30b5ffd271f588dfb1b68f4e2bb97 --recipient "health office" --how "letter of today" --data tutela-data

Recipients are those to whom the ledger says that the patient's data was disclosed. Exit code 1: somebody is
yet to be told.`
}

// Run lists who is to be told, after writing down who was.
func (cmd patientNotifyCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	at := "/api/v1/requests/" + url.PathEscape(cmd.Request)
	if cmd.Recipient != "" {
		if _, err := client.json(ctx, http.MethodPost, at+"/notices", map[string]string{"recipient": cmd.Recipient, "how": cmd.How}); err != nil {
			return err
		}
	}
	body, err := client.do(ctx, http.MethodGet, at+"/recipients", nil)
	if err != nil {
		return err
	}
	var got struct {
		Recipients []string `json:"recipients"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("decode recipients: %w", err)
	}
	if len(got.Recipients) == 0 {
		_, err = fmt.Fprintln(c.out, "nobody is left to be told")
		return err
	}
	fmt.Fprintln(c.out, "yet to be told:\n  "+strings.Join(got.Recipients, "\n  "))
	return errFound
}

type patientRestrictCmd struct {
	target
	patientArg
	Lift    bool     `help:"Let them be used again."`
	Purpose []string `help:"For these purposes alone: TREAT, HPAYMT, HOPERAT, HRESCH or HSYSADMIN."`
	Reason  string   `default:"by the privacy officer" help:"Why."`
}

// Help gives an example.
func (patientRestrictCmd) Help() string {
	return `Example: tutela patient restrict 123 --reason "accuracy is disputed" --data tutela-data

From then on only the patient sees them, an emergency, and the privacy officer's complete copy.
--lift ends it. It counts on every node within a second.`
}

// Run restricts, or lifts.
func (cmd patientRestrictCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	path, said := cmd.path("restriction"), map[string]any{"reason": cmd.Reason}
	switch {
	case cmd.Lift:
		path += "/lift"
	case len(cmd.Purpose) > 0:
		said["purposes"] = cmd.Purpose
	}
	if _, err := client.json(ctx, http.MethodPost, path, said); err != nil {
		return err
	}
	told := "restricted: the records are kept and not used"
	if cmd.Lift {
		told = "lifted: the records are used again"
	}
	_, err = fmt.Fprintln(c.out, told)
	return err
}
