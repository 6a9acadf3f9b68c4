package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/attest"
	"github.com/tutela-health/tutela/supply/gate"
	"github.com/tutela-health/tutela/supply/report"
)

type gateCmd struct {
	scanning
	signing
	Path        string         `arg:"" default:"." type:"path" help:"The tree; its policy is .tutela.yaml in it."`
	Format      string         `enum:"text,json" default:"text" help:"${enum}."`
	SARIF       string         `name:"sarif" type:"path" placeholder:"FILE" help:"Write what was found as SARIF too (GitHub code scanning, Jenkins warnings-ng)."`
	CodeQuality string         `name:"codequality" type:"path" placeholder:"FILE" help:"Write what was found for GitLab's merge requests too."`
	MayBeBlind  []supply.Class `placeholder:"CLASS" help:"Let these kinds pass unchecked this time, such as deps where there are no advisories; the verdict says so."`
	Install     bool           `help:"Make the gate this repository's pre-commit hook, and do nothing else."`
}

// Help gives an example.
func (gateCmd) Help() string {
	return `Examples:
  tutela gate .
  tutela gate --install
  tutela gate --sarif findings.sarif --codequality gl-code-quality.json
  tutela gate . --key build.key --report-to https://tutela.example

The verdict depends on the tree, the advisories and the day alone: the same on a laptop and in CI. In a git repository, what git tracks
is judged, and what it does not track and no .gitignore names. Exit codes: 0 passed, 1 failed,
2 it could not judge. Without .tutela.yaml it fails on findings of high severity, on any secret, on what is known to be exploited, and
on what could not be checked. In GitHub Actions it annotates the code by itself.`
}

// Run judges.
func (cmd gateCmd) Run(ctx context.Context, c console) error {
	if cmd.Install {
		return installHook(ctx, c, cmd.Path)
	}
	if err := cmd.check(); err != nil {
		return err
	}
	r, v, err := cmd.judge(ctx, c)
	if err != nil {
		return err
	}
	if err := errors.Join(cmd.tell(c, r, v), cmd.attest(ctx, c, r, v)); err != nil {
		return err
	}
	if !v.Passed {
		return errFound
	}
	return nil
}

// judge scans, reads the tests' results and gives the verdict.
func (cmd gateCmd) judge(ctx context.Context, c console) (*supply.Report, gate.Verdict, error) {
	tree, err := supply.OpenTree(cmd.Path)
	if err != nil {
		return nil, gate.Verdict{}, usage("%v", err)
	}
	defer func() { _ = tree.Close() }() // it was only read
	policy, err := gate.Load(tree.FS())
	if err != nil {
		return nil, gate.Verdict{}, usage("%v", err)
	}
	for _, class := range cmd.MayBeBlind {
		if !slices.Contains(supply.Classes(), class) {
			return nil, gate.Verdict{}, usage("--may-be-blind takes %v, and %q is none of them", supply.Classes(), class)
		}
	}
	policy.MayBeBlind = append(policy.MayBeBlind, cmd.MayBeBlind...)
	tests := policy.ReadTests(tree) // git may well ignore their results
	if err := gate.Tracked(ctx, tree); err != nil {
		return nil, gate.Verdict{}, usage("%v", err)
	}
	policy.Prune(tree, time.Now())
	r, err := cmd.scanTree(ctx, c, cmd.Path, tree)
	if err != nil {
		return nil, gate.Verdict{}, err
	}
	return r, policy.Judge(r, tests, time.Now()), nil
}

// attest signs the verdict and the report, and reports them, where that is asked for.
func (cmd gateCmd) attest(ctx context.Context, c console, r *supply.Report, v gate.Verdict) error {
	if !cmd.wanted() {
		return nil
	}
	subject, err := treeSubject(ctx, cmd.Path)
	if err != nil {
		return err
	}
	verdict, err := attest.OfVerdict(r, v, policyOf(cmd.Path), runPage(), subject)
	if err != nil {
		return err
	}
	list, err := ofScan(r, subject)
	if err != nil {
		return err
	}
	return cmd.hand(ctx, c, append([]attest.Statement{verdict}, list...))
}

// tell writes the verdict wherever it is wanted.
func (cmd gateCmd) tell(c console, r *supply.Report, v gate.Verdict) error {
	for file, write := range map[string]func(io.Writer, *supply.Report) error{cmd.SARIF: report.SARIF, cmd.CodeQuality: report.CodeQuality} {
		if file == "" {
			continue
		}
		var b bytes.Buffer
		if err := errors.Join(write(&b, r), os.WriteFile(file, b.Bytes(), 0o600)); err != nil {
			return usage("write the report: %v", err)
		}
	}
	if cmd.Format == "json" {
		return json.NewEncoder(c.out).Encode(v)
	}
	gate.Tell(c.out, r, v)
	if os.Getenv("GITHUB_ACTIONS") != "true" {
		return nil
	}
	gate.GitHub(c.out, v)
	return jobSummary(os.Getenv("GITHUB_STEP_SUMMARY"), r, v)
}

// jobSummary adds the verdict to the page of a GitHub job.
func jobSummary(file string, r *supply.Report, v gate.Verdict) error {
	if file == "" {
		return nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the job's summary: %w", err)
	}
	gate.Markdown(f, r, v)
	return f.Close()
}

// hook is the pre-commit hook; its second line is how we know it again.
const hook = `#!/bin/sh
# made by tutela gate --install
exec tutela gate "$(git rev-parse --show-toplevel)"
`

// installHook makes the gate a repository's pre-commit hook, where it has no other.
func installHook(ctx context.Context, c console, dir string) error {
	out, err := exec.CommandContext(ctx, "git", "-C", dir, "rev-parse", "--path-format=absolute", "--git-path", "hooks").Output()
	if err != nil {
		return usage("%s is no git repository", dir)
	}
	path := filepath.Join(strings.TrimSpace(string(out)), "pre-commit")
	switch old, err := os.ReadFile(path); {
	case err == nil && string(old) != hook:
		return usage("%s is there already: add the line  tutela gate  to it", path)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("look for a hook: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // git's own folder, as git makes it
		return fmt.Errorf("make the hooks' folder: %w", err)
	}
	if err := os.WriteFile(path, []byte(hook), 0o755); err != nil { //nolint:gosec // a hook is a program that git runs
		return fmt.Errorf("write the hook: %w", err)
	}
	_, err = fmt.Fprintf(c.out, "every commit passes the gate from now on (%s); git commit --no-verify goes round it, CI does not\n", path)
	return err
}
