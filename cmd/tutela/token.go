package main

import (
	"context"
	"fmt"
)

type tokenCmd struct {
	target
}

// Help gives an example.
func (tokenCmd) Help() string {
	return `Example: curl --cacert tutela-data/ca.pem -H "Authorization: Bearer $(tutela token --as physician)" https://localhost:8443/fhir/r4/Patient`
}

// Run prints a token.
func (cmd tokenCmd) Run(ctx context.Context, c console) error {
	if cmd.Server != "" {
		return usage("token is for try-out systems; at %s commands act with what tutela login was given", cmd.Server)
	}
	if cmd.As == "" {
		return usage("say whose token: --as loader, physician, nurse, registration, billing, auditor, privacy, admin, patient, …")
	}
	client, err := cmd.connect(ctx, cmd.As)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(c.out, client.token)
	return err
}
