package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/risk"
	"github.com/tutela-health/tutela/internal/errs"
)

type risksCmd struct {
	List    risksListCmd    `cmd:"" help:"Risks, what is left the most first."`
	Show    risksShowCmd    `cmd:"" help:"One risk with its history."`
	Set     risksSetCmd     `cmd:"" help:"Write a risk down, or change it."`
	Starter risksStarterCmd `cmd:"" help:"Keep the risks that a small organisation may begin with, to be rated."`
	Agree   risksAgreeCmd   `cmd:"" help:"Agree, as the second person, to what is left of a high risk."`
	Close   risksCloseCmd   `cmd:"" help:"Say why a risk is none any more."`
}

type risksListCmd struct {
	target
	All    bool   `help:"Those that are closed, too."`
	Format string `enum:"table,json,csv" default:"table" help:"table, json or csv."`
}

// Help gives an example.
func (risksListCmd) Help() string {
	return `Example: tutela risks list --data tutela-data

Exit code 1: one is overdue for its review, waits for a second person, or has something wrong with what holds it down or feeds it.`
}

// Run lists risks.
func (cmd risksListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/risks?all="+strconv.FormatBool(cmd.All), nil)
	if err != nil {
		return err
	}
	var list []risk.Kept
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode risks: %w", err)
	}
	switch cmd.Format {
	case "json":
		_, err = c.out.Write(body)
	case "csv":
		err = risksTable(c, list)
	default:
		err = writeRisks(c, list)
	}
	for _, k := range list {
		if err == nil && (k.Overdue || k.State == risk.Waiting || len(k.Failing) > 0) {
			err = errFound
		}
	}
	return err
}

func writeRisks(c console, list []risk.Kept) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RISK\tLEFT\tOF\tSTATE\tTREATMENT\tOWNER\tREVIEW\tTITLE\tWRONG NOW")
	for _, k := range list {
		review := dashedTime(k.Review)
		if k.Overdue {
			review += " (overdue)"
		}
		fmt.Fprintf(w, "%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.Score, k.Inherent.Score(), k.State, k.Treatment, k.OwnerName, review, k.Title, dashed(strings.Join(k.Failing, "; ")))
	}
	return w.Flush()
}

func risksTable(c console, list []risk.Kept) error {
	w := csv.NewWriter(c.out)
	_ = w.Write([]string{"id", "state", "title", "asset", "threat", "likelihood", "safety", "data", "treatment", "reason", "left likelihood", "left safety", "left data", "score", "owner", "review", "overdue", "controls", "checks", "vendors", "gaps", "wrong now"}) // Flush tells
	for _, k := range list {
		_ = w.Write(cells(k.ID, string(k.State), k.Title, k.Asset, k.Threat, strconv.Itoa(k.Inherent.Likelihood), strconv.Itoa(k.Inherent.Safety), strconv.Itoa(k.Inherent.Data), string(k.Treatment), k.Reason,
			strconv.Itoa(k.Residual.Likelihood), strconv.Itoa(k.Residual.Safety), strconv.Itoa(k.Residual.Data), strconv.Itoa(k.Score), k.OwnerName, stamp(k.Review), strconv.FormatBool(k.Overdue),
			strings.Join(k.Controls, ", "), strings.Join(k.Checks, ", "), strings.Join(k.Vendors, ", "), strings.Join(k.Gaps, ", "), strings.Join(k.Failing, "; ")))
	}
	w.Flush()
	return w.Error()
}

type risksShowCmd struct {
	target
	ID     string `arg:"" help:"Which."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (risksShowCmd) Help() string { return "Example: tutela risks show ransomware --data tutela-data" }

// Run shows a risk.
func (cmd risksShowCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	list, body, err := client.risk(ctx, cmd.ID)
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	k := list[len(list)-1]
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s: %s\nwhat\t%s, of %s\n%s\t%s\nleft\t%d of %d (likelihood %d, patients' safety %d, data %d)\nowner\t%s, looks again %s\nheld by\t%s\nvendors\t%s\ngaps\t%s\nwrong now\t%s\n\nREVISION\tAT\tBY\tSTATE\tLEFT\n",
		k.ID, k.Title, k.Threat, k.Asset, k.Treatment, k.Reason, k.Score, k.Inherent.Score(), k.Residual.Likelihood, k.Residual.Safety, k.Residual.Data, k.OwnerName, dashedTime(k.Review),
		dashed(strings.Join(slices.Concat(k.Controls, k.Checks), ", ")), dashed(strings.Join(k.Vendors, ", ")), dashed(strings.Join(k.Gaps, ", ")), dashed(strings.Join(k.Failing, "; ")))
	for _, r := range list {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%d\n", r.Revision, dashedTime(r.At), r.By, r.State, r.Score)
	}
	return w.Flush()
}

func (cl *client) risk(ctx context.Context, id string) (list []risk.Kept, body []byte, err error) {
	body, err = cl.json(ctx, http.MethodGet, "/api/v1/risks/"+url.PathEscape(id), nil)
	if err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(body, &list); err != nil || len(list) == 0 {
		return nil, nil, fmt.Errorf("decode risk: %w", err)
	}
	return list, body, nil
}

type risksSetCmd struct {
	target
	ID        string   `arg:"" help:"A short name of a-z, 0-9, '-', '.' and '_'."`
	Title     string   `required:"" help:"The risk in a line."`
	Asset     string   `required:"" help:"What it happens to."`
	Threat    string   `required:"" help:"What happens."`
	Inherent  string   `required:"" placeholder:"L,S,D" help:"If nothing were done: likelihood, impact on patients' safety, impact on data, each 1 to 5, as in 4,5,5."`
	Residual  string   `required:"" placeholder:"L,S,D" help:"With what is done."`
	Treatment string   `required:"" enum:"mitigate,accept,transfer,avoid" help:"mitigate, accept, transfer or avoid."`
	Reason    string   `required:"" help:"Why so."`
	Owner     string   `required:"" help:"Who answers for it: a username."`
	Review    string   `required:"" help:"When somebody looks again, as a date; a year from now at most."`
	Control   []string `help:"A requirement of the catalogue that holds it down. May be repeated."`
	Vendor    []string `help:"A vendor of the register whom it depends on. May be repeated."`
	Check     []string `help:"A check that shows that it is held down. May be repeated."`
	Gap       []string `help:"A gap, such as what a scan or a penetration test found, that feeds it. May be repeated."`
}

// Help gives an example.
func (risksSetCmd) Help() string {
	return `Example: tutela risks set ransomware --title "Ransomware in the record" --asset "the record" --threat "everything is encrypted" \
  --inherent 4,5,5 --residual 2,3,2 --treatment mitigate --reason "backups at two places, restored every week" \
  --owner privacy --review 2027-05-01 --control "45 CFR 164.308(a)(7)(ii)(A)" --data tutela-data

What is left is likelihood times the greater impact; 10 or more waits for a second person (tutela risks agree).`
}

// Run writes a risk down.
func (cmd risksSetCmd) Run(ctx context.Context, c console) error {
	r := risk.Risk{
		Title: cmd.Title, Asset: cmd.Asset, Threat: cmd.Threat, Treatment: risk.Treatment(cmd.Treatment), Reason: cmd.Reason,
		Owner: tutela.UserID(cmd.Owner), Controls: cmd.Control, Vendors: cmd.Vendor, Checks: cmd.Check, Gaps: cmd.Gap,
	}
	var err error
	if r.Review, err = time.Parse(time.DateOnly, cmd.Review); err != nil {
		return usage("--review is a date such as 2027-06-30, and %q is none", cmd.Review)
	}
	for name, f := range map[string]struct {
		text string
		to   *risk.Rating
	}{"inherent": {cmd.Inherent, &r.Inherent}, "residual": {cmd.Residual, &r.Residual}} {
		if _, err := fmt.Sscanf(f.text, "%d,%d,%d", &f.to.Likelihood, &f.to.Safety, &f.to.Data); err != nil {
			return usage("--%s is three numbers from 1 to 5 as in 4,5,5, and %q is not", name, f.text)
		}
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	var revision int64
	before, _, err := client.risk(ctx, cmd.ID)
	switch {
	case errs.Is(err, errs.NotFound):
	case err != nil:
		return err
	default:
		revision = before[len(before)-1].Revision
	}
	return client.change(ctx, c, http.MethodPut, cmd.ID, "", struct {
		Revision int64 `json:"revision"`
		risk.Risk
	}{revision, r})
}

// change does something to a risk and says how it then is.
func (cl *client) change(ctx context.Context, c console, method, id, deed string, body any) error {
	answer, err := cl.json(ctx, method, "/api/v1/risks/"+url.PathEscape(id)+deed, body)
	if err != nil {
		return err
	}
	var k risk.Kept
	if err := json.Unmarshal(answer, &k); err != nil {
		return fmt.Errorf("decode risk: %w", err)
	}
	_, err = fmt.Fprintf(c.out, "%s is %s, revision %d; %d of %d is left\n", k.ID, k.State, k.Revision, k.Score, k.Inherent.Score())
	if err == nil && k.State == risk.Waiting {
		_, err = fmt.Fprintf(c.out, "a second person is to agree: tutela risks agree %s\n", k.ID)
	}
	return err
}

type risksStarterCmd struct {
	target
	Owner string `required:"" help:"Who is to rate them, within 30 days: a username."`
}

// Help gives an example.
func (risksStarterCmd) Help() string {
	return "Example: tutela risks starter --owner privacy --data tutela-data\n\nOf each, as much is left as there was until somebody says what is done about it. What is there already stays as it is."
}

// Run keeps the starter set.
func (cmd risksStarterCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/risks/starter", map[string]string{"owner": cmd.Owner})
	if err != nil {
		return err
	}
	var list []risk.Kept
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode risks: %w", err)
	}
	for _, k := range list {
		fmt.Fprintf(c.out, "%s: %s\n", k.ID, k.Title)
	}
	_, err = fmt.Fprintf(c.out, "%d risks are there from now on; rate each by what is done about it: tutela risks set RISK\n", len(list))
	return err
}

type risksAgreeCmd struct {
	target
	ID       string `arg:"" help:"Which."`
	Revision int64  `placeholder:"N" help:"The revision that you read and agree to. Left out, it is shown."`
}

// Help gives an example.
func (risksAgreeCmd) Help() string {
	return "Example: tutela risks agree ransomware --revision 3 --as admin --data tutela-data\n\nWithout --revision it shows what would be agreed to."
}

// Run agrees to a risk.
func (cmd risksAgreeCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	list, _, err := client.risk(ctx, cmd.ID)
	if err != nil {
		return err
	}
	k := list[len(list)-1]
	if cmd.Revision == 0 {
		_, err := fmt.Fprintf(c.out, "%s: %s\n%s, of %s\n%s: %s\nleft: likelihood %d, patients' safety %d, data %d (%d of %d), as %s wrote on %s\nto live with that: tutela risks agree %s --revision %d\n",
			k.ID, k.Title, k.Threat, k.Asset, k.Treatment, k.Reason, k.Residual.Likelihood, k.Residual.Safety, k.Residual.Data, k.Score, k.Inherent.Score(), k.By, stamp(k.At), k.ID, k.Revision)
		return err
	}
	return client.change(ctx, c, http.MethodPost, cmd.ID, "/agree", map[string]int64{"revision": cmd.Revision})
}

type risksCloseCmd struct {
	target
	ID     string `arg:"" help:"Which."`
	Reason string `required:"" help:"Why it is none any more."`
}

// Help gives an example.
func (risksCloseCmd) Help() string {
	return `Example: tutela risks close old-portal --reason "the portal was taken down" --data tutela-data`
}

// Run closes a risk.
func (cmd risksCloseCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	return client.change(ctx, c, http.MethodPost, cmd.ID, "/close", map[string]string{"reason": cmd.Reason})
}
