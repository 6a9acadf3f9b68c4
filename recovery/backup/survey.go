package backup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/recovery/dest"
)

// Found is what a destination holds.
type Found struct {
	Series   []Series   // the newest first
	Keyrings []Manifest // in the order in which they were made
}

// Series is a full backup and its increments, as far as they follow each other.
type Series struct {
	ID        string
	Manifests []Manifest
	// Broken says why what lies behind the last of Manifests does not follow from it; empty where nothing does.
	Broken string
}

// Newest is the last backup of the series.
func (s Series) Newest() Manifest { return s.Manifests[len(s.Manifests)-1] }

// readers is how many manifests are read at a time.
const readers = 8

// Survey reads the manifests at a destination. One that cannot be read is an error that names it;
// a series without its full backup, as one that is being removed, is not there.
func Survey(ctx context.Context, d dest.Destination) (Found, error) {
	var f Found
	all, err := manifests(ctx, d, "")
	if err != nil {
		return f, err
	}
	series := map[string][]Manifest{}
	for _, m := range all {
		if m.IsKeyring() {
			f.Keyrings = append(f.Keyrings, m)
		} else {
			series[m.Series] = append(series[m.Series], m)
		}
	}
	for id, list := range series {
		if s := follow(id, list); len(s.Manifests) > 0 {
			f.Series = append(f.Series, s)
		}
	}
	slices.SortFunc(f.Series, func(a, b Series) int { return byOrder(b.Newest(), a.Newest()) })
	slices.SortFunc(f.Keyrings, byOrder)
	return f, nil
}

// follow orders a series and finds where it breaks off.
func follow(id string, list []Manifest) Series {
	slices.SortFunc(list, func(a, b Manifest) int { return int(a.Sequence - b.Sequence) })
	s := Series{ID: id}
	previous := ""
	for i, m := range list {
		switch {
		case i == 0 && m.Sequence > 0:
			return s
		case m.Sequence != int64(i):
			s.Broken = fmt.Sprintf("increment %d of series %s is missing", i, id)
			return s
		case m.Previous != previous:
			s.Broken = fmt.Sprintf("increment %d of series %s does not follow from the one before it", i, id)
			return s
		}
		previous = m.Digest()
		s.Manifests = append(s.Manifests, m)
	}
	return s
}

// manifests reads those below a folder.
func manifests(ctx context.Context, d dest.Destination, folder string) ([]Manifest, error) {
	objects, err := d.List(ctx, folder)
	if err != nil {
		return nil, err
	}
	objects = slices.DeleteFunc(objects, func(o dest.Object) bool { return !isManifest(o.Name) })
	list := make([]Manifest, len(objects))
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(readers)
	for i, o := range objects {
		group.Go(func() error {
			text, err := read(inner, d, o.Name)
			if errs.Is(err, errs.NotFound) { // removed since the listing
				return nil
			}
			if err != nil {
				return fmt.Errorf("read %s at %s: %w", o.Name, d, err)
			}
			list[i], err = parse(o.Name, text)
			return err
		})
	}
	err = group.Wait()
	return slices.DeleteFunc(list, func(m Manifest) bool { return m.Series == "" }), err
}

func isManifest(name string) bool {
	return strings.HasSuffix(name, manifestEnd) && (strings.HasPrefix(name, seriesFolder) || strings.HasPrefix(name, keyringFolder))
}

// NewestKeyring gives the keyrings to restore with, of those that were found in one or more places: the
// newest full one and its parts, in their order. One that lacks a part which backups of its series name is
// an error: rows whose keys are missing would look like those of the erased.
func NewestKeyring(keyrings []Manifest, series []Series) ([]Manifest, error) {
	if len(keyrings) == 0 {
		return nil, errs.New(errs.NotFound, "there is no keyring: without one nothing opens")
	}
	last := slices.MaxFunc(keyrings, byOrder)
	list := slices.DeleteFunc(slices.Clone(keyrings), func(m Manifest) bool { return m.Series != last.Series })
	slices.SortStableFunc(list, func(a, b Manifest) int { return cmp.Compare(a.Sequence, b.Sequence) })
	list = slices.CompactFunc(list, func(a, b Manifest) bool { return a.Sequence == b.Sequence })
	for i := len(list) - 1; i > 0; i-- {
		if list[i].Kind == Keyring { // it holds all that came before
			list = list[i:]
			break
		}
	}
	for i, m := range list {
		if (i == 0) != (m.Kind == Keyring) || i > 0 && m.Sequence != list[i-1].Sequence+1 {
			return nil, errs.New(errs.Invalid, "the keyring before %s is missing", m.ManifestName())
		}
	}
	for _, s := range series {
		if s.ID == last.Series && s.Newest().KeyPart > last.Sequence {
			return nil, errs.New(errs.Invalid, "part %d of the keyring of series %s is missing", s.Newest().KeyPart, s.ID)
		}
	}
	return list, nil
}

// Choose gives the backups to restore for a moment: the newest series up to its end where at is empty, else
// what at names, SERIES or SERIES/NUMBER. A series that breaks off is restored only when at says up to where.
func (f Found) Choose(at string) ([]Manifest, error) {
	if len(f.Series) == 0 {
		return nil, errs.New(errs.NotFound, "there is no backup")
	}
	id, number, numbered := strings.Cut(at, "/")
	s := f.Series[0]
	if at != "" {
		i := slices.IndexFunc(f.Series, func(s Series) bool { return s.ID == id })
		if i < 0 {
			return nil, errs.New(errs.NotFound, "there is no series %s: see tutela backup list --from", id)
		}
		s = f.Series[i]
	}
	if numbered {
		i := slices.IndexFunc(s.Manifests, func(m Manifest) bool { return fmt.Sprint(m.Sequence) == number })
		if i < 0 {
			return nil, errs.New(errs.NotFound, "there is no backup %s", at)
		}
		return s.Manifests[:i+1], nil
	}
	if s.Broken != "" {
		return nil, errs.Wrap(errs.Invalid, errors.New(s.Broken), fmt.Sprintf("%s; what comes before can be restored by --at %s", s.Broken, s.Newest()))
	}
	return s.Manifests, nil
}
