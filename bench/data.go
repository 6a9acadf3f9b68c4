package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutela-health/tutela/internal/sample"
)

// data is what is imported: a folder of transaction Bundles.
type data struct {
	folder    string
	name      string // for the report
	resources int
	compact   int64 // bytes of the resources as compact JSON
}

// samplePatients is how many invented patients stand in for Synthea's: about as many resources.
const samplePatients = 300

// findData takes Synthea's patients from the folder that TUTELA_TESTDATA names, or invents some.
func findData(temp string) (data, error) {
	if root := os.Getenv("TUTELA_TESTDATA"); root != "" {
		d := data{folder: filepath.Join(root, "synthea-r4"), name: "Synthea, " + filepath.Join("$TUTELA_TESTDATA", "synthea-r4")}
		return d, d.weigh()
	}
	d := data{folder: filepath.Join(temp, "sample"), name: fmt.Sprintf("%d invented patients (TUTELA_TESTDATA is not set)", samplePatients)}
	if err := os.MkdirAll(d.folder, 0o700); err != nil {
		return d, err
	}
	n := 0
	for bundle := range sample.Patients(samplePatients, 1) {
		n++
		if err := os.WriteFile(filepath.Join(d.folder, fmt.Sprintf("%04d.json", n)), bundle, 0o600); err != nil {
			return d, err
		}
	}
	return d, d.weigh()
}

// weigh counts the resources and their bytes.
func (d *data) weigh() error {
	files, err := os.ReadDir(d.folder)
	if err != nil {
		return err
	}
	for _, f := range files {
		text, err := readBundle(filepath.Join(d.folder, f.Name()))
		if err != nil {
			return err
		}
		var b struct {
			Entry []struct {
				Resource json.RawMessage `json:"resource"`
			} `json:"entry"`
		}
		if err := json.Unmarshal(text, &b); err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
		for _, e := range b.Entry {
			var compact bytes.Buffer
			if err := json.Compact(&compact, e.Resource); err != nil {
				return err
			}
			d.resources++
			d.compact += int64(compact.Len())
		}
	}
	return nil
}

func readBundle(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil || !strings.HasSuffix(path, ".gz") {
		return text, err
	}
	z, err := gzip.NewReader(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	text, err = io.ReadAll(z)
	return text, errors.Join(err, z.Close())
}
