package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/supply/attest"
	"github.com/tutela-health/tutela/supply/evidence"
	"github.com/tutela-health/tutela/supply/git"
	"github.com/tutela-health/tutela/supply/report"
)

type pipelineCmd struct {
	Register pipelineRegisterCmd `cmd:"" help:"Let the holder of a key report about one repository."`
	List     pipelineListCmd     `cmd:"" help:"Who may report, about which repository."`
	Revoke   pipelineRevokeCmd   `cmd:"" help:"End a pipeline."`
	Approve  pipelineApproveCmd  `cmd:"" help:"Answer for a commit, by an entry in the ledger."`
}

type pipelineRegisterCmd struct {
	target
	Name       string `arg:"" help:"What to call it."`
	Repository string `required:"" placeholder:"URL" help:"The repository that it may speak of, as in https://git.example/clinic/portal."`
	Key        string `required:"" type:"existingfile" placeholder:"FILE" help:"Its public key, as tutela attest key makes it (FILE.pub)."`
	Format     string `enum:"text,json" default:"text" help:"${enum}."`
}

// Help gives an example.
func (pipelineRegisterCmd) Help() string {
	return `Example:
  tutela attest key build.key
  tutela pipeline register portal --repository https://git.example/clinic/portal --key build.key.pub --data tutela-data
  tutela gate . --key build.key --report-to https://localhost:8443 --report-ca tutela-data/ca.pem   # in the pipeline

The key is all that the pipeline has: it signs what is reported, and proves who reports. It opens no record.`
}

// Run registers.
func (cmd pipelineRegisterCmd) Run(ctx context.Context, c console) error {
	key, err := os.ReadFile(cmd.Key)
	if err != nil {
		return usage("read the key: %v", err)
	}
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	body, err := client.json(ctx, http.MethodPost, "/api/v1/pipelines", map[string]string{"name": cmd.Name, "repository": cmd.Repository, "key": string(key)})
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	var p evidence.Pipeline
	if err := json.Unmarshal(body, &p); err != nil {
		return fmt.Errorf("decode answer: %w", err)
	}
	_, err = fmt.Fprintf(c.out, "%s may report about %s, as %s\n", p.Name, p.Repository, p.ID)
	return err
}

type pipelineListCmd struct {
	target
	Format string `enum:"table,json" default:"table" help:"${enum}."`
}

// Help gives an example.
func (pipelineListCmd) Help() string { return "Example: tutela pipeline list --data tutela-data" }

// Run lists.
func (cmd pipelineListCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	body, list, err := client.pipelines(ctx)
	if err != nil {
		return err
	}
	if cmd.Format == "json" {
		_, err = c.out.Write(body)
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tREPOSITORY\tID\tREGISTERED")
	for _, p := range list {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", report.Plain(p.Name), report.Plain(p.Repository), p.ID, p.Registered.Format(time.DateOnly))
	}
	return w.Flush()
}

func (cl *client) pipelines(ctx context.Context) (body []byte, list []evidence.Pipeline, err error) {
	if body, err = cl.json(ctx, http.MethodGet, "/api/v1/pipelines", nil); err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, nil, fmt.Errorf("decode pipelines: %w", err)
	}
	return body, list, nil
}

type pipelineRevokeCmd struct {
	target
	Pipeline string `arg:"" help:"Its id; its name, where one pipeline alone has it."`
}

// Help gives an example.
func (pipelineRevokeCmd) Help() string {
	return `Example: tutela pipeline revoke portal --data tutela-data

Its tokens are dead at once, and its key is not taken again; what it reported stays.`
}

// Run revokes.
func (cmd pipelineRevokeCmd) Run(ctx context.Context, c console) error {
	client, err := cmd.connect(ctx, "admin")
	if err != nil {
		return err
	}
	_, list, err := client.pipelines(ctx)
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(p evidence.Pipeline) bool { return p.ID != cmd.Pipeline && p.Name != cmd.Pipeline })
	switch {
	case len(list) == 0:
		return errs.New(errs.NotFound, "there is no pipeline %s: see tutela pipeline list", cmd.Pipeline)
	case len(list) > 1:
		return usage("%d pipelines are called %s: name one by its id, as tutela pipeline list shows it", len(list), cmd.Pipeline)
	}
	if _, err := client.json(ctx, http.MethodDelete, "/api/v1/pipelines/"+url.PathEscape(list[0].ID), nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s reports no more\n", list[0].Name)
	return err
}

type pipelineApproveCmd struct {
	target
	Commit string `arg:"" default:"HEAD" help:"The commit, by a name that the repository knows."`
	Tree   string `default:"." type:"existingdir" help:"The repository."`
	Note   string `help:"What you looked at."`
}

// Help gives an example.
func (pipelineApproveCmd) Help() string {
	return `Example: tutela pipeline approve v1.3.0 --note "threat model updated" --data tutela-data --as developer

It is for people: administrators and developers, under their own names. tutela changelog --ledger tells of it.`
}

// Run approves.
func (cmd pipelineApproveCmd) Run(ctx context.Context, c console) error {
	repo, address, err := openRepository(ctx, cmd.Tree)
	if err != nil {
		return err
	}
	commit, err := repo.Resolve(ctx, cmd.Commit)
	if err != nil {
		return usage("%v", err)
	}
	client, err := cmd.connect(ctx, "developer")
	if err != nil {
		return err
	}
	if _, err := client.json(ctx, http.MethodPost, "/api/v1/approvals", map[string]string{"repository": address, "commit": commit, "note": cmd.Note}); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.out, "%s is approved\n", commit)
	return err
}

// openRepository opens a repository that says where it comes from.
func openRepository(ctx context.Context, dir string) (repo *git.Repository, address string, err error) {
	if repo, err = git.Open(dir); err != nil {
		return nil, "", usage("%v", err)
	}
	if repo == nil {
		return nil, "", usage("%s is no git repository", dir)
	}
	if address = attest.Origin(ctx, repo); address == "" {
		return nil, "", usage("the repository does not say where it comes from: git remote add origin URL")
	}
	return repo, address, nil
}
