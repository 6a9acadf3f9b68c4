package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/gate"
	"github.com/tutela-health/tutela/supply/infra"
	"github.com/tutela-health/tutela/supply/pipeline"
	"github.com/tutela-health/tutela/supply/report"
	"github.com/tutela-health/tutela/supply/sarif"
	"github.com/tutela-health/tutela/supply/scm"
	"github.com/tutela-health/tutela/supply/secrets"
	"github.com/tutela-health/tutela/supply/source"
)

type scanCmd struct {
	scanning
	signing
	Path   string `arg:"" default:"." type:"path" help:"A folder, a file."`
	Format string `enum:"table,json,sarif,cyclonedx,html" default:"table" help:"${enum}."`
	Output string `short:"o" type:"path" placeholder:"FILE" help:"Write there instead of to standard output."`
}

// Help gives an example.
func (scanCmd) Help() string {
	return `Examples:
  tutela scan .
  tutela scan --only secrets --format sarif -o findings.sarif src
  tutela scan --only scm --scm clinic/portal --scm-token /run/secrets/github
  tutela scan --only deps --format cyclonedx -o shipped.cdx.json

It needs no server and no network, but for --scm and --report-to. What could not be checked is said, and is never clean: where a whole kind of
check could not run the exit code is 2, where something was found 1.`
}

// scanning is what scan and gate share.
type scanning struct {
	Only       []supply.Class `placeholder:"CLASS" help:"Check these kinds alone: secrets, sast, deps, iac, ci, scm."`
	SARIFFrom  []string       `name:"sarif-from" type:"existingfile" placeholder:"FILE" help:"Take in what other tools found in this tree, as SARIF (Semgrep, CodeQL, Trivy ...); it counts like what is found here."`
	NoCache    bool           `help:"Look into every file again, also into those that did not change."`
	Repository string         `name:"scm" placeholder:"OWNER/NAME" help:"Ask GitHub how this repository is guarded. The token is taken from $$GITHUB_TOKEN or --scm-token."`
	TokenFile  string         `name:"scm-token" type:"existingfile" placeholder:"FILE" help:"Holds a token that may read the repository's administration, its webhooks and its organisation's members."`
	API        string         `name:"scm-api" placeholder:"URL" help:"Where GitHub Enterprise Server answers: https://HOST/api/v3."`
	advisoryFolder
}

// scanners are all that there are, in the order of the report.
func (s scanning) scanners() (files []supply.FileScanner, trees []supply.TreeScanner, err error) {
	credentials, err := secrets.New()
	if err != nil {
		return nil, nil, err
	}
	packages, err := s.advisoryFolder.scanner()
	if err != nil {
		return nil, nil, err
	}
	code := source.NewCode()
	files = []supply.FileScanner{credentials, source.PatientData{}, code, source.Templates{}, pipeline.Scanner{}}
	trees = []supply.TreeScanner{credentials.History(), packages, source.Go{}, source.NewAcross(code), infra.Scanner{}}
	hub, err := s.sourceControl()
	if err == nil && hub != nil {
		trees = append(trees, *hub)
	}
	return files, trees, err
}

// sourceControl is who asks how the repository is guarded; nil where nobody wants to know.
func (s scanning) sourceControl() (*scm.GitHub, error) {
	if s.Repository == "" {
		if slices.Contains(s.Only, supply.SourceControl) {
			return nil, usage("say which repository to ask GitHub about: --scm OWNER/NAME")
		}
		return nil, nil
	}
	hub := &scm.GitHub{Repository: s.Repository, API: s.API, Token: os.Getenv("GITHUB_TOKEN")}
	if s.TokenFile != "" {
		text, err := os.ReadFile(s.TokenFile)
		if err != nil {
			return nil, usage("read the token: %v", err)
		}
		hub.Token = strings.TrimSpace(string(text))
	}
	if err := hub.Check(); err != nil {
		return nil, usage("--scm: %v", err)
	}
	return hub, nil
}

// Run scans.
func (cmd scanCmd) Run(ctx context.Context, c console) error {
	if err := cmd.check(); err != nil {
		return err
	}
	r, err := cmd.scan(ctx, c, cmd.Path)
	if err != nil {
		return err
	}
	if err := errors.Join(cmd.write(c, r), cmd.attest(ctx, c, r)); err != nil {
		return err
	}
	return outcome(r)
}

// attest signs the report, and reports it, where that is asked for.
func (cmd scanCmd) attest(ctx context.Context, c console, r *supply.Report) error {
	if !cmd.wanted() {
		return nil
	}
	subject, err := treeSubject(ctx, cmd.Path)
	if err != nil {
		return err
	}
	list, err := ofScan(r, subject)
	if err != nil {
		return err
	}
	return cmd.hand(ctx, c, list)
}

// outcome is how a command ends over a report.
func outcome(r *supply.Report) error {
	switch blind := r.Blind(); {
	case len(blind) > 0:
		return fmt.Errorf("%s could not be checked: %s", blind[0].Class, blind[0].Blind)
	case len(r.Counting()) > 0:
		return errFound
	}
	return nil
}

// scan looks at a tree as a person does: with its waivers, and with what other tools' files leave out.
func (s scanning) scan(ctx context.Context, c console, path string) (*supply.Report, error) {
	tree, err := supply.OpenTree(path)
	if err != nil {
		return nil, usage("%v", err)
	}
	defer func() { _ = tree.Close() }() // it was only read
	policy, err := gate.Load(tree.FS())
	if err != nil {
		return nil, usage("%v", err)
	}
	policy.Prune(tree, time.Now())
	r, err := s.scanTree(ctx, c, path, tree)
	if err != nil {
		return nil, err
	}
	for _, why := range policy.Show(r, time.Now()) {
		fmt.Fprintln(c.err, "tutela:", report.Plain(why))
	}
	return r, nil
}

// scanTree runs what is asked for.
func (s scanning) scanTree(ctx context.Context, c console, path string, tree *supply.Tree) (*supply.Report, error) {
	run, classes, err := s.chosen()
	if err != nil {
		return nil, err
	}
	if !s.NoCache {
		if run.Cache, err = openCache(path); err != nil {
			fmt.Fprintln(c.err, "tutela: going on without what was remembered:", err)
		}
	}
	if run.Others, err = s.others(tree); err != nil {
		return nil, err
	}
	run.Clock, run.Tool = clock.System, tool()
	var done func()
	run.Progress, done = progressBar(c.err, "files checked")
	r, err := run.Run(ctx, tree)
	done()
	if err != nil {
		return nil, err
	}
	r.Target = path
	ignores, err := secrets.ReadIgnores(tree)
	if err != nil {
		return nil, err
	}
	ignores.Excuse(r)
	if err := run.Cache.Save(classes); err != nil {
		fmt.Fprintln(c.err, "tutela: what was found is not remembered:", err)
	}
	return r, nil
}

// others reads what other tools found.
func (s scanning) others(tree *supply.Tree) (list []supply.Result, err error) {
	for _, name := range s.SARIFFrom {
		info, err := os.Stat(name)
		if err != nil || info.Size() > sarif.MaxFile || !info.Mode().IsRegular() {
			return nil, usage("%s is no file of at most %d MiB", name, sarif.MaxFile>>20)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, usage("%v", err)
		}
		got, err := sarif.Import(name, text, tree)
		if err != nil {
			return nil, usage("%v", err)
		}
		list = append(list, got...)
	}
	return list, nil
}

// chosen gives the scanners of the classes that are asked for.
func (s scanning) chosen() (run supply.Scan, classes []supply.Class, err error) {
	for _, class := range s.Only {
		if !slices.Contains(supply.Classes(), class) {
			return run, nil, usage("--only takes %v, and %q is none of them", supply.Classes(), class)
		}
	}
	wanted := func(c supply.Class) bool { return len(s.Only) == 0 || slices.Contains(s.Only, c) }
	files, trees, err := s.scanners()
	if err != nil {
		return run, nil, err
	}
	for _, f := range files {
		if wanted(f.Class()) {
			run.Files, classes = append(run.Files, f), append(classes, f.Class())
		}
	}
	for _, t := range trees {
		if wanted(t.Class()) {
			run.Trees, classes = append(run.Trees, t), append(classes, t.Class())
		}
	}
	for _, class := range s.Only {
		if !slices.Contains(classes, class) {
			return run, nil, usage("this version cannot check %s", class)
		}
	}
	if len(classes) == 0 {
		return run, nil, errors.New("there is nothing to check with")
	}
	return run, classes, nil
}

// openCache opens what was remembered of a tree.
func openCache(path string) (*supply.Cache, error) {
	folder, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	return supply.OpenCache(filepath.Join(folder, "tutela", "scan"), path)
}

// write gives the report in the form asked for.
func (cmd scanCmd) write(c console, r *supply.Report) error {
	w := c.out
	if cmd.Output != "" {
		f, err := os.OpenFile(cmd.Output, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
		if err != nil {
			return usage("write the report: %v", err)
		}
		return errors.Join(writers()[cmd.Format](f, r), f.Close())
	}
	return writers()[cmd.Format](w, r)
}

// writers are the forms of a report.
func writers() map[string]func(io.Writer, *supply.Report) error {
	return map[string]func(io.Writer, *supply.Report) error{
		"table": report.Table, "json": report.JSON, "sarif": report.SARIF, "cyclonedx": report.CycloneDX, "html": report.HTML,
	}
}

// progressBar shows how far something is, when a person looks: ten times a second at most.
func progressBar(w io.Writer, what string) (tell func(done, of int), end func()) {
	f, ok := w.(*os.File)
	if !ok {
		return nil, func() {}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil, func() {}
	}
	var last time.Time
	return func(done, of int) {
			if now := time.Now(); now.Sub(last) > 100*time.Millisecond {
				last = now
				fmt.Fprintf(f, "\r%d of %d %s", done, of, what)
			}
		}, func() {
			fmt.Fprint(f, "\r\x1b[K")
		}
}
