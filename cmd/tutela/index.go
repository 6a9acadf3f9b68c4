package main

import (
	"context"
	"net/http"
)

type indexCmd struct {
	Rebuild indexRebuildCmd `cmd:"" help:"Build the blind index anew in the background, and put right who treats whom and which consents there are; searches go on meanwhile."`
	State   indexStateCmd   `cmd:"" help:"The index's version, and how far a rebuild is."`
}

type indexRebuildCmd struct {
	target
}

// Help gives an example.
func (indexRebuildCmd) Help() string { return "Example: tutela index rebuild --data tutela-data" }

// Run starts a rebuild.
func (cmd indexRebuildCmd) Run(ctx context.Context, c console) error {
	return cmd.call(ctx, c, http.MethodPost, "/api/v1/index/rebuild")
}

type indexStateCmd struct {
	target
}

// Help gives an example.
func (indexStateCmd) Help() string { return "Example: tutela index state --data tutela-data" }

// Run prints the state.
func (cmd indexStateCmd) Run(ctx context.Context, c console) error {
	return cmd.call(ctx, c, http.MethodGet, "/api/v1/index")
}

// call prints what the API answers to an administrator.
func (t target) call(ctx context.Context, c console, method, address string) error {
	client, err := t.connect(ctx, "admin")
	if err != nil {
		return err
	}
	body, err := client.do(ctx, method, address, nil)
	if err != nil {
		return err
	}
	_, err = c.out.Write(body)
	return err
}
