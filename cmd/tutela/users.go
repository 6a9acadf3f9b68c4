package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela/identity"
)

type usersCmd struct {
	List   usersListCmd   `cmd:"" help:"Accounts, what they may, and when they last logged in."`
	Import usersImportCmd `cmd:"" help:"Make accounts follow a roster of the people who work here."`
	Invite usersInviteCmd `cmd:"" help:"Print the link by which a person takes up an account that a roster or directory made."`

	Clear      usersClearCmd      `cmd:"" help:"Say for which sensitivity labels an account is to be cleared."`
	Clearances usersClearancesCmd `cmd:"" help:"Who is cleared for what, and what waits for the privacy officer."`
	Decide     usersDecideCmd     `cmd:"" help:"Give or refuse clearances that were asked for, or take an account's away."`
}

type usersListCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (usersListCmd) Help() string { return "Example: tutela users list --data tutela-data" }

// userLine is an account as the API gives it.
type userLine struct {
	ID        string    `json:"id"`
	Username  string    `json:"username"`
	Name      string    `json:"name"`
	Kind      string    `json:"kind"`
	Roles     []string  `json:"roles"`
	State     string    `json:"state"`
	Cleared   []string  `json:"clearances"`
	Directory string    `json:"directory"`
	LastLogin time.Time `json:"last_login"`
	Ends      time.Time `json:"ends"`
}

// Run prints the accounts.
func (cmd usersListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	body, list, err := client.users(ctx)
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "USERNAME\tNAME\tKIND\tROLES\tCLEARED FOR\tSTATE\tLAST LOGIN\tENDS\tDIRECTORY")
	for _, u := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", u.Username, u.Name, u.Kind, strings.Join(u.Roles, " "), strings.Join(u.Cleared, " "), u.State,
			when(u.LastLogin), when(u.Ends), u.Directory)
	}
	return w.Flush()
}

// when writes a time to the minute; a dash for none.
func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// users asks for the accounts.
func (c *client) users(ctx context.Context) (body []byte, list []userLine, err error) {
	if body, err = c.do(ctx, http.MethodGet, "/api/v1/users", nil); err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, nil, fmt.Errorf("decode accounts: %w", err)
	}
	return body, list, nil
}

type usersImportCmd struct {
	target
	File    string `arg:"" type:"existingfile" help:"The roster, CSV."`
	Apply   bool   `help:"Do it; otherwise only say what would be done."`
	Leavers bool   `help:"The roster is complete: who is not in it has left."`
	Force   bool   `help:"Also when more than a fifth of the people would leave."`
	Format  string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (usersImportCmd) Help() string {
	return `Example: tutela users import --data tutela-data --leavers roster.csv          (says what would be done)
         tutela users import --data tutela-data --leavers --apply roster.csv  (does it)

The first line names the columns, in any order: username, name, email, roles, external_id, active, end_date, clearances.
Who is new gets an account and waits for an invitation (tutela users invite). Whose active is false, whose
end_date has passed, or with --leavers who is not in the file, loses every session and token at once.
Administrators are not a roster's matter. A line that cannot be followed is named, and nothing is done.`
}

// Run lays the roster beside the accounts.
func (cmd usersImportCmd) Run(ctx context.Context, c console) error {
	file, err := os.ReadFile(cmd.File)
	if err != nil {
		return fmt.Errorf("read roster: %w", err)
	}
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	body, err := client.postRoster(ctx, file, cmd.query())
	if err != nil {
		return err
	}
	var report identity.RosterReport
	if err := json.Unmarshal(body, &report); err != nil {
		return fmt.Errorf("decode report: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = printReport(c.out, report)
	}
	if err == nil && (len(report.Problems) > 0 || report.Guard != "" && !report.Applied) {
		return errFound
	}
	return err
}

func (cmd usersImportCmd) query() string {
	q := url.Values{}
	for name, on := range map[string]bool{"apply": cmd.Apply, "leavers": cmd.Leavers, "force": cmd.Force} {
		if on {
			q.Set(name, "true")
		}
	}
	return q.Encode()
}

func (c *client) postRoster(ctx context.Context, file []byte, query string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/api/v1/users/import?"+query, strings.NewReader(string(file)))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Content-Type", "text/csv")
	req.Header.Set("Authorization", "Bearer "+c.token)
	return c.send(req)
}

// printReport says in words what a roster does, or did.
func printReport(out io.Writer, r identity.RosterReport) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, part := range []struct {
		what  string
		lines []identity.RosterLine
	}{{"joins", r.Joiners}, {"changes", r.Changes}, {"leaves", r.Leavers}} {
		for _, l := range part.lines {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", lineOf(l.Line), part.what, l.Username, strings.Join(l.What, ", "))
		}
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "%s\tWRONG\t%s\n", lineOf(p.Line), p.Text)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	done := "nothing was changed: say --apply to do it"
	switch {
	case r.Applied:
		done = "done"
	case len(r.Problems) > 0:
		done = "nothing was changed, and nothing will be while lines are wrong"
	case r.Guard != "":
		done = "nothing was changed: " + r.Guard
	}
	_, err := fmt.Fprintf(out, "%d join, %d change, %d leave, %d stay as they are; %s\n", len(r.Joiners), len(r.Changes), len(r.Leavers), r.Unchanged, done)
	return err
}

func lineOf(n int) string {
	if n == 0 {
		return "(not in the file)"
	}
	return fmt.Sprintf("line %d", n)
}

type usersInviteCmd struct {
	target
	Username []string `arg:"" optional:"" help:"Whom; nobody: everybody who waits for an invitation."`
}

// Help gives an example.
func (usersInviteCmd) Help() string {
	return `Example: tutela users invite --data tutela-data ann

Each link works once, for three days. Give it to the person over a channel that you trust.`
}

// Run prints a link for each person.
func (cmd usersInviteCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	_, list, err := client.users(ctx)
	if err != nil {
		return err
	}
	invited, err := cmd.chosen(list)
	if err != nil {
		return err
	}
	for _, u := range invited {
		body, err := client.do(ctx, http.MethodPost, "/api/v1/users/"+url.PathEscape(u.ID)+"/invitation", nil)
		if err != nil {
			return fmt.Errorf("invite %s: %w", u.Username, err)
		}
		var link struct {
			URL string `json:"url"`
		}
		if err := json.Unmarshal(body, &link); err != nil {
			return fmt.Errorf("decode invitation: %w", err)
		}
		fmt.Fprintf(c.out, "%s\t%s\n", u.Username, link.URL)
	}
	return nil
}

// chosen gives those who are named, or everybody who waits.
func (cmd usersInviteCmd) chosen(list []userLine) ([]userLine, error) {
	var out []userLine
	byName := map[string]userLine{}
	for _, u := range list {
		byName[u.Username] = u
		if len(cmd.Username) == 0 && u.State == "to be invited" {
			out = append(out, u)
		}
	}
	for _, name := range cmd.Username {
		u, there := byName[name]
		if !there {
			return nil, usage("there is no account %s: see tutela users list", name)
		}
		out = append(out, u)
	}
	return out, nil
}
