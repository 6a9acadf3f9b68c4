// Command tutela-verify verifies an auditor's package, or a statement that an organisation shares, by the ledger's verifier key
// alone: without a server, a database or the program that made it.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/tutela-health/tutela/assure/dossier"
)

// The exit codes, as those of tutela.
const (
	exitClean = 0
	exitFound = 1
	exitError = 2
)

const usage = `tutela-verify verifies an auditor's package, or a statement that an organisation shares.

  tutela-verify --key ledger.key package.zip
  tutela-verify --key ledger.key answers.json

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
		fmt.Fprintln(complain, "tutela-verify: this file is NOT what the ledger says")
		return exitFound
	}
	return exitClean
}

// report is what a verification found.
type report interface {
	Good() bool
	Summary() string
}

// verify opens file and key.
func verify(file, key string) (report, error) {
	vkeys, err := dossier.Keys(key)
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
	begin := make([]byte, 1)
	if _, err := f.ReadAt(begin, 0); err == nil && begin[0] == '{' {
		return verifyStatement(io.LimitReader(f, dossier.MaxStatement+1), vkeys)
	}
	return dossier.Verify(f, info.Size(), vkeys...)
}

// statement is what a verification of one found.
type statement struct {
	dossier.Sealed
	Text     string   `json:"text"`
	Problems []string `json:"problems"`
}

func verifyStatement(r io.Reader, vkeys []string) (report, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	st, err := dossier.ReadStatement(text)
	if err != nil {
		return nil, err
	}
	found := &statement{Text: st.Text, Problems: []string{}}
	if found.Sealed, err = st.Verify(vkeys...); err != nil {
		found.Problems = append(found.Problems, err.Error())
	}
	return found, nil
}

// Good reports whether nothing is wrong.
func (s *statement) Good() bool { return len(s.Problems) == 0 }

// Summary is for people. The text is not in it: somebody else wrote it.
func (s *statement) Summary() string {
	if !s.Good() {
		return "PROBLEM     " + strings.Join(s.Problems, "; ") + "\n"
	}
	return fmt.Sprintf("ledger      %q\nstatement   %q, entry %d of %s\nsha256      %s\n", s.Origin, s.Kind, s.Leaf, s.Entry.Time.UTC().Format(time.RFC3339), s.SHA256)
}
