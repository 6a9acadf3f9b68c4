package corpus

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// Scrubber replaces what belongs to somebody by random values of the same form. The same
// value becomes the same value each time.
type Scrubber struct {
	rng  *rand.Rand
	seen map[string]string
	uuid *regexp.Regexp
	date *regexp.Regexp
}

// NewScrubber makes a Scrubber for one Bundle.
func NewScrubber(rng *rand.Rand) *Scrubber {
	return &Scrubber{
		rng:  rng,
		seen: make(map[string]string),
		uuid: regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`),
		date: regexp.MustCompile(`^\d{4}-\d{2}(-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?)?)?`),
	}
}

// Scrub gives a resource without values of anybody.
func (s *Scrubber) Scrub(resource []byte) ([]byte, error) {
	var out bytes.Buffer
	dec := jsontext.NewDecoder(bytes.NewReader(resource))
	enc := jsontext.NewEncoder(&out)
	for {
		err := s.copyToken(enc, dec)
		if err == io.EOF {
			return bytes.TrimSpace(out.Bytes()), nil
		} else if err != nil {
			return nil, fmt.Errorf("scrub resource: %w", err)
		}
	}
}

func (s *Scrubber) copyToken(enc *jsontext.Encoder, dec *jsontext.Decoder) error {
	t, err := dec.ReadToken()
	if err != nil {
		return err
	}
	kind, size := dec.StackIndex(dec.StackDepth())
	name := kind == '{' && size%2 == 1
	switch {
	case t.Kind() == '0':
		return enc.WriteValue(jsontext.Value(s.number(t.String())))
	case t.Kind() == '"' && !name:
		return enc.WriteToken(jsontext.String(s.text(path(dec.StackPointer()), t.String())))
	default:
		return enc.WriteToken(t)
	}
}

// path gives the member names on the way to a value, without array indices.
func path(p jsontext.Pointer) []string {
	var names []string
	for t := range p.Tokens() {
		if t[0] < '0' || t[0] > '9' {
			names = append(names, t)
		}
	}
	return names
}

// number replaces the digits of what may be measured or counted; small integers are
// structure (sequence numbers, doses a day).
func (s *Scrubber) number(n string) string {
	if len(strings.Trim(n, "-.")) < 3 {
		return n
	}
	return s.replace(n)
}

func (s *Scrubber) text(path []string, v string) string {
	last := path[len(path)-1]
	switch {
	case last == "div":
		return `<div xmlns="http://www.w3.org/1999/xhtml">` + s.replace(strings.Repeat("x", 8+s.rng.IntN(40))) + `</div>`
	case last == "lastUpdated":
		return v
	case s.date.MatchString(v):
		return s.date.ReplaceAllStringFunc(v, s.someDate)
	case s.uuid.MatchString(v):
		return s.uuid.ReplaceAllStringFunc(v, s.someUUID)
	case personal(path):
		return s.replace(v)
	default:
		return v
	}
}

// personal tells whether the string at path belongs to somebody.
func personal(path []string) bool {
	last := path[len(path)-1]
	parent := ""
	if len(path) > 1 {
		parent = path[len(path)-2]
	}
	switch last {
	case "family", "given", "line", "city", "postalCode", "district", "uid", "subscriberId", "lotNumber":
		return true
	case "value":
		return parent == "identifier" || parent == "telecom"
	case "name":
		return len(path) == 1
	case "text":
		return parent == "name" || parent == "address" || parent == "note"
	case "valueString":
		return len(path) == 2 // directly below an extension: maiden names and the like
	case "state":
		return parent == "valueAddress"
	case "display":
		return slices.Contains(whoFields(), parent)
	}
	return false
}

// whoFields are the reference elements that name a person or an organisation.
func whoFields() []string {
	return []string{
		"subject", "patient", "individual", "performer", "actor", "requester", "provider", "serviceProvider", "asserter",
		"recorder", "author", "organization", "practitioner", "generalPractitioner", "managingOrganization", "beneficiary",
		"subscriber", "custodian", "payor", "addresses", "participant", "member",
	}
}

// replace gives another letter for each letter and another digit for each digit.
func (s *Scrubber) replace(v string) string {
	return s.once(v, func() string {
		digits := 0
		return strings.Map(func(r rune) rune {
			switch {
			case r >= '0' && r <= '9':
				digits++
				return s.digit(r, digits)
			case r >= 'A' && r <= 'Z':
				return 'A' + rune(s.rng.IntN(26))
			case r >= 'a' && r <= 'z', r > 0x7F:
				return 'a' + rune(s.rng.IntN(26))
			}
			return r
		}, v)
	})
}

// digit replaces a digit; a leading one stays zero or becomes none.
func (s *Scrubber) digit(r rune, place int) rune {
	if place > 1 {
		return '0' + rune(s.rng.IntN(10))
	}
	if r == '0' {
		return r
	}
	return '1' + rune(s.rng.IntN(9))
}

// someDate gives a date of the last ninety years in the form and precision of v.
func (s *Scrubber) someDate(v string) string {
	return s.once(v, func() string {
		r := s.rng
		full := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d.%03d",
			1935+r.IntN(90), 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60), r.IntN(60), r.IntN(1000))
		return full[:min(len(v), len(full))]
	})
}

func (s *Scrubber) someUUID(v string) string {
	return s.once(v, func() string {
		a, b := s.rng.Uint64(), s.rng.Uint64()
		return fmt.Sprintf("%08x-%04x-4%03x-a%03x-%012x", a>>32, a>>16&0xFFFF, a&0xFFF, b>>52, b&(1<<48-1))
	})
}

// once remembers what stands for a value.
func (s *Scrubber) once(v string, make func() string) string {
	if r, ok := s.seen[v]; ok {
		return r
	}
	r := make()
	s.seen[v] = r
	return r
}
