package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela/respond/breach"
	"github.com/tutela-health/tutela/respond/breach/duty"
)

// caseCall sends a call about cases and gives the case.
func (cl *client) caseCall(ctx context.Context, method, path string, said any) (c breach.Case, body []byte, err error) {
	if body, err = cl.json(ctx, method, "/api/v1/breaches"+path, said); err != nil {
		return c, nil, err
	}
	if err := json.Unmarshal(body, &c); err != nil {
		return c, nil, fmt.Errorf("decode breach: %w", err)
	}
	return c, body, nil
}

type breachOpenCmd struct {
	target
	breachWho
	Title       string    `required:"" help:"What it is about. No patient's name."`
	Incident    string    `help:"Id of the incident that it belongs to."`
	Storage     bool      `help:"A database, disk or backup got away; nobody used the system. Then say how many people are concerned."`
	Individuals int       `help:"How many people, where --storage says it."`
	Discovered  time.Time `help:"When it was known, or would have been by reasonable diligence (RFC 3339); now otherwise."`
	Zone        string    `required:"" help:"Time zone of the organisation, as in America/New_York."`
	Law         []string  `default:"hipaa,states" help:"hipaa, gdpr, pipeda, states. May be repeated."`
	Associate   bool      `help:"You are a business associate or processor: you tell whose data it is."`
	Format      string    `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (breachOpenCmd) Help() string {
	return `Example: tutela breach open --title "account of a departed nurse" --actor mmeier --from 2026-11-01T00:00:00Z --zone America/New_York --data tutela-data

Finds whom it reached, proposes an assessment, and says what is owed until when. Exit code 1: something is owed.`
}

// Run opens a case.
func (cmd breachOpenCmd) Run(ctx context.Context, c console) error {
	o := breach.Opening{Title: cmd.Title, Incident: cmd.Incident, Storage: cmd.Storage}
	if !cmd.Storage {
		var err error
		if o.Ask, err = cmd.ask(); err != nil {
			return err
		}
	}
	o.Facts = duty.Facts{Discovered: cmd.Discovered, Zone: cmd.Zone, Associate: cmd.Associate, Individuals: cmd.Individuals}
	for _, l := range cmd.Law {
		o.Facts.Laws = append(o.Facts.Laws, duty.Law(l))
	}
	return tellCase(ctx, c, cmd.target, http.MethodPost, "", o, cmd.Format)
}

// tellCase sends a call and prints the case that it gives.
func tellCase(ctx context.Context, c console, t target, method, path string, said any, format string) error {
	client, err := t.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	got, body, err := client.caseCall(ctx, method, path, said)
	if err != nil {
		return err
	}
	if format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = printCase(c, got)
	}
	for _, o := range got.Duties {
		if err == nil && !o.Done {
			err = errFound
		}
	}
	return err
}

func printCase(c console, b breach.Case) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "case\t%s\n", b.ID)
	fmt.Fprintf(w, "title\t%s\n", b.Title)
	fmt.Fprintf(w, "people\t%d\n", b.Facts.Individuals)
	fmt.Fprintf(w, "discovered\t%s\n", b.Facts.Discovered.Format(time.RFC3339))
	for _, e := range b.Harbour.Evidence {
		fmt.Fprintf(w, "safe harbour (%v)\t%s\n", b.Harbour.Holds, e)
	}
	form, by := b.Form, "proposed"
	if n := len(b.Assessment); n > 0 {
		last := b.Assessment[n-1]
		form, by = last.Form, "by "+last.By
		fmt.Fprintf(w, "finding\t%s %s: %s\n", last.Finding, last.Exception, last.Reason)
	} else {
		fmt.Fprintln(w, "finding\tnobody has assessed it: it is presumed to be a breach")
	}
	for _, f := range []struct {
		name string
		is   breach.Factor
	}{{"nature", form.Nature}, {"person", form.Person}, {"acquired", form.Acquired}, {"mitigation", form.Mitigation}} {
		fmt.Fprintf(w, "%s (%s)\t%s: %s\n", f.name, by, f.is.Level, f.is.Reason)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return printDuties(c, b)
}

func printDuties(c console, b breach.Case) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DUTY\tTO\tPEOPLE\tLAST DAY\tTOLD\tRETURNED\tSTATE\tLAW")
	for _, o := range b.Duties {
		day := o.Day
		switch {
		case day == "" && o.Due.IsZero():
			day = o.Soon
		case day == "":
			day = o.Due.Format(time.RFC3339)
		}
		state, law := "owed", o.Law
		switch {
		case o.Done:
			state = "done"
		case o.Overdue:
			state = "OVERDUE"
		}
		if o.Unverified {
			law += " (unverified)"
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d\t%d\t%s\t%s\n", o.ID, o.To, o.Count, day, o.Told, o.Returned, state, law)
	}
	return w.Flush()
}

type breachListCmd struct {
	target
	Closed bool   `help:"Those too that are closed."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (breachListCmd) Help() string {
	return "Example: tutela breach list --data tutela-data\n\nExit code 1: a notice is overdue."
}

// Run lists cases.
func (cmd breachListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, fmt.Sprintf("/api/v1/breaches?closed=%v", cmd.Closed), nil)
	if err != nil {
		return err
	}
	var list []breach.Case
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode breaches: %w", err)
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "CASE\tOPENED\tPEOPLE\tOWED\tOVERDUE\tTITLE")
	late := 0
	for _, b := range list {
		owed, over := 0, 0
		for _, o := range b.Duties {
			if !o.Done {
				owed++
			}
			if o.Overdue {
				over++
			}
		}
		late += over
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%s\n", b.ID, when(b.Opened), b.Facts.Individuals, owed, over, b.Title)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = w.Flush()
	}
	if err == nil && late > 0 {
		err = errFound
	}
	return err
}

// caseArg names a case.
type caseArg struct {
	ID string `arg:"" help:"Id of the case, as tutela breach list shows it."`
}

func (a caseArg) path(tail string) string { return "/" + url.PathEscape(a.ID) + tail }

type breachDutiesCmd struct {
	target
	caseArg
	Format string `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (breachDutiesCmd) Help() string {
	return "Example: tutela breach duties 3f0c5c1d0a7b4e5f9a1122334455f6e7 --data tutela-data\n\nExit code 1: something is owed."
}

// Run shows a case with what is owed.
func (cmd breachDutiesCmd) Run(ctx context.Context, c console) error {
	return tellCase(ctx, c, cmd.target, http.MethodGet, cmd.path(""), nil, cmd.Format)
}

type breachAssessCmd struct {
	target
	caseArg
	Finding   string   `required:"" enum:"breach,low-probability,exception,secured" help:"breach, low-probability, exception or secured."`
	Exception string   `help:"164.402(1)(i), 164.402(1)(ii) or 164.402(1)(iii)."`
	Reason    string   `required:"" help:"Why. It is kept: you have the burden of proof."`
	Factor    []string `help:"A factor that is other than proposed, as in mitigation=low:destroyed, with a signed statement. May be repeated: nature, person, acquired, mitigation." sep:"none"`
	Risk      string   `help:"Of the GDPR: unlikely or high."`
	Harm      bool     `help:"Of PIPEDA: there is a real risk of significant harm."`
	Close     bool     `help:"Close the case as well: nothing may be owed any more."`
	Format    string   `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (breachAssessCmd) Help() string {
	return `Example: tutela breach assess 3f0c5c1d0a7b4e5f9a1122334455f6e7 --finding low-probability --reason "seen by one colleague who attested it" --factor "nature=medium:names only" --factor "acquired=medium:one screen" --factor "mitigation=low:signed attestation" --data tutela-data

Who decides and why is in the ledger; earlier assessments are kept. A factor that is high allows no low probability.`
}

// Run writes an assessment down.
func (cmd breachAssessCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	b, _, err := client.caseCall(ctx, http.MethodGet, cmd.path(""), nil)
	if err != nil {
		return err
	}
	form := b.Form
	if n := len(b.Assessment); n > 0 {
		form = b.Assessment[n-1].Form
	}
	if err := changeForm(&form, cmd.Factor); err != nil {
		return err
	}
	a := breach.Assessment{Form: form, Finding: breach.Finding(cmd.Finding), Exception: breach.Exception(cmd.Exception), Reason: cmd.Reason, Risk: duty.Risk(cmd.Risk), Harm: cmd.Harm}
	if cmd.Close {
		if _, _, err := client.caseCall(ctx, http.MethodPost, cmd.path("/assessment"), a); err != nil {
			return err
		}
		return tellCase(ctx, c, cmd.target, http.MethodPost, cmd.path("/close"), struct{}{}, cmd.Format)
	}
	return tellCase(ctx, c, cmd.target, http.MethodPost, cmd.path("/assessment"), a, cmd.Format)
}

// changeForm reads factors as in mitigation=low:why.
func changeForm(f *breach.Form, list []string) error {
	at := map[string]*breach.Factor{"nature": &f.Nature, "person": &f.Person, "acquired": &f.Acquired, "mitigation": &f.Mitigation}
	for _, text := range list {
		name, rest, _ := strings.Cut(text, "=")
		level, reason, said := strings.Cut(rest, ":")
		if at[name] == nil || !said {
			return usage("--factor is as in mitigation=low:why; factors are nature, person, acquired, mitigation")
		}
		*at[name] = breach.Factor{Level: breach.Level(level), Reason: reason}
	}
	return nil
}

type breachDelayCmd struct {
	target
	caseArg
	Official string    `required:"" help:"Who stated it: name, office."`
	Stated   time.Time `required:"" help:"When (RFC 3339)."`
	Until    time.Time `help:"Until when, as a written statement specifies."`
	Written  bool      `help:"In writing. What is said by word of mouth holds for 30 days at most."`
	Format   string    `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (breachDelayCmd) Help() string {
	return `Example: tutela breach delay 3f0c5c1d0a7b4e5f9a1122334455f6e7 --official "Agent Doe, FBI Boston" --stated 2026-11-22T10:00:00Z --data tutela-data`
}

// Run writes a law enforcement official's statement down.
func (cmd breachDelayCmd) Run(ctx context.Context, c console) error {
	d := duty.Delay{Official: cmd.Official, Stated: cmd.Stated, Until: cmd.Until, Written: cmd.Written}
	return tellCase(ctx, c, cmd.target, http.MethodPost, cmd.path("/delay"), d, cmd.Format)
}

type breachTrackCmd struct {
	target
	caseArg
	Duty    string    `required:"" help:"Of which duty, as tutela breach duties shows it."`
	State   string    `required:"" enum:"sent,delivered,returned,substitute" help:"sent, delivered, returned or substitute."`
	Patient []string  `help:"Pseudonyms; everybody whom the duty is for otherwise. May be repeated."`
	How     string    `help:"First-class mail, e-mail, telephone, web page …"`
	At      time.Time `help:"When (RFC 3339); now otherwise."`
	Format  string    `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (breachTrackCmd) Help() string {
	return `Example: tutela breach track 3f0c5c1d0a7b4e5f9a1122334455f6e7 --duty hipaa.individuals --state returned --patient 1b3c9d02e4f5a687 --data tutela-data`
}

// Run writes down what became of notices.
func (cmd breachTrackCmd) Run(ctx context.Context, c console) error {
	patients := cmd.Patient
	if len(patients) == 0 {
		patients = []string{""}
	}
	var list []breach.Delivery
	for _, p := range patients {
		list = append(list, breach.Delivery{Duty: cmd.Duty, Patient: p, State: breach.State(cmd.State), How: cmd.How, At: cmd.At})
	}
	return tellCase(ctx, c, cmd.target, http.MethodPost, cmd.path("/deliveries"), list, cmd.Format)
}

type breachLettersCmd struct {
	target
	caseArg
	Words string `required:"" type:"existingfile" help:"JSON file: duty, happened, steps, doing, organisation, and toll_free, email, web or postal."`
	To    string `required:"" type:"path" help:"A folder for the letters, a file each."`
}

// Help gives an example.
func (breachLettersCmd) Help() string {
	return `Example: tutela breach letters 3f0c5c1d0a7b4e5f9a1122334455f6e7 --words words.json --to letters --data tutela-data

Letters hold names and addresses: the folder is for you alone, and that they were drafted is in the ledger of each patient.
Exit code 1: somebody cannot be written to, and substitute notice is owed.`
}

// Run drafts notices.
func (cmd breachLettersCmd) Run(ctx context.Context, c console) error {
	text, err := os.ReadFile(cmd.Words)
	if err != nil {
		return fmt.Errorf("read words: %w", err)
	}
	var w breach.Words
	if err := json.Unmarshal(text, &w); err != nil {
		return usage("%s is not the JSON that docs/breach.md shows", cmd.Words)
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/breaches"+cmd.path("/letters"), w)
	if err != nil {
		return err
	}
	var d breach.Drafts
	if err := json.Unmarshal(body, &d); err != nil {
		return fmt.Errorf("decode notices: %w", err)
	}
	if err := os.MkdirAll(cmd.To, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	for i, l := range d.Letters {
		name := l.Patient
		if name == "" {
			name = fmt.Sprintf("notice-%d", i+1)
		}
		if err := writePrivate(filepath.Join(cmd.To, name+".txt"), []byte(l.Text)); err != nil {
			return err
		}
	}
	fmt.Fprintf(c.out, "%d notices are in %s\n", len(d.Letters), cmd.To)
	if len(d.Unreachable) > 0 {
		fmt.Fprintf(c.out, "%d cannot be written to: %s\nowed for them: %s\n", len(d.Unreachable), strings.Join(d.Unreachable, " "), d.Substitute)
		return errFound
	}
	return nil
}
