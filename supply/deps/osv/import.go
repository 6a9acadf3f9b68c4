package osv

import (
	"archive/zip"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Limits on a zip that nobody vouches for. The largest that osv.dev publishes has some 300,000 records.
const (
	maxRecord  = 32 << 20 // bytes of one record, unpacked
	maxRecords = 2_000_000
	maxTotal   = 24 << 30 // bytes of all records, unpacked
	maxRatio   = 200      // a zip of records shrinks them five- to twentyfold
)

var (
	errBomb  = errors.New("it unpacks to more than advisories take")
	errMixed = errors.New("it holds records of several ecosystems: take one ecosystem's all.zip")
)

// Import makes an ecosystem's database of a zip of OSV records, in place of what was there. Another process sees the old
// one or the new. tell is told how many records of how many are read; it may be nil.
func (s *Store) Import(ctx context.Context, file string, now time.Time, tell func(done, of int)) (Collection, error) {
	z, err := zip.OpenReader(file)
	if err != nil {
		return Collection{}, fmt.Errorf("import %s: %w", file, err)
	}
	defer func() { _ = z.Close() }() // it was only read
	records, err := plausible(&z.Reader, file)
	if err != nil {
		return Collection{}, fmt.Errorf("import %s: %w", file, err)
	}
	ecosystem, err := ecosystemOf(records)
	if err != nil {
		return Collection{}, fmt.Errorf("import %s: %w", file, err)
	}
	c, err := s.replace(ctx, ecosystem, records, now, tell)
	if err != nil {
		return Collection{}, fmt.Errorf("import %s: %w", file, err)
	}
	return c, nil
}

// plausible lists the records of a zip, after what it says of their sizes. What they really unpack to is
// bounded again where they are read.
func plausible(z *zip.Reader, file string) ([]*zip.File, error) {
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	var records []*zip.File
	var total uint64
	for _, f := range z.File {
		if path.Ext(f.Name) != ".json" {
			continue
		}
		records = append(records, f)
		if total += f.UncompressedSize64; f.UncompressedSize64 > maxRecord || total > maxTotal || len(records) > maxRecords {
			return nil, errBomb
		}
	}
	if total > maxRatio*uint64(max(info.Size(), 1<<16)) { //nolint:gosec // a size is not negative
		return nil, errBomb
	}
	if len(records) == 0 {
		return nil, errors.New("no OSV records are in it")
	}
	return records, nil
}

// unzip reads one record.
func unzip(f *zip.File) (Advisory, error) {
	r, err := f.Open()
	if err != nil {
		return Advisory{}, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxRecord+1))
	if err := errors.Join(err, r.Close()); err != nil {
		return Advisory{}, err
	}
	if len(text) > maxRecord {
		return Advisory{}, errBomb
	}
	return Parse(text)
}

// sampled is how many records are looked at to tell whose they are.
const sampled = 400

// ecosystemOf says whose records a zip holds: of the one ecosystem that is in all of them. Others come
// along in single records, and a database of these few would pass for all that is known.
func ecosystemOf(records []*zip.File) (string, error) {
	var common map[string]bool
	for i := 0; i < len(records); i += max(1, len(records)/sampled) {
		a, err := unzip(records[i])
		if err != nil || len(a.Affected) == 0 {
			continue
		}
		here := map[string]bool{}
		for _, f := range a.Affected {
			here[Base(f.Ecosystem)] = common == nil || common[Base(f.Ecosystem)]
		}
		maps.DeleteFunc(here, func(_ string, both bool) bool { return !both })
		common = here
	}
	switch names := slices.Sorted(maps.Keys(common)); {
	case common == nil:
		return "", errors.New("no OSV records are in it")
	case len(names) != 1:
		return "", errMixed
	default:
		return names[0], nil
	}
}

// replace writes a database beside the old one and puts it in its place.
func (s *Store) replace(ctx context.Context, ecosystem string, records []*zip.File, now time.Time, tell func(done, of int)) (Collection, error) {
	file, err := s.file(ecosystem)
	if err != nil {
		return Collection{}, err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return Collection{}, err
	}
	fresh, err := os.MkdirTemp(s.dir, "import-")
	if err != nil {
		return Collection{}, err
	}
	defer func() { _ = os.RemoveAll(fresh) }() // what is left of it serves nobody
	c := Collection{Ecosystem: ecosystem, Imported: now.UTC()}
	if err := write(ctx, filepath.Join(fresh, "db"), &c, records, tell); err != nil {
		return Collection{}, err
	}
	return c, errors.Join(s.forget(file), os.Rename(filepath.Join(fresh, "db"), file))
}

// forget closes a database that is about to change.
func (s *Store) forget(file string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	db := s.open[file]
	delete(s.open, file)
	if db == nil {
		return nil
	}
	return db.Close()
}

// write fills a new database in one transaction.
func write(ctx context.Context, file string, c *Collection, records []*zip.File, tell func(done, of int)) (err error) {
	db, err := sql.Open("sqlite", source(file)+"?_pragma=journal_mode(off)&_pragma=synchronous(off)")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fill(ctx, tx, c, records, tell); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// fill reads the records one after the other. One that cannot be read is counted; that many may not be.
func fill(ctx context.Context, tx *sql.Tx, c *Collection, records []*zip.File, tell func(done, of int)) error {
	pack, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	var total int
	for i, f := range records {
		if tell != nil {
			tell(i+1, len(records))
		}
		a, err := unzip(f)
		if errors.Is(err, errBomb) {
			return err
		}
		if err != nil {
			c.Rejected++
			continue
		}
		n, err := add(ctx, tx, c, pack, a)
		if err != nil {
			return err
		}
		if total += n; total > maxTotal {
			return errBomb
		}
	}
	if c.Rejected*10 > len(records) {
		return fmt.Errorf("%d of its %d records cannot be read", c.Rejected, len(records))
	}
	about, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO about VALUES ('format', ?), ('collection', ?)`, format, string(about))
	return err
}

// add writes one advisory, with what it says of the packages of this ecosystem.
func add(ctx context.Context, tx *sql.Tx, c *Collection, pack *zstd.Encoder, a Advisory) (int, error) {
	a.Affected = slices.DeleteFunc(a.Affected, func(f Affected) bool { return Base(f.Ecosystem) != c.Ecosystem })
	if a.Modified.After(c.Newest) && !a.Modified.After(c.Imported) {
		c.Newest = a.Modified
	}
	c.Entries++
	if len(a.Affected) == 0 {
		return 0, nil
	}
	text, err := json.Marshal(a)
	if err != nil {
		return 0, err
	}
	row, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO advisories VALUES (?, ?)`, a.ID, pack.EncodeAll(text, nil))
	if err != nil {
		return 0, err
	}
	id, err := row.LastInsertId()
	if err != nil {
		return 0, err
	}
	seen := map[string]bool{}
	for _, f := range a.Affected {
		name := Name(f.Ecosystem, f.Name)
		if seen[name] || strings.TrimSpace(name) == "" {
			continue
		}
		seen[name] = true
		if _, err := tx.ExecContext(ctx, `INSERT OR REPLACE INTO packages VALUES (?, ?)`, name, id); err != nil {
			return 0, err
		}
	}
	return len(text), nil
}
