package r4

import (
	"strconv"
	"strings"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
)

// Query is a parsed search of one resource type (FHIR R4, search.html). All Terms must hold.
type Query struct {
	Type        string
	Terms       []Term
	Includes    []Include
	RevIncludes []Include
	Sort        Sort
	Total       Total
	Count       int       // _count, -1 where not given
	CountOnly   bool      // _summary=count
	Unknown     []string  // names of parameters that the type does not have, for the caller to refuse or ignore
	Now         time.Time // the caller sets it; prefix ap on dates measures from it
}

// Term is one search parameter with its alternatives. Any of the Values must match.
type Term struct {
	Param    *Param
	Modifier Modifier
	Type     string    // of ModifierType: the target type
	Missing  bool      // of ModifierMissing: whether the element must be absent
	Values   []Operand // none for ModifierMissing
}

// Modifier changes what a Term's values mean (search.html#modifiers).
type Modifier string

// The modifiers that are offered.
const (
	ModifierNone       Modifier = ""
	ModifierMissing    Modifier = "missing"
	ModifierExact      Modifier = "exact"
	ModifierContains   Modifier = "contains"
	ModifierNot        Modifier = "not"
	ModifierIdentifier Modifier = "identifier"
	ModifierAbove      Modifier = "above"
	ModifierBelow      Modifier = "below"
	ModifierType       Modifier = "[type]" // a resource type in the query
)

// Include is an _include (from matches to what they name) or a _revinclude (from what names matches).
type Include struct {
	Source string // the type that holds the reference
	Param  *Param
	Target string // only targets of this type; empty: all
}

// Sort is the order of matches.
type Sort int

// The orders that are offered. The zero value leaves it to the server.
const (
	SortNone Sort = iota
	SortUpdated
	SortUpdatedDesc
)

// Total says how matches are counted (search.html#total).
type Total string

// The kinds of total. The zero value leaves it to the server.
const (
	TotalDefault  Total = ""
	TotalNone     Total = "none"
	TotalEstimate Total = "estimate"
	TotalAccurate Total = "accurate"
)

// Limits on a search.
const (
	maxParams     = 50
	maxValues     = 100
	maxValueBytes = 2048
)

// ParseQuery reads a search of resourceType from its parameters in order, names and values already
// unescaped from the URL. Errors are of kind errs.Invalid, or errs.Unsupported for what R4 defines
// and is not offered; they never repeat a value.
func ParseQuery(resourceType string, params [][2]string) (*Query, error) {
	if !IsResourceType(resourceType) {
		return nil, errs.New(errs.NotFound, "no such resource type")
	}
	if len(params) > maxParams {
		return nil, errs.New(errs.Invalid, "more than %d search parameters", maxParams)
	}
	q := &Query{Type: resourceType, Count: -1}
	for _, p := range params {
		if len(p[1]) > maxValueBytes {
			return nil, errs.New(errs.Invalid, "a search value is longer than %d bytes", maxValueBytes)
		}
		if err := q.add(p[0], p[1]); err != nil {
			return nil, err
		}
	}
	return q, nil
}

// add reads one parameter: a control of the result, or a term.
func (q *Query) add(name, value string) error {
	base, modifier, _ := strings.Cut(name, ":")
	switch base {
	case "_format", "_pretty":
		return nil
	case "_count":
		return q.setCount(value)
	case "_sort":
		return q.setSort(value)
	case "_total":
		return q.setTotal(value)
	case "_summary":
		return q.setSummary(value)
	case "_include", "_revinclude":
		return q.addInclude(base, modifier, value)
	case "_elements", "_contained", "_containedType", "_has", "_filter", "_list", "_type", "_score":
		return unsupported(base)
	}
	return q.addTerm(base, modifier, value)
}

func unsupported(what string) error {
	return errs.New(errs.Unsupported, "search: %s is not supported", what)
}

func malformed(param, reason string) error {
	return errs.New(errs.Invalid, "search: %s: %s", param, reason)
}

func (q *Query) setCount(value string) error {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 {
		return malformed("_count", "not a number of results")
	}
	q.Count = n
	return nil
}

func (q *Query) setSort(value string) error {
	switch value {
	case "_lastUpdated":
		q.Sort = SortUpdated
	case "-_lastUpdated":
		q.Sort = SortUpdatedDesc
	default:
		return unsupported("_sort by anything but _lastUpdated")
	}
	return nil
}

func (q *Query) setTotal(value string) error {
	switch t := Total(value); t {
	case TotalNone, TotalEstimate, TotalAccurate:
		q.Total = t
		return nil
	}
	return malformed("_total", "none, estimate or accurate")
}

func (q *Query) setSummary(value string) error {
	switch value {
	case "count":
		q.CountOnly = true
	case "false":
	default:
		return unsupported("_summary other than count")
	}
	return nil
}

// addInclude reads Source:param or Source:param:Target (search.html#include).
func (q *Query) addInclude(name, modifier, value string) error {
	if modifier != "" || value == "*" {
		return unsupported(name + " with a modifier or for everything")
	}
	parts := strings.Split(value, ":")
	if len(parts) != 2 && len(parts) != 3 {
		return malformed(name, "expected Type:parameter or Type:parameter:Target")
	}
	p, ok := Lookup(parts[0], parts[1])
	if !ok || p.Type != ParamReference {
		return malformed(name, "no such reference parameter")
	}
	inc := Include{Source: parts[0], Param: p}
	if len(parts) == 3 {
		if !IsResourceType(parts[2]) {
			return malformed(name, "no such target type")
		}
		inc.Target = parts[2]
	}
	if name == "_revinclude" {
		if inc.Target != "" && inc.Target != q.Type {
			return malformed(name, "the target is another type than the one searched")
		}
		q.RevIncludes = append(q.RevIncludes, inc)
		return nil
	}
	if inc.Source != q.Type {
		return malformed(name, "the source is another type than the one searched")
	}
	q.Includes = append(q.Includes, inc)
	return nil
}
