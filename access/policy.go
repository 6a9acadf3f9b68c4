package access

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/resolved"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/tutela-health/tutela/access/mask"
)

//go:embed policies
var shipped embed.FS //nolint:gochecknoglobals // files of the binary

// The files of a policy directory beside its *.cedar files.
const (
	schemaFile  = "schema.cedarschema"
	classesFile = "classes.json"
)

// Policies are a validated set of policy files. They never change; what replaces them is another.
type Policies struct {
	version  string
	policies []policy
	base     types.EntityMap // actions and classes with what they are in
	classes  map[string][]types.EntityUID
	files    Files
	looks    bool // labels and consents are always looked up

	mu     sync.RWMutex
	slices map[string][]policy    // guarded by mu; by roles
	memo   map[question]*decision // guarded by mu
}

// policy is one policy with what of its annotations counts.
type policy struct {
	id    string
	cedar *cedar.Policy
	role  string // it speaks of this role alone; empty: of any caller
	shows mask.Mask
	deid  string // how what it permits is de-identified; empty: not
}

// ShippedFiles are the files of the policies that come with Tutela.
func ShippedFiles() (fs.FS, error) { return fs.Sub(shipped, "policies") }

// Shipped are the policies that come with Tutela.
func Shipped() (*Policies, error) {
	files, err := ShippedFiles()
	if err != nil {
		return nil, err
	}
	return LoadPolicies(files)
}

// LoadPolicies reads and validates every *.cedar file of a directory. The schema and the classes of
// types are the directory's own, or the shipped ones where it has none. Nothing counts unless all
// of it is right: the error names file and policy.
func LoadPolicies(dir fs.FS) (*Policies, error) {
	names, err := fs.Glob(dir, "*.cedar")
	if err != nil || len(names) == 0 {
		return nil, errors.Join(err, errors.New("no *.cedar file in the policy directory"))
	}
	p := &Policies{slices: map[string][]policy{}, memo: map[question]*decision{}}
	if p.version, err = digest(dir); err != nil {
		return nil, err
	}
	if p.files, err = sources(dir); err != nil {
		return nil, err
	}
	s, err := p.schema(dir)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	seen := map[string]bool{}
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		if err := p.add(name, text, validate.New(s, validate.WithStrict()), seen); err != nil {
			return nil, err
		}
	}
	if err := p.learn(); err != nil {
		return nil, err
	}
	return p, nil
}

// Version names the policies by their content.
func (p *Policies) Version() string { return p.version }

// schema reads schema and classes, and makes the entities that every decision needs.
func (p *Policies) schema(dir fs.FS) (*resolved.Schema, error) {
	text, err := fileOf(dir, schemaFile)
	if err != nil {
		return nil, err
	}
	var s schema.Schema
	s.SetFilename(schemaFile)
	if err := s.UnmarshalCedar(text); err != nil {
		return nil, fmt.Errorf("%s: %w", schemaFile, err)
	}
	r, err := s.Resolve()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", schemaFile, err)
	}
	p.base = types.EntityMap{}
	for uid, action := range r.Actions {
		p.base[uid] = action.Entity
	}
	if text, err = fileOf(dir, classesFile); err != nil {
		return nil, err
	}
	classes := map[string][]string{}
	if err := json.Unmarshal(text, &classes); err != nil {
		return nil, fmt.Errorf("%s: %w", classesFile, err)
	}
	p.classes = map[string][]types.EntityUID{}
	for class, list := range classes {
		uid := cedar.NewEntityUID("Class", cedar.String(class))
		p.base[uid] = types.Entity{UID: uid}
		for _, typ := range list {
			p.classes[typ] = append(p.classes[typ], uid)
		}
	}
	return r, nil
}

// fileOf reads a file of the directory, or the shipped one where it has none.
func fileOf(dir fs.FS, name string) ([]byte, error) {
	text, err := fs.ReadFile(dir, name)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = shipped.ReadFile("policies/" + name)
	}
	return text, err
}

// add takes in one file's policies. Each has an id of its own, as @id says.
func (p *Policies) add(file string, text []byte, v *validate.Validator, seen map[string]bool) error {
	list, err := cedar.NewPolicyListFromBytes(file, text)
	if err != nil {
		return fmt.Errorf("%s: %s", file, strings.ReplaceAll(err.Error(), "<input>", file))
	}
	for _, c := range list {
		one, err := annotated(c)
		switch {
		case err != nil:
			return fmt.Errorf("%s, line %d: %w", file, c.Position().Line, err)
		case seen[one.id]:
			return fmt.Errorf("%s, line %d: a second policy is called %s", file, c.Position().Line, one.id)
		}
		seen[one.id] = true
		if err := v.Policy(one.id, (*ast.Policy)(c.AST())); err != nil {
			return fmt.Errorf("%s, line %d: policy %s: %s", file, c.Position().Line, one.id, strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		p.policies = append(p.policies, one)
	}
	return nil
}

func annotated(c *cedar.Policy) (policy, error) {
	notes := c.Annotations()
	one := policy{id: string(notes["id"]), cedar: c, shows: mask.All()}
	elements, masked := notes["elements"]
	var err error
	switch {
	case one.id == "":
		return one, errors.New(`a policy needs a name: @id("…")`)
	case masked && c.Effect() == cedar.Forbid:
		return one, errors.New("@elements is for what is permitted")
	case masked:
		one.shows, err = mask.Parse(string(elements))
	}
	if in, ok := c.AST().Principal.(ast.ScopeTypeIn); ok && in.Entity.Type == "Role" {
		one.role = string(in.Entity.ID)
	}
	if mode, ok := notes["deidentify"]; ok && err == nil {
		one.deid, err = deidentification(string(mode), c.Effect(), one.role)
	}
	return one, err
}

// slice gives what may speak of a caller with some roles: every policy but those of other roles.
func (p *Policies) slice(roles []string) []policy {
	key := strings.Join(roles, "\x00")
	p.mu.RLock()
	s, ok := p.slices[key]
	p.mu.RUnlock()
	if ok {
		return s
	}
	for _, one := range p.policies {
		if one.role == "" || one.cedar.Effect() == cedar.Forbid || slices.Contains(roles, one.role) {
			s = append(s, one)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.slices) < maxMemo {
		p.slices[key] = s
	}
	return s
}
