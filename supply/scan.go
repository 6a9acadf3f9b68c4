package supply

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tutela-health/tutela/internal/clock"
)

// FileScanner looks into one file at a time. What it finds depends on the file's path and bytes alone,
// so that it is remembered until they change. Safe for concurrent use.
type FileScanner interface {
	Class() Class
	// Version changes whenever the scanner would find something else in the same file.
	Version() string
	// Wants reports whether a file of this path and size is looked into.
	Wants(path string, size int64) bool
	// File looks into a file. An error says that it could not be checked, or not as a whole, and goes
	// into the report beside what was found nevertheless.
	File(ctx context.Context, path string, text []byte) ([]Finding, error)
}

// TreeScanner looks at a tree as a whole.
type TreeScanner interface {
	Class() Class
	// Scan gives what it found and what it looked at. An error ends the whole scan; what merely could
	// not be checked is in Checked.
	Scan(ctx context.Context, t *Tree) (Result, error)
}

// Remembering is a TreeScanner that keeps what it found in the cache of the scan.
type Remembering interface {
	TreeScanner
	// Using gives the scanner that keeps in c, which may be nil.
	Using(c *Cache) TreeScanner
}

// Result is what one TreeScanner gives.
type Result struct {
	Findings   []Finding
	Components []Component
	Checked    Checked
	Data       []Data
}

// Scan is what to run.
type Scan struct {
	Files []FileScanner
	Trees []TreeScanner
	// Others is what other tools found in the tree, and counts like what ours do.
	Others []Result
	Cache  *Cache // what is remembered of the last scan; nil remembers nothing
	Clock  clock.Clock
	Tool   string
	// Progress is told how many files of how many are done, from one goroutine at a time; may be nil.
	Progress func(done, of int)
}

// Run scans a tree.
func (s Scan) Run(ctx context.Context, t *Tree) (*Report, error) {
	t.cache = s.Cache
	r := &Report{Target: t.Dir, Tool: s.Tool, Began: s.Clock().UTC(), Files: len(t.Files), LeftOut: t.Left, Failed: t.Failed, Findings: []Finding{}}
	tally := newTally(s.Files)
	if err := s.files(ctx, t, tally); err != nil {
		return nil, err
	}
	r.Findings, r.Checked, r.Cached = tally.found, tally.checked(), int(tally.cached.Load())
	for _, scanner := range s.Trees {
		if r, ok := scanner.(Remembering); ok {
			scanner = r.Using(s.Cache)
		}
		got, err := scanner.Scan(ctx, t)
		if err != nil {
			return nil, err
		}
		r.absorb(got)
	}
	for _, got := range s.Others {
		r.absorb(got)
	}
	r.Finish(s.Clock())
	return r, nil
}

func (r *Report) absorb(got Result) {
	r.Findings = append(r.Findings, got.Findings...)
	r.Components = append(r.Components, got.Components...)
	r.Data = append(r.Data, got.Data...)
	r.Checked = merge(r.Checked, got.Checked)
}

// Finish puts the findings in order, gives them their fingerprints, and says how long it took.
func (r *Report) Finish(now time.Time) {
	sortFindings(r.Findings)
	identify(r.Findings)
	r.Took = now.Sub(r.Began).Round(time.Millisecond).Seconds()
}

// merge joins what two scanners of a class say. Where one of them saw something, the class is not blind.
func merge(all []Checked, c Checked) []Checked {
	i := slices.IndexFunc(all, func(o Checked) bool { return o.Class == c.Class })
	if i < 0 {
		return append(all, c)
	}
	o := &all[i]
	o.Files += c.Files
	if o.Detail != "" && c.Detail != "" {
		o.Detail += "; " + c.Detail
	}
	o.Detail = cmp.Or(o.Detail, c.Detail)
	o.Failed = append(o.Failed, c.Failed...)
	o.Blind = cmp.Or(o.Blind, c.Blind)
	return all
}

// files runs the file scanners, as many files at a time as there are processors.
func (s Scan) files(ctx context.Context, t *Tree, tally *tally) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range t.Files {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			s.file(ctx, t.Files[i], tally)
			tally.progress(s.Progress, len(t.Files))
			return ctx.Err()
		})
	}
	return group.Wait()
}

// file runs the scanners that want a file.
func (s Scan) file(ctx context.Context, f File, tally *tally) {
	var wanting []FileScanner
	for _, scanner := range s.Files {
		if scanner.Wants(f.Path, f.Size) {
			wanting = append(wanting, scanner)
		}
	}
	if len(wanting) == 0 {
		return
	}
	sum, text, err := f.known()
	if err != nil {
		for _, scanner := range wanting {
			tally.add(scanner, f.Path, nil, err)
		}
		return
	}
	var open []FileScanner
	for _, scanner := range wanting {
		if found, known := s.Cache.get(s.Cache.key(scanner, f.Path, sum)); known {
			tally.add(scanner, f.Path, found, nil)
		} else {
			open = append(open, scanner)
		}
	}
	if len(open) == 0 {
		tally.cached.Add(1)
		return
	}
	if text == nil {
		text, err = f.Read()
	}
	s.look(ctx, f.Path, text, err, open, tally)
}

// look has scanners look into a file, and remembers what they found under the bytes that they were given.
func (s Scan) look(ctx context.Context, path string, text []byte, failed error, open []FileScanner, tally *tally) {
	sum := sumOf(text)
	for _, scanner := range open {
		if failed != nil {
			tally.add(scanner, path, nil, failed)
			continue
		}
		found, err := scan(ctx, scanner, path, text)
		if err == nil {
			s.Cache.put(s.Cache.key(scanner, path, sum), found)
		}
		tally.add(scanner, path, found, err)
	}
}

// scan runs one scanner over bytes that may be made to break it: a panic is a file that could not be
// checked, and not the end of the scan.
func scan(ctx context.Context, scanner FileScanner, path string, text []byte) (found []Finding, err error) {
	defer func() {
		if p := recover(); p != nil {
			found, err = nil, fmt.Errorf("the %s scanner failed on it", scanner.Class())
		}
	}()
	return scanner.File(ctx, path, text)
}

// tally gathers what file scanners find.
type tally struct {
	cached atomic.Int64
	order  []Class

	mu      sync.Mutex // guards what follows
	done    int
	found   []Finding
	looked  map[Class]int
	failed  map[Class][]string
	started time.Time
}

func newTally(scanners []FileScanner) *tally {
	t := &tally{looked: map[Class]int{}, failed: map[Class][]string{}}
	for _, s := range scanners {
		if !slices.Contains(t.order, s.Class()) {
			t.order = append(t.order, s.Class())
		}
	}
	return t
}

func (t *tally) add(s FileScanner, path string, found []Finding, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil {
		t.failed[s.Class()] = append(t.failed[s.Class()], path+": "+err.Error())
	} else {
		t.looked[s.Class()]++
	}
	for _, f := range found {
		f.Class = s.Class()
		f.Place.Path = path
		t.found = append(t.found, f)
	}
}

func (t *tally) progress(tell func(done, of int), of int) {
	if tell == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.done++
	tell(t.done, of)
}

// checked says what the classes looked at.
func (t *tally) checked() []Checked {
	var list []Checked
	for _, c := range t.order {
		slices.Sort(t.failed[c])
		list = append(list, Checked{Class: c, Files: t.looked[c], Failed: t.failed[c]})
	}
	slices.SortStableFunc(t.found, func(a, b Finding) int { return cmp.Compare(a.Place.Path, b.Place.Path) })
	return list
}
