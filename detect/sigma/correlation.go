package sigma

import (
	"math"
	"slices"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// The types of correlation (correlation rules specification, "Correlation Types").
const (
	eventCount      = "event_count"
	valueCount      = "value_count"
	valueSum        = "value_sum"
	valueAverage    = "value_avg"
	valuePercentile = "value_percentile"
	temporal        = "temporal"
	temporalOrdered = "temporal_ordered"
)

// correlation is what a correlation rule says.
type correlation struct {
	kind     string
	rules    []string // ids or names, as they are written
	groupBy  []string
	span     time.Duration
	limits   []limit
	fields   []string // whose values count
	share    float64  // of a percentile, 0 to 100
	aliases  map[string]map[string]string
	generate bool
	at       *yaml.Node
}

// limit is one criterion of a condition.
type limit struct {
	op    string
	value float64
}

func (l limit) holds(n float64) bool {
	switch l.op {
	case "eq":
		return n == l.value
	case "neq":
		return n != l.value
	}
	return comparison([]string{l.op})(n, l.value)
}

// readCorrelation reads the section of that name.
func readCorrelation(n *yaml.Node) (*correlation, error) {
	c := &correlation{at: n, aliases: map[string]map[string]string{}}
	err := eachMember(n, func(key string, v *yaml.Node) error {
		switch key {
		case "type":
			return scalar(v, &c.kind)
		case "rules":
			return texts(v, &c.rules)
		case "group-by":
			return texts(v, &c.groupBy)
		case "timespan":
			return c.readSpan(v)
		case "condition":
			return c.readLimits(v)
		case "aliases":
			return c.readAliases(v)
		case "generate":
			if v.Decode(&c.generate) != nil {
				return flaw(v, "generate is true or false")
			}
			return nil
		}
		return flaw(v, "a correlation has no attribute %q", key)
	})
	if err != nil {
		return nil, err
	}
	return c, c.check()
}

// check holds what each type requires.
func (c *correlation) check() error {
	fields := slices.Contains([]string{valueCount, valueSum, valueAverage, valuePercentile}, c.kind)
	counts := fields || c.kind == eventCount
	orders := c.kind == temporal || c.kind == temporalOrdered
	switch {
	case !counts && !orders:
		return flaw(c.at, "has the type %q; there are event_count, value_count, value_sum, value_avg, value_percentile, temporal, temporal_ordered", c.kind)
	case len(c.rules) == 0:
		return flaw(c.at, "refers to no rules")
	case len(c.rules) > maxRelated:
		return flaw(c.at, "refers to more than %d rules", maxRelated)
	case c.span == 0:
		return flaw(c.at, "has no timespan")
	case counts && len(c.limits) == 0:
		return flaw(c.at, "has no condition")
	case fields && len(c.fields) == 0:
		return flaw(c.at, "has a condition without the field whose values count")
	case !fields && len(c.fields) > 0:
		return flaw(c.at, "names a field, which %s does not look at", c.kind)
	case orders && len(c.rules) < 2:
		return flaw(c.at, "is of a single rule, and a %s correlation joins several", c.kind)
	case c.kind != valueCount && len(c.fields) > 1:
		return flaw(c.at, "names several fields; %s looks at one", c.kind)
	case c.kind == valuePercentile && !(c.share > 0 && c.share <= 100):
		return flaw(c.at, "needs a percentile above 0, at most 100")
	case orders && c.closing():
		return flaw(c.at, "has a condition with an upper bound, which is never certain before the timespan is over")
	}
	return nil
}

// maxRelated bounds the rules of one correlation.
const maxRelated = 64

// closing reports whether the condition can be judged only when the time is over: one more event might end it.
func (c *correlation) closing() bool {
	switch c.kind {
	case valueSum, valueAverage, valuePercentile:
		return c.kind != valueSum || !c.rising()
	}
	return !c.rising()
}

func (c *correlation) rising() bool {
	return !slices.ContainsFunc(c.limits, func(l limit) bool { return l.op != "gt" && l.op != "gte" })
}

func (c *correlation) readSpan(v *yaml.Node) error {
	units := map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour, 'd': 24 * time.Hour}
	text := v.Value
	if text == "" {
		return flaw(v, "timespan is empty")
	}
	unit, known := units[text[len(text)-1]]
	n, err := strconv.ParseInt(text[:len(text)-1], 10, 32)
	if !known || err != nil || n <= 0 || time.Duration(n) > maxSpan/unit {
		return flaw(v, "timespan is a number with s, m, h or d behind it, such as 15m, and at most 90 days")
	}
	c.span = time.Duration(n) * unit
	return nil
}

// maxSpan bounds how long a correlation remembers.
const maxSpan = 90 * 24 * time.Hour

func (c *correlation) readLimits(v *yaml.Node) error {
	return eachMember(v, func(key string, v *yaml.Node) error {
		switch key {
		case "field":
			return texts(v, &c.fields)
		case "percentile":
			if v.Decode(&c.share) != nil {
				return flaw(v, "percentile is a number")
			}
			return nil
		case "gt", "gte", "lt", "lte", "eq", "neq":
			n, err := strconv.ParseFloat(v.Value, 64)
			if err != nil || math.IsNaN(n) {
				return flaw(v, "%s takes a number", key)
			}
			c.limits = append(c.limits, limit{key, n})
			return nil
		}
		return flaw(v, "condition has gt, gte, lt, lte, eq, neq, field and percentile, and no %q", key)
	})
}

func (c *correlation) readAliases(v *yaml.Node) error {
	return eachMember(v, func(alias string, v *yaml.Node) error {
		of := map[string]string{}
		c.aliases[alias] = of
		return eachMember(v, func(rule string, v *yaml.Node) error {
			var field string
			err := scalar(v, &field)
			of[rule] = field
			return err
		})
	})
}

// fieldFor is what a name stands for in the events of one rule.
func (c *correlation) fieldFor(name string, r *Rule) string {
	of := c.aliases[name]
	if f, ok := of[r.ID]; ok && r.ID != "" {
		return f
	}
	if f, ok := of[r.Name]; ok && r.Name != "" {
		return f
	}
	return name
}

// holds reports whether a number fulfils the condition; no number, which is NaN, fulfils none.
func (c *correlation) holds(n float64) bool {
	return !math.IsNaN(n) && !slices.ContainsFunc(c.limits, func(l limit) bool { return !l.holds(n) })
}

// spanText is the timespan as a rule writes it.
func (c *correlation) spanText() string {
	for _, u := range []struct {
		in   time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}} {
		if c.span%u.in == 0 {
			return strconv.FormatInt(int64(c.span/u.in), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(c.span/time.Second), 10) + "s"
}
