package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps"
	lockfile "github.com/tutela-health/tutela/supply/deps/lock"
	"github.com/tutela-health/tutela/supply/deps/osv"
	"github.com/tutela-health/tutela/supply/evidence"
	"github.com/tutela-health/tutela/supply/report"
)

// advisoryFolder says where advisories are kept.
type advisoryFolder struct {
	DB string `name:"db" env:"TUTELA_ADVISORIES" type:"path" placeholder:"DIR" help:"The folder of imported advisories (by default in your cache folder)."`
}

// dir is the folder, and flag what names it in advice.
func (f advisoryFolder) dir() (dir, flag string, err error) {
	if f.DB != "" {
		return f.DB, "--db '" + strings.ReplaceAll(f.DB, "'", `'\''`) + "'", nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", "", usage("say where the advisories are: --db DIR (%v)", err)
	}
	return filepath.Join(cache, "tutela", "advisories"), "", nil
}

// scanner finds vulnerable dependencies by the advisories in the folder.
func (f advisoryFolder) scanner() (supply.TreeScanner, error) {
	dir, flag, err := f.dir()
	return deps.Scanner{Dir: dir, Flag: flag, Clock: clock.System}, err
}

type advisoriesCmd struct {
	Import advisoriesImportCmd `cmd:"" help:"Take in advisories (OSV zips of one ecosystem) and what is known to be exploited (CISA KEV)."`
	List   advisoriesListCmd   `cmd:"" help:"What is there, and how old it is."`
	Match  advisoriesMatchCmd  `cmd:"" help:"Hold stored bills of materials against the advisories: which of them touch us."`
}

type advisoriesImportCmd struct {
	advisoryFolder
	Files []string `arg:"" optional:"" name:"ZIP" type:"existingfile" help:"all.zip of an ecosystem, as osv.dev publishes it; or single OSV records (.json), such as a vendor's bulletin."`
	KEV   string   `name:"kev" type:"existingfile" placeholder:"FILE" help:"CISA's known_exploited_vulnerabilities.json."`
}

// Help gives an example.
func (advisoriesImportCmd) Help() string {
	return `Example, where there is a network:
  curl -fLo go.zip https://osv-vulnerabilities.storage.googleapis.com/Go/all.zip
  curl -fLo kev.json https://www.cisa.gov/sites/default/files/feeds/known_exploited_vulnerabilities.json
  tutela advisories import go.zip --kev kev.json

What is imported takes the place of what was there of the same ecosystem. Scanning itself never uses a network.`
}

// Run imports.
func (cmd advisoriesImportCmd) Run(ctx context.Context, c console) error {
	if len(cmd.Files) == 0 && cmd.KEV == "" {
		return usage("name a zip, or --kev FILE")
	}
	return cmd.with(func(store *osv.Store) error {
		for _, file := range cmd.Files {
			if err := importFile(ctx, c, store, file); err != nil {
				return err
			}
		}
		if cmd.KEV == "" {
			return nil
		}
		n, released, err := store.ImportExploited(cmd.KEV)
		if err == nil {
			fmt.Fprintf(c.out, "known to be exploited: %d, of %s\n", n, released.Format(time.DateOnly))
		}
		return err
	})
}

// importFile takes a zip, or a single record.
func importFile(ctx context.Context, c console, store *osv.Store, file string) error {
	if filepath.Ext(file) == ".json" {
		a, err := store.ImportBulletin(file)
		if err == nil {
			fmt.Fprintf(c.out, "%s: a bulletin on %d packages\n", a.ID, len(a.Affected))
		}
		return err
	}
	tell, end := progressBar(c.err, "advisories read")
	got, err := store.Import(ctx, file, time.Now(), tell)
	end()
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s: %d advisories, the newest of %s", got.Ecosystem, got.Entries, got.Newest.Format(time.DateOnly))
	if got.Rejected > 0 {
		fmt.Fprintf(c.out, "; %d could not be read", got.Rejected)
	}
	_, err = fmt.Fprintln(c.out)
	return err
}

// with opens the folder for do.
func (f advisoryFolder) with(do func(*osv.Store) error) error {
	dir, _, err := f.dir()
	if err != nil {
		return err
	}
	store, err := osv.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(do(store), store.Close())
}

type advisoriesListCmd struct {
	advisoryFolder
	Format string `enum:"table,json" default:"table" help:"${enum}."`
}

// Help gives an example.
func (advisoriesListCmd) Help() string { return "Example: tutela advisories list" }

// Run lists.
func (cmd advisoriesListCmd) Run(ctx context.Context, c console) error {
	return cmd.with(func(store *osv.Store) error {
		list, err := store.List(ctx)
		if err != nil {
			return err
		}
		exploited, released := store.ExploitedList()
		if cmd.Format == "json" {
			return json.NewEncoder(c.out).Encode(map[string]any{"collections": list, "bulletins": store.Bulletins(), "exploited": map[string]any{"entries": exploited, "released": released}})
		}
		if len(list)+store.Bulletins() == 0 && exploited == 0 {
			fmt.Fprintln(c.out, "no advisories are there; tutela advisories import --help says how to get them")
			return nil
		}
		w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ECOSYSTEM\tADVISORIES\tNEWEST\tAGE\tIMPORTED")
		for _, l := range list {
			fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", l.Ecosystem, l.Entries, l.Newest.Format(time.DateOnly), days(l.Newest), l.Imported.Format(time.DateOnly))
		}
		if exploited > 0 {
			fmt.Fprintf(w, "known to be exploited (CISA)\t%d\t%s\t%s\t\n", exploited, released.Format(time.DateOnly), days(released))
		}
		if n := store.Bulletins(); n > 0 {
			fmt.Fprintf(w, "bulletins\t%d\t\t\t\n", n)
		}
		return w.Flush()
	})
}

func days(t time.Time) string { return fmt.Sprintf("%d days", int(time.Since(t).Hours()/24)) }

type advisoriesMatchCmd struct {
	advisoryFolder
	target
	Bills  []string `arg:"" optional:"" name:"SBOM" type:"existingfile" help:"Bills of materials: CycloneDX or SPDX, as JSON."`
	Stored bool     `help:"Take the newest bill of each repository that pipelines reported to the system in --data."`
	Format string   `enum:"table,json,sarif,cyclonedx,html" default:"table" help:"${enum}."`
}

// Help gives an example.
func (advisoriesMatchCmd) Help() string {
	return `Example:
  tutela scan . --format cyclonedx -o shipped.cdx.json
  tutela advisories import newer.zip && tutela advisories match shipped.cdx.json
  tutela advisories match --stored --data tutela-data

Exit codes: 0 none touches them, 1 some do, 2 an ecosystem in them has no advisories.`
}

// maxBill bounds a bill of materials, in bytes.
const maxBill = 256 << 20

// Run matches.
func (cmd advisoriesMatchCmd) Run(ctx context.Context, c console) error {
	_, flag, err := cmd.dir()
	if err != nil {
		return err
	}
	bills, err := cmd.bills(ctx)
	if err != nil {
		return err
	}
	r := &supply.Report{Target: fmt.Sprintf("%d bills of materials", len(bills)), Tool: "tutela " + version().Version, Began: time.Now().UTC(), Files: len(bills)}
	checked := supply.Checked{Class: supply.Dependencies, Files: len(bills)}
	for _, b := range bills {
		for _, m := range b.list.Missed {
			checked.Failed = append(checked.Failed, b.name+": "+m)
		}
		r.Components = append(r.Components, b.list.Components...)
	}
	err = cmd.with(func(store *osv.Store) error {
		m, err := deps.Match(ctx, store, r.Components, time.Now())
		r.Findings, r.Data, checked.Blind = m.Findings, m.Data, deps.Advice(m.Absent, flag)
		checked.Failed = append(checked.Failed, m.Failed...)
		return err
	})
	if err != nil {
		return err
	}
	r.Checked = []supply.Checked{checked}
	r.Finish(time.Now())
	if err := writers()[cmd.Format](c.out, r); err != nil {
		return err
	}
	return outcome(r)
}

// namedBill is a bill of materials with where it comes from.
type namedBill struct {
	name string
	list *lockfile.List
}

// bills are those of the files that were named, and of the server where that is wanted.
func (cmd advisoriesMatchCmd) bills(ctx context.Context) (all []namedBill, err error) {
	if len(cmd.Bills) == 0 && !cmd.Stored {
		return nil, usage("name a bill of materials, or --stored")
	}
	for _, file := range cmd.Bills {
		l, err := readBill(file)
		if err != nil {
			return nil, err
		}
		all = append(all, namedBill{file, l})
	}
	if !cmd.Stored {
		return all, nil
	}
	client, err := cmd.connect(ctx, "developer")
	if err != nil {
		return nil, err
	}
	stored, err := client.storedBills(ctx)
	if err == nil && len(stored) == 0 && len(all) == 0 {
		err = errs.New(errs.NotFound, "no pipeline reported a bill of materials yet: tutela gate --report-to")
	}
	return append(all, stored...), err
}

// storedBills are the newest of each repository that pipelines reported.
func (cl *client) storedBills(ctx context.Context) (all []namedBill, err error) {
	body, err := cl.json(ctx, http.MethodGet, "/api/v1/sboms", nil)
	if err != nil {
		return nil, err
	}
	var list []evidence.Bill
	if err := json.Unmarshal(body, &list); err != nil {
		return nil, fmt.Errorf("decode bills of materials: %w", err)
	}
	seen := map[string]bool{}
	for _, b := range list { // the newest first
		if seen[b.Repository] {
			continue
		}
		seen[b.Repository] = true
		text, err := cl.json(ctx, http.MethodGet, "/api/v1/sboms/"+url.PathEscape(b.ID), nil)
		if err != nil {
			return nil, err
		}
		name := b.Repository + "@" + cmp.Or(b.Commit, b.Files)
		l, err := lockfile.ReadBill(name, text)
		if err != nil {
			return nil, fmt.Errorf("the bill of %s: %w", name, err)
		}
		all = append(all, namedBill{name, l})
	}
	return all, nil
}

func readBill(file string) (*lockfile.List, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, usage("%v", err)
	}
	if info.Size() > maxBill {
		return nil, usage("%s is larger than %d MiB", file, maxBill>>20)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, usage("%v", err)
	}
	l, err := lockfile.ReadBill(file, text)
	if err != nil {
		return nil, usage("%s: %v", report.Plain(file), err)
	}
	return l, nil
}
