package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
	"github.com/tutela-health/tutela/respond/breach"
)

// breaches answers whom accesses reached, with names from the records.
func (s *system) breaches() *breach.Service {
	return breach.New(breach.Config{
		DB: s.db, Notes: s.records, Audit: s.audit, People: s.identity, Clock: s.clock, Bucket: s.records.Bucket,
		Homes: func(ctx context.Context, g access.Grant, patients []tutela.Bucket) ([]breach.Home, error) {
			list, err := s.records.Homes(ctx, g, patients)
			homes := make([]breach.Home, len(list))
			for i, h := range list {
				homes[i] = breach.Home(h)
			}
			return homes, err
		},
		Elsewhere: func(ctx context.Context, b tutela.Bucket) (string, error) {
			id, err := s.intake.book.Patient(ctx, b)
			return id.Authority + "|" + id.Value, err
		},
		Keys: func(context.Context) (breach.KeyState, error) {
			return breach.KeyState{Provider: s.provider.Name(), Apart: slices.Contains([]string{providerTransit, providerAWSKMS}, s.provider.Name())}, nil
		},
	})
}

type breachCmd struct {
	Scope   breachScopeCmd   `cmd:"" help:"Every patient whose data an account, address, session or client reached."`
	Open    breachOpenCmd    `cmd:"" help:"Open a case: whom it reached, a proposed assessment, what is owed."`
	List    breachListCmd    `cmd:"" help:"The cases, and what of them is overdue."`
	Assess  breachAssessCmd  `cmd:"" help:"Decide whether it is a breach, and why."`
	Duties  breachDutiesCmd  `cmd:"" help:"A case: who must be told, until when, and who was."`
	Delay   breachDelayCmd   `cmd:"" help:"A law enforcement official asked that nobody is told yet."`
	Letters breachLettersCmd `cmd:"" help:"Draft notices."`
	Track   breachTrackCmd   `cmd:"" help:"Write down what became of notices."`
}

// breachWho says whose accesses are meant.
type breachWho struct {
	Actor   string   `help:"Username or id of an account, or id of a client."`
	Address string   `help:"Network address that requests came from."`
	Session string   `help:"Id of a login."`
	Client  string   `help:"Id of a client, whoever it acted for."`
	Patient []string `help:"Who reached these: Patient/ID, or a pseudonym. May be repeated."`
	From    string   `help:"Not before this time (RFC 3339)."`
	To      string   `help:"Before this time (RFC 3339); now otherwise."`
}

type breachScopeCmd struct {
	target
	breachWho
	Proofs string `type:"path" help:"A folder for a proof of each patient's, and the ledger's keys."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (breachScopeCmd) Help() string {
	return `Example: tutela breach scope --actor mmeier --from 2026-11-01T00:00:00Z --to 2026-11-22T00:00:00Z --proofs proofs --data tutela-data

For the privacy officer. Exit code 1: somebody was reached. What was refused, and the breaking of glass by itself, reached nobody.
docs/breach.md says what counts, and how a proof is checked.`
}

// Run asks the running server.
func (cmd breachScopeCmd) Run(ctx context.Context, c console) error {
	ask, err := cmd.ask()
	if err != nil {
		return err
	}
	ask.Proofs = cmd.Proofs != ""
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/breaches/scope", ask)
	if err != nil {
		return err
	}
	var sc breach.Scope
	if err := json.Unmarshal(body, &sc); err != nil {
		return fmt.Errorf("decode scope: %w", err)
	}
	if cmd.Proofs != "" {
		if err := writeProofs(cmd.Proofs, sc); err != nil {
			return err
		}
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = printScope(c, sc)
	}
	if err == nil && sc.Count > 0 {
		err = errFound
	}
	return err
}

func (cmd breachWho) ask() (breach.Ask, error) {
	a := breach.Ask{
		Actor: cmd.Actor, Address: cmd.Address, Session: cmd.Session, Client: cmd.Client, Patients: cmd.Patient, To: time.Now().UTC(),
	}
	for text, at := range map[string]*time.Time{cmd.From: &a.From, cmd.To: &a.To} {
		if text == "" {
			continue
		}
		var err error
		if *at, err = time.Parse(time.RFC3339, text); err != nil {
			return a, usage("--from and --to are times of RFC 3339, as in 2026-11-22T10:00:00Z, not %s", text)
		}
	}
	return a, nil
}

func printScope(c console, sc breach.Scope) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	if len(sc.Patients) > 0 {
		fmt.Fprintln(w, "PATIENT\tSTATE\tDID\tWHAT\tTIMES\tFIRST\tLAST\tEMERGENCY")
	}
	for _, p := range sc.Patients {
		emergency := ""
		if p.Emergency {
			emergency = "yes"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", reachedName(p), p.State, joinDid(p.Actions), countedTypes(p.Types), p.Accesses,
			when(p.First), when(p.Last), emergency)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%d patients were reached by %d accesses\n", sc.Count, sc.Accesses)
	if len(sc.Actors) > 0 {
		fmt.Fprintln(w, "ACCOUNT\tID\tCLIENT\tSYSTEM\tACCESSES")
	}
	for _, a := range sc.Actors {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\n", a.Name, a.ID, a.Client, a.Source, a.Accesses)
	}
	if len(sc.States) > 0 {
		fmt.Fprintln(w, "STATE\tPATIENTS")
	}
	for _, state := range slices.Sorted(maps.Keys(sc.States)) {
		name := state
		if name == "" {
			name = "no state known"
		}
		fmt.Fprintf(w, "%s\t%d\n", name, sc.States[state])
	}
	if sc.Pending > 0 {
		fmt.Fprintf(w, "%d accesses are not in the tree yet: ask again in seconds for their proofs\n", sc.Pending)
	}
	return w.Flush()
}

// reachedName is how a patient is told to people.
func reachedName(p breach.Reached) string {
	switch {
	case p.Reference != "" && p.Standing != breach.Known:
		return p.Reference + " (" + string(p.Standing) + ")"
	case p.Reference != "":
		return p.Reference
	case p.Elsewhere != "":
		return p.Elsewhere
	}
	return p.Pseudonym + " (" + string(p.Standing) + ")"
}

func joinDid(list []breach.Did) string {
	var words []string
	for _, d := range list {
		words = append(words, string(d))
	}
	return strings.Join(words, " ")
}

func countedTypes(types map[string]int) string {
	var list []string
	for _, typ := range slices.Sorted(maps.Keys(types)) {
		list = append(list, fmt.Sprintf("%d %s", types[typ], typ))
	}
	return strings.Join(list, ", ")
}

// writeProofs puts into a folder what it takes to check each proof: the proof, what it opens, and the keys.
func writeProofs(dir string, sc breach.Scope) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := writePrivate(filepath.Join(dir, "ledger.keys"), []byte(strings.Join(sc.Keys, "\n")+"\n")); err != nil {
		return err
	}
	for _, p := range sc.Proofs {
		text, err := json.MarshalIndent(p, "", "  ")
		if err != nil {
			return fmt.Errorf("encode proof: %w", err)
		}
		name := filepath.Join(dir, fmt.Sprintf("leaf-%d", p.Leaf))
		if err := writePrivate(name+".json", append(text, '\n')); err != nil {
			return err
		}
		if err := writePrivate(name+".tlog-proof", []byte(p.Proof)); err != nil {
			return err
		}
	}
	return nil
}
