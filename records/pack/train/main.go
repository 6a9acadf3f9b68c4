// Command train writes the files that a dictionary is trained on, one resource each:
// synthetic, in their stored form, scrubbed of everybody's values. scripts/dictionary.sh
// runs it and then the zstd command's trainer.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/tutela-health/tutela/internal/sample"
	"github.com/tutela-health/tutela/records/pack/internal/corpus"
)

func main() {
	synthea := flag.String("synthea", "", "folder of gzipped Synthea Bundles; the first of every two is used")
	patients := flag.Int("patients", 30, "how many patients of our own generator to add")
	out := flag.String("out", "", "folder to write to")
	flag.Parse()
	w := writer{dir: *out, rng: rand.New(rand.NewPCG(1, 1))}
	if err := w.all(*synthea, *patients); err != nil {
		fmt.Fprintln(os.Stderr, "train:", err)
		os.Exit(2)
	}
	fmt.Println(w.n, "resources")
}

// writer writes scrubbed resources to numbered files.
type writer struct {
	dir string
	rng *rand.Rand
	n   int
}

func (w *writer) all(synthea string, patients int) error {
	files, err := corpus.Files(synthea, corpus.Training)
	if err != nil {
		return err
	}
	for _, f := range files {
		b, err := corpus.Read(f)
		if err != nil {
			return err
		}
		if err := w.bundle(b); err != nil {
			return fmt.Errorf("%s: %w", f, err)
		}
	}
	for b := range sample.Patients(patients, 1) {
		if err := w.bundle(b); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) bundle(b []byte) error {
	scrub := corpus.NewScrubber(w.rng)
	for r, err := range corpus.Stored(b) {
		if err != nil {
			return err
		}
		clean, err := scrub.Scrub(r.JSON)
		if err != nil {
			return err
		}
		w.n++
		if err := os.WriteFile(filepath.Join(w.dir, fmt.Sprintf("%06d.json", w.n)), clean, 0o600); err != nil {
			return fmt.Errorf("write sample: %w", err)
		}
	}
	return nil
}
