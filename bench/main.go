// Command bench measures Tutela from outside, as the binary that ships, beside floors taken in the
// same round: a bare HTTPS server that answers the same bytes, and the database engine alone
// writing the same rows. See docs/performance.md.
package main

import (
	"context"
	"crypto/fips140"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"

	"github.com/tutela-health/tutela/internal/testkit"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options are what the command line says.
type options struct {
	rounds int
	binary string
	engine string
	units  bool
	logins int
	panels bool
}

func run(ctx context.Context) error {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "how often everything is measured")
	flag.StringVar(&o.binary, "binary", "", "the tutela to measure; built from the source when empty")
	flag.StringVar(&o.engine, "engine", "", "sqlite or postgres; both when empty")
	flag.BoolVar(&o.units, "units", true, "run the packages' own benchmarks too")
	flag.IntVar(&o.logins, "logins", 200, "how many people sign in at once beside reads, in the first round of each engine")
	flag.BoolVar(&o.panels, "panels", true, "search as a clinician among 100,000 others' resources, in the first round of each engine")
	flag.Parse()
	if flag.Arg(0) == floorCommand {
		return serveFloor(flag.Arg(1), flag.Arg(2))
	}
	if !fips140.Enabled() {
		return errors.New("run with GOFIPS140=certified, as the server is built: else the floors run another TLS")
	}
	temp, err := os.MkdirTemp("", "tutela-bench-")
	if err != nil {
		return err
	}
	err = o.measure(ctx, temp)
	return errors.Join(err, os.RemoveAll(temp))
}

func (o options) measure(ctx context.Context, temp string) error {
	d, err := findData(temp)
	if err != nil {
		return err
	}
	if o.binary == "" {
		o.binary = filepath.Join(temp, "tutela")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", o.binary, "./cmd/tutela")
		build.Stdout, build.Stderr = os.Stdout, os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("build tutela: %w", err)
		}
	}
	fmt.Printf("%s, %d cores; %s: %d resources, %.1f MB of compact JSON; %d rounds, %d connections\n",
		runtime.Version(), runtime.NumCPU(), d.name, d.resources, float64(d.compact)/1e6, o.rounds, connections)
	for _, engine := range []string{"sqlite", "postgres"} {
		if o.engine != "" && o.engine != engine {
			continue
		}
		if err := o.engineRounds(ctx, engine, temp, d); err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
	}
	if o.units {
		return unitBenchmarks(ctx, o.rounds)
	}
	return nil
}

// engineRounds measures one engine and prints what came of it.
func (o options) engineRounds(ctx context.Context, engine, temp string, d data) (err error) {
	var c *cluster
	if engine == "postgres" {
		started, err := testkit.StartCluster(ctx)
		if err != nil {
			return err
		}
		c = &cluster{Cluster: started}
		defer func() { err = errors.Join(err, started.Stop()) }()
	}
	out := &results{}
	for i := range o.rounds {
		dir := filepath.Join(temp, fmt.Sprintf("%s-%d", engine, i))
		s := &system{binary: o.binary, dir: dir}
		if c != nil {
			if s.postgres, err = c.CreateDatabase(ctx); err != nil {
				return err
			}
		}
		r := &round{data: d, system: s, cluster: c, out: out}
		if i == 0 {
			r.logins, r.panels = o.logins, o.panels
		}
		if err := r.run(ctx); err != nil {
			return fmt.Errorf("round %d: %w", i+1, err)
		}
		fmt.Fprintf(os.Stderr, "%s: round %d of %d\n", engine, i+1, o.rounds)
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	fmt.Printf("\n%s: medians of %d rounds (lowest to highest)\n", engine, o.rounds)
	out.print(os.Stdout)
	fmt.Printf("\n%s: marks\n", engine)
	out.judge(os.Stdout, c != nil)
	return nil
}
