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

// Scan takes a tree's inventory and matches it. Advisories that cannot be read make it blind; the
// inventory stays.
func (s Scanner) Scan(ctx context.Context, t *supply.Tree) (supply.Result, error) {
	inv, err := take(ctx, t)
	if err != nil {
		return supply.Result{}, err
	}
	m, err := s.match(ctx, t, inv)
	if ctx.Err() != nil {
		return supply.Result{}, ctx.Err()
	}
	found := append(m.Findings, ended(inv.components)...)
	locate(inv, found)
	r := supply.Result{Findings: found, Components: inv.components, Data: m.Data, Checked: supply.Checked{
		Class: s.Class(), Files: inv.files, Blind: Advice(m.Absent, s.Flag), Detail: fmt.Sprintf("%d packages", len(inv.components)),
		Failed: slices.Concat(inv.failed, m.Failed, excuse(t, found, s.Clock())),
	}}
	if err != nil {
		r.Checked.Blind = fmt.Sprintf("%v; import the advisories again (tutela advisories import --help)", err)
	}
	return r, nil
}

// match holds the inventory against the advisories.
func (s Scanner) match(ctx context.Context, t *supply.Tree, inv *inventory) (Matched, error) {
	store, err := osv.Open(s.Dir)
	if err != nil {
		return Matched{}, err
	}
	m := &matcher{store: store, now: s.Clock(), reach: newReach(t)}
	found, err := m.all(ctx, inv.components)
	return Matched{found, m.failed, m.absent, m.data()}, errors.Join(err, store.Close())
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
