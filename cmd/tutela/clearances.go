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

	"github.com/tutela-health/tutela/internal/errs"
)

// clearedLine is an account with its clearances as the API gives it.
type clearedLine struct {
	ID         string   `json:"id"`
	Username   string   `json:"username"`
	Roles      []string `json:"roles"`
	Clearances []string `json:"clearances"`
	Asked      []string `json:"asked"`
	AskedBy    string   `json:"asked_by"`
}

type usersClearCmd struct {
	target
	Username string   `arg:"" help:"Whom."`
	Label    []string `help:"A sensitivity label that the account is to see: R, V, 42CFRPart2, SUD, PSY, PSYTHPN, HIV, STD, SEX, SDV, GDIS, OTHER. May be repeated; all of them must be named."`
	None     bool     `help:"Take every clearance away."`
}

// Help gives an example.
func (usersClearCmd) Help() string {
	return `Example: tutela users clear ann --label PSY --label HIV --data tutela-data

What the account loses it loses at once. What it is to get waits for the privacy officer (tutela users decide).`
}

// Run asks for clearances.
func (cmd usersClearCmd) Run(ctx context.Context, c console) error {
	if cmd.None != (len(cmd.Label) == 0) {
		return usage("say --label LABEL for each label that %s is to be cleared for, or --none", cmd.Username)
	}
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	_, list, err := client.users(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(u userLine) bool { return u.Username == cmd.Username })
	if i < 0 {
		return usage("there is no account %s: see tutela users list", cmd.Username)
	}
	return client.clear(ctx, c, http.MethodPost, list[i].ID, "", cmd.Label)
}

// clear sends a call about an account's clearances and prints what it then has.
func (cl *client) clear(ctx context.Context, c console, method, id, deed string, labels []string) error {
	var said any
	if method == http.MethodPost {
		said = map[string][]string{"labels": append([]string{}, labels...)}
	}
	body, err := cl.json(ctx, method, "/api/v1/users/"+url.PathEscape(id)+"/clearances"+deed, said)
	if err != nil {
		return err
	}
	var u clearedLine
	if err := json.Unmarshal(body, &u); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	_, err = fmt.Fprintf(c.out, "%s is cleared for %s\n", u.Username, orNothing(u.Clearances))
	if err == nil && len(u.Asked) > 0 {
		_, err = fmt.Fprintf(c.out, "%s waits for the privacy officer: tutela users decide %s --label %s\n",
			strings.Join(u.Asked, " "), u.Username, strings.Join(u.Asked, " --label "))
	}
	return err
}

func orNothing(list []string) string {
	if len(list) == 0 {
		return "nothing"
	}
	return strings.Join(list, " ")
}

type usersClearancesCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (usersClearancesCmd) Help() string {
	return `Example: tutela users clearances --data tutela-data

Exit code 1: something waits for the privacy officer.`
}

// Run lists who is cleared for what.
func (cmd usersClearancesCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, list, err := client.clearances(ctx)
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = printClearances(c, list)
	}
	if err == nil && slices.ContainsFunc(list, func(u clearedLine) bool { return len(u.Asked) > 0 }) {
		err = errFound
	}
	return err
}

func printClearances(c console, list []clearedLine) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "USERNAME\tROLES\tCLEARED FOR\tASKED FOR\tBY")
	for _, u := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", u.Username, strings.Join(u.Roles, " "), strings.Join(u.Clearances, " "), strings.Join(u.Asked, " "), u.AskedBy)
	}
	return w.Flush()
}

func (cl *client) clearances(ctx context.Context) (body []byte, list []clearedLine, err error) {
	if body, err = cl.json(ctx, http.MethodGet, "/api/v1/clearances", nil); err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, nil, fmt.Errorf("decode clearances: %w", err)
	}
	return body, list, nil
}

type usersDecideCmd struct {
	target
	Username string   `arg:"" help:"Whom."`
	Label    []string `help:"What was asked for, as tutela users clearances lists it. May be repeated."`
	Refuse   bool     `help:"Do not give it."`
	Withdraw bool     `help:"Take every clearance of the account away."`
}

// Help gives an example.
func (usersDecideCmd) Help() string {
	return `Example: tutela users decide ann --label PSY --label HIV --data tutela-data

The privacy officer's part: live tokens of the account see more, or less, within a second.`
}

// Run gives or refuses what was asked for, or takes all away.
func (cmd usersDecideCmd) Run(ctx context.Context, c console) error {
	if cmd.Withdraw == (len(cmd.Label) > 0) || cmd.Withdraw && cmd.Refuse {
		return usage("say --label LABEL for each label that was asked for, or --withdraw")
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	_, list, err := client.clearances(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(u clearedLine) bool { return u.Username == cmd.Username })
	if i < 0 {
		return errs.New(errs.NotFound, "%s is cleared for nothing, and nothing was asked for", cmd.Username)
	}
	method, deed := http.MethodPost, "/give"
	switch {
	case cmd.Withdraw:
		method, deed = http.MethodDelete, ""
	case cmd.Refuse:
		deed = "/refuse"
	}
	return client.clear(ctx, c, method, list[i].ID, deed, cmd.Label)
}
