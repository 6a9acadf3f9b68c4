package deps

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/deps/lock"
	"github.com/tutela-health/tutela/supply/deps/osv"
)

// inventory gathers what a tree is made of.
type inventory struct {
	tree       *supply.Tree
	files      int
	components []supply.Component
	failed     []string
	// answered lists the folders whose manifests a lock file answers, by ecosystem.
	answered map[string][]string
	bills    []supply.Component // of bills of materials, which speak where lock files do not
}

// take lists what a tree is made of.
func take(ctx context.Context, t *supply.Tree) (*inventory, error) {
	inv := &inventory{tree: t, answered: map[string][]string{}}
	for _, f := range t.Files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		switch {
		case lock.IsPom(f.Path):
			inv.pom(f)
		case lock.Is(f.Path):
			inv.lock(f)
		case lock.Unread(f.Path):
			inv.fail(f.Path, "lock files of this kind are not read")
		case isArchive(f.Path):
			inv.archive(ctx, f)
		case path.Base(f.Path) == "oci-layout":
			inv.layout(ctx, f)
		}
	}
	inv.workspaces()
	inv.addBills()
	inv.licences()
	for _, f := range t.Files {
		if lock.IsManifest(f.Path) {
			inv.manifest(f)
		}
	}
	return inv, nil
}

func (inv *inventory) fail(name, why string) { inv.failed = append(inv.failed, name+": "+why) }

// lock reads a lock file.
func (inv *inventory) lock(f supply.File) {
	text, err := f.Read()
	if err != nil {
		inv.fail(f.Path, err.Error())
		return
	}
	l, err := lock.Read(f.Path, text)
	if err != nil {
		inv.fail(f.Path, err.Error())
		return
	}
	ecosystem := lock.Locks(f.Path)
	if ecosystem == "" {
		inv.bills = append(inv.bills, l.Components...)
		inv.files++
		return
	}
	inv.answered[ecosystem] = append(inv.answered[ecosystem], path.Dir(f.Path))
	if path.Base(f.Path) == "go.mod" {
		inv.sums(f.Path, l)
	}
	inv.add(f.Path, l)
}

func (inv *inventory) add(name string, l *lock.List) {
	inv.files++
	inv.components = append(inv.components, l.Components...)
	for _, m := range l.Missed {
		inv.fail(name, m)
	}
}

// pom reads a Maven project.
func (inv *inventory) pom(f supply.File) {
	l, err := lock.Pom(f.Path, inv.read)
	if err != nil {
		inv.fail(f.Path, err.Error())
		return
	}
	inv.add(f.Path, l)
}

// read reads a file of the tree by its path.
func (inv *inventory) read(name string) ([]byte, error) {
	i, ok := slices.BinarySearchFunc(inv.tree.Files, name, func(f supply.File, name string) int { return strings.Compare(f.Path, name) })
	if !ok {
		i = slices.IndexFunc(inv.tree.Files, func(f supply.File) bool { return f.Path == name })
	}
	if i < 0 {
		return nil, fmt.Errorf("%s is not in the tree", name)
	}
	return inv.tree.Files[i].Read()
}

// sums completes a go.mod of before Go 1.17 by what its go.sum says was taken.
func (inv *inventory) sums(name string, l *lock.List) {
	if len(l.Missed) == 0 {
		return
	}
	text, err := inv.read(path.Join(path.Dir(name), "go.sum"))
	if err != nil {
		return
	}
	l.Missed = nil
	newest := lock.Sums(text)
	for i, c := range l.Components {
		if v := newest[c.Name]; semver.Compare(v, c.Version) > 0 {
			l.Components[i] = lock.At(c, v)
		}
		delete(newest, c.Name)
	}
	for _, module := range slices.Sorted(keys(newest)) {
		l.Components = append(l.Components, lock.At(supply.Component{Ecosystem: "Go", Name: module, Path: name}, newest[module]))
	}
}

// workspaces gives the modules of a go.work the one version that building them together takes: the
// highest that one of them asks for (go.dev/ref/mod, "Workspaces").
func (inv *inventory) workspaces() {
	for _, f := range inv.tree.Named("go.work") {
		text, err := f.Read()
		if err != nil {
			inv.fail(f.Path, err.Error())
			continue
		}
		dirs, err := lock.Used(text)
		if err != nil {
			inv.fail(f.Path, err.Error())
			continue
		}
		inv.files++
		used := map[string]bool{}
		for _, d := range dirs {
			used[path.Join(path.Dir(f.Path), d, "go.mod")] = true
		}
		inv.raise(used)
	}
}

func (inv *inventory) raise(used map[string]bool) {
	highest := map[string]string{}
	ours := func(c supply.Component) bool { return used[c.Path] && c.Ecosystem == "Go" && c.Name != lock.Stdlib }
	for _, c := range inv.components {
		if ours(c) && semver.Compare(c.Version, highest[c.Name]) > 0 {
			highest[c.Name] = c.Version
		}
	}
	for i, c := range inv.components {
		if ours(c) && highest[c.Name] != c.Version {
			inv.components[i] = lock.At(c, highest[c.Name])
		}
	}
}

// addBills adds what bills of materials name, of ecosystems that no lock file speaks of: a bill may
// be older than the lock file beside it.
func (inv *inventory) addBills() {
	locked := map[string]bool{}
	for _, c := range inv.components {
		locked[osv.Base(c.Ecosystem)] = true
	}
	for _, c := range inv.bills {
		if !locked[osv.Base(c.Ecosystem)] || osv.Base(c.Ecosystem) == "Maven" {
			inv.components = append(inv.components, c)
		}
	}
}

// manifest fails for a manifest that asks for packages, where no lock file beside or above it answers.
func (inv *inventory) manifest(f supply.File) {
	text, err := f.Read()
	if err != nil {
		inv.fail(f.Path, err.Error())
		return
	}
	wish, asks := lock.Asks(f.Path, text)
	if !asks {
		return
	}
	for dir := path.Dir(f.Path); ; dir = path.Dir(dir) {
		if slices.Contains(inv.answered[wish.Ecosystem], dir) {
			return
		}
		if dir == "." {
			break
		}
	}
	inv.fail(f.Path, "not pinned: it asks for packages and no lock file says which were taken; "+wish.Advice)
}
