package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/tutela-health/tutela/detect/simulate"
)

type simulateCmd struct {
	To       string  `required:"" type:"path" help:"Folder to write into; made when it is not there, and it must be empty."`
	Seed     uint64  `default:"1" help:"The same seed gives the same bytes."`
	Staff    int     `default:"2000" help:"People who work there, 60 to 20000."`
	Patients int     `default:"50000" help:"Charts that exist, 500 to 1000000."`
	Days     int     `default:"90" help:"How long, 1 to 400."`
	Start    string  `default:"2026-08-17" help:"The first day."`
	Misuse   float64 `default:"0.003" help:"Share of staff-days that hold misuse, 0 to 0.2."`
	As       string  `enum:"ledger,atna" default:"ledger" help:"ledger: entries as Tutela keeps them. atna: another system's audit messages, and HL7 messages."`
	Ledger   string  `type:"path" help:"Append the entries to the ledger of this try-out system as well; made when it is not there, for tutela dev."`
	Web      int     `help:"Requests a day to a patient portal, whose access log is written as well; 0 writes none."`
	Attacks  float64 `help:"Share of those requests that are attacks, 0 to 1."`
	Format   string  `enum:"table,json" default:"table" help:"table or json, of the summary."`
}

// Help gives an example.
func (simulateCmd) Help() string {
	return `Example: tutela simulate --staff 200 --patients 3000 --days 20 --seed 7 --to /tmp/hospital

Invents a hospital and some months of it: events.ndjson, roster.ndjson, relations.ndjson and charts.ndjson, as
tutela detect replay reads them, and truth.ndjson, which says what was misuse and which no detector reads.
docs/simulation.md tells how.

With --ledger DIR the entries also become the history of a try-out system: tutela dev --data DIR`
}

// Run writes the hospital and prints what it holds.
func (cmd simulateCmd) Run(ctx context.Context, c console) error {
	conf, err := cmd.config()
	if err != nil {
		return err
	}
	if cmd.Web < 0 || cmd.Attacks < 0 || cmd.Attacks > 1 {
		return usage("--web is a number of requests, and --attacks a share from 0 to 1")
	}
	if err := emptyFolder(cmd.To); err != nil {
		return err
	}
	to, err := cmd.files()
	if err != nil {
		return err
	}
	sum, err := cmd.write(ctx, c, conf, to)
	if err != nil {
		return err
	}
	if cmd.Web > 0 {
		if err := simulate.Web(ctx, conf, simulate.WebConfig{Requests: cmd.Web, Attacks: cmd.Attacks}, cmd.To); err != nil {
			return err
		}
	}
	return cmd.print(c, sum)
}

// write runs the simulation into its files, and into a ledger where one is named.
func (cmd simulateCmd) write(ctx context.Context, c console, conf simulate.Config, to hospital) (simulate.Summary, error) {
	if cmd.Ledger == "" {
		sum, err := simulate.Run(ctx, conf, to, dayProgress(c, conf.Days))
		return sum, errors.Join(err, to.Close())
	}
	s, err := openDemo(ctx, c, cmd.Ledger)
	if err != nil {
		return simulate.Summary{}, errors.Join(err, to.Close())
	}
	h := newHistory(ctx, s, to)
	sum, err := simulate.Run(ctx, conf, h, dayProgress(c, conf.Days))
	return sum, errors.Join(err, h.Close(), s.close(context.WithoutCancel(ctx)))
}

// hospital is where a simulation is written to.
type hospital interface {
	simulate.Receiver
	Close() error
}

func (cmd simulateCmd) files() (hospital, error) {
	if cmd.As == "atna" {
		return simulate.NewForeign(cmd.To)
	}
	return simulate.NewLines(cmd.To)
}

func (cmd simulateCmd) config() (simulate.Config, error) {
	conf := simulate.Default()
	start, err := time.Parse(time.DateOnly, cmd.Start)
	if err != nil {
		return conf, usage("--start is a day as in 2026-08-17, not %s", cmd.Start)
	}
	conf.Seed, conf.Staff, conf.Patients, conf.Days, conf.Misuse, conf.Start = cmd.Seed, cmd.Staff, cmd.Patients, cmd.Days, cmd.Misuse, start
	return conf, nil
}

// emptyFolder makes a folder, or sees to it that it is empty.
func emptyFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	list, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("read folder: %w", err)
	}
	if len(list) > 0 {
		return usage("%s is not empty: choose another folder", path)
	}
	return nil
}

// dayProgress tells how far it is, where a person looks.
func dayProgress(c console, days int) func(int) {
	if !watched(c.err) {
		return func(int) {}
	}
	return func(done int) {
		fmt.Fprintf(c.err, "\r%d of %d days", done, days)
		if done == days {
			fmt.Fprintln(c.err)
		}
	}
}

func (cmd simulateCmd) print(c console, sum simulate.Summary) error {
	if cmd.Format == "json" {
		b, err := json.Marshal(sum)
		if err != nil {
			return fmt.Errorf("encode summary: %w", err)
		}
		_, err = fmt.Fprintln(c.out, string(b))
		return err
	}
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "entries\t%d\n", sum.Entries)
	fmt.Fprintf(w, "honest entries about charts\t%d\t%.1f %% with a relation to the patient on record, %.1f %% with one of somebody else\n",
		sum.Chart, 100*float64(sum.Joined)/float64(max(1, sum.Chart)), 100*float64(sum.Treated)/float64(max(1, sum.Chart)))
	fmt.Fprintf(w, "misuse entries\t%d\n", sum.Misuse)
	fmt.Fprintf(w, "staff-days\t%d\t%d hold misuse (%.2f %%)\n", sum.StaffDays, sum.Misused, 100*float64(sum.Misused)/float64(max(1, sum.StaffDays)))
	for _, k := range slices.Sorted(maps.Keys(sum.Kinds)) {
		fmt.Fprintf(w, "  %s\t%d\n", k, sum.Kinds[k])
	}
	return w.Flush()
}

// watched tells whether a person looks at what is written: it goes to a terminal, or another device.
func watched(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
