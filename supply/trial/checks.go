package trial

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/gate"
	"github.com/tutela-health/tutela/supply/infra"
	"github.com/tutela-health/tutela/supply/pipeline"
	"github.com/tutela-health/tutela/supply/secrets"
	"github.com/tutela-health/tutela/supply/source"
)

// Config says what a trial works with.
type Config struct {
	Clock clock.Clock
	// Scan looks into a folder for one class of faults; nil: as `tutela scan` does.
	Scan func(ctx context.Context, class supply.Class, dir string) (*supply.Report, error)
	// Judge is the gate's verdict; nil: by the policy that holds where a tree has none.
	Judge func(r *supply.Report, now time.Time) gate.Verdict
}

// Checks are those of the scanners and the gate that this program brings.
func Checks(c Config) []tutela.Check {
	if c.Scan == nil {
		c.Scan = scanner{c.Clock}.scan
	}
	if c.Judge == nil {
		c.Judge = func(r *supply.Report, now time.Time) gate.Verdict {
			return gate.Default().Judge(r, gate.Outcome{}, now)
		}
	}
	const fresh = 7 * 24 * time.Hour
	return []tutela.Check{{
		ID: "build.secrets-found", Title: "A credential in a file is found before it reaches a repository",
		Controls: []string{"B04", "45 CFR 164.308(a)(5)(ii)(D)"}, Fresh: fresh, Try: c.planted(supply.Secrets, leaks),
	}, {
		ID: "build.flaws-found", Title: "An injection is found in the source",
		Controls: []string{"B03", "45 CFR 164.308(a)(1)(ii)(B)"}, Fresh: fresh, Try: c.planted(supply.Source, flaws),
	}, {
		ID: "build.pipelines-judged", Title: "A pipeline that runs what strangers send is found",
		Controls: []string{"B09", "45 CFR 164.308(a)(1)(ii)(B)"}, Fresh: fresh, Try: c.planted(supply.Pipelines, workflows),
	}, {
		ID: "build.infrastructure-judged", Title: "Containers that run as root or as the host are found",
		Controls: []string{"B12", "45 CFR 164.308(a)(1)(ii)(B)"}, Fresh: fresh, Try: c.planted(supply.Infrastructure, machines),
	}, {
		ID: "build.gate-holds", Title: "The gate lets nothing through that has a credential in it",
		Controls: []string{"B07", "45 CFR 164.308(a)(1)(ii)(B)"}, Fresh: fresh, Try: c.gated,
	}}
}

// scanner runs what a class is looked for by.
type scanner struct{ clock clock.Clock }

func (s scanner) scan(ctx context.Context, class supply.Class, dir string) (*supply.Report, error) {
	scan := supply.Scan{Clock: s.clock, Tool: "tutela"}
	switch class {
	case supply.Secrets:
		credentials, err := secrets.New()
		if err != nil {
			return nil, err
		}
		scan.Files = []supply.FileScanner{credentials}
	case supply.Source:
		scan.Files = []supply.FileScanner{source.NewCode()}
	case supply.Pipelines:
		scan.Files = []supply.FileScanner{pipeline.Scanner{}}
	case supply.Infrastructure:
		scan.Trees = []supply.TreeScanner{infra.Scanner{}}
	default:
		return nil, fmt.Errorf("nothing looks for %s here", class)
	}
	return s.run(ctx, dir, scan)
}

func (scanner) run(ctx context.Context, dir string, scan supply.Scan) (r *supply.Report, err error) {
	t, err := supply.OpenTree(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	return scan.Run(ctx, t)
}

// planted scans a folder of faults and one of their sound twins.
func (c Config) planted(class supply.Class, plant func() (faulty, sound files, err error)) func(context.Context) tutela.Evidence {
	return func(ctx context.Context) tutela.Evidence {
		e := tutela.Evidence{On: fmt.Sprintf("the scanner of %s, on files made for the try", class)}
		faulty, sound, err := plant()
		var found, cried []string
		if err == nil {
			found, err = c.found(ctx, class, faulty)
		}
		if err == nil {
			cried, err = c.found(ctx, class, sound)
		}
		missed := slices.DeleteFunc(slices.Sorted(maps.Keys(faulty)), func(name string) bool { return slices.Contains(found, name) })
		switch {
		case err != nil:
			e.Observed = err.Error()
		case len(missed) > 0:
			e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("of %d files with a planted fault, nothing was found in %s", len(faulty), strings.Join(missed, ", "))
		case len(cried) > 0:
			e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("something was found in %s, where nothing is", strings.Join(cried, ", "))
		default:
			e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("in each of %d files the planted fault was found, and in none of %d without one", len(faulty), len(sound))
		}
		return e
	}
}

// files are texts by their paths.
type files map[string]string

// found names the files of a folder in which a class of faults was found.
func (c Config) found(ctx context.Context, class supply.Class, list files) ([]string, error) {
	r, err := c.report(ctx, class, list)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range r.Findings {
		if f.Class == class {
			names = append(names, f.Place.Path)
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// report scans a folder that is there for as long as that takes.
func (c Config) report(ctx context.Context, class supply.Class, list files) (r *supply.Report, err error) {
	dir, err := os.MkdirTemp("", "tutela-assess-")
	if err != nil {
		return nil, fmt.Errorf("make a folder to try in: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for name, text := range list {
		path := filepath.Join(dir, filepath.FromSlash(name))
		err := os.MkdirAll(filepath.Dir(path), 0o700)
		if err == nil {
			err = os.WriteFile(path, []byte(text), fs.FileMode(0o600))
		}
		if err != nil {
			return nil, fmt.Errorf("plant a file: %w", err)
		}
	}
	return c.Scan(ctx, class, dir)
}

// Look scans texts, by their paths, for credentials and for faults in source, pipelines and infrastructure.
func Look(ctx context.Context, c clock.Clock, list map[string]string) ([]supply.Finding, error) {
	all := Config{Clock: c, Scan: scanner{c}.everything}
	r, err := all.report(ctx, "", list)
	if err != nil {
		return nil, err
	}
	if len(r.Failed) > 0 {
		return nil, fmt.Errorf("could not look into %s", strings.Join(r.Failed, "; "))
	}
	return r.Counting(), nil
}

// everything looks for all classes at once.
func (s scanner) everything(ctx context.Context, _ supply.Class, dir string) (r *supply.Report, err error) {
	credentials, err := secrets.New()
	if err != nil {
		return nil, err
	}
	return s.run(ctx, dir, supply.Scan{
		Clock: s.clock, Tool: "tutela",
		Files: []supply.FileScanner{credentials, source.NewCode(), pipeline.Scanner{}}, Trees: []supply.TreeScanner{infra.Scanner{}},
	})
}

// gated holds a tree with a planted credential, and its sound twin, to the gate.
func (c Config) gated(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the gate by its own policy, on files made for the try"}
	faulty, sound, err := leaks()
	var verdicts [2]gate.Verdict
	for i, list := range []files{faulty, sound} {
		var r *supply.Report
		if err == nil {
			r, err = c.report(ctx, supply.Secrets, list)
		}
		if err == nil {
			verdicts[i] = c.Judge(r, c.Clock())
		}
	}
	switch {
	case err != nil:
		e.Observed = err.Error()
	case verdicts[0].Passed:
		e.Verdict, e.Observed = tutela.Fail, "a tree with a credential in it went through"
	case !verdicts[1].Passed:
		e.Verdict, e.Observed = tutela.Fail, "a sound tree was held back: "+strings.Join(verdicts[1].Reasons, "; ")
	default:
		e.Verdict, e.Observed = tutela.Pass, "a tree with a credential in it was held back, and without it it went through"
	}
	return e
}
