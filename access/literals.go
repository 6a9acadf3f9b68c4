package access

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// literals are the words that a policy uses, found in its JSON form (Cedar policy syntax, JSON
// format), and those among them that nothing is called.
type literals struct {
	known   map[string][]string // by entity type or attribute: every word that there is
	found   map[string][]string
	words   []string // compared with labels or clearances
	unknown []string // as warnings
}

// known are the words that callers, records and circumstances can have.
func (p *Policies) known() map[string][]string {
	k := map[string][]string{
		"type": r4.ResourceTypes(),
		"kind": {string(tutela.ActorPerson), string(tutela.ActorService), string(tutela.ActorSystem)},
		"purpose": {string(tutela.PurposeTreatment), string(tutela.PurposeEmergency), string(tutela.PurposePayment), string(tutela.PurposeOperations),
			string(tutela.PurposeResearch), string(tutela.PurposePatient), string(tutela.PurposeSystem), string(tutela.PurposeLegal)},
		"assurance": {"aal1", "aal2", "aal3"},
		"consent":   {string(ConsentNone), string(ConsentPermit), string(ConsentDeny)},
	}
	for _, r := range Roles() {
		k["Role"] = append(k["Role"], string(r))
	}
	for uid := range p.base {
		if uid.Type == "Class" {
			k["Class"] = append(k["Class"], string(uid.ID))
		}
	}
	return k
}

// of gives the words that were found for an entity type or attribute.
func (l *literals) of(name string) []string { return slices.Clone(l.found[name]) }

// hear takes in a policy.
func (l *literals) hear(one *policy) {
	body, err := one.cedar.MarshalJSON()
	if err != nil {
		return
	}
	var tree any
	if err := json.Unmarshal(body, &tree); err == nil {
		l.walk(tree)
	}
}

// walk takes in a part of a policy.
func (l *literals) walk(tree any) {
	switch t := tree.(type) {
	case []any:
		for _, v := range t {
			l.walk(v)
		}
	case map[string]any:
		if typ, id := text(t["type"]), text(t["id"]); id != "" {
			l.take(typ, id)
		}
		for name, v := range t {
			if sides, ok := v.(map[string]any); ok && sides["left"] != nil && sides["right"] != nil && name != "&&" && name != "||" {
				l.compared(sides)
			}
			l.walk(v)
		}
	}
}

// compared takes in a comparison of an attribute with words.
func (l *literals) compared(sides map[string]any) {
	for _, side := range []string{"left", "right"} {
		attr := attribute(sides[side])
		if attr == "" {
			continue
		}
		for _, other := range []string{"left", "right"} {
			for _, word := range wordsIn(sides[other], nil) {
				l.take(attr, word)
			}
		}
	}
}

func (l *literals) take(name, word string) {
	if name == "labels" || name == "clearances" {
		l.words = append(l.words, word)
		return
	}
	known, ok := l.known[name]
	if !ok {
		return
	}
	if l.found == nil {
		l.found = map[string][]string{}
	}
	if !slices.Contains(l.found[name], word) {
		l.found[name] = append(l.found[name], word)
	}
	if warning := fmt.Sprintf("there is no %s called %q", name, word); !slices.Contains(known, word) && !slices.Contains(l.unknown, warning) {
		l.unknown = append(l.unknown, warning)
	}
}

// attribute gives the attribute of principal, resource or context that an expression is.
func attribute(expr any) string {
	e, _ := expr.(map[string]any)
	access, _ := e["."].(map[string]any)
	return text(access["attr"])
}

// wordsIn gives the strings that an expression is, or that a set has.
func wordsIn(expr any, list []string) []string {
	e, _ := expr.(map[string]any)
	if word := text(e["Value"]); word != "" {
		list = append(list, word)
	}
	items, _ := e["Set"].([]any)
	for _, item := range items {
		list = wordsIn(item, list)
	}
	return list
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
