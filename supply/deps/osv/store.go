package osv

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
	_ "modernc.org/sqlite" // the driver of the databases
)

// Store is a folder of advisories, one database an ecosystem. Safe for concurrent use.
type Store struct {
	dir  string
	kev  *catalogue
	torn error // of a catalogue or bulletin that cannot be read

	bulletins []Advisory

	unz  *zstd.Decoder
	mu   sync.Mutex // guards what follows
	open map[string]*sql.DB
}

// Collection is what a Store has of one ecosystem.
type Collection struct {
	Ecosystem string    `json:"ecosystem"`
	Entries   int       `json:"entries"`
	Newest    time.Time `json:"newest"`   // the newest change among them
	Imported  time.Time `json:"imported"` // when it was brought in
	Rejected  int       `json:"rejected"` // records that could not be read
}

// ErrAbsent says that a store has no advisories of an ecosystem.
var ErrAbsent = errors.New("no advisories of this ecosystem are there")

// schema of a database, and its number.
const (
	format = "1"
	schema = `
CREATE TABLE about (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE advisories (id TEXT NOT NULL UNIQUE, body BLOB NOT NULL);
CREATE TABLE packages (name TEXT NOT NULL, advisory INTEGER NOT NULL, PRIMARY KEY (name, advisory)) WITHOUT ROWID;`
)

// Open opens a folder of advisories. One that is not there has none.
func Open(dir string) (*Store, error) {
	unz, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxRecord))
	if err != nil {
		return nil, fmt.Errorf("open the advisories: %w", err)
	}
	kev, torn := readCatalogue(filepath.Join(dir, catalogueFile))
	bulletins, err := readBulletins(filepath.Join(dir, bulletinFolder))
	return &Store{dir: dir, kev: kev, torn: errors.Join(torn, err), bulletins: bulletins, unz: unz, open: map[string]*sql.DB{}}, nil
}

// Close closes the databases.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, db := range s.open {
		err = errors.Join(err, db.Close())
	}
	s.open = map[string]*sql.DB{}
	s.unz.Close()
	return err
}

// ecosystemName is what may name an ecosystem, and with it a file.
var ecosystemName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9. -]{0,60}$`)

// file is where an ecosystem's database lies.
func (s *Store) file(ecosystem string) (string, error) {
	base := Base(ecosystem)
	if !ecosystemName.MatchString(base) {
		return "", fmt.Errorf("%q names no ecosystem", base)
	}
	return filepath.Join(s.dir, strings.ReplaceAll(base, " ", "_")+".db"), nil
}

// database opens an ecosystem's database once.
func (s *Store) database(ecosystem string) (*sql.DB, error) {
	file, err := s.file(ecosystem)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if db := s.open[file]; db != nil {
		return db, nil
	}
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", Base(ecosystem), ErrAbsent)
	}
	db, err := sql.Open("sqlite", source(file)+"?mode=ro&immutable=1")
	if err != nil {
		return nil, fmt.Errorf("open the advisories of %s: %w", Base(ecosystem), err)
	}
	s.open[file] = db
	return db, nil
}

// source names a file as SQLite wants it.
func source(file string) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: file}).EscapedPath()}).String()
}

// About says what the store has of an ecosystem, or ErrAbsent.
func (s *Store) About(ctx context.Context, ecosystem string) (Collection, error) {
	if s.torn != nil {
		return Collection{}, s.torn
	}
	db, err := s.database(ecosystem)
	if err != nil {
		return Collection{}, err
	}
	var number, text string
	err = db.QueryRowContext(ctx, `SELECT (SELECT value FROM about WHERE key = 'format'), (SELECT value FROM about WHERE key = 'collection')`).Scan(&number, &text)
	if err != nil {
		return Collection{}, fmt.Errorf("read the advisories of %s (import them again): %w", Base(ecosystem), err)
	}
	if number != format {
		return Collection{}, fmt.Errorf("the advisories of %s were made by another version: %w", Base(ecosystem), ErrAbsent)
	}
	var c Collection
	if err := json.Unmarshal([]byte(text), &c); err != nil {
		return Collection{}, fmt.Errorf("read the advisories of %s: %w", Base(ecosystem), err)
	}
	return c, nil
}

// List says what the store has, by ecosystem.
func (s *Store) List(ctx context.Context) ([]Collection, error) {
	files, err := filepath.Glob(filepath.Join(globbed(s.dir), "*.db"))
	if err != nil {
		return nil, fmt.Errorf("list the advisories: %w", err)
	}
	slices.Sort(files)
	var list []Collection
	for _, f := range files {
		c, err := s.About(ctx, strings.ReplaceAll(strings.TrimSuffix(filepath.Base(f), ".db"), "_", " "))
		if err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, nil
}

// globbed is a folder's name with nothing in it that Glob makes something of.
func globbed(dir string) string {
	return regexp.MustCompile(`[*?\[\\]`).ReplaceAllString(dir, `\$0`)
}

// Advisories gives what databases and bulletins say of a package, each with what it says of this package alone, in the
// order of their ids. A release (Debian:12) is given what is said of it and of no other.
func (s *Store) Advisories(ctx context.Context, ecosystem, name string) ([]Advisory, error) {
	told := s.told(ecosystem, name)
	db, err := s.database(ecosystem)
	if errors.Is(err, ErrAbsent) && len(told) > 0 {
		return told, nil
	}
	if err != nil {
		return nil, err
	}
	rows, err := db.QueryContext(ctx, `SELECT a.body FROM packages p JOIN advisories a ON a.rowid = p.advisory WHERE p.name = ? ORDER BY a.id`, Name(ecosystem, name))
	if err != nil {
		return nil, fmt.Errorf("read the advisories of %s: %w", Base(ecosystem), err)
	}
	defer func() { _ = rows.Close() }() // Err says what went wrong
	var list []Advisory
	for rows.Next() {
		var body []byte
		if err := rows.Scan(&body); err != nil {
			return nil, fmt.Errorf("read the advisories of %s: %w", Base(ecosystem), err)
		}
		a, err := s.unpack(body)
		if err != nil {
			return nil, fmt.Errorf("read the advisories of %s (import them again): %w", Base(ecosystem), err)
		}
		if a = a.of(ecosystem, name); len(a.Affected) > 0 {
			list = append(list, a)
		}
	}
	return merge(list, told), rows.Err()
}

func (s *Store) unpack(body []byte) (a Advisory, err error) {
	text, err := s.unz.DecodeAll(body, nil)
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(text, &a)
}

// sameRelease reports whether what is said of one ecosystem holds for another: "Debian" for all its
// releases, "Debian:12" for that one, "Ubuntu:22.04:LTS" by the number, "Red Hat:enterprise_linux:9::baseos" by the first. What holds
// for paid support alone (Ubuntu Pro, Red Hat's extended streams) has fixes that others do not get.
func sameRelease(said, asked string) bool {
	if said == asked || !strings.Contains(said, ":") || !strings.Contains(asked, ":") {
		return Base(said) == Base(asked)
	}
	switch Base(said) {
	case "Ubuntu":
		return !strings.Contains(said, ":Pro:") && strings.TrimSuffix(said, ":LTS") == strings.TrimSuffix(asked, ":LTS")
	case "Red Hat":
		_, release, _ := strings.Cut(asked, ":")
		product, ok := strings.CutPrefix(said, "Red Hat:enterprise_linux:")
		return ok && major(strings.SplitN(product, ":", 2)[0]) == release
	}
	return false
}

// Name is a package's name in the one spelling of its ecosystem: PyPI's by PEP 503; NuGet and Packagist
// know no case.
func Name(ecosystem, name string) string {
	switch Base(ecosystem) {
	case "PyPI":
		return strings.ToLower(separators.ReplaceAllString(name, "-"))
	case "NuGet", "Packagist":
		return strings.ToLower(name)
	}
	return name
}

var separators = regexp.MustCompile(`[-_.]+`)
