package catalog

import (
	"bytes"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela/internal/errs"
)

//go:embed data/*.yaml
var shipped embed.FS

// Own is the id of the regulation that holds this product's own requirements.
const Own = "tutela"

// Status says how far a regulation binds.
type Status string

// The statuses.
const (
	InForce   Status = "in-force"
	Proposed  Status = "proposed"  // published for comment; it does not bind
	Voluntary Status = "voluntary" // goals that a sector gave itself
	OurOwn    Status = "own"       // an organisation's, or this product's
)

// Level says whether a requirement leaves a choice (45 CFR 164.306(d)).
type Level string

// The levels. The zero value says that the regulation makes no such difference.
const (
	Required    Level = "required"
	Addressable Level = "addressable"
)

// Regulation is a law, a rule or a set of goals.
type Regulation struct {
	ID           string        `yaml:"id" json:"id"`
	Title        string        `yaml:"title" json:"title"`
	Citation     string        `yaml:"citation" json:"citation"`
	Status       Status        `yaml:"status" json:"status"`
	Prefix       string        `yaml:"prefix" json:"-"` // before each id of a file
	Requirements []Requirement `yaml:"requirements" json:"requirements"`
}

// Requirement is one thing that is asked.
type Requirement struct {
	ID    string `yaml:"id" json:"id"` // as citations write it: 45 CFR 164.312(b)
	Title string `yaml:"title" json:"title"`
	Says  string `yaml:"says" json:"says"` // what is asked, in our words
	Level Level  `yaml:"level" json:"level,omitempty"`
	// Unverified says that nobody held wording, number or times against an official source.
	Unverified bool         `yaml:"unverified" json:"unverified,omitempty"`
	As         []string     `yaml:"as" json:"as,omitempty"`             // requirements that ask for the same
	Recorded   []Population `yaml:"recorded" json:"recorded,omitempty"` // what shows it in the ledger
	Unbuilt    bool         `yaml:"unbuilt" json:"unbuilt,omitempty"`   // of our own: nothing of it is there
	Lacks      string       `yaml:"lacks" json:"lacks,omitempty"`       // of our own: what is not there yet
}

// Catalog is all that is asked. It does not change.
type Catalog struct {
	regulations []Regulation
	byID        map[string]place
	bySlug      map[string]place
}

type place struct{ regulation, requirement int }

// Shipped gives the regulations that this product brings.
func Shipped() ([]Regulation, error) {
	names, err := fs.Glob(shipped, "data/*.yaml")
	if err != nil {
		return nil, err
	}
	list := make([]Regulation, 0, len(names))
	for _, name := range names {
		text, err := shipped.ReadFile(name)
		if err != nil {
			return nil, err
		}
		r, err := Read(bytes.NewReader(text))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path.Base(name), err)
		}
		list = append(list, r)
	}
	return list, nil
}

// maxFile bounds a regulation's file, in bytes.
const maxFile = 4 << 20

// Read reads one regulation from YAML, and puts its prefix before each id. An unknown member is an error.
func Read(r io.Reader) (Regulation, error) {
	d := yaml.NewDecoder(io.LimitReader(r, maxFile))
	d.KnownFields(true)
	var reg Regulation
	if err := d.Decode(&reg); err != nil {
		return Regulation{}, errs.Wrap(errs.Invalid, err, "this is no regulation in the form of docs/controls.md")
	}
	for i := range reg.Requirements {
		reg.Requirements[i].ID = reg.Prefix + reg.Requirements[i].ID
	}
	return reg, nil
}

// New makes a catalogue, and refuses one in which an id stands for two things, or leads nowhere.
func New(list ...Regulation) (*Catalog, error) {
	c := &Catalog{regulations: list, byID: map[string]place{}, bySlug: map[string]place{}}
	seen := map[string]bool{}
	for i, reg := range list {
		if err := reg.check(); err != nil {
			return nil, err
		}
		if seen[reg.ID] {
			return nil, errs.New(errs.Invalid, "two regulations are called %s", reg.ID)
		}
		seen[reg.ID] = true
		for j, r := range reg.Requirements {
			if _, taken := c.bySlug[r.Slug()]; taken {
				return nil, errs.New(errs.Invalid, "%s: %s is there already", reg.ID, r.ID)
			}
			c.byID[r.ID], c.bySlug[r.Slug()] = place{i, j}, place{i, j}
		}
	}
	return c, c.leads()
}

// check refuses a regulation that says nothing, or what nobody knows.
func (r Regulation) check() error {
	switch {
	case slug(r.ID) != r.ID || r.ID == "":
		return errs.New(errs.Invalid, "a regulation's id is of a-z, 0-9 and '-', and %q is not", r.ID)
	case r.Title == "" || len(r.Requirements) == 0:
		return errs.New(errs.Invalid, "%s has no title, or no requirements", r.ID)
	case !slices.Contains([]Status{InForce, Proposed, Voluntary, OurOwn}, r.Status):
		return errs.New(errs.Invalid, "%s: status is in-force, proposed, voluntary or own, and not %q", r.ID, r.Status)
	}
	for _, q := range r.Requirements {
		switch {
		case q.Slug() == "" || q.Title == "":
			return errs.New(errs.Invalid, "%s: a requirement has no id, or no title", r.ID)
		case q.Level != "" && q.Level != Required && q.Level != Addressable:
			return errs.New(errs.Invalid, "%s: level is required or addressable, and not %q", q.ID, q.Level)
		}
	}
	return nil
}

// leads refuses references that lead nowhere.
func (c *Catalog) leads() error {
	for _, reg := range c.regulations {
		for _, r := range reg.Requirements {
			for _, as := range r.As {
				if _, ok := c.byID[as]; !ok || as == r.ID {
					return errs.New(errs.Invalid, "%s is said to be as %s, which is not another requirement", r.ID, as)
				}
			}
		}
	}
	return nil
}

// Regulations gives all of them, in the order they were given. Nobody changes what is in them.
func (c *Catalog) Regulations() []Regulation { return slices.Clone(c.regulations) }

// Find gives a requirement by its id or its slug, and the regulation that it is of.
func (c *Catalog) Find(id string) (Regulation, Requirement, bool) {
	p, ok := c.byID[id]
	if !ok {
		p, ok = c.bySlug[strings.ToLower(id)]
	}
	if !ok {
		return Regulation{}, Requirement{}, false
	}
	reg := c.regulations[p.regulation]
	return reg, reg.Requirements[p.requirement], true
}

// Slug is the id as addresses and files can have it: 45-cfr-164.312-b.
func (r Requirement) Slug() string { return slug(r.ID) }

// slug keeps a-z, 0-9 and '.'; what lies between is one '-'.
func slug(id string) string {
	var b strings.Builder
	for _, c := range []byte(strings.ToLower(id)) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '.':
			b.WriteByte(c)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.Trim(b.String(), "-")
}
