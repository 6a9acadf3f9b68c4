package osv

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// catalogueFile is where a Store keeps CISA's catalogue of known exploited vulnerabilities (cisa.gov/known-exploited-vulnerabilities-catalog).
const catalogueFile = "kev.json"

// maxCatalogue bounds it, in bytes; it has 1.3 MB for 1,400 entries.
const maxCatalogue = 64 << 20

// catalogue is what we read of it.
type catalogue struct {
	released time.Time
	cves     map[string]bool
}

func parseCatalogue(text []byte) (*catalogue, error) {
	var file struct {
		Released time.Time `json:"dateReleased"`
		List     []struct {
			CVE string `json:"cveID"`
		} `json:"vulnerabilities"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("read what is known to be exploited: %w", err)
	}
	if len(file.List) == 0 {
		return nil, errors.New("read what is known to be exploited: it lists nothing")
	}
	c := &catalogue{released: file.Released, cves: map[string]bool{}}
	for _, v := range file.List {
		c.cves[strings.ToUpper(strings.TrimSpace(v.CVE))] = true
	}
	return c, nil
}

func readCatalogue(file string) (*catalogue, error) {
	text, err := readUpTo(file, maxCatalogue)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // none is there, which is no error
	}
	if err != nil {
		return nil, err
	}
	return parseCatalogue(text)
}

// ImportExploited takes CISA's catalogue, as JSON.
func (s *Store) ImportExploited(file string) (entries int, released time.Time, err error) {
	text, err := readUpTo(file, maxCatalogue)
	if err != nil {
		return 0, time.Time{}, err
	}
	c, err := parseCatalogue(text)
	if err != nil {
		return 0, time.Time{}, err
	}
	fresh := filepath.Join(s.dir, catalogueFile+".new")
	if err := errors.Join(os.MkdirAll(s.dir, 0o700), os.WriteFile(fresh, text, 0o600), os.Rename(fresh, filepath.Join(s.dir, catalogueFile))); err != nil {
		return 0, time.Time{}, err
	}
	s.kev = c
	return len(c.cves), c.released, nil
}

// Exploited reports whether one of these names stands in the catalogue.
func (s *Store) Exploited(names []string) bool {
	if s.kev == nil {
		return false
	}
	for _, n := range names {
		// A distribution's CVE is the CVE: DEBIAN-CVE-2024-1, UBUNTU-CVE-2024-1, ALPINE-CVE-2024-1.
		if _, cve, ok := strings.Cut(n, "-CVE-"); ok {
			n = "CVE-" + cve
		}
		if s.kev.cves[n] {
			return true
		}
	}
	return false
}

// ExploitedList says how many entries the catalogue has and of when it is; zero where there is none.
func (s *Store) ExploitedList() (entries int, released time.Time) {
	if s.kev == nil {
		return 0, time.Time{}
	}
	return len(s.kev.cves), s.kev.released
}

func readUpTo(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	if int64(len(text)) > limit {
		return nil, fmt.Errorf("%s is larger than %d MiB", file, limit>>20)
	}
	return text, nil
}
