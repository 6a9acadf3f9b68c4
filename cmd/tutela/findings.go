package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

type findingsCmd struct {
	List     findingsListCmd     `cmd:"" help:"What was found, the riskiest first."`
	Show     findingsShowCmd     `cmd:"" help:"One finding with its reasons, its evidence, and what to do."`
	Feedback findingsFeedbackCmd `cmd:"" help:"Judge a finding, which closes it."`
}

// findingLine is a finding as the API gives it.
type findingLine struct {
	ID         string    `json:"id"`
	Rule       string    `json:"rule"`
	Title      string    `json:"title"`
	Level      string    `json:"level"`
	Risk       int       `json:"risk"`
	Likelihood float64   `json:"likelihood"`
	Actor      string    `json:"actor"`
	State      string    `json:"state"`
	Verdict    string    `json:"verdict"`
	First      time.Time `json:"first"`
	Last       time.Time `json:"last"`
	Hits       int       `json:"hits"`
	Patients   []string  `json:"patients"`
	Touched    int       `json:"touched"`
	Sensitive  int       `json:"sensitive"`
	Entries    []string  `json:"entries"`
	Shown      int       `json:"shown"`
	Reasons    []string  `json:"reasons"`
	Answer     string    `json:"answer"`
}

type findingsListCmd struct {
	target
	State  string `enum:"open,closed,all" default:"open" help:"open, closed or all."`
	Actor  string `help:"Of this account only."`
	Rule   string `help:"Of this rule only."`
	Level  string `enum:"informational,low,medium,high,critical" default:"informational" help:"Of this level and those above it."`
	Risk   int    `help:"Of this risk and more, 0 to 100."`
	Since  string `help:"That were seen at or after this time (RFC 3339)."`
	Limit  int    `default:"50" help:"How many at most."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (findingsListCmd) Help() string {
	return `Example: tutela findings list --level high --data tutela-data

For the auditor and the privacy officer. Nobody sees findings about himself. Exit code 1: there is an open finding.`
}

// Run lists findings, page by page.
func (cmd findingsListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	list := []findingLine{}
	for after := ""; len(list) < cmd.Limit; {
		body, err := client.json(ctx, http.MethodGet, "/api/v1/findings?"+cmd.query(cmd.Limit-len(list), after), nil)
		if err != nil {
			return err
		}
		var page struct {
			Findings []findingLine `json:"findings"`
			Next     string        `json:"next"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return fmt.Errorf("decode findings: %w", err)
		}
		list = append(list, page.Findings...)
		if after = page.Next; after == "" {
			break
		}
	}
	if cmd.Format == "json" {
		err = json.NewEncoder(c.out).Encode(list)
	} else {
		err = printFindings(c, list)
	}
	for i := range list {
		if err == nil && list[i].State == "open" {
			err = errFound
		}
	}
	return err
}

func (cmd findingsListCmd) query(limit int, after string) string {
	q := url.Values{"level": {cmd.Level}, "limit": {strconv.Itoa(limit)}, "risk": {strconv.Itoa(cmd.Risk)}}
	for name, value := range map[string]string{"actor": cmd.Actor, "rule": cmd.Rule, "since": cmd.Since, "after": after} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if cmd.State != "all" {
		q.Set("state", cmd.State)
	}
	return q.Encode()
}

func printFindings(c console, list []findingLine) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tRISK\tLEVEL\tSTATE\tACCOUNT\tPATIENTS\tHITS\tLAST\tWHAT")
	for i := range list {
		f := &list[i]
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\t%d\t%d\t%s\t%s\n", f.ID, f.Risk, f.Level, f.standing(), f.Actor, f.Touched, f.Hits, f.Last.Format(time.RFC3339), f.Title)
	}
	return w.Flush()
}

// standing is the state, or what it was judged to be.
func (f *findingLine) standing() string {
	if f.Verdict != "" {
		return f.Verdict
	}
	return f.State
}

type findingsShowCmd struct {
	target
	ID     string `arg:"" help:"Which, as tutela findings list gives it."`
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (findingsShowCmd) Help() string {
	return `Example: tutela findings show 3f0c5c1d0a7b4e5f9a1122334455f6e7 --data tutela-data

Its entries are in the ledger: tutela audit search. Exit code 1: the finding is open.`
}

// Run prints a finding.
func (cmd findingsShowCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/findings/"+url.PathEscape(cmd.ID), nil)
	if err != nil {
		return err
	}
	var f findingLine
	if err := json.Unmarshal(body, &f); err != nil {
		return fmt.Errorf("decode finding: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = f.print(c)
	}
	if err == nil && f.State == "open" {
		err = errFound
	}
	return err
}

func (f *findingLine) print(c console) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	line := func(name, format string, args ...any) { fmt.Fprintf(w, name+"\t"+format+"\n", args...) }
	line("what", "%s", f.Title)
	line("risk", "%d of 100 (%s, likelihood %.2f)", f.Risk, f.Level, f.Likelihood)
	line("state", "%s", f.standing())
	line("account", "%s", f.Actor)
	line("rule", "%s", f.Rule)
	line("seen", "%d times, %s to %s", f.Hits, f.First.Format(time.RFC3339), f.Last.Format(time.RFC3339))
	line("patients", "%d, of whom %d sensitive: %s", f.Touched, f.Sensitive, strings.Join(f.Patients, " "))
	for _, reason := range f.Reasons {
		line("because", "%s", reason)
	}
	line("do", "%s", f.Answer)
	line("entries", "%d: %s", f.Shown, strings.Join(f.Entries, " "))
	return w.Flush()
}

type findingsFeedbackCmd struct {
	target
	ID      string `arg:"" help:"Which, as tutela findings list gives it."`
	Verdict string `required:"" enum:"true,benign,expected" help:"true: it was what it looked like; benign: it was honest work; expected: it is so, and known."`
	Note    string `help:"Why. It is kept sealed, in the ledger."`
}

// Help gives an example.
func (findingsFeedbackCmd) Help() string {
	return `Example: tutela findings feedback 3f0c5c1d0a7b4e5f9a1122334455f6e7 --verdict benign --note "covered for ward 5" --data tutela-data

The like of it, by the same account, ranks lower for 30 days after "benign", higher for 90 after "true", and is not shown for 14 days
after "expected" unless it gets worse. No verdict silences a rule.`
}

// Run judges a finding.
func (cmd findingsFeedbackCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	said := map[string]string{"verdict": cmd.Verdict, "note": cmd.Note}
	if _, err := client.json(ctx, http.MethodPost, "/api/v1/findings/"+url.PathEscape(cmd.ID)+"/feedback", said); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s is closed: %s\n", cmd.ID, cmd.Verdict)
	return err
}
