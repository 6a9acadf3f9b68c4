package supply

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Cache remembers what file scanners found, by the scanner's version, the file's path and its bytes.
// It holds findings alone, in which secrets are struck out. A nil Cache remembers nothing. Safe for
// concurrent use.
type Cache struct {
	path string

	mu    sync.Mutex // guards what follows
	old   map[string][]Finding
	used  map[string][]Finding
	notes map[string]string // by name, of the last scan
	noted map[string]string // of this one
	seen  map[string]seen   // files by path, of the last scan
	saw   map[string]seen   // of this one
}

// cacheFormat changes with the form of what is kept.
const cacheFormat = 2

// cacheFile is how a Cache lies on disk.
type cacheFile struct {
	Format   int                  `json:"format"`
	Findings map[string][]Finding `json:"findings"`
	Notes    map[string]string    `json:"notes"`
	Files    map[string]seen      `json:"files"`
}

// OpenCache reads what was kept for a tree. What cannot be read is as if nothing was kept.
func OpenCache(folder, tree string) (*Cache, error) {
	whole, err := filepath.Abs(tree)
	if err != nil {
		return nil, fmt.Errorf("name the cache: %w", err)
	}
	sum := sha256.Sum256([]byte(whole))
	c := &Cache{path: filepath.Join(folder, fmt.Sprintf("%x.json", sum[:8])), used: map[string][]Finding{}, noted: map[string]string{}, saw: map[string]seen{}}
	text, err := os.ReadFile(c.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the cache: %w", err)
	}
	var kept cacheFile
	if json.Unmarshal(text, &kept) == nil && kept.Format == cacheFormat {
		c.old, c.notes, c.seen = kept.Findings, kept.Notes, kept.Files
	}
	return c, nil
}

// Save keeps what this scan used and what classes that did not run had; the rest is forgotten.
func (c *Cache) Save(ran []Class) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, found := range c.old {
		if class, _, _ := strings.Cut(key, ":"); !slices.Contains(ran, Class(class)) {
			c.used[key] = found
		}
	}
	for key, text := range c.notes {
		if class, _, _ := strings.Cut(key, ":"); !slices.Contains(ran, Class(class)) {
			c.noted[key] = text
		}
	}
	text, err := json.Marshal(cacheFile{cacheFormat, c.used, c.noted, c.saw})
	if err != nil {
		return fmt.Errorf("encode the cache: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(c.path), 0o700); err != nil {
		return fmt.Errorf("keep the cache: %w", err)
	}
	fresh := c.path + ".new"
	if err := os.WriteFile(fresh, text, 0o600); err != nil {
		return fmt.Errorf("keep the cache: %w", err)
	}
	return os.Rename(fresh, c.path)
}

// key names what a scanner finds in a file, whose bytes are named by their sum.
func (c *Cache) key(s FileScanner, path, sum string) string {
	if c == nil {
		return ""
	}
	return named(s.Class(), fmt.Sprintf("%s\x00%s\x00%s", s.Version(), path, sum))
}

// Recall gives what was kept under a name by a scanner of trees. The name says all that it depends on,
// the scanner's version included.
func (c *Cache) Recall(class Class, name string) ([]Finding, bool) { return c.get(named(class, name)) }

// Keep keeps what was found under a name.
func (c *Cache) Keep(class Class, name string, found []Finding) { c.put(named(class, name), found) }

// Noted gives what a scanner of trees noted for itself under a name, which says all that it depends on.
func (c *Cache) Noted(class Class, name string) (string, bool) {
	if c == nil {
		return "", false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := named(class, name)
	text, ok := c.notes[key]
	if ok {
		c.noted[key] = text
	}
	return text, ok
}

// Note keeps a text under a name.
func (c *Cache) Note(class Class, name, text string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.noted[named(class, name)] = text
}

func named(class Class, name string) string {
	sum := sha256.Sum256([]byte(name))
	return fmt.Sprintf("%s:%x", class, sum[:16])
}

func (c *Cache) get(key string) ([]Finding, bool) {
	if c == nil {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.old[key]
	if ok {
		c.used[key] = found
	}
	return found, ok
}

func (c *Cache) put(key string, found []Finding) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.used[key] = found
}

// Fresh counts what this cache used that an older one did not have.
func (c *Cache) Fresh(older *Cache) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.used {
		if _, known := older.old[key]; !known {
			n++
		}
	}
	return n
}
