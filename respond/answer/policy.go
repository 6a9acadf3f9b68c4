package answer

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
)

//go:embed default.yml
var shipped []byte

// policyFormat is the version of the form of policies that is understood.
const policyFormat = 1

// The bounds of a policy.
const (
	maxPolicy  = 256 << 10 // bytes
	maxOrders  = 200
	maxList    = 1000
	LongestFor = 7 * 24 * time.Hour // an answer lasts
	shortest   = time.Minute
)

// Policy says which findings are answered, how, and what no answer may touch.
type Policy struct {
	Format int    `yaml:"version"`
	Name   string `yaml:"name"`
	// Caps are how many answers of a kind may be given in any hour, "all" of all kinds together. What comes
	// after that is held back.
	Caps map[string]int `yaml:"caps"`
	// CareRoles are those of people who treat patients: they are asked for their second factor, and nothing harsher.
	CareRoles []string `yaml:"care_roles"`
	Never     Never    `yaml:"never"`
	Orders    []Order  `yaml:"answers"`

	version string // hash of the text
}

// Never is what no machine acts on.
type Never struct {
	Accounts  []string       `yaml:"accounts"` // ids or usernames
	Clients   []string       `yaml:"clients"`
	Addresses []netip.Prefix `yaml:"addresses"`
}

// Order is what follows from findings of a sort.
type Order struct {
	When When          `yaml:"when"`
	Do   Kind          `yaml:"do"`
	On   On            `yaml:"on"`   // of a throttle
	Role string        `yaml:"role"` // of a narrowing
	For  time.Duration `yaml:"for"`
}

// When holds of a finding where everything that is set does.
type When struct {
	Rules []string         `yaml:"rules"` // ids
	Level finding.Level    `yaml:"level"` // this one and those above it
	Risk  int              `yaml:"risk"`  // at least
	Actor tutela.ActorKind `yaml:"actor"` // person or service
}

// Shipped is the policy that counts where a house has none of its own.
func Shipped() (*Policy, error) { return Parse(shipped) }

// Parse reads a policy. What it does not know, or what makes no sense, is an error.
func Parse(text []byte) (*Policy, error) {
	if len(text) > maxPolicy {
		return nil, fmt.Errorf("a policy of answers takes %d bytes at most", maxPolicy)
	}
	p := &Policy{}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(p); err != nil {
		return nil, fmt.Errorf("policy of answers: %w", err)
	}
	sum := sha256.Sum256(text)
	p.version = hex.EncodeToString(sum[:8])
	return p, p.check()
}

// Version names the text of the policy.
func (p *Policy) Version() string { return p.version }

func (p *Policy) check() error {
	switch {
	case p.Format != policyFormat:
		return fmt.Errorf("policy of answers: version is %d, and %d is understood", p.Format, policyFormat)
	case len(p.Orders) > maxOrders, len(p.Never.Accounts) > maxList, len(p.Never.Clients) > maxList, len(p.Never.Addresses) > maxList, len(p.CareRoles) > maxList:
		return fmt.Errorf("policy of answers: %d answers and lists of %d are the most", maxOrders, maxList)
	case len(p.CareRoles) == 0:
		return fmt.Errorf("policy of answers: care_roles names nobody: those who treat patients would be kept out by a machine")
	}
	for name, n := range p.Caps {
		if name != capAll && !slices.Contains(Kinds(), Kind(name)) || n < 0 {
			return fmt.Errorf("policy of answers: caps: %q is no kind of answer, or less than none", name)
		}
	}
	for i, o := range p.Orders {
		if err := o.check(); err != nil {
			return fmt.Errorf("policy of answers: answer %d: %w", i+1, err)
		}
	}
	return nil
}

// disguises are roles whose holders see less for having them: without it they would see more.
func disguises() []string { return []string{"researcher", "developer", "patient", "proxy"} }

func (o Order) check() error {
	switch {
	case !slices.Contains(Kinds(), o.Do):
		return fmt.Errorf("do: %q is not one of %v", o.Do, Kinds())
	case o.For < shortest || o.For > LongestFor:
		return fmt.Errorf("for: an answer lasts %v to %v", shortest, LongestFor)
	case o.Do == Throttle && !slices.Contains([]On{Account, Client, Address}, o.On):
		return fmt.Errorf("on: a throttle is on an account, a client or an address")
	case o.Do != Throttle && o.On != "" && o.On != o.Do.on():
		return fmt.Errorf("on: %s is for an %s", o.Do, o.Do.on())
	case (o.Do == Narrow) != (o.Role != ""):
		return fmt.Errorf("role: a narrowing names a role, and nothing else does")
	case slices.Contains(disguises(), o.Role):
		return fmt.Errorf("role: who lost %q would see more", o.Role)
	}
	return o.When.check()
}

func (w When) check() error {
	switch {
	case len(w.Rules) == 0 && w.Level == "" && w.Risk == 0:
		return fmt.Errorf("when: name rules, a level or a risk")
	case w.Level != "" && w.Level.Severity() == 0:
		return fmt.Errorf("when: level is informational, low, medium, high or critical")
	case w.Risk < 0 || w.Risk > 100:
		return fmt.Errorf("when: risk is 0 to 100")
	case !slices.Contains([]tutela.ActorKind{"", tutela.ActorPerson, tutela.ActorService}, w.Actor):
		return fmt.Errorf("when: actor is person or service")
	}
	return nil
}

// holds reports whether a finding is one of those meant. kind is empty where its account is not one of this system.
func (w When) holds(f finding.Finding, kind tutela.ActorKind) bool {
	return (len(w.Rules) == 0 || slices.Contains(w.Rules, f.Rule)) && f.Level.Severity() >= w.Level.Severity() &&
		f.Risk >= w.Risk && (w.Actor == "" || w.Actor == kind)
}

// target is the sort of thing that an order is for.
func (o Order) target() On {
	if o.Do == Throttle {
		return o.On
	}
	return o.Do.on()
}

// capAll is the cap of all kinds together; defaultCap that of a policy that names none.
const (
	capAll     = "all"
	defaultCap = 100
)

// cap is how many of a kind may be given in an hour.
func (p *Policy) cap(k string) int {
	if n, named := p.Caps[k]; named {
		return n
	}
	return defaultCap
}
