package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// uuids are the ids of Synthea's resources, and what refers to them.
var uuids = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// renamed is a chart under the ids of the nth copy, which differ in their first eight digits: what referred to each
// other in the chart does so still.
func renamed(chart []byte, n int) []byte {
	return uuids.ReplaceAllFunc(chart, func(id []byte) []byte {
		first, err := strconv.ParseUint(string(id[:8]), 16, 32)
		if err != nil {
			return id // cannot be: the pattern has eight digits there
		}
		const odd = 0x9E3779B1                                                          // 2³² divided by the golden ratio: copies lie far from each other in an index
		return append(fmt.Appendf(nil, "%08x", uint32(first)+uint32(n)*odd), id[8:]...) //nolint:gosec // wraps on purpose
	})
}

// copyCharts writes the nth copy of all charts into a folder.
func copyCharts(from, to string, n int) error {
	files, err := os.ReadDir(from)
	if err == nil {
		err = os.MkdirAll(to, 0o700)
	}
	for _, f := range files {
		if err != nil {
			return err
		}
		var chart []byte
		if chart, err = unpacked(filepath.Join(from, f.Name())); err == nil {
			err = os.WriteFile(filepath.Join(to, fmt.Sprintf("%d-%s.json", n, f.Name())), renamed(chart, n), 0o600)
		}
	}
	return err
}

// unpacked reads a gzipped file.
func unpacked(path string) ([]byte, error) {
	packed, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(z)
	return text, errors.Join(err, z.Close())
}

// load imports the nth copy of all charts and adds what it took.
func (w *world) load(ctx context.Context, n int) error {
	folder := w.in("charts")
	if err := copyCharts(w.charts, folder, n); err != nil {
		return err
	}
	u, _, err := w.command(ctx, "import", folder, "--data", w.in("data"))
	w.imported = w.imported.plus(u)
	return errors.Join(err, os.RemoveAll(folder))
}
