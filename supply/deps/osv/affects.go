package osv

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/module"
)

// Affects reports whether a version is affected at a time: by the list of versions, or within a range. An error says
// that it could not be told.
func (a *Advisory) Affects(ecosystem, version string, now time.Time) (bool, error) {
	if a.Withdrawn != nil && !a.Withdrawn.After(now) {
		return false, nil
	}
	var unclear error
	for i := range a.Affected {
		yes, err := a.Affected[i].includes(ecosystem, version)
		if yes {
			return !a.fixedIn(version), nil
		}
		unclear = cmp.Or(unclear, err)
	}
	return false, unclear
}

// fixedIn reports whether the advisory names the version as fixed, and nowhere as one that brought the fault in.
// Records that give each line of versions a range from 0 say of the fix of one line that the next one's range
// takes it in; what is called fixed is not affected.
func (a *Advisory) fixedIn(version string) bool {
	version = strings.TrimPrefix(version, "v")
	named := false
	for _, f := range a.Affected {
		if slices.Contains(f.Versions, version) {
			return false
		}
		for _, r := range f.Ranges {
			for _, e := range r.Events {
				if e.Introduced == version || e.LastAffected == version {
					return false
				}
				named = named || e.Fixed == version
			}
		}
	}
	return named
}

// includes follows the evaluation of the OSV schema ("Evaluation").
func (f *Affected) includes(ecosystem, version string) (bool, error) {
	if slices.Contains(f.Versions, version) {
		return true, nil
	}
	var unclear error
	for _, r := range f.Ranges {
		yes, err := r.includes(ecosystem, version)
		if yes && len(f.Tagged) > 0 && tagged(version) {
			yes, err = anyIncludes(f.Tagged, projectNumbers, plain(version))
		}
		if yes {
			return true, err
		}
		unclear = cmp.Or(unclear, err)
	}
	return false, unclear
}

// projectNumbers is the ecosystem by whose rules projects' own numbers are compared: NuGet's take up to four, with zeros before them.
const projectNumbers = "NuGet"

func anyIncludes(ranges []Range, ecosystem, version string) (bool, error) {
	var unclear error
	for _, r := range ranges {
		yes, err := r.includes(ecosystem, version)
		if yes {
			return true, nil
		}
		unclear = cmp.Or(unclear, err)
	}
	return false, unclear
}

// tagged reports whether a Go version is a tag, and not made up from a commit.
func tagged(version string) bool {
	return !module.IsPseudoVersion("v" + strings.TrimPrefix(version, "v"))
}

// includes walks the events in the order of their versions. Where two fall together the fix comes last.
func (r Range) includes(ecosystem, version string) (bool, error) {
	events, err := r.sorted(ecosystem)
	if err != nil {
		return false, err
	}
	if yes, err := r.beforeLimits(ecosystem, version); !yes || err != nil {
		return false, err
	}
	affected := false
	for _, e := range events {
		c, err := compareTo(ecosystem, version, e.at)
		switch {
		case err != nil:
			return false, err
		case e.kind == introduced && c >= 0:
			affected = true
		case e.kind == fixed && c >= 0, e.kind == lastAffected && c > 0:
			affected = false
		}
	}
	return affected, nil
}

// kind of an event, in the order in which events at one version take place.
type kind int

const (
	introduced kind = iota
	lastAffected
	fixed
)

type turn struct {
	kind kind
	at   string
}

// sorted gives the turns in the order of their versions.
func (r Range) sorted(ecosystem string) ([]turn, error) {
	var turns []turn
	for _, e := range r.Events {
		for _, t := range []turn{{introduced, e.Introduced}, {lastAffected, e.LastAffected}, {fixed, e.Fixed}} {
			if t.at != "" {
				turns = append(turns, t)
			}
		}
	}
	var unclear error
	slices.SortStableFunc(turns, func(a, b turn) int {
		c, err := compareTo(ecosystem, a.at, b.at)
		unclear = cmp.Or(unclear, err)
		return cmp.Or(c, int(a.kind-b.kind))
	})
	return turns, unclear
}

// beforeLimits reports whether no limit ends before the version; without limits none does.
func (r Range) beforeLimits(ecosystem, version string) (bool, error) {
	limits := 0
	for _, e := range r.Events {
		switch e.Limit {
		case "":
			continue
		case "*":
			return true, nil
		}
		limits++
		if c, err := Compare(ecosystem, version, e.Limit); err != nil || c < 0 {
			return err == nil, err
		}
	}
	return limits == 0, nil
}

// compareTo is Compare with "0", which comes before all versions.
func compareTo(ecosystem, a, b string) (int, error) {
	switch {
	case a == b:
		return 0, nil
	case b == "0":
		_, err := Compare(ecosystem, a, a)
		return 1, err
	case a == "0":
		_, err := Compare(ecosystem, b, b)
		return -1, err
	}
	return Compare(ecosystem, a, b)
}

// Fix is the smallest version above the given one that the advisory calls fixed and does not affect:
// within the same major version if there is one. Empty where there is none.
func (a *Advisory) Fix(ecosystem, version string, now time.Time) string {
	best, same := "", false
	for _, f := range a.Affected {
		for _, r := range slices.Concat(f.Ranges, f.Tagged) {
			for _, e := range r.Events {
				if e.Fixed == "" || !above(ecosystem, e.Fixed, version) {
					continue
				}
				if still, err := a.Affects(ecosystem, e.Fixed, now); still || err != nil {
					continue
				}
				near := major(e.Fixed) == major(version)
				if best == "" || near && !same || near == same && above(ecosystem, best, e.Fixed) {
					best, same = e.Fixed, near
				}
			}
		}
	}
	return best
}

func above(ecosystem, a, b string) bool {
	c, err := Compare(ecosystem, a, b)
	return err == nil && c > 0
}

// major is the first number of a version, with its epoch.
func major(version string) string {
	version = strings.TrimPrefix(version, "v")
	if i := strings.IndexAny(version, ".-+~"); i >= 0 {
		return version[:i]
	}
	return version
}
