package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela/assure/vendor"
	"github.com/tutela-health/tutela/internal/errs"
)

type vendorsCmd struct {
	List          vendorsListCmd   `cmd:"" help:"Vendors, those first about which something is to be done."`
	Show          vendorsShowCmd   `cmd:"" help:"One vendor with its answers, what it is to put right, and its history."`
	Set           vendorsSetCmd    `cmd:"" help:"Write a vendor down, or change it."`
	Assess        vendorsAssessCmd `cmd:"" help:"Write down how a vendor answers the questionnaire."`
	Act           vendorsActCmd    `cmd:"" help:"What a vendor is to put right: ask for it, or say that it is done or waived."`
	Close         vendorsCloseCmd  `cmd:"" help:"Say why a vendor works for us no more."`
	Import        vendorsImportCmd `cmd:"" help:"Write many vendors down from a CSV file, all or none."`
	Export        vendorsExportCmd `cmd:"" help:"Write vendors as CSV."`
	Questionnaire questionnaireCmd `cmd:"" help:"The questionnaire as CSV: take it out, bring answers in."`
	Answers       answersOwnCmd    `cmd:"" help:"Answer once and share: our own answers, sealed, and those of others."`
}

type vendorsListCmd struct {
	target
	All    bool   `help:"Those that are closed, too."`
	Format string `enum:"table,json,csv" default:"table" help:"table, json or csv."`
}

// Help gives an example.
func (vendorsListCmd) Help() string {
	return `Example: tutela vendors list --data tutela-data

Exit code 1: one gets health data without an agreement that holds, is overdue for its assessment, or is late with what it is to put right.`
}

// Run lists vendors.
func (cmd vendorsListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	list, body, err := client.vendors(ctx, cmd.All)
	if err != nil {
		return err
	}
	switch cmd.Format {
	case "json":
		_, err = c.out.Write(body)
	case "csv":
		err = vendor.WriteVendors(c.out, list)
	default:
		err = writeVendors(c.out, list)
	}
	for _, k := range list {
		if err == nil && k.Wrong() {
			err = errFound
		}
	}
	return err
}

func (cl *client) vendors(ctx context.Context, all bool) (list []vendor.Kept, body []byte, err error) {
	body, err = cl.json(ctx, http.MethodGet, "/api/v1/vendors?all="+strconv.FormatBool(all), nil)
	if err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, nil, fmt.Errorf("decode vendors: %w", err)
	}
	return list, body, nil
}

func writeVendors(out io.Writer, list []vendor.Kept) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VENDOR\tSTATE\tCRITICAL\tDATA\tAGREEMENT\tENDS\tSCORE\tASSESS BY\tTO PUT RIGHT\tOWNER\tNAME")
	for _, k := range list {
		agreement := string(k.Agreement.Kind)
		if k.Bare {
			agreement += " (does not hold)"
		}
		due := dashedDay(k.Due())
		if k.Overdue {
			due += " (overdue)"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.State, k.Critical, k.Data, agreement, dashedDay(k.Agreement.Ends), scored(k), due, toPutRight(k), k.OwnerName, k.Name)
	}
	return w.Flush()
}

// scored is how well a vendor answered, in percent, where it did.
func scored(k vendor.Kept) string {
	if k.Assessed.IsZero() {
		return "-"
	}
	return strconv.Itoa(k.Score)
}

func toPutRight(k vendor.Kept) string {
	left := 0
	for _, a := range k.Actions {
		if a.Open() {
			left++
		}
	}
	if k.Late > 0 {
		return fmt.Sprintf("%d (%d late)", left, k.Late)
	}
	return strconv.Itoa(left)
}

func dashedDay(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateOnly)
}

type vendorsShowCmd struct {
	target
	ID     string `arg:"" help:"Which."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (vendorsShowCmd) Help() string { return "Example: tutela vendors show acme --data tutela-data" }

// Run shows a vendor.
func (cmd vendorsShowCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	list, body, err := client.vendor(ctx, cmd.ID)
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	q, err := vendor.Shipped()
	if err != nil {
		return err
	}
	return writeVendor(c.out, q, list)
}

func writeVendor(out io.Writer, q vendor.Questionnaire, list []vendor.Kept) error {
	k := list[len(list)-1]
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s: %s (%s)\nservice\t%s\ncontact\t%s\nowner\t%s\ndata\t%s, critical %d\nagreement\t%s, signed %s, ends %s\n", k.ID, k.Name, k.State, k.Service, k.Contact, k.OwnerName, k.Data, k.Critical,
		k.Agreement.Kind, dashedDay(k.Agreement.Signed), dashedDay(k.Agreement.Ends))
	if k.Bare {
		fmt.Fprintln(w, "\tit gets health data, and no agreement holds")
	}
	if k.Closed != "" {
		fmt.Fprintf(w, "closed\t%s\n", k.Closed)
	}
	fmt.Fprintf(w, "score\t%s, assessed %s, again by %s\n", scored(k), dashedDay(k.Assessed), dashedDay(k.Due()))
	if src := k.Source; src != nil {
		fmt.Fprintf(w, "sealed by\tledger %s, entry %d of %s, as %s: %s\n", src.Origin, src.Leaf, dashedTime(src.At), src.Name, src.Service)
	}
	if len(k.Answers) > 0 {
		fmt.Fprintln(w)
		if err := errors.Join(w.Flush(), writeAnswers(out, q, k.Answers)); err != nil {
			return err
		}
	}
	if len(k.Actions) > 0 {
		fmt.Fprintln(w, "\nTO PUT RIGHT\tUNTIL\tDONE\tBY\tWHAT")
		for _, a := range k.Actions {
			done := dashedDay(a.Done)
			if a.Waived != "" {
				done = "waived: " + a.Waived
			}
			fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", a.Number, dashedDay(a.Until), done, dashed(a.By), a.What)
		}
	}
	fmt.Fprintln(w, "\nREVISION\tAT\tBY\tSTATE\tSCORE")
	for _, r := range list {
		fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\n", r.Revision, dashedTime(r.At), r.By, r.State, scored(r))
	}
	return w.Flush()
}

// vendor gives every revision of a vendor, the first one first.
func (cl *client) vendor(ctx context.Context, id string) (list []vendor.Kept, body []byte, err error) {
	body, err = cl.json(ctx, http.MethodGet, "/api/v1/vendors/"+url.PathEscape(id), nil)
	if err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(body, &list); err != nil || len(list) == 0 {
		return nil, nil, fmt.Errorf("decode vendor: %w", err)
	}
	return list, body, nil
}

type vendorsSetCmd struct {
	target
	ID        string `arg:"" help:"A short name of a-z, 0-9, '-', '.' and '_'."`
	Name      string `help:"What it is called."`
	Service   string `help:"What it does for us."`
	Contact   string `help:"Whom one asks there."`
	Owner     string `help:"Who answers for it here: a username."`
	Gets      string `enum:",none,pseudonymous,personal,health" default:"" help:"What data it gets, at the worst: none, pseudonymous, personal or health."`
	Critical  int    `help:"1 we hardly miss it, 2, 3 care stands still without it."`
	Agreement string `enum:",baa,dpa,other,none" default:"" help:"baa (45 CFR 164.504(e)), dpa (GDPR, Article 28), other or none."`
	Signed    string `help:"When the agreement was signed, as a date."`
	Ends      string `help:"From when on the agreement does not hold, as a date; none is an agreement without an end."`
	File      string `type:"existingfile" help:"The agreement's file: its SHA-256 is kept, the file is not."`
	Assess    string `help:"Of a new vendor: by when it is assessed, as a date; 30 days from now where nothing is said."`
}

// Help gives an example.
func (vendorsSetCmd) Help() string {
	return `Example: tutela vendors set acme --name "Acme Imaging" --service "reads X-rays at night" --contact "privacy@acme.example" --owner privacy \
  --gets health --critical 3 --agreement baa --signed 2026-03-01 --ends 2029-03-01 --file acme-baa.pdf --data tutela-data

Of a vendor that is there, what is not said stays. What is said of the agreement replaces the whole agreement.`
}

// Run writes a vendor down.
func (cmd vendorsSetCmd) Run(ctx context.Context, c console) error {
	agreement, err := cmd.agreement()
	if err != nil {
		return err
	}
	assess, err := dayOf("assess", cmd.Assess)
	if err != nil {
		return err
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	var revision int64
	d := vendor.Details{Agreement: vendor.Agreement{Kind: vendor.None}}
	before, _, err := client.vendor(ctx, cmd.ID)
	switch {
	case errs.Is(err, errs.NotFound):
	case err != nil:
		return err
	default:
		last := before[len(before)-1]
		revision, d = last.Revision, last.Details
	}
	for _, f := range []struct {
		to   *string
		text string
	}{{&d.Name, cmd.Name}, {&d.Service, cmd.Service}, {&d.Contact, cmd.Contact}, {(*string)(&d.Owner), cmd.Owner}, {(*string)(&d.Data), cmd.Gets}} {
		if f.text != "" {
			*f.to = f.text
		}
	}
	if cmd.Critical != 0 {
		d.Critical = cmd.Critical
	}
	if cmd.Agreement != "" {
		d.Agreement = agreement
	}
	d.Assess = assess
	return client.vendorChange(ctx, c, http.MethodPut, cmd.ID, "", struct {
		Revision int64 `json:"revision"`
		vendor.Details
	}{revision, d})
}

// agreement is what the flags say of it.
func (cmd vendorsSetCmd) agreement() (a vendor.Agreement, err error) {
	if cmd.Agreement == "" && cmd.Signed+cmd.Ends+cmd.File != "" {
		return a, usage("say with --agreement which agreement was signed, ends or lies in the file: baa, dpa or other")
	}
	a.Kind = vendor.Form(cmd.Agreement)
	if a.Signed, err = dayOf("signed", cmd.Signed); err != nil {
		return a, err
	}
	if a.Ends, err = dayOf("ends", cmd.Ends); err != nil || cmd.File == "" {
		return a, err
	}
	f, err := os.Open(cmd.File)
	if err != nil {
		return a, fmt.Errorf("read the agreement: %w", err)
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return a, fmt.Errorf("read the agreement: %w", err)
	}
	a.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return a, nil
}

// dayOf reads a flag that is a date, or nothing.
func dayOf(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return t, usage("--%s is a date such as 2027-06-30, and %q is none", flag, text)
	}
	return t, nil
}

// vendorChange does something about a vendor and says how it then is.
func (cl *client) vendorChange(ctx context.Context, c console, method, id, deed string, body any) error {
	answer, err := cl.json(ctx, method, "/api/v1/vendors/"+url.PathEscape(id)+deed, body)
	if err != nil {
		return err
	}
	var k vendor.Kept
	if err := json.Unmarshal(answer, &k); err != nil {
		return fmt.Errorf("decode vendor: %w", err)
	}
	return tellVendor(c.out, k)
}

func tellVendor(out io.Writer, k vendor.Kept) error {
	_, err := fmt.Fprintf(out, "%s is %s, revision %d; score %s, to put right %s\n", k.ID, k.State, k.Revision, scored(k), toPutRight(k))
	if err == nil && k.Bare {
		_, err = fmt.Fprintf(out, "%s gets health data, and no agreement holds\n", k.ID)
	}
	return err
}

type vendorsAssessCmd struct {
	target
	ID     string            `arg:"" help:"Which."`
	Answer map[string]string `placeholder:"QUESTION=ANSWER[:HOW]" mapsep:"none" help:"An answer: yes, partly, no or not-applicable, and how so. May be repeated; what is not said stays as it was."`
	Waive  map[string]string `placeholder:"QUESTION=WHY" mapsep:"none" help:"A question that is not answered well, and why nothing is to be put right. May be repeated."`
	assessing
}

// assessing is what an assessment says beside answers.
type assessing struct {
	Next  string `required:"" help:"When it is assessed again, as a date; a year from now at most."`
	Until string `help:"By when what is answered by no or partly is put right, as a date."`
}

// into puts it into an assessment.
func (cmd assessing) into(a *vendor.Assessment) (err error) {
	if a.Next, err = dayOf("next", cmd.Next); err == nil {
		a.Until, err = dayOf("until", cmd.Until)
	}
	return err
}

// Help gives an example.
func (vendorsAssessCmd) Help() string {
	return `Example: tutela vendors assess acme --answer tests=no:"planned for May" --answer second-factor=yes --next 2027-11-01 --until 2027-03-01 --data tutela-data

For a whole questionnaire, see tutela vendors questionnaire.`
}

// Run assesses a vendor.
func (cmd vendorsAssessCmd) Run(ctx context.Context, c console) error {
	a := vendor.Assessment{ID: cmd.ID, Answers: map[string]vendor.Answer{}, Waive: cmd.Waive}
	if err := cmd.into(&a); err != nil {
		return err
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	before, _, err := client.vendor(ctx, cmd.ID)
	if err != nil {
		return err
	}
	k := before[len(before)-1]
	a.Revision = k.Revision
	maps.Copy(a.Answers, k.Answers)
	for id, text := range cmd.Answer {
		word, how, _ := strings.Cut(text, ":")
		a.Answers[id] = vendor.Answer{Is: vendor.Word(word), Text: how}
	}
	return client.assess(ctx, c, a)
}

// assess writes assessments down and says how each vendor then is.
func (cl *client) assess(ctx context.Context, c console, list ...vendor.Assessment) error {
	kept, err := cl.manyVendors(ctx, http.MethodPost, "/api/v1/vendors/assess", list)
	if err != nil {
		return err
	}
	for _, k := range kept {
		if err := tellVendor(c.out, k); err != nil {
			return err
		}
	}
	return nil
}

// manyVendors does something about many vendors at once.
func (cl *client) manyVendors(ctx context.Context, method, path string, list any) (kept []vendor.Kept, err error) {
	answer, err := cl.json(ctx, method, path, list)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(answer, &kept); err != nil {
		return nil, fmt.Errorf("decode vendors: %w", err)
	}
	return kept, nil
}

type vendorsActCmd struct {
	target
	ID     string `arg:"" help:"Which vendor."`
	Number int    `arg:"" optional:"" help:"Which of what it is to put right; none is a new one."`
	Done   string `help:"How it is known to be done."`
	Waive  string `help:"Why it need not be done."`
	What   string `help:"Of a new one: what is to be put right."`
	Until  string `help:"Of a new one: by when, as a date. It does not move."`
}

// Help gives an example.
func (vendorsActCmd) Help() string {
	return `Example: tutela vendors act acme 3 --done "saw the report of the test" --data tutela-data
         tutela vendors act acme --what "rename the shared account" --until 2027-02-01 --data tutela-data`
}

// Run acts.
func (cmd vendorsActCmd) Run(ctx context.Context, c console) error {
	until, err := dayOf("until", cmd.Until)
	if err != nil {
		return err
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	return client.vendorChange(ctx, c, http.MethodPost, cmd.ID, "/act", vendor.Deed{Number: cmd.Number, Done: cmd.Done, Waive: cmd.Waive, What: cmd.What, Until: until})
}

type vendorsCloseCmd struct {
	target
	ID     string `arg:"" help:"Which."`
	Reason string `required:"" help:"Why it works for us no more, and what became of our data."`
}

// Help gives an example.
func (vendorsCloseCmd) Help() string {
	return `Example: tutela vendors close acme --reason "contract ended; deletion confirmed on 2027-01-05" --data tutela-data`
}

// Run closes a vendor.
func (cmd vendorsCloseCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	return client.vendorChange(ctx, c, http.MethodPost, cmd.ID, "/close", map[string]string{"reason": cmd.Reason})
}
