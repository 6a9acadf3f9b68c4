package deps

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/osv"
)

// Scanner looks for vulnerable dependencies.
type Scanner struct {
	Dir   string // the folder of advisories
	Flag  string // how the command line names Dir in what it advises, such as "--db DIR"; may be empty
	Clock clock.Clock
}

// Class is supply.Dependencies.
func (Scanner) Class() supply.Class { return supply.Dependencies }

// Scan takes a tree's inventory and matches it.
func (s Scanner) Scan(ctx context.Context, t *supply.Tree) (r supply.Result, err error) {
	inv, err := take(ctx, t)
	if err != nil {
		return supply.Result{}, err
	}
	store, err := osv.Open(s.Dir)
	if err != nil {
		return supply.Result{}, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	r = supply.Result{Components: inv.components, Checked: supply.Checked{Class: s.Class(), Files: inv.files}}
	m := &matcher{store: store, now: s.Clock(), reach: newReach(t)}
	if r.Findings, err = m.all(ctx, inv.components); err != nil {
		return supply.Result{}, err
	}
	r.Findings = append(r.Findings, ended(inv.components)...)
	locate(inv, r.Findings)
	inv.failed = append(inv.failed, excuse(t, r.Findings, s.Clock())...)
	r.Checked.Failed = append(inv.failed, m.failed...)
	r.Checked.Detail = fmt.Sprintf("%d packages of %d files", len(inv.components), inv.files)
	r.Checked.Blind = Advice(m.absent, s.Flag)
	r.Data = m.data()
	return r, nil
}

// Advice says how to get the advisories of ecosystems that have none here; empty where none are missing. The
// flag is added to the command.
func Advice(absent map[string]bool, flag string) string {
	if len(absent) == 0 {
		return ""
	}
	names := slices.Sorted(maps.Keys(absent))
	var get, zips []string
	for _, n := range names {
		zip := strings.ReplaceAll(n, " ", "_") + ".zip"
		get = append(get, fmt.Sprintf("curl -fLo %s https://osv-vulnerabilities.storage.googleapis.com/%s/all.zip", zip, url.PathEscape(n)))
		zips = append(zips, zip)
	}
	command := strings.Join(get, " && ") + " && tutela advisories import " + strings.Join(zips, " ")
	if flag != "" {
		command += " " + flag
	}
	return "no advisories of " + strings.Join(names, ", ") + " are there; where there is a network run  " + command
}

func keys[K comparable, V any](m map[K]V) iter.Seq[K] { return maps.Keys(m) }
