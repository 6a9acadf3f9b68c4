package main

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/tutela-health/tutela/supply/changelog"
	"github.com/tutela-health/tutela/supply/git"
)

type changelogCmd struct {
	Range  string `arg:"" optional:"" name:"FROM..TO" help:"Commits, branches or tags; from the last tag to HEAD when it is left out."`
	Tree   string `default:"." type:"existingdir" help:"The repository."`
	Ledger bool   `help:"Tell too what the ledger of the system in --data has: gate results, waivers that excused something, approvals under people's own names."`
	Format string `enum:"markdown,json" default:"markdown" help:"${enum}."`
	advisoryFolder
	target
}

// Help gives an example.
func (changelogCmd) Help() string {
	return `Examples:
  tutela changelog
  tutela changelog v1.2.0..v1.3.0 --format json
  tutela changelog v1.2.0..v1.3.0 --ledger --data tutela-data

It tells the commits, the dependencies that changed by the lock files of both ends, the known vulnerabilities that went and came, the
waivers in .tutela.yaml, and approvals as commits' trailers claim them (Reviewed-by, Approved-by, Acked-by).`
}

// Run tells.
func (cmd changelogCmd) Run(ctx context.Context, c console) error {
	repo, err := git.Open(cmd.Tree)
	if err != nil {
		return usage("%v", err)
	}
	if repo == nil {
		return usage("%s is no git repository", cmd.Tree)
	}
	from, to, err := ends(ctx, repo, cmd.Range)
	if err != nil {
		return usage("%v", err)
	}
	scanner, err := cmd.advisoryFolder.scanner()
	if err != nil {
		return err
	}
	log, err := changelog.Maker{Repo: repo, Packages: scanner, Now: time.Now()}.Between(ctx, from, to)
	if err != nil {
		return err
	}
	if cmd.Ledger {
		if log, err = cmd.recorded(ctx, log); err != nil {
			return err
		}
	}
	if cmd.Format == "json" {
		return json.NewEncoder(c.out).Encode(log)
	}
	return log.Markdown(c.out)
}

// recorded adds what the ledger has of the repository.
func (cmd changelogCmd) recorded(ctx context.Context, log changelog.Log) (changelog.Log, error) {
	_, address, err := openRepository(ctx, cmd.Tree)
	if err != nil {
		return log, err
	}
	client, err := cmd.connect(ctx, "auditor")
	if err != nil {
		return log, err
	}
	r, err := client.recorded(ctx, address)
	return log.With(r), err
}

// ends are the two commits that a range names.
func ends(ctx context.Context, repo *git.Repository, named string) (from, to string, err error) {
	first, last, ok := strings.Cut(named, "..")
	if named != "" && !ok {
		first, last = named, "HEAD"
	}
	if last == "" {
		last = "HEAD"
	}
	if to, err = repo.Resolve(ctx, last); err != nil {
		return "", "", err
	}
	if first == "" {
		if first = repo.LastTag(ctx, to); first == "" {
			return "", to, nil
		}
	}
	from, err = repo.Resolve(ctx, first)
	return from, to, err
}
