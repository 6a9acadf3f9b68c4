package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/access"
)

type policyCmd struct {
	Show    policyShowCmd    `cmd:"" help:"List policies, or write the shipped ones into a folder to begin with."`
	Check   policyCheckCmd   `cmd:"" help:"Validate a folder of policies and warn of what is probably not meant."`
	Explain policyExplainCmd `cmd:"" help:"Say what policies decide on a caller and a resource, and which of them."`
	Diff    policyDiffCmd    `cmd:"" help:"Say what changed policies would newly allow and deny of the requests of late."`
}

// policyDir is a folder of policies, or the shipped ones.
type policyDir struct {
	Dir string `arg:"" optional:"" type:"existingdir" help:"The policy folder; the shipped policies where it is left out."`
}

func (d policyDir) load() (*access.Policies, error) {
	if d.Dir == "" {
		return access.Shipped()
	}
	return access.LoadPolicies(os.DirFS(d.Dir))
}

type policyShowCmd struct {
	policyDir
	Write  string `type:"path" placeholder:"DIR" help:"Write the shipped policy files into a new folder."`
	Format string `enum:"table,json" default:"table" help:"table or json."`
}

// Help gives an example.
func (policyShowCmd) Help() string {
	return "Example: tutela policy show --write policies   (then: policies: policies in tutela.yaml)"
}

// Run lists policies.
func (cmd policyShowCmd) Run(c console) error {
	if cmd.Write != "" {
		return writePolicies(cmd.Write)
	}
	p, err := cmd.load()
	if err != nil {
		return usage("%v", err)
	}
	if cmd.Format == "json" {
		return json.NewEncoder(c.out).Encode(map[string]any{"version": p.Version(), "policies": p.Rules()})
	}
	fmt.Fprintf(c.out, "version %s\n", p.Version())
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "POLICY\tEFFECT\tROLE\tAT\tELEMENTS")
	for _, r := range p.Rules() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s:%d\t%s\n", r.ID, r.Effect, r.Role, r.File, r.Line, r.Elements)
	}
	return w.Flush()
}

// writePolicies writes the shipped files into a folder that is not there yet.
func writePolicies(dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return usage("make the policy folder: %v", err)
	}
	files, err := access.ShippedFiles()
	if err != nil {
		return err
	}
	names, err := fs.Glob(files, "*")
	if err != nil {
		return err
	}
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		if err := writePrivate(filepath.Join(dir, name), text); err != nil {
			return err
		}
	}
	return nil
}

type policyCheckCmd struct {
	policyDir
}

// Help gives an example.
func (policyCheckCmd) Help() string {
	return "Example: tutela policy check policies\n\nExits with 1 where there is an error or a warning."
}

// Run validates and warns.
func (cmd policyCheckCmd) Run(c console) error {
	p, err := cmd.load()
	if err != nil {
		fmt.Fprintln(c.out, "error:", err)
		return errFound
	}
	warnings := p.Lint()
	for _, w := range warnings {
		fmt.Fprintln(c.out, "warning:", w)
	}
	together, _ := p.Broad()
	for _, text := range together {
		fmt.Fprintln(c.out, "warning: the policies together:", text)
	}
	if len(warnings)+len(together) > 0 {
		return errFound
	}
	_, err = fmt.Fprintf(c.out, "%d policies, version %s: nothing to say against them\n", len(p.Rules()), p.Version())
	return err
}

type policyExplainCmd struct {
	policyDir
	As       string `help:"A real request: the account whose request it is. Needs --resource and a running server."`
	Resource string `placeholder:"TYPE/ID" help:"A real request: for this resource."`
	By       string `help:"The try-out identity to ask as; the privacy officer where it is left out."`
	Data     string `default:"tutela-data" type:"path" help:"Where the system lives."`
	Tenant   string `help:"The tenant, where the system has several."`

	Role      []string         `help:"A supposed request: a role of the caller; may be repeated."`
	Clearance []string         `help:"A sensitivity label that the caller may see; may be repeated."`
	Kind      tutela.ActorKind `default:"person" enum:"person,service" help:"person or service."`
	Assurance string           `default:"aal2" help:"How strongly the caller is authenticated: aal1, aal2, aal3."`
	Purpose   tutela.Purpose   `default:"TREAT" help:"Purpose of use (v3 PurposeOfUse)."`
	Action    tutela.Action    `default:"read" help:"As the ledger names it: read, search-type, create, audit.search …"`
	Type      string           `help:"Type of the resource; left out for what is no record."`
	Standing  string           `default:"stranger" enum:"stranger,own,treated,general,emergency" help:"How its patients stand to the caller: ${enum}."`
	Label     []string         `help:"What makes it sensitive; may be repeated."`
	Consent   access.Consent   `default:"none" enum:"none,permit,deny" help:"What the patients' consents say: ${enum}."`
	Format    string           `enum:"text,json" default:"text" help:"text or json."`
}

// Help gives an example.
func (policyExplainCmd) Help() string {
	return `Example: tutela policy explain --role billing --type Observation --action search-type
         tutela policy explain --as physician --resource Observation/123 --data tutela-data

The first supposes everything; scopes of tokens are not policies, and narrow further. The second takes the
account and the resource as they are. It is the privacy officer's, shows nothing of the resource but what
decides (labels, consent, who is treated), and is in the ledger. Emergencies are not counted.`
}

// Run asks the policies.
func (cmd policyExplainCmd) Run(ctx context.Context, c console) error {
	if cmd.As != "" || cmd.Resource != "" {
		return cmd.real(ctx, c)
	}
	if len(cmd.Role) == 0 {
		return usage("say --role ROLE, or --as USERNAME and --resource TYPE/ID")
	}
	p, err := cmd.load()
	if err != nil {
		return usage("%v", err)
	}
	e := p.Explain(cmd.asked())
	if cmd.Format == "json" {
		return json.NewEncoder(c.out).Encode(e)
	}
	return explained(c, e)
}

func (cmd policyExplainCmd) asked() access.Case {
	return access.Case{
		Roles: cmd.Role, Clearances: cmd.Clearance, Kind: cmd.Kind, Assurance: cmd.Assurance, Purpose: cmd.Purpose, Action: cmd.Action, Type: cmd.Type,
		Own: cmd.Standing == "own", Treated: cmd.Standing == "treated", General: cmd.Standing == "general", Emergency: cmd.Standing == "emergency",
		Labels: cmd.Label, Consent: cmd.Consent,
	}
}

// explained prints what policies say.
func explained(c console, e access.Explanation) error {
	verdict := "denied"
	if e.Allowed {
		verdict = "allowed"
	}
	fmt.Fprintln(c.out, verdict)
	switch {
	case len(e.Hindered) > 0:
		fmt.Fprintln(c.out, "forbidden by:", strings.Join(e.Hindered, ", "))
	case len(e.Policies) == 0:
		fmt.Fprintln(c.out, "no policy permits it")
	default:
		fmt.Fprintln(c.out, "permitted by:", strings.Join(e.Policies, ", "))
	}
	if len(e.Hidden) > 0 {
		fmt.Fprintln(c.out, "hidden, in whole or in part:", strings.Join(e.Hidden, ", "))
	}
	return nil
}
