package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/store"
)

type auditCmd struct {
	Verify      auditVerifyCmd      `cmd:"" help:"Recompute the whole ledger and compare every row with it."`
	Search      auditSearchCmd      `cmd:"" help:"Who did what to whose data, when."`
	Disclosures auditDisclosuresCmd `cmd:"" help:"To whom a patient's data was disclosed, with a proof of each."`
	Prove       auditProveCmd       `cmd:"" help:"Take an entry out of the ledger with a proof that stands alone."`
}

type auditVerifyCmd struct {
	target
	Deep   bool     `help:"Open every record and compare the blind index and the postings too."`
	Since  []string `type:"existingfile" help:"A checkpoint kept elsewhere (as from /ledger/checkpoint): finds a rollback behind it."`
	Format string   `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (auditVerifyCmd) Help() string {
	return `Example: tutela audit verify --deep --since checkpoint-of-monday.txt

Exit code 0: every row is as the ledger says. 1: something was changed, and each row is named.
Without --since, a rollback of the whole store to an earlier state cannot be seen.`
}

// verified is what a verification found.
type verified struct {
	Size     int64    `json:"size"`
	Root     string   `json:"root"`
	Pending  int64    `json:"pending"`
	Erased   int64    `json:"erased_sections"`
	Deep     bool     `json:"deep"`
	Problems []string `json:"problems"`
	More     int64    `json:"more_problems,omitempty"`
}

// maxProblems bounds what is printed one by one.
const maxProblems = 100

// Run verifies, writes an entry about it, and tells.
func (cmd auditVerifyCmd) Run(ctx context.Context, c console) error {
	if err := cmd.here("audit verify"); err != nil {
		return err
	}
	options := audit.VerifyOptions{Deep: cmd.Deep, Limit: maxProblems}
	for _, path := range cmd.Since {
		note, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("read checkpoint: %w", err)
		}
		options.Since = append(options.Since, note)
	}
	home, err := cmd.home()
	if err != nil {
		return err
	}
	conf, err := readConfig(filepath.Join(home, configFile))
	if err != nil {
		return err
	}
	s, err := lookAt(ctx, conf, "-verify", slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		return err
	}
	v, err := s.verify(ctx, options)
	if err == nil {
		err = s.noteVerified(ctx, v)
	}
	if err := errors.Join(err, s.leave()); err != nil {
		return err
	}
	return cmd.tell(c, v)
}

// verify holds the ledger against itself, and the records against the ledger.
func (s *system) verify(ctx context.Context, options audit.VerifyOptions) (verified, error) {
	v := verified{Deep: options.Deep, Problems: []string{}}
	rows := s.records.Verify(func(where, what string) {
		if len(v.Problems) < maxProblems {
			v.Problems = append(v.Problems, where+": "+what)
		} else {
			v.More++
		}
	})
	options.Write = rows.Write
	var report audit.Report
	err := s.db.Snapshot(ctx, func(q store.Querier) (err error) { // one moment: a server may be writing
		if report, err = s.audit.VerifyIn(ctx, q, options); err != nil {
			return err
		}
		return rows.Check(ctx, q, options.Deep)
	})
	v.Size, v.Root, v.Pending, v.Erased, v.More = report.Size, report.Root.String(), report.Pending, report.Erased, v.More+report.More
	for _, p := range report.Problems {
		v.Problems = append(v.Problems, p.String())
	}
	return v, err
}

// noteVerified writes that a verification took place, and what it found: detection makes a finding of that. A ledger that was
// tampered with is evidence: none of its rows is touched, and the entry stands in a lane of its own, which nothing that
// was tampered with is a part of. A ledger that takes no entry any more is told of all the same.
func (s *system) noteVerified(ctx context.Context, v verified) error {
	e := tutela.Entry{
		Actor: systemActor("verify"), Action: tutela.ActionAuditVerify, Outcome: tutela.OutcomeSuccess,
		Subject: &tutela.Subject{Kind: "ledger", ID: s.config.Origin, Detail: fmt.Sprintf("size %d, deep %v", v.Size, v.Deep)},
	}
	if len(v.Problems) == 0 {
		return s.appendBeside(ctx, "", e)
	}
	first, _, _ := strings.Cut(v.Problems[0], "\n")
	e.Outcome = tutela.OutcomeFailed
	e.Subject.Detail += fmt.Sprintf(", %d problems, the first: %s", int64(len(v.Problems))+v.More, first[:min(len(first), maxFirst)])
	if err := s.appendBeside(ctx, "-"+strings.ToLower(rand.Text()[:12]), e); err != nil {
		s.log.LogAttrs(ctx, slog.LevelWarn, "the ledger takes no entry about what was found", slog.String("error", err.Error()))
	}
	return nil
}

// maxFirst bounds what an entry says of the first problem: where, and what is wrong there.
const maxFirst = 300

// appendBeside writes an entry of a command that only looks at a system, which a server may be serving. lane tells the
// entry's lane of the ledger from the command's own; then nothing is mended either.
func (s *system) appendBeside(ctx context.Context, lane string, e tutela.Entry) error {
	turn, err := lockFile(filepath.Join(s.config.dir, configFile), true) // verifications share a lane of the ledger
	if err != nil {
		return err
	}
	writable := s.ledger()
	writable.ReadOnly, writable.Untouched = false, lane != ""
	writable.Node += lane
	log, err := audit.Open(ctx, writable)
	if err != nil {
		return errors.Join(err, turn.Close())
	}
	_, err = log.Append(ctx, e, nil)
	return errors.Join(err, turn.Close())
}

// leave closes a system that a command only looked at: what is pending stays so.
func (s *system) leave() error {
	s.changes.Close()
	s.ring.Close()
	return s.db.Close()
}

func (cmd auditVerifyCmd) tell(c console, v verified) error {
	if cmd.Format == "json" {
		if err := json.NewEncoder(c.out).Encode(v); err != nil {
			return err
		}
	} else {
		for _, p := range v.Problems {
			fmt.Fprintln(c.out, p)
		}
		if v.More > 0 {
			fmt.Fprintf(c.out, "and %d more\n", v.More)
		}
		fmt.Fprintf(c.out, "%d entries in the tree, %d pending, root %s\n", v.Size, v.Pending, v.Root)
	}
	if len(v.Problems) > 0 {
		return errFound
	}
	if cmd.Format == "text" {
		fmt.Fprintln(c.out, "verified: every row is as the ledger says")
	}
	return nil
}

type auditSearchCmd struct {
	target
	Actor    string `help:"Account id or service."`
	Patient  string `help:"Id of a Patient."`
	Action   string `help:"read, search-type, create, token.issue, …"`
	Outcome  string `help:"success, denied, failed or error."`
	From     string `help:"Not before this time (RFC 3339)."`
	To       string `help:"Before this time (RFC 3339)."`
	Limit    int    `default:"50" help:"At most so many, the newest first."`
	Personal bool   `help:"With the personal parts: what was asked, which resources."`
	Format   string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (auditSearchCmd) Help() string {
	return "Example: tutela audit search --patient 018f428e-34f6-4707-8009-5ad742f901e7 --personal"
}

// Run asks the running server.
func (cmd auditSearchCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	q := url.Values{"limit": {fmt.Sprint(cmd.Limit)}}
	for name, value := range map[string]string{
		"actor": cmd.Actor, "patient": cmd.Patient, "action": cmd.Action, "outcome": cmd.Outcome, "from": cmd.From, "to": cmd.To,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if cmd.Personal {
		q.Set("personal", "true")
	}
	body, err := client.do(ctx, http.MethodGet, "/api/v1/ledger/entries?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	return printEntries(c, body)
}

func printEntries(c console, body []byte) error {
	var list []struct {
		Leaf     int64        `json:"leaf"`
		Entry    tutela.Entry `json:"entry"`
		Personal []struct {
			Body json.RawMessage `json:"body"`
		} `json:"personal"`
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode entries: %w", err)
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "LEAF\tTIME\tWHO\tDID\tOUTCOME\tPATIENTS\tID")
	for _, f := range list {
		e := f.Entry
		who := e.Actor.Name
		if who == "" {
			who = string(e.Actor.Kind)
		}
		leaf := fmt.Sprint(f.Leaf)
		if f.Leaf < 0 {
			leaf = "pending"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\t%s\n", leaf, e.Time.Format("2006-01-02T15:04:05.000Z"), who,
			strings.TrimSpace(string(e.Action)+" "+e.Type), e.Outcome, len(e.Patients), e.ID)
		for _, p := range f.Personal {
			fmt.Fprintf(w, "\t\t\t%s\n", p.Body)
		}
	}
	return w.Flush()
}

type auditProveCmd struct {
	target
	ID      string `arg:"" optional:"" help:"Id of the entry, as audit search shows it."`
	Leaf    int64  `default:"-1" help:"Or its place in the tree."`
	Patient string `help:"Open the part that concerns this Patient."`
	Header  bool   `help:"Open the header: who, when, what."`
}

// Help gives an example.
func (auditProveCmd) Help() string {
	return `Example: tutela audit prove --leaf 17 --header > proof.json

"proof" in the answer is a C2SP tlog-proof: it verifies with the keys at /ledger/key alone.`
}

// Run asks the running server.
func (cmd auditProveCmd) Run(ctx context.Context, c console) error {
	if cmd.ID == "" && cmd.Leaf < 0 {
		return usage("name the entry by its id or --leaf (see tutela audit search)")
	}
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	q := url.Values{"header": {fmt.Sprint(cmd.Header)}}
	if cmd.Leaf >= 0 {
		q.Set("leaf", fmt.Sprint(cmd.Leaf))
	}
	if cmd.ID != "" {
		q.Set("id", cmd.ID)
	}
	if cmd.Patient != "" {
		q.Set("patient", cmd.Patient)
	}
	body, err := client.do(ctx, http.MethodGet, "/api/v1/ledger/proof?"+q.Encode(), nil)
	if err != nil {
		return err
	}
	_, err = c.out.Write(body)
	return err
}
