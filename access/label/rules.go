package label

import (
	_ "embed" // the shipped rules
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela/r4"
)

//go:embed rules/v1.txt
var shipped string

// Rules say which codes give which label. They do not change once read, and are safe for concurrent use.
// The zero Rules know the stated labels alone.
type Rules struct {
	version int
	systems map[string]*system
}

// system is the rules on one code system.
type system struct {
	codes  map[string]Set
	ranges []span
}

// span holds the codes that start with something between low and high.
type span struct {
	low, high string
	label     Set
}

// Shipped returns the newest rules that come with the program.
func Shipped() (*Rules, error) { return ParseRules(shipped) }

// ParseRules reads rules in the form of the shipped ones. The error names the line.
func ParseRules(text string) (*Rules, error) {
	r := &Rules{systems: map[string]*system{}}
	byName := map[string]*system{}
	n := 0
	for line := range strings.Lines(text) {
		n++
		words := strings.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		if err := r.line(words, byName); err != nil {
			return nil, fmt.Errorf("label: line %d: %w", n, err)
		}
	}
	if r.version == 0 {
		return nil, errors.New("label: the rules state no version")
	}
	return r, nil
}

// Version is the number of the rules.
func (r *Rules) Version() int { return r.version }

func (r *Rules) line(words []string, byName map[string]*system) (err error) {
	switch words[0] {
	case "version":
		r.version, err = strconv.Atoi(strings.Join(words[1:], " "))
		return err
	case "system":
		if len(words) < 3 {
			return errors.New("a system has a name and addresses")
		}
		s := &system{codes: map[string]Set{}}
		byName[words[1]] = s
		for _, url := range words[2:] {
			r.systems[url] = s
		}
		return nil
	}
	s := byName[words[0]]
	if s == nil {
		return fmt.Errorf("%q is no system", words[0])
	}
	return s.rule(words[1:], strings.HasPrefix(words[0], "icd") || words[0] == "cpt")
}

// rule reads "code label how: what". Codes of a classification hold those that start like them.
func (s *system) rule(words []string, classification bool) error {
	if len(words) < 3 || !grounded(words[2]) {
		return errors.New("a rule is a code, a label and how it is known")
	}
	set, err := ParseSet(words[1])
	if err != nil {
		return err
	}
	low, high, ranged := strings.Cut(spelled(words[0]), "-")
	switch {
	case !classification:
		s.codes[words[0]] |= set
	case !ranged:
		s.ranges = append(s.ranges, span{low, low, set})
	case low > high:
		return fmt.Errorf("the range %s is empty", words[0])
	default:
		s.ranges = append(s.ranges, span{low, high, set})
	}
	return nil
}

func grounded(how string) bool {
	switch how {
	case "defined:", "seen:", "published:", "unverified:":
		return true
	}
	return false
}

// Of says how a resource is labelled, in one pass over its codes.
func (r *Rules) Of(res *r4.Resource) Set {
	var s Set
	for n := range res.Codings() {
		s |= r.coding(n)
	}
	for n := range res.Root().Child("meta").Child("security").Items() {
		s |= unknown(n)
	}
	return s
}

// coding reads the texts as they stand, quoted: neither systems nor codes that matter have escapes.
func (r *Rules) coding(n r4.Node) Set {
	sys, code := plain(n.Child("system").JSON()), plain(n.Child("code").JSON())
	if rules := r.systems[string(sys)]; rules != nil {
		return rules.label(string(code))
	}
	return stated(string(sys), string(code))
}

func plain(quoted []byte) []byte {
	if len(quoted) < 2 {
		return nil
	}
	return quoted[1 : len(quoted)-1]
}

func (s *system) label(code string) Set {
	set := s.codes[code]
	if len(s.ranges) > 0 {
		code = spelled(code)
	}
	for i := range s.ranges {
		if s.ranges[i].holds(code) {
			set |= s.ranges[i].label
		}
	}
	return set
}

// spelled brings a code of a classification to one spelling: claims leave out the dot of F10.20.
func spelled(code string) string { return strings.ToUpper(strings.ReplaceAll(code, ".", "")) }

func (p *span) holds(code string) bool {
	return len(code) >= len(p.high) && code[:len(p.low)] >= p.low && code[:len(p.high)] <= p.high
}
