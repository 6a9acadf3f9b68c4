package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela/assure/policy"
)

type policiesCmd struct {
	List        policiesListCmd        `cmd:"" help:"Policies, and who has not acknowledged them."`
	Show        policiesShowCmd        `cmd:"" help:"The text that is in force."`
	Set         policiesSetCmd         `cmd:"" help:"Draft a policy from a Markdown file."`
	Starter     policiesStarterCmd     `cmd:"" help:"Draft the set that a small organisation may begin with."`
	Approve     policiesApproveCmd     `cmd:"" help:"Put a draft in force, or say that a policy stays as it is."`
	Withdraw    policiesWithdrawCmd    `cmd:"" help:"End a policy."`
	Mine        policiesMineCmd        `cmd:"" help:"The policies that concern you."`
	Acknowledge policiesAcknowledgeCmd `cmd:"" help:"Read a policy that concerns you and say that you have."`
}

type policiesListCmd struct {
	target
	All    bool   `help:"Those that were withdrawn, too."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (policiesListCmd) Help() string {
	return `Example: tutela policies list --data tutela-data

Exit code 1: one is overdue, a check that shows that it is lived fails, or somebody has not acknowledged one in time.`
}

// Run lists policies.
func (cmd policiesListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	list, body, err := client.policies(ctx, cmd.All)
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = writePolicyTexts(c, list)
	}
	late := func(k policy.Kept) bool {
		return k.Overdue || len(k.Failing) > 0 || slices.ContainsFunc(k.Missing, func(m policy.Missing) bool { return m.Overdue })
	}
	if err == nil && slices.ContainsFunc(list, late) {
		return errFound
	}
	return err
}

func (cl *client) policies(ctx context.Context, all bool) (list []policy.Kept, body []byte, err error) {
	if body, err = cl.json(ctx, http.MethodGet, "/api/v1/policies?all="+strconv.FormatBool(all), nil); err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, nil, fmt.Errorf("decode policies: %w", err)
	}
	return list, body, nil
}

func writePolicyTexts(c console, list []policy.Kept) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(c.out, "no policy is written down: tutela policies starter --owner NAME")
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "POLICY\tSTATE\tVERSION\tOWNER\tLOOK AGAIN\tREAD BY\tTITLE\tFAILING\tNOT READ IN TIME")
	for _, k := range list {
		review := dashedTime(k.Review)
		if k.Overdue {
			review += " (overdue)"
		}
		var late []string
		for _, m := range k.Missing {
			if m.Overdue {
				late = append(late, m.Name)
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%d of %d\t%s\t%s\t%s\n", k.ID, k.State, k.Version, k.OwnerName, review, k.Concerned-len(k.Missing), k.Concerned, k.Title,
			dashed(strings.Join(k.Failing, ", ")), dashed(strings.Join(late, ", ")))
	}
	return w.Flush()
}

type policiesShowCmd struct {
	target
	ID string `arg:"" help:"Which."`
}

// Help gives an example.
func (policiesShowCmd) Help() string {
	return "Example: tutela policies show access-control --data tutela-data"
}

// Run shows a policy.
func (cmd policiesShowCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/policies/"+url.PathEscape(cmd.ID), nil)
	if err != nil {
		return err
	}
	var v policy.Version
	if err := json.Unmarshal(body, &v); err != nil {
		return fmt.Errorf("decode policy: %w", err)
	}
	return writePolicy(c, v)
}

func writePolicy(c console, v policy.Version) error {
	_, err := fmt.Fprintf(c.out, "%s, version %d of %s\nwhy: %s\n\n%s\n", v.Title, v.Number, v.At.Format(time.DateOnly), v.Reason, v.Text)
	return err
}

type policiesSetCmd struct {
	target
	ID   string `arg:"" help:"A short name of a-z, 0-9, '-', '.' and '_'."`
	File string `arg:"" type:"path" help:"Markdown, with title, reason, owner and every (months) as YAML before it."`
}

// Help gives an example.
func (policiesSetCmd) Help() string {
	return `Example: tutela policies set clean-desk clean-desk.md --data tutela-data, where clean-desk.md begins with

---
title: Clean desk
reason: What lies about is read
owner: privacy
every: 12
roles: [nurse, physician]
checks: [identity.idle-session]
---

roles are whom it concerns (everybody where they are left out); checks show that it is lived; controls are requirements that
ask for it.`
}

// Run drafts a policy.
func (cmd policiesSetCmd) Run(ctx context.Context, c console) error {
	file, err := os.ReadFile(cmd.File)
	if err != nil {
		return usage("the policy cannot be read: %v", err)
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	return client.policy(ctx, c, http.MethodPut, cmd.ID, "", map[string]string{"file": string(file)})
}

// policy does something to a policy and says how it then stands.
func (cl *client) policy(ctx context.Context, c console, method, id, deed string, body any) error {
	answer, err := cl.json(ctx, method, "/api/v1/policies/"+url.PathEscape(id)+deed, body)
	if err != nil {
		return err
	}
	var k policy.Kept
	if err := json.Unmarshal(answer, &k); err != nil {
		return fmt.Errorf("decode policy: %w", err)
	}
	_, err = fmt.Fprintf(c.out, "%s is %s, version %d\n", k.ID, k.State, k.Version)
	if err == nil && k.State == policy.Draft {
		_, err = fmt.Fprintf(c.out, "a second person is to approve it: tutela policies approve %s\n", k.ID)
	}
	return err
}

type policiesStarterCmd struct {
	target
	Owner string `required:"" help:"Who answers for them: a username."`
}

// Help gives an example.
func (policiesStarterCmd) Help() string {
	return "Example: tutela policies starter --owner privacy --data tutela-data\n\nWhat is there already stays as it is."
}

// Run drafts the starter set.
func (cmd policiesStarterCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/policies/starter", map[string]string{"owner": cmd.Owner})
	if err != nil {
		return err
	}
	var list []policy.Kept
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode policies: %w", err)
	}
	for _, k := range list {
		fmt.Fprintf(c.out, "drafted %s: %s\n", k.ID, k.Title)
	}
	_, err = fmt.Fprintf(c.out, "%d policies are drafted; read them, and have a second person approve each: tutela policies approve ID\n", len(list))
	return err
}

type policiesApproveCmd struct {
	target
	ID     string `arg:"" help:"Which."`
	Digest string `help:"The digest of the text that you read, or its first 8 digits. Without it the text is shown."`
}

// Help gives an example.
func (policiesApproveCmd) Help() string {
	return `Example: tutela policies approve clean-desk --as admin --data tutela-data
         tutela policies approve clean-desk --digest 0f1e2d3c --as admin --data tutela-data`
}

// Run approves a policy.
func (cmd policiesApproveCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	list, _, err := client.policies(ctx, false)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(k policy.Kept) bool { return k.ID == cmd.ID })
	switch {
	case i < 0:
		return usage("there is no policy %q: tutela policies list", cmd.ID)
	case cmd.Digest == "":
		k := list[i]
		_, err := fmt.Fprintf(c.out, "%s, a %s after version %d\nwhy: %s\n\n%s\napprove it: tutela policies approve %s --digest %s\n", k.Title, k.State, k.Version, k.Reason, k.Text, k.ID, k.Digest[:shortDigest])
		return err
	case len(cmd.Digest) < shortDigest || !strings.HasPrefix(list[i].Digest, cmd.Digest):
		return usage("that is not the text that is there now: read it with tutela policies approve %s", cmd.ID)
	}
	return client.policy(ctx, c, http.MethodPost, cmd.ID, "/approve", map[string]string{"digest": list[i].Digest})
}

// shortDigest is how many digits of a digest tell texts apart for a person.
const shortDigest = 8

type policiesWithdrawCmd struct {
	target
	ID     string `arg:"" help:"Which."`
	Reason string `required:"" help:"Why it ends."`
}

// Help gives an example.
func (policiesWithdrawCmd) Help() string {
	return `Example: tutela policies withdraw clean-desk --reason "there are no desks any more" --data tutela-data`
}

// Run withdraws a policy.
func (cmd policiesWithdrawCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	return client.policy(ctx, c, http.MethodPost, cmd.ID, "/withdraw", map[string]string{"reason": cmd.Reason})
}

type policiesMineCmd struct {
	target
}

// Help gives an example.
func (policiesMineCmd) Help() string {
	return "Example: tutela policies mine --as nurse --data tutela-data\n\nExit code 1: one is not acknowledged."
}

// Run lists the caller's policies.
func (cmd policiesMineCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "nurse")
	if err != nil {
		return err
	}
	list, err := client.minePolicies(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "POLICY\tVERSION\tACKNOWLEDGED\tUNTIL\tTITLE")
	open := false
	for _, m := range list {
		open = open || m.Acknowledged.IsZero()
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", m.Policy, m.Number, dashedTime(m.Acknowledged), dashedTime(m.Until), m.Title)
	}
	if err := w.Flush(); err != nil || !open {
		return err
	}
	return errFound
}

func (cl *client) minePolicies(ctx context.Context) (list []policy.Mine, err error) {
	body, err := cl.json(ctx, http.MethodGet, "/api/v1/policies/mine", nil)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("decode policies: %w", err)
	}
	return list, nil
}

type policiesAcknowledgeCmd struct {
	target
	ID   string `arg:"" help:"Which."`
	Read bool   `help:"Say that you have read it. Without this it is shown."`
}

// Help gives an example.
func (policiesAcknowledgeCmd) Help() string {
	return `Example: tutela policies acknowledge clean-desk --as nurse --data tutela-data
         tutela policies acknowledge clean-desk --read --as nurse --data tutela-data`
}

// Run acknowledges a policy.
func (cmd policiesAcknowledgeCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "nurse")
	if err != nil {
		return err
	}
	list, err := client.minePolicies(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(m policy.Mine) bool { return m.Policy == cmd.ID })
	switch {
	case i < 0:
		return usage("no policy %q concerns you: tutela policies mine", cmd.ID)
	case !cmd.Read:
		if err := writePolicy(c, list[i].Version); err != nil {
			return err
		}
		_, err = fmt.Fprintf(c.out, "say that you have read it: tutela policies acknowledge %s --read\n", cmd.ID)
		return err
	}
	if _, err := client.json(ctx, http.MethodPost, "/api/v1/policies/"+url.PathEscape(cmd.ID)+"/acknowledge", map[string]string{"digest": list[i].Digest}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "version %d of %s is acknowledged\n", list[i].Number, cmd.ID)
	return err
}
