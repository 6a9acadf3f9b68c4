package osv

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Limits on what was brought in one by one.
const (
	maxBulletins = 10_000
	maxBulletin  = 4 << 20 // bytes
)

// bulletinFolder is where a Store keeps them, as they were written.
const bulletinFolder = "bulletins"

// bulletinName is what an id must look like to name a file.
var bulletinName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)

// ImportBulletin takes one OSV record, such as a vendor's or one's own, besides the databases. One of the
// same id is replaced. It does not stand for its ecosystem: that stays without a database.
func (s *Store) ImportBulletin(file string) (Advisory, error) {
	text, err := readUpTo(file, maxBulletin)
	if err != nil {
		return Advisory{}, fmt.Errorf("import %s: %w", file, err)
	}
	a, err := Parse(text)
	switch {
	case err != nil:
		return Advisory{}, fmt.Errorf("import %s: %w", file, err)
	case !bulletinName.MatchString(a.ID):
		return Advisory{}, fmt.Errorf("import %s: its id cannot name a file", file)
	case len(a.Affected) == 0:
		return Advisory{}, fmt.Errorf("import %s: it names no package", file)
	}
	dir := filepath.Join(s.dir, bulletinFolder)
	fresh := filepath.Join(dir, a.ID+".new")
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(fresh, text, 0o600), os.Rename(fresh, filepath.Join(dir, a.ID+".json"))); err != nil {
		return Advisory{}, fmt.Errorf("import %s: %w", file, err)
	}
	s.bulletins = append(slices.DeleteFunc(s.bulletins, func(o Advisory) bool { return o.ID == a.ID }), a)
	return a, nil
}

// readBulletins reads all that a folder has.
func readBulletins(dir string) ([]Advisory, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if len(entries) > maxBulletins {
		return nil, fmt.Errorf("%s holds more than %d bulletins", dir, maxBulletins)
	}
	var list []Advisory
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".json" {
			continue
		}
		text, err := readUpTo(filepath.Join(dir, e.Name()), maxBulletin)
		if err != nil {
			return nil, err
		}
		a, err := Parse(text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		list = append(list, a)
	}
	return list, nil
}

// Bulletins says how many there are.
func (s *Store) Bulletins() int { return len(s.bulletins) }

// told gives what bulletins say of a package.
func (s *Store) told(ecosystem, name string) (list []Advisory) {
	for _, a := range s.bulletins {
		if a = a.of(ecosystem, name); len(a.Affected) > 0 {
			list = append(list, a)
		}
	}
	return list
}

// of is the advisory with what it says of one package alone.
func (a Advisory) of(ecosystem, name string) Advisory {
	var kept []Affected
	for _, f := range a.Affected {
		if Base(f.Ecosystem) == Base(ecosystem) && Name(ecosystem, f.Name) == Name(ecosystem, name) && sameRelease(f.Ecosystem, ecosystem) {
			kept = append(kept, f)
		}
	}
	a.Affected = kept
	return a
}

// merge puts bulletins among the advisories of a database, which come first where both have one.
func merge(known, told []Advisory) []Advisory {
	for _, b := range told {
		if !slices.ContainsFunc(known, func(a Advisory) bool { return a.ID == b.ID }) {
			known = append(known, b)
		}
	}
	slices.SortFunc(known, func(a, b Advisory) int { return strings.Compare(a.ID, b.ID) })
	return known
}
