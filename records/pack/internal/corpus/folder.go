package corpus

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Half is one half of a folder's patients: one trains, the other measures.
type Half int

// The halves: files at even and at odd places of the list by name.
const (
	Training Half = iota
	HeldOut
)

// Files lists the Bundles (gzipped JSON, one patient each) of one half of a folder.
func Files(folder string, half Half) ([]string, error) {
	all, err := filepath.Glob(filepath.Join(folder, "*.json.gz"))
	if err != nil {
		return nil, fmt.Errorf("list bundles: %w", err)
	}
	var files []string
	for i, f := range all { // Glob sorts
		if Half(i%2) == half {
			files = append(files, f)
		}
	}
	return files, nil
}

// Read gives the content of a gzipped Bundle.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, fmt.Errorf("open bundle: %w", err)
	}
	return io.ReadAll(z)
}
