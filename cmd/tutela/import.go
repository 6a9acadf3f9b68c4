package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

type importCmd struct {
	target
	Paths []string `arg:"" name:"path" help:"Files or folders: Bundles, resources, NDJSON; .gz too."`
}

// Help gives an example.
func (importCmd) Help() string {
	return `Example: tutela import --data tutela-data patients/ more.ndjson.gz

Resources keep their ids, so that importing the same files again changes nothing. What cannot be
loaded is named with its place, the rest goes in, and the exit code is 1.`
}

// parallel is how many transactions are under way at once.
const parallel = 4

// Run loads the files through the running server, or straight into the store where none runs.
func (cmd importCmd) Run(ctx context.Context, c console) error {
	files, err := cmd.files()
	if err != nil {
		return err
	}
	if _, err := cmd.running(); errors.Is(err, errStopped) {
		return cmd.intoStopped(ctx, c, files)
	}
	client, err := cmd.connect(ctx, "loader")
	if err != nil {
		return err
	}
	return errors.Join(cmd.load(ctx, c, client, files), cmd.settled(ctx))
}

// settled waits a moment until the try-out identities have met the first patients: whoever goes on
// as physician expects to find them.
func (cmd importCmd) settled(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for until := time.Now().Add(settleFor); time.Now().Before(until); {
		info, err := cmd.running()
		if err != nil || info.Settled {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// settleFor bounds that wait.
const settleFor = 2 * time.Second

// intoStopped loads straight into the store.
func (cmd importCmd) intoStopped(ctx context.Context, c console, files []string) error {
	s, err := cmd.open(ctx, c, "import")
	if err != nil {
		return err
	}
	return errors.Join(cmd.load(ctx, c, s.directClient("import"), files), s.close(context.WithoutCancel(ctx)))
}

// files lists what is to be loaded.
func (cmd importCmd) files() ([]string, error) {
	var files []string
	for _, p := range cmd.Paths {
		err := filepath.WalkDir(p, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if !d.IsDir() && (path == p || loadable(path)) {
				files = append(files, path)
			}
			return nil
		})
		if errors.Is(err, fs.ErrNotExist) {
			return nil, usage("there is no %s", p)
		}
		if err != nil {
			return nil, fmt.Errorf("list files: %w", err)
		}
	}
	if len(files) == 0 {
		return nil, usage("nothing to load: no .json, .ndjson or .gz file there")
	}
	return files, nil
}

func loadable(path string) bool {
	name := strings.TrimSuffix(path, ".gz")
	return strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".ndjson")
}

// loading is one import under way.
type loading struct {
	client    *client
	console   console
	resources atomic.Int64
	failed    atomic.Int64
	mu        sync.Mutex // guards writing to console
}

func (cmd importCmd) load(ctx context.Context, c console, client *client, files []string) error {
	l := &loading{client: client, console: c}
	started := time.Now()
	stop := l.progress(len(files))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	for _, path := range files {
		group.Go(func() error { return l.file(ctx, path) })
	}
	err := group.Wait()
	stop()
	if err != nil {
		return err
	}
	took := time.Since(started)
	fmt.Fprintf(c.out, "%d resources from %d files in %.1f s (%.0f per second)\n",
		l.resources.Load(), len(files), took.Seconds(), float64(l.resources.Load())/took.Seconds())
	if n := l.failed.Load(); n > 0 {
		fmt.Fprintf(c.out, "%d files or lines could not be loaded, see above\n", n)
		return errFound
	}
	return nil
}

// progress shows how far it is, when a person looks.
func (l *loading) progress(files int) (stop func()) {
	f, ok := l.console.err.(*os.File)
	if !ok {
		return func() {}
	}
	if info, err := f.Stat(); err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				fmt.Fprint(f, "\r\x1b[K")
				return
			case <-tick.C:
				fmt.Fprintf(f, "\r%d resources of %d files", l.resources.Load(), files)
			}
		}
	}()
	return func() { close(done); <-ended }
}

// file loads one file. What is wrong with it is reported; an error means that nothing more can be loaded.
func (l *loading) file(ctx context.Context, path string) error {
	text, err := readFile(path)
	if err != nil {
		return fmt.Errorf("read file: %w", err)
	}
	bundles, err := toTransactions(text, strings.HasSuffix(strings.TrimSuffix(path, ".gz"), ".ndjson"))
	if err != nil {
		l.report(path, err)
	}
	for _, b := range bundles {
		if err := l.bundle(ctx, path, b); err != nil {
			return err
		}
	}
	return nil
}

func (l *loading) bundle(ctx context.Context, path string, b transaction) error {
	err := l.client.transaction(ctx, b.bytes())
	if err == nil {
		l.resources.Add(int64(len(b.entries)))
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if b.whole || len(b.entries) == 1 {
		l.report(path, err)
		return nil
	}
	for _, e := range b.entries { // one bad resource must not keep out the others
		if err := l.bundle(ctx, path, transaction{entries: []loadEntry{e}}); err != nil {
			return err
		}
	}
	return nil
}

func (l *loading) report(path string, err error) {
	l.failed.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(l.console.err, "tutela: %s: %v\n", path, err)
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	text, err := readAll(f, strings.HasSuffix(path, ".gz"))
	return text, errors.Join(err, f.Close())
}

// maxFile bounds a file once it is decompressed.
const maxFile = 1 << 30

func readAll(r io.Reader, zipped bool) ([]byte, error) {
	if zipped {
		z, err := newGzip(r)
		if err != nil {
			return nil, err
		}
		r = z
	}
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = usage("larger than %d bytes", maxFile)
	}
	return text, err
}
