package changelog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/gate"
	"github.com/tutela-health/tutela/supply/git"
)

// Log is what came between two commits.
type Log struct {
	From      string       `json:"from"` // empty before the first commit
	To        string       `json:"to"`
	Commits   []git.Commit `json:"commits"`
	Files     int          `json:"filesChanged"`
	Added     int          `json:"linesAdded"`
	Removed   int          `json:"linesRemoved"`
	Packages  []Package    `json:"dependencies"`
	Fixed     []Advisory   `json:"fixed"`      // advisories that touched from, and no longer touch to
	New       []Advisory   `json:"introduced"` // that touch to, and did not touch from
	Waivers   []Waiver     `json:"waivers"`
	Approvals []Approval   `json:"approvals"`
	Recorded  *Recorded    `json:"recorded,omitempty"` // nil where no ledger was asked
	NotKnown  []string     `json:"couldNotCheck,omitempty"`
}

// Package is a dependency that changed.
type Package struct {
	Ecosystem string `json:"ecosystem"`
	Name      string `json:"name"`
	From      string `json:"from,omitempty"` // empty where it is new; versions joined by ", " where there are several
	To        string `json:"to,omitempty"`   // empty where it went
}

// Advisory is a fault of a dependency.
type Advisory struct {
	ID       string          `json:"id"`
	Aliases  []string        `json:"aliases,omitempty"`
	Severity supply.Severity `json:"severity"`
	Package  string          `json:"package"`
}

// Waiver is one that came, went or ended.
type Waiver struct {
	What   string `json:"what"` // added, removed or expired
	Waives string `json:"waives"`
	supply.Waiver
}

// Approval is somebody's word for a commit, as a trailer of its message says: as true as who could push it.
type Approval struct {
	Commit string `json:"commit"`
	Kind   string `json:"kind"`
	Who    string `json:"who"`
}

// Maker makes changelogs of a repository.
type Maker struct {
	Repo     *git.Repository
	Packages supply.TreeScanner // finds dependencies and their faults
	Now      time.Time
}

// Between tells what came after from, up to to. An empty from is before the first commit.
func (m Maker) Between(ctx context.Context, from, to string) (Log, error) {
	l := Log{To: to, From: from, Packages: []Package{}, Fixed: []Advisory{}, New: []Advisory{}, Waivers: []Waiver{}, Approvals: []Approval{}}
	var err error
	if l.Commits, err = m.Repo.Commits(ctx, from, to); err != nil {
		return Log{}, err
	}
	for _, c := range l.Commits {
		l.Approvals = append(l.Approvals, approvals(c)...)
	}
	if l.Files, l.Added, l.Removed, err = m.Repo.Changed(ctx, cmp.Or(from, emptyTree), to); err != nil {
		return Log{}, err
	}
	before, err := m.at(ctx, from)
	if err != nil {
		return Log{}, err
	}
	after, err := m.at(ctx, to)
	if err != nil {
		return Log{}, err
	}
	l.Packages = packages(before.result.Components, after.result.Components)
	l.Fixed, l.New = only(before.result.Findings, after.result.Findings), only(after.result.Findings, before.result.Findings)
	l.Waivers = m.waivers(before.policy, after.policy)
	for _, s := range []state{before, after} {
		l.NotKnown = append(l.NotKnown, s.missed...)
	}
	slices.Sort(l.NotKnown)
	l.NotKnown = slices.Compact(l.NotKnown)
	return l, nil
}

// emptyTree is git's name for a tree without files (SHA-1).
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// state is what one commit depends on, and its policy.
type state struct {
	result supply.Result
	policy gate.Policy
	missed []string
}

// Limits on the files of a commit that are read.
const maxRead = 2000

// read reports whether a file says something of dependencies, of their faults, or of waivers.
func read(name string) bool {
	switch path.Base(name) {
	case "go.mod", "go.sum", "go.work", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "requirements.txt", "Pipfile.lock", "poetry.lock", "uv.lock", "pdm.lock", "pylock.toml",
		"pom.xml", "gradle.lockfile", "Gemfile.lock", "packages.lock.json", "packages.config", "composer.lock", "Cargo.lock", "package.json":
		return true
	}
	return name == gate.File
}

// at reads what a commit depends on: its lock files are laid out in a folder of their own, which is gone afterwards.
func (m Maker) at(ctx context.Context, commit string) (s state, err error) {
	if commit == "" {
		return s, nil
	}
	dir, err := os.MkdirTemp("", "tutela-changelog-")
	if err != nil {
		return s, fmt.Errorf("lay out a commit: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if s.missed, err = m.layOut(ctx, commit, dir); err != nil {
		return s, err
	}
	t, err := supply.OpenTree(dir)
	if err != nil {
		return s, err
	}
	defer func() { _ = t.Close() }() // it was only read
	if s.policy, err = gate.Load(t.FS()); err != nil {
		s.missed = append(s.missed, fmt.Sprintf("the policy of %.12s: %v", commit, err))
	}
	if s.result, err = m.Packages.Scan(ctx, t); err != nil {
		return s, err
	}
	if b := s.result.Checked.Blind; b != "" {
		s.missed = append(s.missed, "security updates: "+b)
	}
	for _, why := range s.result.Checked.Failed {
		s.missed = append(s.missed, "dependencies: "+why)
	}
	return s, nil
}

// layOut writes the files of a commit that are read, under their own names.
func (m Maker) layOut(ctx context.Context, commit, dir string) (missed []string, err error) {
	var list []git.Entry
	err = m.Repo.List(ctx, commit, func(e git.Entry) {
		if read(e.Path) && filepath.IsLocal(e.Path) {
			list = append(list, e)
		}
	})
	if err != nil {
		return nil, err
	}
	if len(list) > maxRead {
		missed = append(missed, fmt.Sprintf("%d lock files beyond the first %d", len(list)-maxRead, maxRead))
		list = list[:maxRead]
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("lay out a commit: %w", err)
	}
	defer func() { _ = root.Close() }() // what was written is read again
	ids := make([]string, len(list))
	for i, e := range list {
		ids[i] = e.ID
	}
	return missed, m.Repo.Objects(ctx, ids, func(i int, text []byte) error {
		return errors.Join(root.MkdirAll(path.Dir(list[i].Path), 0o700), root.WriteFile(list[i].Path, text, 0o600))
	})
}

// packages compares inventories by name: a package may be there in several versions.
func packages(before, after []supply.Component) []Package {
	type key struct{ ecosystem, name string }
	versions := func(list []supply.Component) map[key][]string {
		m := map[key][]string{}
		for _, c := range list {
			k := key{c.Ecosystem, c.Name}
			if !slices.Contains(m[k], c.Version) {
				m[k] = append(m[k], c.Version)
			}
		}
		return m
	}
	old, now := versions(before), versions(after)
	list := []Package{}
	add := func(k key) {
		slices.Sort(old[k])
		slices.Sort(now[k])
		if !slices.Equal(old[k], now[k]) {
			list = append(list, Package{k.ecosystem, k.name, strings.Join(old[k], ", "), strings.Join(now[k], ", ")})
		}
	}
	for k := range now {
		add(k)
	}
	for k := range old {
		if now[k] == nil {
			add(k)
		}
	}
	slices.SortFunc(list, func(a, b Package) int {
		return cmp.Or(strings.Compare(a.Ecosystem, b.Ecosystem), strings.Compare(a.Name, b.Name))
	})
	return list
}

// only lists the faults that one side has and the other has not.
func only(here, there []supply.Finding) []Advisory {
	name := func(f supply.Finding) string {
		if f.Component == nil {
			return ""
		}
		return f.Rule.ID + "\x00" + f.Component.Name
	}
	seen := map[string]bool{"": true}
	for _, f := range there {
		seen[name(f)] = true
	}
	list := []Advisory{}
	for _, f := range here {
		if n := name(f); !seen[n] {
			seen[n] = true
			list = append(list, Advisory{f.Rule.ID, f.Aliases, f.Rule.Severity, f.Component.Name})
		}
	}
	slices.SortFunc(list, func(a, b Advisory) int {
		return cmp.Or(int(b.Severity-a.Severity), strings.Compare(a.ID, b.ID), strings.Compare(a.Package, b.Package))
	})
	return list
}

// waivers compares the policies.
func (m Maker) waivers(before, after gate.Policy) []Waiver {
	list := []Waiver{}
	old, now := entries(before), entries(after)
	for _, e := range now {
		if !slices.Contains(old, e) {
			list = append(list, Waiver{"added", e.String(), e.Waiver})
		}
		if !e.Expires.After(m.Now) {
			list = append(list, Waiver{"expired", e.String(), e.Waiver})
		}
	}
	for _, e := range old {
		if !slices.Contains(now, e) {
			list = append(list, Waiver{"removed", e.String(), e.Waiver})
		}
	}
	return list
}

func entries(p gate.Policy) []gate.Entry { return slices.Concat(p.Waivers, p.LeaveOut) }

// approvals reads the trailers of a message: the lines of its last paragraph that say who reviewed.
func approvals(c git.Commit) (list []Approval) {
	body := strings.TrimSpace(c.Body)
	if at := strings.LastIndex(body, "\n\n"); at >= 0 {
		body = body[at+2:]
	}
	for line := range strings.Lines(body) {
		kind, who, ok := strings.Cut(strings.TrimSpace(line), ": ")
		switch strings.ToLower(kind) {
		case "reviewed-by", "approved-by", "acked-by":
			if ok && len(list) < 50 {
				list = append(list, Approval{c.ID, strings.ToLower(kind), who})
			}
		}
	}
	return list
}
