// Command tutela-verify verifies an auditor's package by the ledger's verifier key alone: without a server, a database or
// the program that made it.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/tutela-health/tutela/assure/dossier"
)

// The exit codes, as those of tutela.
const (
	exitClean = 0
	exitFound = 1
	exitError = 2
)

const usage = `tutela-verify verifies an auditor's package.

  tutela-verify --key ledger.key package.zip

The key is the ledger's verifier key: get it once, from the organisation itself (https://HOST/ledger/key), and not out of
the package. A file with several keys, a line each, is good too; so is the key itself in place of a file.

Exit code 0: every file, row and proof is what the ledger's head says. 1: something is not. 2: it could not be verified.

`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, out, complain io.Writer) int {
	flags := flag.NewFlagSet("tutela-verify", flag.ContinueOnError)
	flags.SetOutput(complain)
	flags.Usage = func() { fmt.Fprint(complain, usage); flags.PrintDefaults() }
	key := flags.String("key", "", "`file` with the ledger's verifier keys, or the key itself")
	format := flags.String("format", "text", "text or json")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return exitClean
	} else if err != nil {
		return exitError
	}
	if *key == "" || flags.NArg() != 1 || *format != "text" && *format != "json" {
		flags.Usage()
		return exitError
	}
	r, err := verify(flags.Arg(0), *key)
	if err != nil {
		fmt.Fprintln(complain, "tutela-verify:", err)
		return exitError
	}
	if *format == "json" {
		err = json.NewEncoder(out).Encode(r)
	} else {
		_, err = io.WriteString(out, r.Summary())
	}
	switch {
	case err != nil:
		fmt.Fprintln(complain, "tutela-verify:", err)
		return exitError
	case !r.Good():
		fmt.Fprintln(complain, "tutela-verify: this package is NOT what the ledger says")
		return exitFound
	}
	return exitClean
}

// verify opens package and key.
func verify(file, key string) (*dossier.Report, error) {
	vkeys, err := keysOf(key)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return dossier.Verify(f, info.Size(), vkeys...)
}

// keysOf reads verifier keys: NAME+HASH+KEY, a line each.
func keysOf(given string) ([]string, error) {
	if strings.Count(given, "+") >= 2 && !strings.ContainsAny(given, "\n") {
		if _, err := os.Stat(given); err != nil {
			return []string{given}, nil
		}
	}
	text, err := os.ReadFile(given)
	if err != nil {
		return nil, fmt.Errorf("read the verifier key: %w", err)
	}
	var list []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s holds no key", given)
	}
	return list, nil
}
