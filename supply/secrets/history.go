package secrets

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/git"
)

// History finds secrets in every version of every file that any branch, tag or stash of a tree's git
// repository has, beside those that are in the tree. What was looked into once is remembered.
type History struct {
	scanner *Scanner
	cache   *supply.Cache
}

// History looks into the git history with the same rules.
func (s *Scanner) History() History { return History{scanner: s} }

// Class says secrets.
func (h History) Class() supply.Class { return supply.Secrets }

// Using is the History that remembers in a cache.
func (h History) Using(c *supply.Cache) supply.TreeScanner {
	h.cache = c
	return h
}

// Scan looks into the history of a tree. A tree without one is fine; one whose history cannot be read
// is not checked.
func (h History) Scan(ctx context.Context, t *supply.Tree) (supply.Result, error) {
	result := supply.Result{Checked: supply.Checked{Class: supply.Secrets}}
	repo, err := git.Open(t.Dir)
	if err == nil && (repo == nil || t.Alone) {
		return result, nil
	}
	look := &looking{History: h, leavesOut: t.LeavesOut, tree: map[string]supply.File{}, repository: repository{repo}, found: map[int][]supply.Finding{}}
	for _, f := range t.Files {
		look.tree[f.Path] = f
	}
	if err == nil {
		err = look.all(ctx)
	}
	if ctx.Err() != nil {
		return result, ctx.Err()
	}
	if err != nil {
		look.failed = append(look.failed, err.Error())
	}
	for _, why := range look.failed {
		result.Checked.Failed = append(result.Checked.Failed, "git history: "+why)
	}
	result.Findings = look.distinct(ctx)
	result.Checked.Detail = fmt.Sprintf("%d versions of files in the git history", look.looked)
	return result, nil
}

// looking is one walk over a history.
type looking struct {
	History
	leavesOut  func(path string) bool
	tree       map[string]supply.File // by path
	repository repository
	versions   []version
	looked     int

	mu     sync.Mutex // guards what follows
	found  map[int][]supply.Finding
	failed []string
}

// all looks into every version that is neither remembered nor in the tree.
func (l *looking) all(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, patience, errors.New("it takes too long"))
	defer cancel()
	all, missing, err := l.repository.versions(ctx)
	if err != nil {
		return cmp.Or(context.Cause(ctx), err)
	}
	if l.repository.Shallow() {
		l.failed = append(l.failed, "it is a shallow clone; fetch the rest (git fetch --unshallow; in a workflow, fetch-depth: 0)")
	}
	if missing > 0 {
		l.failed = append(l.failed, fmt.Sprintf("%d objects are not there", missing))
	}
	open, at := l.choose(all)
	return cmp.Or(l.open(ctx, open, at), context.Cause(ctx))
}

// choose takes the versions that are looked into, and gives those of them that are not remembered.
func (l *looking) choose(all []version) (open []version, at map[string]int) {
	large := 0
	at = map[string]int{}
	for _, v := range all {
		switch {
		case !l.scanner.Wants(v.path, v.size), l.leavesOut(v.path):
			continue
		case v.size > maxVersion:
			large++
			continue
		}
		l.looked++
		l.versions = append(l.versions, v)
		if found, known := l.cache.Recall(supply.Secrets, l.name(v)); known {
			l.found[len(l.versions)-1] = found
			continue
		}
		at[v.id] = len(l.versions) - 1
		open = append(open, v)
	}
	if large > 0 {
		l.failed = append(l.failed, fmt.Sprintf("%d versions of files are larger than %d MiB", large, maxVersion>>20))
	}
	return open, at
}

// name is what a version is remembered by.
func (l *looking) name(v version) string {
	return l.scanner.version + "\x00" + v.id + "\x00" + v.commit + "\x00" + v.path
}

// open looks into versions, as many at a time as there are processors.
func (l *looking) open(ctx context.Context, list []version, at map[string]int) error {
	if len(list) == 0 {
		return nil
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	err := l.repository.contents(ctx, list, func(v version, text []byte) error {
		group.Go(func() error {
			if f, there := l.tree[v.path]; there && f.Size == v.size && same(f, text) {
				return nil // the tree has it: it is found there, and remembered when it no longer is
			}
			l.keep(at[v.id], v, text, ctx)
			return ctx.Err()
		})
		return ctx.Err()
	})
	return cmp.Or(group.Wait(), err)
}

func same(f supply.File, text []byte) bool {
	now, err := f.Read()
	return err == nil && bytes.Equal(now, text)
}

// keep looks into one version and remembers what is in it.
func (l *looking) keep(i int, v version, text []byte, ctx context.Context) {
	found, err := l.look(ctx, v, text)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.failed = append(l.failed, fmt.Sprintf("%s in %.12s: %v", v.path, v.commit, err))
	} else {
		l.cache.Keep(supply.Secrets, l.name(v), found)
	}
	if len(found) > 0 {
		l.found[i] = found
	}
}

func (l *looking) look(ctx context.Context, v version, text []byte) (found []supply.Finding, err error) {
	defer func() {
		if p := recover(); p != nil {
			found, err = nil, errors.New("the scanner failed on it")
		}
	}()
	found, err = l.scanner.File(ctx, v.path, text)
	for i := range found {
		found[i].Place.Commit = v.commit
		found[i].Message += ", in the git history"
	}
	return found, err
}

// mostOld is how many findings of a history are told.
const mostOld = 2000

// distinct gives each secret once: where it came in first, and only if the tree does not have it still.
func (l *looking) distinct(ctx context.Context) []supply.Finding {
	seen := map[string]bool{}
	read := map[string]bool{}
	var list []supply.Finding
	for i, v := range l.versions {
		if len(l.found[i]) == 0 {
			continue
		}
		if !read[v.path] {
			read[v.path] = true
			number(l.present(ctx, v.path), func(key string, _ supply.Finding) { seen[key] = true })
		}
		number(l.found[i], func(key string, f supply.Finding) {
			if !seen[key] && len(list) < mostOld {
				list = append(list, f)
			}
			seen[key] = true
		})
	}
	return list
}

// present are the findings of a file as it is in the tree.
func (l *looking) present(ctx context.Context, path string) []supply.Finding {
	f, there := l.tree[path]
	if !there {
		return nil
	}
	text, err := f.Read()
	if err != nil {
		return nil // the scan of the tree says so
	}
	found, _ := l.look(ctx, version{path: path}, text)
	return found
}

// number names the findings of a file: by rule and line, and the how-manieth of these it is.
func number(found []supply.Finding, each func(key string, f supply.Finding)) {
	count := map[string]int{}
	for _, f := range found {
		key := f.Place.Path + "\x00" + f.Rule.ID + "\x00" + f.Excerpt
		count[key]++
		each(fmt.Sprintf("%s\x00%d", key, count[key]), f)
	}
}
