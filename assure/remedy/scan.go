package remedy

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/attest"
)

// source is what is kept of a repository whose pipeline reports scans: how far it was followed.
type source struct {
	Repository string    `json:"repository"`
	Scanned    time.Time `json:"scanned"` // when the newest scan ended, by the pipeline's clock
}

// fault is what a scan says of one rule, or of one component's.
type fault struct {
	class    supply.Class
	title    string
	severity Severity
	places   []supply.Place
}

// maxPlaces is how many places of a fault are named, and maxTries how often is tried while others write.
const (
	maxPlaces = 5
	maxTries  = 5
)

// Scanned follows what a pipeline's scan of a repository found: a gap for each rule, and for each component's, that it
// speaks of and nobody excused. One that it does not find again is closed where the scan could look. A scan that is
// no newer than the one before changes nothing.
func (s *Service) Scanned(ctx context.Context, entry tutela.Entry, repository string, scan attest.Scan) error {
	entry.Action, entry.Subject, entry.Outcome, entry.ID = tutela.ActionGapChange, nil, tutela.OutcomeSuccess, ""
	var err error
	for range maxTries {
		if err = s.scanned(ctx, entry, repository, scan); !errs.Is(err, errs.Conflict) {
			break
		}
	}
	return err
}

func (s *Service) scanned(ctx context.Context, entry tutela.Entry, repository string, scan attest.Scan) error {
	id := named("scan.", repository)
	it, err := s.cfg.Register.Get(ctx, kindSource, id)
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	src := source{Repository: repository}
	if err == nil {
		if src, err = register.Decode[source](it); err != nil {
			return err
		}
	}
	it.Kind, it.ID, it.State = kindSource, id, Open
	if !scan.Finished.After(src.Scanned) {
		return nil
	}
	src.Scanned = scan.Finished
	kept, err := s.gapsOf(ctx, repository)
	if err != nil {
		return err
	}
	first, err := change(it, src, "", time.Time{}, "scanned")
	if err != nil {
		return err
	}
	changes, err := s.told(repository, scan, kept)
	if err != nil {
		return err
	}
	_, err = s.cfg.Register.Put(ctx, entry, append([]register.Change{first}, changes...)...)
	return err
}

// one is a gap with its place in the register.
type one struct {
	item register.Item
	gap  Gap
}

// gapsOf gives the gaps that scans of a repository opened, by id.
func (s *Service) gapsOf(ctx context.Context, repository string) (map[string]one, error) {
	items, err := s.cfg.Register.List(ctx, register.Filter{Kind: kindGap})
	if err != nil {
		return nil, err
	}
	kept := map[string]one{}
	for _, it := range items {
		g, err := register.Decode[Gap](it)
		if err != nil {
			return nil, err
		}
		if g.Repository == repository {
			kept[it.ID] = one{it, g}
		}
	}
	return kept, nil
}

// told is what a scan changes of the gaps that are kept.
func (s *Service) told(repository string, scan attest.Scan, kept map[string]one) ([]register.Change, error) {
	faults := faultsOf(repository, scan.Findings)
	ids := sortedBySeverity(faults)
	var list []register.Change
	add := func(o one, to State, what string) error {
		c, err := turned(o.item, o.gap, to, what)
		list = append(list, c)
		return err
	}
	now := s.now()
	for _, id := range ids[:min(len(ids), maxFindings)] {
		f, o := faults[id], kept[id]
		seen := f.seen()
		switch {
		case o.item.Revision == 0 || o.item.State == Closed:
			o.item.Kind, o.item.ID = kindGap, id
			o.gap = Gap{Repository: repository, Class: string(f.class), Title: f.title, Where: repository, Severity: f.severity, Seen: seen, Opened: now, Until: now.AddDate(0, 0, f.severity.deadline()), Owner: o.gap.Owner, OwnerName: o.gap.OwnerName}
			if err := add(o, Open, "found by a scan"); err != nil {
				return nil, err
			}
		case o.gap.Seen != seen || o.gap.Severity != f.severity:
			if by := now.AddDate(0, 0, f.severity.deadline()); by.Before(o.gap.Until) && o.gap.Severity != f.severity {
				o.gap.Until = by
			}
			o.gap.Seen, o.gap.Severity = seen, f.severity
			if err := add(o, o.item.State, "found by a scan elsewhere"); err != nil {
				return nil, err
			}
		}
	}
	if scan.Omitted > 0 || len(ids) > maxFindings {
		return list, nil // what is not listed may be there nevertheless
	}
	for _, id := range sortedKeys(kept) {
		o := kept[id]
		if _, there := faults[id]; there || o.item.State == Closed || !looked(scan, o.gap) || len(list) == register.MaxChanges-1 {
			continue
		}
		o.gap.Closed, o.gap.How = now, "the scan of "+scan.Finished.UTC().Format(time.RFC3339)+" does not find it"
		if err := add(o, Closed, "not found by a scan"); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// faultsOf groups findings that nobody excused by the gap that they are: scanners find one rule in many places, and who
// closes it closes them all.
func faultsOf(repository string, findings []attest.Finding) map[string]*fault {
	m := map[string]*fault{}
	for _, f := range findings {
		if f.Waiver != nil || f.Severity == supply.Info {
			continue
		}
		id := named("scan.", repository, string(f.Class), f.Rule, f.Component)
		o := m[id]
		if o == nil {
			o = &fault{class: f.Class, title: clip(strings.ToValidUTF8(f.Rule, "")), severity: Low}
			if f.Component != "" {
				o.title = clip(strings.ToValidUTF8(f.Rule+" in "+f.Component, ""))
			}
			m[id] = o
		}
		if worse := severityFrom(f.Severity); worse.weight() > o.severity.weight() {
			o.severity = worse
		}
		o.places = append(o.places, f.Place)
	}
	return m
}

// severityFrom is a scanner's word for a gap; what it could not weigh counts as medium.
func severityFrom(s supply.Severity) Severity {
	switch s {
	case supply.Critical:
		return Critical
	case supply.High:
		return High
	case supply.Low:
		return Low
	}
	return Medium
}

// seen says where a fault is.
func (f *fault) seen() string {
	var list []string
	for _, p := range f.places {
		at := strings.ToValidUTF8(p.Path, "")
		if p.Line > 0 {
			at = fmt.Sprintf("%s:%d", at, p.Line)
		}
		if p.Commit != "" {
			at += inHistory
		}
		list = append(list, at)
	}
	slices.Sort(list)
	list = slices.Compact(list)
	more := ""
	if n := len(list) - maxPlaces; n > 0 {
		list, more = list[:maxPlaces], fmt.Sprintf(" and %d more", n)
	}
	return clip(fmt.Sprintf("%s: %s%s", f.class, strings.Join(list, ", "), more))
}

// inHistory marks a place that is not in the tree any more.
const inHistory = " in the history"

// looked reports whether a scan could look where a gap was.
func looked(scan attest.Scan, g Gap) bool {
	i := slices.IndexFunc(scan.Checked, func(c supply.Checked) bool { return string(c.Class) == g.Class })
	if i < 0 || scan.Checked[i].Blind != "" {
		return false
	}
	_, places, _ := strings.Cut(g.Seen, ": ")
	for _, why := range slices.Concat(scan.Checked[i].Failed, scan.Failed) {
		where, _, _ := strings.Cut(why, ":")
		where = path.Clean(where)
		switch {
		case where == "git history" && !strings.Contains(places, inHistory):
			continue
		case where == "git history", where == ".", strings.HasPrefix(why, "and "), strings.Contains(places, " more"), strings.HasSuffix(places, "…"):
			return false // it may be anywhere
		}
		for place := range strings.SplitSeq(places, ", ") {
			if file, _, _ := strings.Cut(place, ":"); file == where || strings.HasPrefix(file, where+"/") {
				return false
			}
		}
	}
	return true
}

// named is an id of what has these parts.
func named(prefix string, parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return prefix + hex.EncodeToString(sum[:12])
}

func sortedBySeverity(faults map[string]*fault) []string {
	ids := sortedKeys(faults)
	slices.SortStableFunc(ids, func(a, b string) int {
		return cmp.Compare(faults[b].severity.weight(), faults[a].severity.weight())
	})
	return ids
}

func sortedKeys[T any](m map[string]T) []string {
	ids := make([]string, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}
