package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
)

type routesCmd struct {
	target
}

// Help gives an example.
func (routesCmd) Help() string {
	return "Example: tutela routes --data tutela-data\n\nIt shows every operation that exists, who may call it, its limits, and how often this node was asked for it."
}

// shownRoute is a line of GET /api/v1/routes.
type shownRoute struct {
	Method   string   `json:"method"`
	Path     string   `json:"path"`
	Who      string   `json:"who"`
	Roles    []string `json:"roles"`
	Body     int64    `json:"max_body_bytes"`
	Seconds  int64    `json:"max_seconds"`
	Requests int64    `json:"requests"`
	Refused  int64    `json:"refused"`
	Errors   int64    `json:"errors"`
}

// Run asks the running server.
func (cmd routesCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	body, err := client.do(ctx, "GET", "/api/v1/routes", nil)
	if err != nil {
		return err
	}
	var list []shownRoute
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode routes: %w", err)
	}
	w := tabwriter.NewWriter(c.out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(w, "METHOD\tPATH\tREQUESTS\tREFUSED\tERRORS\tBODY\tSECONDS\tWHO")
	for _, r := range list {
		who := r.Who
		if len(r.Roles) > 0 {
			who = strings.Join(r.Roles, ", ")
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%dK\t%d\t%s\n", r.Method, r.Path, r.Requests, r.Refused, r.Errors, r.Body>>10, r.Seconds, who)
	}
	return w.Flush()
}
