package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/tutela-health/tutela/access"
)

// real explains a request for a resource that is there.
func (cmd policyExplainCmd) real(ctx context.Context, c console) error {
	if cmd.As == "" || cmd.Resource == "" || len(cmd.Role)+len(cmd.Label)+len(cmd.Clearance) > 0 || cmd.Dir != "" {
		return usage("say --as USERNAME and --resource TYPE/ID for a real request, or --role and --type for a supposed one")
	}
	caller := target{Data: cmd.Data, Tenant: cmd.Tenant, As: cmd.By}
	client, err := caller.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/policy/explain", map[string]string{"as": cmd.As, "resource": cmd.Resource, "action": string(cmd.Action)})
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	var a access.Answer
	if err := json.Unmarshal(body, &a); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	if err := explained(c, a.Explanation); err != nil {
		return err
	}
	if a.Refused != "" {
		fmt.Fprintln(c.out, "refused:", a.Refused)
	}
	_, err = fmt.Fprintf(c.out, "%s: roles %s; cleared for %s; the patients are: %s; labels %s; consent %s\n", cmd.As,
		strings.Join(a.Roles, " "), orNothing(a.Clearances), a.Standing, orNothing(a.Labels), a.Consent)
	return err
}
