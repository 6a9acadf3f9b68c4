package main

import (
	"context"
	"encoding/csv"
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

	"github.com/tutela-health/tutela/assure/control"
	"github.com/tutela-health/tutela/assure/remedy"
)

type gapsCmd struct {
	List    gapsListCmd    `cmd:"" help:"Gaps, those first whose closing is worth the most for an hour of work."`
	Show    gapsShowCmd    `cmd:"" help:"One gap."`
	Assign  gapsAssignCmd  `cmd:"" help:"Say who sees to a gap, and until when."`
	Dispute gapsDisputeCmd `cmd:"" help:"Say that a test was wrong."`
	Agree   gapsAgreeCmd   `cmd:"" help:"Agree, as the second person, that a test was wrong."`
	Trend   gapsTrendCmd   `cmd:"" help:"How everything stood on each day, and what changed."`
}

type gapsListCmd struct {
	target
	All    bool   `help:"Those that are closed, too."`
	Format string `enum:"table,json,csv" default:"table" help:"table, json or csv."`
}

// Help gives an example.
func (gapsListCmd) Help() string {
	return `Example: tutela gaps list --data tutela-data

A gap opens when a check fails or a pipeline's scan or a test finds something, and closes when the check passes or the next
scan or run does not find it. Exit code 1: there is one.`
}

// Run lists gaps.
func (cmd gapsListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	list, body, err := client.gaps(ctx, cmd.All)
	if err != nil {
		return err
	}
	switch cmd.Format {
	case "json":
		_, err = c.out.Write(body)
	case "csv":
		err = gapsTable(c, list)
	default:
		err = writeGaps(c, list)
	}
	if err == nil && slices.ContainsFunc(list, func(k remedy.Kept) bool { return k.State != remedy.Closed }) {
		return errFound
	}
	return err
}

func (cl *client) gaps(ctx context.Context, all bool) (list []remedy.Kept, body []byte, err error) {
	if body, err = cl.json(ctx, http.MethodGet, "/api/v1/gaps?all="+strconv.FormatBool(all), nil); err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, nil, fmt.Errorf("decode gaps: %w", err)
	}
	return list, body, nil
}

func writeGaps(c console, list []remedy.Kept) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(c.out, "no gap is open")
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "GAP\tSTATE\tSEVERITY\tWORTH\tHOURS\tOWNER\tUNTIL\tTITLE\tWHERE")
	for _, k := range list {
		until := k.Until.Format(time.DateOnly)
		if k.Overdue {
			until += " (overdue)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.State, k.Severity, k.Worth, hours(k.Effort), dashed(k.OwnerName), until, k.Title, dashed(k.Where))
	}
	return w.Flush()
}

func hours(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

func gapsTable(c console, list []remedy.Kept) error {
	w := csv.NewWriter(c.out)
	_ = w.Write([]string{"id", "state", "severity", "worth", "hours", "owner", "opened", "until", "overdue", "title", "where", "seen", "plan", "closed", "how"}) // Flush tells
	for _, k := range list {
		_ = w.Write(cells(k.ID, string(k.State), string(k.Severity), strconv.Itoa(k.Worth), strconv.Itoa(k.Effort), k.OwnerName, stamp(k.Opened), stamp(k.Until), strconv.FormatBool(k.Overdue),
			k.Title, k.Where, k.Seen, k.Plan, stamp(k.Closed), k.How))
	}
	w.Flush()
	return w.Error()
}

type gapsShowCmd struct {
	target
	ID string `arg:"" help:"Which."`
}

// Help gives an example.
func (gapsShowCmd) Help() string {
	return "Example: tutela gaps show check.server.tls --data tutela-data"
}

// Run shows a gap.
func (cmd gapsShowCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	list, _, err := client.gaps(ctx, true)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(k remedy.Kept) bool { return k.ID == cmd.ID })
	if i < 0 {
		return usage("there is no gap %q: tutela gaps list --all", cmd.ID)
	}
	k := list[i]
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s: %s\nstate\t%s, since %s\nwhere\t%s\nseen\t%s\nowner\t%s, until %s\nplan\t%s\ndisputed\t%s\nclosed\t%s\n", k.ID, k.Title, k.State, dashedTime(k.Opened), dashed(k.Where), dashed(k.Seen),
		dashed(k.OwnerName), dashedTime(k.Until), dashed(k.Plan), dashed(k.Dispute), dashed(k.How))
	return w.Flush()
}

type gapsAssignCmd struct {
	target
	ID     string `arg:"" help:"Which."`
	Owner  string `required:"" help:"Who sees to it: a username."`
	Until  string `required:"" help:"Until when, as a date; a year from now at most."`
	Effort int    `help:"How many hours it takes, as you guess."`
	Plan   string `help:"What is done about it."`
}

// Help gives an example.
func (gapsAssignCmd) Help() string {
	return `Example: tutela gaps assign check.server.tls --owner admin --until 2027-03-01 --effort 2 --plan "renew the certificate" --data tutela-data`
}

// Run assigns a gap.
func (cmd gapsAssignCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	return client.gap(ctx, c, http.MethodPut, cmd.ID, "/assignment", remedy.Assignment{Owner: cmd.Owner, Until: cmd.Until, Effort: cmd.Effort, Plan: cmd.Plan})
}

// gap does something to a gap and says how it then stands.
func (cl *client) gap(ctx context.Context, c console, method, id, deed string, body any) error {
	answer, err := cl.json(ctx, method, "/api/v1/gaps/"+url.PathEscape(id)+deed, body)
	if err != nil {
		return err
	}
	var k remedy.Kept
	if err := json.Unmarshal(answer, &k); err != nil {
		return fmt.Errorf("decode gap: %w", err)
	}
	_, err = fmt.Fprintf(c.out, "%s is %s; %s, until %s\n", k.ID, k.State, dashed(k.OwnerName), k.Until.Format(time.DateOnly))
	if err == nil && k.State == remedy.Disputed {
		_, err = fmt.Fprintf(c.out, "a second person is to agree: tutela gaps agree %s\n", k.ID)
	}
	return err
}

type gapsDisputeCmd struct {
	target
	ID     string `arg:"" help:"Which."`
	Reason string `required:"" help:"Why the test was wrong."`
}

// Help gives an example.
func (gapsDisputeCmd) Help() string {
	return `Example: tutela gaps dispute test.0f1e2d3c4b5a69788796a5b4 --reason "the host is not ours" --data tutela-data`
}

// Run disputes a gap.
func (cmd gapsDisputeCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	return client.gap(ctx, c, http.MethodPost, cmd.ID, "/dispute", map[string]string{"reason": cmd.Reason})
}

type gapsAgreeCmd struct {
	target
	ID string `arg:"" help:"Which."`
}

// Help gives an example.
func (gapsAgreeCmd) Help() string {
	return "Example: tutela gaps agree test.0f1e2d3c4b5a69788796a5b4 --data tutela-data"
}

// Run agrees that a test was wrong.
func (cmd gapsAgreeCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	return client.gap(ctx, c, http.MethodPost, cmd.ID, "/agree", nil)
}

type gapsTrendCmd struct {
	target
	Days       int    `default:"365" help:"Of how many days."`
	Regulation string `default:"hph" help:"Of which regulation: hph (the sector's goals), hipaa-security, gdpr …"`
	Format     string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (gapsTrendCmd) Help() string {
	return `Example: tutela gaps trend --regulation hph --days 90 --data tutela-data

Requirements of a regulation by how they stood on each day; a day is kept once a check was tried on it.`
}

// Run shows how everything stood.
func (cmd gapsTrendCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/scores?days="+strconv.Itoa(cmd.Days), nil)
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	var t remedy.Trend
	if err := json.Unmarshal(body, &t); err != nil {
		return fmt.Errorf("decode scores: %w", err)
	}
	if len(t.Scores) == 0 {
		_, err := fmt.Fprintln(c.out, "nothing is kept of these days: the first score comes some minutes after the first checks")
		return err
	}
	if _, there := t.Scores[len(t.Scores)-1].Regulations[cmd.Regulation]; !there {
		return usage("there is no regulation %q: tutela controls list", cmd.Regulation)
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DAY\tGREEN\tAMBER\tRED\tFAILING CHECKS")
	for _, sc := range t.Scores {
		n := sc.Regulations[cmd.Regulation]
		fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%s\n", sc.Day, n[control.Green], n[control.Amber], n[control.Red], dashed(strings.Join(sc.Failing, ", ")))
	}
	fmt.Fprintf(w, "\nmended\t%s\nbroken\t%s\n", dashed(strings.Join(t.Mended, ", ")), dashed(strings.Join(t.Broken, ", ")))
	return w.Flush()
}

type testsCmd struct {
	List   testsListCmd   `cmd:"" help:"What others test, when it is due, and what is open of it."`
	Plan   testsPlanCmd   `cmd:"" help:"Say that something is tested again and again."`
	Record testsRecordCmd `cmd:"" help:"Take in what a run of a test found."`
}

type testsListCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (testsListCmd) Help() string {
	return "Example: tutela tests list --data tutela-data\n\nExit code 1: one is overdue, or something that it found is open."
}

// Run lists tests.
func (cmd testsListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/tests", nil)
	if err != nil {
		return err
	}
	var list []remedy.KeptTest
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode tests: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "TEST\tOWNER\tEVERY\tRUNS\tLAST BY\tDUE\tOPEN\tTITLE")
		for _, k := range list {
			due := k.Due.Format(time.DateOnly)
			if k.Overdue {
				due += " (overdue)"
			}
			fmt.Fprintf(w, "%s\t%s\t%d months\t%d\t%s\t%s\t%d\t%s\n", k.ID, k.OwnerName, k.Every, k.Runs, dashed(k.By), due, k.Open, k.Title)
		}
		err = w.Flush()
	}
	if err == nil && slices.ContainsFunc(list, func(k remedy.KeptTest) bool { return k.Overdue || k.Open > 0 }) {
		return errFound
	}
	return err
}

type testsPlanCmd struct {
	target
	ID    string `arg:"" help:"A short name of a-z, 0-9, '-', '.' and '_'."`
	Title string `required:"" help:"What is tested."`
	Owner string `required:"" help:"Who has it tested: a username."`
	Every int    `default:"12" help:"Months between two runs, 1 to 12."`
}

// Help gives an example.
func (testsPlanCmd) Help() string {
	return `Example: tutela tests plan pentest --title "Penetration test of the portal" --owner admin --every 12 --data tutela-data`
}

// Run plans a test.
func (cmd testsPlanCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPut, "/api/v1/tests/"+url.PathEscape(cmd.ID), map[string]any{"title": cmd.Title, "owner": cmd.Owner, "every": cmd.Every})
	if err != nil {
		return err
	}
	var k remedy.KeptTest
	if err := json.Unmarshal(body, &k); err != nil {
		return fmt.Errorf("decode test: %w", err)
	}
	_, err = fmt.Fprintf(c.out, "%s has %s run every %d months; the next run is due by %s\n", k.OwnerName, k.ID, k.Every, k.Due.Format(time.DateOnly))
	return err
}

type testsRecordCmd struct {
	target
	ID   string `arg:"" help:"Which test."`
	File string `arg:"" optional:"" type:"path" help:"What it found, as SARIF 2.1.0 or CSV (title, severity; rule, where). Nothing where it is left out."`
	Date string `required:"" help:"The day on which it ended."`
	By   string `required:"" help:"Who did it."`
}

// Help gives an example.
func (testsRecordCmd) Help() string {
	return `Example: tutela tests record pentest findings.csv --date 2026-11-20 --by "Red Team Ltd" --data tutela-data

What an earlier run found and this one does not is closed. Severities are critical, high, medium and low.`
}

// Run records a run.
func (cmd testsRecordCmd) Run(ctx context.Context, c console) error {
	found := []remedy.Finding{}
	if cmd.File != "" {
		text, err := os.ReadFile(cmd.File)
		if err != nil {
			return usage("the findings cannot be read: %v", err)
		}
		read := remedy.ReadCSV
		if strings.HasPrefix(strings.TrimSpace(string(text)), "{") {
			read = remedy.ReadSARIF
		}
		if found, err = read(text); err != nil {
			return err
		}
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/tests/"+url.PathEscape(cmd.ID)+"/runs", map[string]any{"date": cmd.Date, "by": cmd.By, "findings": found})
	if err != nil {
		return err
	}
	var run remedy.Run
	if err := json.Unmarshal(body, &run); err != nil {
		return fmt.Errorf("decode run: %w", err)
	}
	_, err = fmt.Fprintf(c.out, "run %d of %s: %d gaps are new, %d were open before, %d are closed\n", run.Number, run.Test, run.New, run.Still, run.Closed)
	return err
}
