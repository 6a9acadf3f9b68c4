package access

import (
	"errors"
	"fmt"

	"github.com/cedar-policy/cedar-go"
	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

// The ways in which records are de-identified (@deidentify).
const (
	SafeHarbor = "safe-harbor" // 45 CFR 164.514(b)(2)
	Pseudonyms = "pseudonyms"  // GDPR Article 4(5): dates are moved, and the time between them remains
)

// deidentification reads @deidentify. It is about everything that a role sees: somebody who saw one record
// whole and the same one de-identified would know whose the others are.
func deidentification(mode string, effect cedar.Effect, role string) (string, error) {
	switch {
	case mode != SafeHarbor && mode != Pseudonyms:
		return "", fmt.Errorf("@deidentify is %q or %q", SafeHarbor, Pseudonyms)
	case effect == cedar.Forbid || role == "":
		return "", errors.New("@deidentify is for what is permitted to one role")
	}
	return mode, nil
}

// deidentified is how all records are de-identified for a caller with some roles; empty: they are not. Of two
// ways it is the one that shows less.
func (p *Policies) deidentified(roles []string) string {
	mode := ""
	for _, one := range p.slice(roles) {
		if one.deid == SafeHarbor || mode == "" && one.deid != "" {
			mode = one.deid
		}
	}
	return mode
}

// Deidentified says how every record is de-identified that the Grant admits; empty: not at all.
func (g Grant) Deidentified() string { return g.deid }

// disguised refuses what who sees de-identified records cannot do: change them, or take out a patient's
// whole chart. It is nobody's whose rights were exercised.
func (g Grant) disguised(action tutela.Action) error {
	if g.Deidentified() == "" {
		return nil
	}
	switch action {
	case tutela.ActionRead, tutela.ActionVRead, tutela.ActionHistory, tutela.ActionSearch:
		return nil
	}
	return errs.New(errs.Denied, "who sees de-identified records reads and searches them, and no more")
}

// Deidentified says how the resource has to be de-identified before Disguised may show it; empty: not at all.
func (d Decision) Deidentified() string { return d.deid }

// Disguised gives what of a de-identified resource the caller may see, as Mask does of others. What is not
// to be de-identified it does not show.
func (d Decision) Disguised(typ string, resource []byte) []byte {
	if d.deid == "" {
		return nil
	}
	return Decision{d: d.d}.Mask(typ, resource)
}
