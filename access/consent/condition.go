package consent

import (
	"github.com/tutela-health/tutela/r4"
)

// condition is what a provision is limited to. Each kind must fit, of the items of a kind any one.
type condition struct {
	unclear    bool // something modifies it that is not understood
	period     r4.Interval
	actors     []actor
	actions    [][]r4.Token
	labels     []r4.Token
	purposes   []r4.Token
	classes    []r4.Token
	codes      [][]r4.Token
	dataPeriod r4.Interval
	data       []instance
}

// actor is a party, and how it takes part.
type actor struct {
	unclear bool
	role    []r4.Token
	party   reference
}

// instance is a resource, and what of its neighbourhood is meant.
type instance struct {
	unclear bool
	meaning string // instance, related, dependents or authoredby
	of      reference
}

// reference names a party or resource by address, by business identifier, or not at all.
type reference struct {
	link       r4.Reference
	identifier r4.Token
}

func conditionOf(n r4.Node) condition {
	c := condition{
		unclear:  modified(n),
		labels:   tokens(n.Child("securityLabel")),
		purposes: tokens(n.Child("purpose")),
		classes:  tokens(n.Child("class")),
	}
	c.period, _ = n.Child("period").Interval()
	c.dataPeriod, _ = n.Child("dataPeriod").Interval()
	for a := range n.Child("actor").Items() {
		c.actors = append(c.actors, actor{modified(a), concept(a.Child("role")), referenceOf(a.Child("reference"))})
	}
	for a := range n.Child("action").Items() {
		c.actions = append(c.actions, concept(a))
	}
	for code := range n.Child("code").Items() {
		c.codes = append(c.codes, concept(code))
	}
	for d := range n.Child("data").Items() {
		c.data = append(c.data, instance{modified(d), d.Child("meaning").Text(), referenceOf(d.Child("reference"))})
	}
	return c
}

func referenceOf(n r4.Node) reference {
	var out reference
	out.link, _ = r4.ParseReference(n.Child("reference").Text())
	id := n.Child("identifier")
	out.identifier = r4.Token{System: id.Child("system").Text(), Code: id.Child("value").Text()}
	return out
}

// empty reports whether nothing but a period limits the provision.
func (c *condition) empty() bool {
	return !c.unclear && len(c.actors)+len(c.actions)+len(c.labels)+len(c.purposes)+len(c.classes)+
		len(c.codes)+len(c.data) == 0 && c.dataPeriod == r4.Interval{}
}
