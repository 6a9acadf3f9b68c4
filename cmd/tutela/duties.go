package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"text/tabwriter"

	"github.com/tutela-health/tutela/assure/duty"
)

type dutiesCmd struct {
	target
	Mine   bool   `help:"Only what you are to do yourself."`
	Format string `enum:"table,json,csv" default:"table" help:"table, json or csv."`
}

// Help gives an example.
func (dutiesCmd) Help() string {
	return `Example: tutela duties --data tutela-data
         tutela duties --mine --as nurse --data tutela-data

Exit code 1: something is overdue.`
}

// Run lists what is to be done.
func (cmd dutiesCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	address := "/api/v1/duties"
	if cmd.Mine {
		address += "/mine"
	}
	body, err := client.json(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	var list []duty.Kept
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode duties: %w", err)
	}
	switch cmd.Format {
	case "json":
		_, err = c.out.Write(body)
	case "csv":
		err = dutiesTable(c, list)
	default:
		err = writeDuties(c, list)
	}
	for _, k := range list {
		if err == nil && (k.Stage == duty.Due || k.Stage == duty.Escalated) {
			err = errFound
		}
	}
	return err
}

func writeDuties(c console, list []duty.Kept) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(c.out, "nothing is to be done")
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DUE\tSTAGE\tWHO\tWHAT\tOF\tHOW")
	for _, k := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s: %s\t%s\n", k.Due.Format("2006-01-02"), k.Stage, k.Name, k.What, k.ID, k.Title, k.Do)
	}
	return w.Flush()
}

func dutiesTable(c console, list []duty.Kept) error {
	w := csv.NewWriter(c.out)
	_ = w.Write([]string{"due", "stage", "who", "what", "kind", "id", "title", "how"}) // Flush tells
	for _, k := range list {
		_ = w.Write(cells(stamp(k.Due), string(k.Stage), k.Name, k.What, string(k.Kind), k.ID, k.Title, k.Do))
	}
	w.Flush()
	return w.Error()
}
