package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/attest"
	"github.com/tutela-health/tutela/supply/gate"
	"github.com/tutela-health/tutela/supply/report"
	"github.com/tutela-health/tutela/supply/submit"
)

type attestCmd struct {
	Provenance provenanceCmd `cmd:"" help:"Sign how artifacts were built (SLSA provenance)."`
	Bill       billCmd       `cmd:"" name:"sbom" help:"Sign what artifacts are made of, from a bill of materials in CycloneDX."`
	Verify     verifyCmd     `cmd:"" help:"Say what a file of attestations proves."`
	Key        attestKeyCmd  `cmd:"" help:"Make a key for signing: FILE, and FILE.pub for those who verify."`
}

// signing is how commands sign what they have done, and to whom they report it.
type signing struct {
	Attest   string `type:"path" placeholder:"FILE" help:"Write the results there, signed: in-toto statements in DSSE envelopes, one a line."`
	Key      string `type:"existingfile" placeholder:"FILE" help:"The key to sign with: ECDSA P-256 as PKCS#8 in PEM (tutela attest key)."`
	ReportTo string `name:"report-to" placeholder:"URL" help:"Send the signed results to this Tutela, into its ledger as evidence; the key is registered there (tutela pipeline register)."`
	ReportCA string `name:"report-ca" type:"existingfile" placeholder:"FILE" help:"Certificates that are trusted for --report-to beside the machine's own."`
}

func (s signing) check() error {
	if s.Key == "" && s.Attest != "" {
		return usage("--attest takes --key: make one with tutela attest key FILE")
	}
	if s.Key == "" && s.ReportTo != "" {
		return usage("--report-to takes --key: the one that was registered with tutela pipeline register")
	}
	_, err := s.server()
	return err
}

// wanted reports whether anything is to be signed.
func (s signing) wanted() bool { return s.Attest != "" || s.ReportTo != "" }

// server is whom results are reported to; nil where nobody is.
func (s signing) server() (*submit.Server, error) {
	if s.ReportTo == "" {
		return nil, nil
	}
	var authorities []byte
	if s.ReportCA != "" {
		var err error
		if authorities, err = os.ReadFile(s.ReportCA); err != nil {
			return nil, usage("read the authorities: %v", err)
		}
	}
	to, err := submit.At(s.ReportTo, authorities, clock.System)
	if err != nil {
		return nil, usage("--report-to: %v", err)
	}
	return to, nil
}

// hand signs statements, writes them where they are wanted, and reports them.
func (s signing) hand(ctx context.Context, c console, statements []attest.Statement) error {
	if s.Attest != "" {
		if err := writeSigned(c, s.Attest, s.Key, statements...); err != nil {
			return err
		}
	}
	to, err := s.server()
	if to == nil || err != nil {
		return err
	}
	key, err := readSigner(s.Key)
	if err != nil {
		return err
	}
	got, err := to.Send(ctx, key, statements...)
	if err != nil {
		return usage("not reported: %v", err)
	}
	pieces := 0
	for _, r := range got {
		pieces += len(r.Evidence)
	}
	_, err = fmt.Fprintf(c.err, "reported to %s: %d statements, %d pieces of evidence\n", s.ReportTo, len(got), pieces)
	return err
}

func readSigner(path string) (*attest.Signer, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usage("read the key: %v", err)
	}
	key, err := attest.ReadSigner(text)
	if err != nil {
		return nil, usage("%s: %v", path, err)
	}
	return key, nil
}

// sign makes envelopes of statements, one a line.
func sign(keyFile string, statements ...attest.Statement) ([]byte, error) {
	key, err := readSigner(keyFile)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	for _, st := range statements {
		e, err := key.Sign(st)
		if err == nil {
			err = json.NewEncoder(&b).Encode(e)
		}
		if err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// treeSubject names what was looked at: the files that git has, or all of them without git.
func treeSubject(ctx context.Context, path string) (attest.Resource, error) {
	tree, err := supply.OpenTree(path)
	if err != nil {
		return attest.Resource{}, usage("%v", err)
	}
	defer func() { _ = tree.Close() }() // it was only read
	if err := gate.Tracked(ctx, tree); err != nil {
		return attest.Resource{}, usage("%v", err)
	}
	return attest.Tree(ctx, tree)
}

// policyOf names the policy that judged.
func policyOf(path string) attest.Resource {
	r := attest.Resource{Name: gate.File}
	text, err := os.ReadFile(filepath.Join(path, gate.File))
	if err != nil {
		return attest.Resource{Name: "the default policy of " + tool()}
	}
	r.Digest = map[string]string{"sha256": fmt.Sprintf("%x", sha256.Sum256(text))}
	return r
}

func tool() string { return "tutela " + version().Version }

// ofScan are the statements of a scan: its result, and what the tree is made of where that was looked at.
func ofScan(r *supply.Report, subject attest.Resource) ([]attest.Statement, error) {
	st, err := attest.OfReport(r, subject)
	if err != nil {
		return nil, err
	}
	list := []attest.Statement{st}
	if len(r.Components) > 0 {
		bill, err := attest.OfBill(r, subject)
		if err != nil {
			return nil, err
		}
		list = append(list, bill)
	}
	return list, nil
}

// runPage is the page of the CI run that this is; empty on a laptop.
func runPage() string {
	if server, repo, id := os.Getenv("GITHUB_SERVER_URL"), os.Getenv("GITHUB_REPOSITORY"), os.Getenv("GITHUB_RUN_ID"); server != "" && repo != "" && id != "" {
		return server + "/" + repo + "/actions/runs/" + id
	}
	for _, name := range []string{"CI_JOB_URL", "BUILD_URL"} { // GitLab, Jenkins
		if at := os.Getenv(name); strings.HasPrefix(at, "https://") {
			return at
		}
	}
	return ""
}

type provenanceCmd struct {
	Artifacts []string `arg:"" type:"existingfile" help:"The files that were built."`
	Key       string   `required:"" type:"existingfile" placeholder:"FILE" help:"The key to sign with."`
	Tree      string   `default:"." type:"existingdir" help:"The working tree that they were built from."`
	Builder   string   `placeholder:"URI" help:"Who built it, for those who decide by that. Without it, nobody vouches but the key."`
	Output    string   `short:"o" type:"path" placeholder:"FILE" help:"Write there instead of to standard output."`
}

// Help gives an example.
func (provenanceCmd) Help() string {
	return `Example: tutela attest provenance bin/server --key build.key -o server.intoto.jsonl
The source is named by its commit only if every file is as that commit has it. A Go program says itself which modules it was built of; of
other artifacts, the tree's lock files are named. Whoever holds the key can say anything: keep it where only the pipeline gets at it.`
}

// Run signs.
func (cmd provenanceCmd) Run(ctx context.Context, c console) error {
	st, err := attest.Build{Tree: cmd.Tree, Builder: cmd.Builder, Invocation: runPage(), Tool: tool()}.Provenance(ctx, cmd.Artifacts...)
	if err != nil {
		return usage("%v", err)
	}
	return writeSigned(c, cmd.Output, cmd.Key, st)
}

func writeSigned(c console, file, key string, statements ...attest.Statement) error {
	text, err := sign(key, statements...)
	if err != nil {
		return err
	}
	if file == "" {
		_, err = c.out.Write(text)
		return err
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return usage("write the attestations: %v", err)
	}
	return nil
}

type billCmd struct {
	Bill      string   `arg:"" type:"existingfile" help:"CycloneDX in JSON, as tutela scan --format cyclonedx writes it."`
	Artifacts []string `arg:"" type:"existingfile" help:"The files that it speaks of."`
	Key       string   `required:"" type:"existingfile" placeholder:"FILE" help:"The key to sign with."`
	Output    string   `short:"o" type:"path" placeholder:"FILE" help:"Write there instead of to standard output."`
}

// Help gives an example.
func (billCmd) Help() string {
	return "Example: tutela attest sbom server.cdx.json bin/server --key build.key -o server.sbom.jsonl"
}

// Run signs.
func (cmd billCmd) Run(c console) error {
	text, err := os.ReadFile(cmd.Bill)
	if err != nil {
		return usage("%v", err)
	}
	var bill struct {
		Format string `json:"bomFormat"`
	}
	if err := json.Unmarshal(text, &bill); err != nil || bill.Format != "CycloneDX" {
		return usage("%s is no bill of materials in CycloneDX's JSON", cmd.Bill)
	}
	subjects, err := attest.Files(cmd.Artifacts...)
	if err != nil {
		return usage("%v", err)
	}
	st, err := attest.NewStatement(attest.TypeCycloneDX, json.RawMessage(text), subjects...)
	if err != nil {
		return usage("%v", err)
	}
	return writeSigned(c, cmd.Output, cmd.Key, st)
}

type verifyCmd struct {
	File      string   `arg:"" type:"existingfile" help:"Envelopes, one a line."`
	Key       []string `required:"" type:"existingfile" placeholder:"FILE" help:"Public keys that are trusted, in PEM."`
	Artifacts []string `name:"artifact" type:"existingfile" placeholder:"FILE" help:"Every statement must speak of each of these files."`
	Tree      string   `type:"existingdir" placeholder:"DIR" help:"Every statement must speak of this tree as it is."`
	Type      string   `placeholder:"URI" help:"Every statement must have this type of predicate."`
	Format    string   `enum:"text,json" default:"text" help:"${enum}; json gives the statements."`
}

// Help gives an example.
func (verifyCmd) Help() string {
	return `Examples:
  tutela attest verify server.intoto.jsonl --key build.key.pub --artifact bin/server --type https://slsa.dev/provenance/v1
  tutela attest verify gate.intoto.jsonl --key build.key.pub --tree .

Exit code 0: all of it was signed by a key that is trusted, and speaks of what was named. 1: not so. 2: it could not be judged.`
}

// Run verifies.
func (cmd verifyCmd) Run(ctx context.Context, c console) error {
	keys, err := readVerifiers(cmd.Key)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(cmd.File)
	if err != nil {
		return usage("%v", err)
	}
	list, err := attest.ParseLines(text)
	if err != nil {
		return usage("%s: %v", cmd.File, err)
	}
	asked, err := cmd.subjects(ctx)
	if err != nil {
		return err
	}
	good := true
	for i, e := range list {
		st, key, err := e.Verify(keys...)
		if err == nil {
			err = cmd.fits(st, asked)
		}
		if err != nil {
			good = false
			fmt.Fprintf(c.err, "tutela: statement %d: %v\n", i+1, err)
			continue
		}
		if err := cmd.tell(c, st, key); err != nil {
			return err
		}
	}
	if !good {
		return errFound
	}
	return nil
}

func readVerifiers(files []string) ([]*attest.Verifier, error) {
	var keys []*attest.Verifier
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			return nil, usage("read the key: %v", err)
		}
		key, err := attest.ReadVerifier(text)
		if err != nil {
			return nil, usage("%s: %v", f, err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func (cmd verifyCmd) subjects(ctx context.Context) ([]attest.Resource, error) {
	asked, err := attest.Files(cmd.Artifacts...)
	if err != nil {
		return nil, usage("%v", err)
	}
	if cmd.Tree == "" {
		return asked, nil
	}
	tree, err := treeSubject(ctx, cmd.Tree)
	return append(asked, tree), err
}

func (cmd verifyCmd) fits(st attest.Statement, asked []attest.Resource) error {
	if cmd.Type != "" && st.PredicateType != cmd.Type {
		return fmt.Errorf("its predicate is %s", st.PredicateType)
	}
	for _, r := range asked {
		if !st.About(r) {
			return fmt.Errorf("it does not speak of %s as it is", r.Name)
		}
	}
	return nil
}

func (cmd verifyCmd) tell(c console, st attest.Statement, key *attest.Verifier) error {
	if cmd.Format == "json" {
		return json.NewEncoder(c.out).Encode(st)
	}
	_, err := fmt.Fprintf(c.out, "%s\n  signed by %s\n", report.Plain(st.Summary()), key.ID())
	for _, r := range st.Subject {
		if err == nil {
			_, err = fmt.Fprintf(c.out, "  of %s %s\n", report.Plain(r.Name), report.Plain(fmt.Sprint(r.Digest)))
		}
	}
	return err
}

type attestKeyCmd struct {
	File string `arg:"" type:"path" help:"Where to write the private key; it must not be there yet."`
}

// Help gives an example.
func (attestKeyCmd) Help() string { return "Example: tutela attest key build.key" }

// Run makes a key.
func (cmd attestKeyCmd) Run(c console) error {
	key, err := attest.NewSigner()
	if err != nil {
		return err
	}
	private, err := key.PEM()
	if err != nil {
		return err
	}
	public, err := key.Public().PEM()
	if err != nil {
		return err
	}
	for _, f := range []struct {
		name string
		text []byte
		mode fs.FileMode
	}{{cmd.File, private, 0o600}, {cmd.File + ".pub", public, 0o644}} {
		w, err := os.OpenFile(f.name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, f.mode)
		if err != nil {
			return usage("write the key: %v", err)
		}
		if _, err := w.Write(f.text); err != nil {
			return usage("write the key: %v", errors.Join(err, w.Close()))
		}
		if err := w.Close(); err != nil {
			return usage("write the key: %v", err)
		}
	}
	_, err = fmt.Fprintf(c.out, "%s signs; give %s.pub to whoever verifies. Its name is %s\n", cmd.File, cmd.File, key.Public().ID())
	return err
}
