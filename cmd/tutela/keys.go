package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"text/tabwriter"
)

type keysCmd struct {
	List    keysListCmd    `cmd:"" help:"Keys by kind and generation; no key is ever shown."`
	Rotate  keysRotateCmd  `cmd:"" help:"Have a new key take over: the generation key, the index's, or the one that signs id_tokens."`
	Destroy keysDestroyCmd `cmd:"" help:"Destroy a generation's key for good, by two people."`

	Provider keysProviderCmd `cmd:"" help:"Where the generation keys are: show it, move them elsewhere."`
	Recovery keysRecoveryCmd `cmd:"" help:"The way back when the key provider is lost: split, drill."`
}

type keysListCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (keysListCmd) Help() string { return "Example: tutela keys list --data tutela-data" }

// Run prints the keys.
func (cmd keysListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	body, err := client.do(ctx, http.MethodGet, "/api/v1/keys", nil)
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	var list []struct {
		Kind       string `json:"kind"`
		Generation int    `json:"generation"`
		Version    int    `json:"newest_version"`
		Count      int    `json:"count"`
		Oldest     string `json:"oldest"`
		Newest     string `json:"newest"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode keys: %w", err)
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	if err := client.tellGenerations(ctx, w); err != nil {
		return err
	}
	fmt.Fprintln(w, "KIND\tGENERATION\tKEYS\tNEWEST VERSION\tOLDEST\tNEWEST")
	for _, k := range list {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\t%s\n", k.Kind, k.Generation, k.Count, k.Version, k.Oldest, k.Newest)
	}
	return w.Flush()
}
