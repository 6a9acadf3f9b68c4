package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"text/tabwriter"

	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/assure/vendor"
	"github.com/tutela-health/tutela/internal/errs"
)

type answersOwnCmd struct {
	Show   answersOwnShowCmd   `cmd:"" help:"What we answer ourselves."`
	Import answersOwnImportCmd `cmd:"" help:"Answer the questionnaire once, from a CSV file, for all who ask."`
	Share  answersOwnShareCmd  `cmd:"" help:"Write our answers to a file, sealed by our ledger."`
	Read   answersOwnReadCmd   `cmd:"" help:"Verify somebody's sealed answers and show them, without a server."`
	Take   answersOwnTakeCmd   `cmd:"" help:"Assess a vendor by its own sealed answers."`
}

type answersOwnShowCmd struct {
	target
	Format string `enum:"table,json,csv" default:"table" help:"table, json or csv."`
}

// Help gives an example.
func (answersOwnShowCmd) Help() string {
	return "Example: tutela vendors answers show --data tutela-data"
}

// Run shows our answers.
func (cmd answersOwnShowCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	own, body, err := client.ownAnswers(ctx)
	if err != nil {
		return err
	}
	q, err := vendor.Shipped()
	if err != nil {
		return err
	}
	switch cmd.Format {
	case "json":
		_, err = c.out.Write(body)
		return err
	case "csv":
		return vendor.WriteAnswers(c.out, q, vendor.Kept{Vendor: vendor.Vendor{Answers: own.Answers}})
	}
	fmt.Fprintf(c.out, "%s: %s\nscore %d, revision %d of %s by %s\n\n", own.Name, own.Service, own.Score, own.Revision, dashedTime(own.At), own.By)
	return writeAnswers(c.out, q, own.Answers)
}

func writeAnswers(out io.Writer, q vendor.Questionnaire, answers map[string]vendor.Answer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "QUESTION\tANSWER\tUNTIL\tHOW")
	for _, one := range q.Questions {
		a := answers[one.ID]
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", one.ID, dashed(string(a.Is)), dashedDay(a.Until), a.Text)
	}
	return w.Flush()
}

func (cl *client) ownAnswers(ctx context.Context) (own vendor.KeptOwn, body []byte, err error) {
	body, err = cl.json(ctx, http.MethodGet, "/api/v1/questionnaire/answers", nil)
	if err != nil {
		return own, nil, err
	}
	if err := json.Unmarshal(body, &own); err != nil {
		return own, nil, fmt.Errorf("decode answers: %w", err)
	}
	return own, body, nil
}

type answersOwnImportCmd struct {
	target
	File    string `arg:"" type:"existingfile" help:"CSV, as tutela vendors questionnaire export writes it."`
	Name    string `required:"" help:"Who answers: the name of the organisation."`
	Service string `required:"" help:"For which service."`
}

// Help gives an example.
func (answersOwnImportCmd) Help() string {
	return `Example: tutela vendors answers import ours.csv --name "Acme Imaging" --service "reading X-rays" --data tutela-data`
}

// Run answers.
func (cmd answersOwnImportCmd) Run(ctx context.Context, c console) error {
	q, err := vendor.Shipped()
	if err != nil {
		return err
	}
	f, err := os.Open(cmd.File)
	if err != nil {
		return err
	}
	defer f.Close()
	sheets, err := q.ReadAnswers(f)
	if err != nil {
		return err
	}
	if len(sheets) != 1 {
		return usage("%s has the answers of %d, and not of one", cmd.File, len(sheets))
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	before, _, err := client.ownAnswers(ctx)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	body, err := client.json(ctx, http.MethodPut, "/api/v1/questionnaire/answers", struct {
		Revision int64 `json:"revision"`
		vendor.Own
	}{before.Revision, vendor.Own{Name: cmd.Name, Service: cmd.Service, Answers: sheets[0].Answers}})
	if err != nil {
		return err
	}
	var own vendor.KeptOwn
	if err := json.Unmarshal(body, &own); err != nil {
		return fmt.Errorf("decode answers: %w", err)
	}
	_, err = fmt.Fprintf(c.out, "our answers are kept, revision %d; score %d\n", own.Revision, own.Score)
	return err
}

type answersOwnShareCmd struct{ target }

// Help gives an example.
func (answersOwnShareCmd) Help() string {
	return `Example: tutela vendors answers share --data tutela-data > acme.json

Whoever gets the file verifies it by the key of your ledger, which it gets from you: https://HOST/ledger/key. It learns the answers, the
name of your tenant, and how many entries your ledger has.`
}

// Run shares.
func (cmd answersOwnShareCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/questionnaire/answers/share", nil)
	if err == nil {
		_, err = c.out.Write(body)
	}
	return err
}

// sealedAnswers is a file of sealed answers and the key that it is verified by.
type sealedAnswers struct {
	File string `arg:"" type:"existingfile" help:"As tutela vendors answers share writes it."`
	Key  string `required:"" help:"A file with the verifier keys of the vendor's ledger, or the key itself: from the vendor, and not out of the file."`
}

// read gives both. Nothing is verified.
func (cmd sealedAnswers) read() (st dossier.Statement, vkeys []string, err error) {
	if vkeys, err = dossier.Keys(cmd.Key); err != nil {
		return st, nil, err
	}
	f, err := os.Open(cmd.File)
	if err != nil {
		return st, nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, dossier.MaxStatement+1))
	if err != nil {
		return st, nil, fmt.Errorf("read %s: %w", cmd.File, err)
	}
	st, err = dossier.ReadStatement(text)
	return st, vkeys, err
}

type answersOwnReadCmd struct{ sealedAnswers }

// Help gives an example.
func (answersOwnReadCmd) Help() string {
	return `Example: tutela vendors answers read acme.json --key acme.key

Exit code 1: the answers are not what the ledger of this key says.`
}

// Run verifies and shows.
func (cmd answersOwnReadCmd) Run(c console) error {
	st, vkeys, err := cmd.read()
	if err != nil {
		return err
	}
	text, src, err := vendor.ReadShared(st, vkeys...)
	if err != nil {
		fmt.Fprintln(c.err, "tutela: this is NOT what the ledger of this key says:", errs.Public(err))
		return errFound
	}
	q, err := vendor.Shipped()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s: %s\nentry %d of ledger %s, %s\nversion %d of the questionnaire\n\n", text.Name, text.Service, src.Leaf, src.Origin, dashedTime(src.At), text.Questionnaire)
	return writeAnswers(c.out, q, text.Answers)
}

type answersOwnTakeCmd struct {
	target
	ID string `arg:"" help:"Which vendor."`
	sealedAnswers
	Waive map[string]string `placeholder:"QUESTION=WHY" mapsep:"none" help:"A question that is not answered well, and why nothing is to be put right. May be repeated."`
	assessing
}

// Help gives an example.
func (answersOwnTakeCmd) Help() string {
	return `Example: tutela vendors answers take acme acme.json --key acme.key --next 2027-11-01 --until 2027-03-01 --data tutela-data

The server verifies the answers; they are not older than a year, nor than those that were taken before.`
}

// Run assesses by sealed answers.
func (cmd answersOwnTakeCmd) Run(ctx context.Context, c console) error {
	st, vkeys, err := cmd.read()
	if err != nil {
		return err
	}
	var a vendor.Assessment
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
	t := vendor.Taken{Revision: before[len(before)-1].Revision, Statement: st, Keys: vkeys, Next: a.Next, Until: a.Until, Waive: cmd.Waive}
	return client.vendorChange(ctx, c, http.MethodPost, cmd.ID, "/statement", t)
}
