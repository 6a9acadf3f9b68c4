// Command detect measures how well baselines tell misuse from honest work: on the shipped
// simulator's hospital and on a town that is made differently. See docs/detection.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela/detect/baseline"
	"github.com/tutela-health/tutela/detect/simulate"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "detect:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("detect", flag.ContinueOnError)
	seeds := flags.String("seeds", "11", "seeds, separated by commas")
	world := flags.String("world", "hospital,town", "hospital, town or both")
	only := flags.String("only", "", "only towns whose name contains this")
	verbose := flags.Bool("v", false, "show what was missed and what was flagged in vain")
	days := flags.Int("days", 60, "days")
	staff := flags.Int("staff", 2000, "staff of the hospital")
	misuse := flags.Float64("misuse", simulate.Default().Misuse, "share of the hospital's staff-days that hold misuse")
	patients := flags.Int("patients", 50_000, "patients of the hospital")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for _, text := range strings.Split(*seeds, ",") {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return err
		}
		if strings.Contains(*world, "hospital") {
			began := time.Now()
			cfg := simulate.Default()
			cfg.Seed, cfg.Staff, cfg.Patients, cfg.Days, cfg.Misuse = seed, *staff, *patients, *days, *misuse
			t := newTrial(baseline.Config{})
			if err := runHospital(context.Background(), cfg, t); err != nil {
				return err
			}
			report(out, fmt.Sprintf("hospital of %d staff, %d patients, %d days, seed %d", *staff, *patients, *days, seed), t, time.Since(began), *verbose)
		}
		if !strings.Contains(*world, "town") {
			continue
		}
		for _, kind := range townKinds() {
			if !strings.Contains(kind.Name, *only) {
				continue
			}
			began := time.Now()
			t := newTrial(baseline.Config{})
			runTown(kind, townSize{Practices: 40, Wards: 12, Patients: 20_000, Days: *days}, seed, t)
			report(out, fmt.Sprintf("town, %s, seed %d", kind.Name, seed), t, time.Since(began), *verbose)
		}
	}
	return nil
}

// report prints what came of a trial.
func report(out io.Writer, name string, t *trial, took time.Duration, verbose bool) {
	v := t.verdict()
	fmt.Fprintf(out, "%s: %d events (%d misuse), %d staff-days (%d misuse), %.0f events/s, %d MiB\n", name, v.Events, v.MisuseEvents, v.Days, v.MisuseDays,
		float64(v.Events)/took.Seconds(), heap()>>20)
	fmt.Fprintf(out, "  AUC events %.4f days %.4f; sensitivity %.3f at %.3f %% flagged (top 0.5 %%: %.3f); precision %.2f; benign explained %.2f %%\n",
		v.EventAUC, v.DayAUC, v.Sensitivity, 100*v.Flagged, v.TopShare, v.Precision, 100*v.BenignExplained)
	for _, name := range slices.Sorted(maps.Keys(v.ByKind)) {
		k := v.ByKind[name]
		fmt.Fprintf(out, "    %-18s %4d of %4d days flagged, AUC %.3f; %5d events, %5d of them called explained, AUC %.3f\n", name, k.Flagged, k.Days, k.DayAUC, k.Events, k.Unseen, k.EventAUC)
	}
	if verbose {
		for i, d := range t.alarms {
			if i%(1+len(t.alarms)/12) == 0 {
				fmt.Fprintf(out, "  false %.3f %s %s %v\n", d.Score, d.Staff, d.Day.Format(time.DateOnly), d.Reasons)
			}
		}
		for i, d := range t.missed {
			if i%(1+len(t.missed)/25) == 0 {
				fmt.Fprintf(out, "  missed %.3f %s %s %v\n", d.Score, d.Staff, d.Day.Format(time.DateOnly), d.Reasons)
			}
		}
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
