package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/tutela-health/tutela/privacy/erasure"
)

// erasureConfig is `erasure` of tutela.yaml.
type erasureConfig struct {
	// WaitHours is how long an erasure waits that two people want: 72 when it is left out.
	WaitHours *int `yaml:"wait_hours,omitempty"`
	// Retain lists statutory duties to retain records.
	Retain []erasure.Rule `yaml:"retain,omitempty"`
}

// eraseAfter is how long an approved erasure waits; in a try-out system not at all.
func (c config) eraseAfter() time.Duration {
	switch h := c.Erasure.WaitHours; {
	case h != nil:
		return time.Duration(*h) * time.Hour
	case c.TryOut:
		return 0
	}
	return 72 * time.Hour
}

type patientEraseCmd struct {
	target
	ID        string        `arg:"" optional:"" help:"The Patient's id."`
	Reason    string        `help:"Why."`
	ApproveAs string        `placeholder:"NAME" help:"The try-out identity that approves; elsewhere somebody else approves by --approve."`
	Approve   string        `placeholder:"ERASURE" help:"Approve an erasure that somebody else asked for."`
	Withdraw  string        `placeholder:"ERASURE" help:"Withdraw one that has not begun."`
	List      bool          `help:"Show all erasures."`
	Wait      time.Duration `default:"10m" help:"How long to wait for the certificate."`
	Format    string        `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives examples.
func (patientEraseCmd) Help() string {
	return `Examples:
  tutela patient erase 123 --reason "asked for under GDPR 17" --as privacy --approve-as admin --data tutela-data
  tutela patient erase --approve 5f0c… --as admin

The patient's key is destroyed, with those of what concerned others too, of the index, and the generation that wrapped them: what was written
of the patient opens nowhere any more, in no backup and no old file. Two people want it, then it waits (erasure.wait_hours). A legal hold,
a duty to retain (erasure.retain) or an open incident keeps it from being done. The certificate says final when the key provider has
confirmed. It cannot be undone.`
}

// Run asks, approves and waits.
func (cmd patientEraseCmd) Run(ctx context.Context, c console) error {
	switch {
	case cmd.List:
		return cmd.show(ctx, c, "/api/v1/erasures")
	case cmd.Approve != "":
		return cmd.decide(ctx, c, cmd.Approve, "approve")
	case cmd.Withdraw != "":
		return cmd.decide(ctx, c, cmd.Withdraw, "withdraw")
	case cmd.ID == "" || cmd.Reason == "":
		return usage("say which patient, and --reason: tutela patient erase ID --reason R")
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	e, body, err := client.erasure(ctx, http.MethodPost, "/api/v1/patients/"+url.PathEscape(cmd.ID)+"/erasure", map[string]string{"reason": cmd.Reason})
	if err != nil {
		return err
	}
	if cmd.ApproveAs == "" {
		return cmd.tell(c, e, body)
	}
	other := cmd.target
	other.As = cmd.ApproveAs
	approver, err := other.connect(ctx, "admin")
	if err != nil {
		return err
	}
	if _, _, err := approver.erasure(ctx, http.MethodPost, "/api/v1/erasures/"+e.ID+"/approve", nil); err != nil {
		return err
	}
	return cmd.await(ctx, c, client, e.ID)
}

func (cmd patientEraseCmd) show(ctx context.Context, c console, address string) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.do(ctx, http.MethodGet, address, nil)
	if err == nil {
		_, err = c.out.Write(body)
	}
	return err
}

func (cmd patientEraseCmd) decide(ctx context.Context, c console, id, what string) error {
	client, err := cmd.connect(ctx, map[string]string{"approve": "admin", "withdraw": "privacy"}[what])
	if err != nil {
		return err
	}
	e, body, err := client.erasure(ctx, http.MethodPost, "/api/v1/erasures/"+url.PathEscape(id)+"/"+what, nil)
	if err != nil {
		return err
	}
	return cmd.tell(c, e, body)
}

// await waits for the certificate of an erasure that is due, and shows how far it is.
func (cmd patientEraseCmd) await(ctx context.Context, c console, client *client, id string) error {
	ctx, cancel := context.WithTimeout(ctx, cmd.Wait)
	defer cancel()
	last := erasure.State("")
	for {
		e, body, err := client.erasure(ctx, http.MethodGet, "/api/v1/erasures/"+id, nil)
		if err != nil {
			return err
		}
		if e.Certificate != nil || e.Held != "" || time.Until(e.Due) > time.Second {
			return cmd.tell(c, e, body)
		}
		if e.State != last {
			last = e.State
			fmt.Fprintln(c.err, "erasure:", last)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it goes on by itself; see tutela patient erase --list: %w", ctx.Err())
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (cmd patientEraseCmd) tell(c console, e erasure.Erasure, body []byte) error {
	if cmd.Format == "json" {
		_, err := c.out.Write(body)
		return err
	}
	var err error
	switch {
	case e.Certificate != nil && e.Certificate.Final:
		_, err = fmt.Fprintf(c.out, "erased, and final: certificate of erasure %s. Make a backup now: keyrings of before open no more\n", e.ID)
	case e.Certificate != nil:
		_, err = fmt.Fprintf(c.out, "erased, and not yet final (%v): certificate of erasure %s\n", e.Certificate.Missing, e.ID)
	case e.Held != "":
		_, err = fmt.Fprintf(c.out, "not erased: %s. Erasure %s waits\n", e.Held, e.ID)
	case e.State == erasure.Asked:
		_, err = fmt.Fprintf(c.out, "asked for; somebody else approves it: tutela patient erase --approve %s\n", e.ID)
	case e.State == erasure.Approved:
		_, err = fmt.Fprintf(c.out, "approved; carried out from %s on: erasure %s\n", day(e.Due), e.ID)
	default:
		_, err = fmt.Fprintf(c.out, "erasure %s is %s\n", e.ID, e.State)
	}
	return err
}

// erasure sends a call and reads the erasure that it answers with.
func (cl *client) erasure(ctx context.Context, method, address string, ask any) (e erasure.Erasure, body []byte, err error) {
	if ask != nil {
		body, err = cl.json(ctx, method, address, ask)
	} else {
		body, err = cl.do(ctx, method, address, nil)
	}
	if err != nil {
		return e, nil, err
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return e, nil, fmt.Errorf("decode answer: %w", err)
	}
	return e, body, nil
}

type patientHoldCmd struct {
	target
	ID     string `arg:"" help:"The Patient's id."`
	Reason string `help:"Why."`
	Lift   bool   `help:"End the hold."`
}

// Help gives an example.
func (patientHoldCmd) Help() string {
	return `Example: tutela patient hold 123 --reason "litigation 4711" --as privacy --data tutela-data

A patient under a legal hold is not erased until it is lifted.`
}

// Run holds or lifts.
func (cmd patientHoldCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	address, said := "/api/v1/patients/"+url.PathEscape(cmd.ID)+"/hold", "held"
	if cmd.Lift {
		said = "not held"
		_, err = client.do(ctx, http.MethodDelete, address, nil)
	} else {
		_, err = client.json(ctx, http.MethodPost, address, map[string]string{"reason": cmd.Reason})
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "Patient/%s is %s\n", cmd.ID, said)
	return err
}
