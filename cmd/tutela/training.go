package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/tutela-health/tutela/assure/training"
)

type trainingCmd struct {
	List        trainingListCmd        `cmd:"" help:"Modules, and who is to take them."`
	Set         trainingSetCmd         `cmd:"" help:"Keep a module from a Markdown file."`
	Starter     trainingStarterCmd     `cmd:"" help:"Keep the modules that a small organisation may begin with."`
	Withdraw    trainingWithdrawCmd    `cmd:"" help:"End a module."`
	Mine        trainingMineCmd        `cmd:"" help:"The modules that are for you, and what you showed."`
	Take        trainingTakeCmd        `cmd:"" help:"Read a module and answer its questions."`
	Lab         trainingLabCmd         `cmd:"" help:"Get a module's broken sample, or hand it in mended."`
	Certificate trainingCertificateCmd `cmd:"" help:"What you passed, as a file that others can verify."`
	Import      trainingImportCmd      `cmd:"" help:"Bring in what people showed elsewhere: a course, a phishing test, a drill."`
}

type trainingListCmd struct {
	target
	All    bool   `help:"Those that were withdrawn, too."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (trainingListCmd) Help() string {
	return "Example: tutela training list --data tutela-data\n\nExit code 1: somebody has not passed one in time."
}

// Run lists modules.
func (cmd trainingListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodGet, "/api/v1/training?all="+strconv.FormatBool(cmd.All), nil)
	if err != nil {
		return err
	}
	var list []training.Kept
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode modules: %w", err)
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
	} else {
		err = writeModules(c, list)
	}
	late := func(k training.Kept) bool {
		return slices.ContainsFunc(k.Missing, func(m training.Missing) bool { return m.Overdue })
	}
	if err == nil && slices.ContainsFunc(list, late) {
		return errFound
	}
	return err
}

func writeModules(c console, list []training.Kept) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(c.out, "there is no module: tutela training starter")
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MODULE\tSTATE\tEVERY\tQUESTIONS\tCURRENT\tTITLE\tNOT PASSED IN TIME")
	for _, k := range list {
		var late []string
		for _, m := range k.Missing {
			if m.Overdue {
				late = append(late, m.Name)
			}
		}
		questions := strconv.Itoa(len(k.Questions))
		if k.Outside {
			questions = "elsewhere"
		}
		fmt.Fprintf(w, "%s\t%s\t%d months\t%s\t%d of %d\t%s\t%s\n", k.ID, k.State, k.Every, questions, k.Concerned-len(k.Missing), k.Concerned, k.Title, dashed(strings.Join(late, ", ")))
	}
	return w.Flush()
}

type trainingSetCmd struct {
	target
	ID   string `arg:"" help:"A short name of a-z, 0-9, '-', '.' and '_'."`
	File string `arg:"" type:"path" help:"Markdown, with title, every (months), pass (percent) and questions as YAML before it."`
}

// Help gives an example.
func (trainingSetCmd) Help() string {
	return `Example: tutela training set hands hands.md --data tutela-data, where hands.md begins with

---
title: Hands
roles: [nurse, physician]
every: 12
pass: 80
questions:
  - ask: When does one wash them?
    answers: [before and after, never]
    right: 1
---

A lab is a broken sample that its takers mend until tutela scan finds nothing in it:

lab:
  files: {chart.py: "..."}
  keeps: [{file: chart.py, has: "what mending leaves"}]

Instead of pass and questions, outside: true says that it is taken elsewhere and its results are brought in.`
}

// Run keeps a module.
func (cmd trainingSetCmd) Run(ctx context.Context, c console) error {
	file, err := os.ReadFile(cmd.File)
	if err != nil {
		return usage("the module cannot be read: %v", err)
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPut, "/api/v1/training/"+url.PathEscape(cmd.ID), map[string]string{"file": string(file)})
	if err != nil {
		return err
	}
	return wroteModule(c, body)
}

func wroteModule(c console, body []byte) error {
	var k training.Kept
	if err := json.Unmarshal(body, &k); err != nil {
		return fmt.Errorf("decode module: %w", err)
	}
	_, err := fmt.Fprintf(c.out, "%s is %s, revision %d\n", k.ID, k.State, k.Revision)
	return err
}

type trainingStarterCmd struct {
	target
}

// Help gives an example.
func (trainingStarterCmd) Help() string {
	return "Example: tutela training starter --data tutela-data\n\nWhat is there already stays as it is."
}

// Run keeps the starter set.
func (cmd trainingStarterCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/training/starter", nil)
	if err != nil {
		return err
	}
	var list []training.Kept
	if err := json.Unmarshal(body, &list); err != nil {
		return fmt.Errorf("decode modules: %w", err)
	}
	for _, k := range list {
		fmt.Fprintf(c.out, "%s: %s\n", k.ID, k.Title)
	}
	_, err = fmt.Fprintf(c.out, "%d modules are there from now on; people have 30 days: tutela training take MODULE\n", len(list))
	return err
}

type trainingWithdrawCmd struct {
	target
	ID string `arg:"" help:"Which."`
}

// Help gives an example.
func (trainingWithdrawCmd) Help() string {
	return "Example: tutela training withdraw hands --data tutela-data"
}

// Run withdraws a module.
func (cmd trainingWithdrawCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodDelete, "/api/v1/training/"+url.PathEscape(cmd.ID), nil)
	if err != nil {
		return err
	}
	return wroteModule(c, body)
}

type trainingMineCmd struct {
	target
}

// Help gives an example.
func (trainingMineCmd) Help() string {
	return "Example: tutela training mine --as nurse --data tutela-data\n\nExit code 1: one is to be taken."
}

// Run lists the caller's modules.
func (cmd trainingMineCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "nurse")
	if err != nil {
		return err
	}
	list, err := client.mineTraining(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MODULE\tTAKE IT BY\tTRIES\tPASSED\tLAST SCORE\tTITLE")
	open := false
	for _, m := range list {
		open = open || !m.Until.IsZero()
		r := training.Result{}
		if m.Result != nil {
			r = *m.Result
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d %%\t%s\n", m.ID, dashedTime(m.Until), m.Tries, dashedTime(r.Last), r.Score, m.Title)
	}
	if err := w.Flush(); err != nil || !open {
		return err
	}
	return errFound
}

func (cl *client) mineTraining(ctx context.Context) (list []training.Mine, err error) {
	body, err := cl.json(ctx, http.MethodGet, "/api/v1/training/mine", nil)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("decode modules: %w", err)
	}
	return list, nil
}

type trainingTakeCmd struct {
	target
	ID      string `arg:"" help:"Which."`
	Answers []int  `placeholder:"N" help:"Your answers, in the order of the questions, as in --answers 2,3,1. Where they are left out you are asked."`
}

// Help gives an example.
func (trainingTakeCmd) Help() string {
	return "Example: tutela training take privacy-basics --as nurse --data tutela-data\n\nExit code 1: not passed; it may be taken again."
}

// Run takes a module.
func (cmd trainingTakeCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "nurse")
	if err != nil {
		return err
	}
	list, err := client.mineTraining(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(m training.Mine) bool { return m.ID == cmd.ID })
	switch {
	case i < 0:
		return usage("no module %q is for you: tutela training mine", cmd.ID)
	case list[i].Outside:
		return usage("%s is taken elsewhere:\n%s", cmd.ID, list[i].Text)
	case len(cmd.Answers) == 0:
		if cmd.Answers, err = asked(c, list[i].Module); err != nil {
			return err
		}
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/training/"+url.PathEscape(cmd.ID)+"/answers", map[string]any{"digest": list[i].Digest, "answers": cmd.Answers})
	if err != nil {
		return err
	}
	var r training.Result
	if err := json.Unmarshal(body, &r); err != nil {
		return fmt.Errorf("decode result: %w", err)
	}
	if !r.Pass {
		fmt.Fprintf(c.out, "%d percent are right, and %d are needed: read it again\n", r.Score, list[i].Pass)
		return errFound
	}
	if list[i].Lab != nil && r.Last.IsZero() {
		_, err = fmt.Fprintf(c.out, "passed with %d percent; the lab is still to be mended: tutela training lab %s --out DIR\n", r.Score, cmd.ID)
		return err
	}
	_, err = fmt.Fprintf(c.out, "passed with %d percent; it counts for %d months\n", r.Score, list[i].Every)
	return err
}

// asked shows a module and asks its questions.
func asked(c console, m training.Module) ([]int, error) {
	fmt.Fprintf(c.out, "%s\n", m.Text)
	in := bufio.NewScanner(os.Stdin)
	var answers []int
	for i, q := range m.Questions {
		fmt.Fprintf(c.out, "%d. %s\n", i+1, q.Ask)
		for n, a := range q.Answers {
			fmt.Fprintf(c.out, "   %d) %s\n", n+1, a)
		}
		fmt.Fprint(c.out, "   your answer: ")
		if !in.Scan() {
			return nil, usage("the questions were not answered: give --answers, or answer on the terminal")
		}
		n, err := strconv.Atoi(strings.TrimSpace(in.Text()))
		if err != nil || n < 1 || n > len(q.Answers) {
			return nil, usage("an answer is a number from 1 to %d; nothing was sent", len(q.Answers))
		}
		answers = append(answers, n)
	}
	return answers, nil
}

type trainingImportCmd struct {
	target
	ID   string `arg:"" help:"Which module, one that is taken elsewhere."`
	File string `arg:"" type:"path" help:"CSV whose first line names the columns person, date, passed (yes or no) and, where it is known, score (percent)."`
}

// Help gives an example.
func (trainingImportCmd) Help() string {
	return `Example: tutela training import phishing campaign.csv --data tutela-data, where campaign.csv is

person,date,passed,score
nurse,2026-11-20,yes,100
physician,2026-11-20,no,

All or nothing: one that is wrong is named. A result that is older than the one that is there is passed over.`
}

// Run brings results in.
func (cmd trainingImportCmd) Run(ctx context.Context, c console) error {
	text, err := os.ReadFile(cmd.File)
	if err != nil {
		return usage("the results cannot be read: %v", err)
	}
	list, err := broughtIn(text)
	if err != nil {
		return err
	}
	client, err := cmd.connect(ctx, "privacy")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/training/"+url.PathEscape(cmd.ID)+"/results", list)
	if err != nil {
		return err
	}
	var got struct {
		Taken int `json:"taken"`
	}
	if err := json.Unmarshal(body, &got); err != nil {
		return fmt.Errorf("decode results: %w", err)
	}
	_, err = fmt.Fprintf(c.out, "%d of %d results are new\n", got.Taken, len(list))
	return err
}

// broughtIn reads a table of results.
func broughtIn(text []byte) ([]training.Brought, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	head, err := r.Read()
	if err != nil {
		return nil, usage("the table has no line that names its columns")
	}
	at := map[string]int{}
	for i, name := range head {
		at[strings.ToLower(strings.TrimSpace(name))] = i
	}
	for _, name := range []string{"person", "date", "passed"} {
		if _, there := at[name]; !there {
			return nil, usage("the table has no column %s", name)
		}
	}
	list := []training.Brought{}
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, usage("the table cannot be read: %v", err)
		}
		line, _ := r.FieldPos(0)
		b := training.Brought{Person: strings.TrimSpace(cells[at["person"]]), Date: strings.TrimSpace(cells[at["date"]])}
		switch strings.ToLower(strings.TrimSpace(cells[at["passed"]])) {
		case "yes", "true", "passed", "1":
			b.Pass = true
		case "no", "false", "failed", "0":
		default:
			return nil, usage("line %d: passed is yes or no", line)
		}
		if i, there := at["score"]; there && strings.TrimSpace(cells[i]) != "" {
			if b.Score, err = strconv.Atoi(strings.TrimSpace(cells[i])); err != nil {
				return nil, usage("line %d: a score is a number of percent", line)
			}
		}
		list = append(list, b)
	}
}
