package event

import (
	"fmt"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tutela-health/tutela"
)

// AppendFact appends a fact in the short form of docs/events.md, without a line's end. Patients are
// named by pseudonym. A line that is no fact appends nothing.
func AppendFact(b []byte, l Line) []byte {
	switch {
	case l.Staff != nil:
		return appendStaff(b, l.Staff)
	case l.Relation != nil:
		return appendRelation(b, l.Relation)
	case l.Chart != nil:
		return appendChart(b, l.Chart)
	}
	return b
}

func appendStaff(b []byte, s *Staff) []byte {
	b = member(append(b, `{"kind":"staff"`...), "staff", string(s.ID))
	b = append(b, `,"roles":[`...)
	for i, r := range s.Roles {
		if i > 0 {
			b = append(b, ',')
		}
		b = text(b, r)
	}
	b = member(append(b, ']'), "unit", s.Unit)
	b = member(b, "patient", pseudonym(s.Chart))
	b = member(member(b, "household", s.Household), "family", s.Family)
	return append(span(b, s.From, s.To), '}')
}

func appendRelation(b []byte, r *Relation) []byte {
	b = member(append(b, `{"kind":"relation"`...), "relation", string(r.Kind))
	b = member(b, "patient", pseudonym(r.Patient))
	b = member(member(b, "staff", string(r.Staff)), "unit", r.Unit)
	return append(span(b, r.From, r.To), '}')
}

func appendChart(b []byte, c *Chart) []byte {
	b = member(append(b, `{"kind":"chart"`...), "patient", pseudonym(c.Patient))
	b = member(member(b, "household", c.Household), "family", c.Family)
	if c.VIP {
		b = append(b, `,"vip":true`...)
	}
	if c.Sensitive {
		b = append(b, `,"sensitive":true`...)
	}
	return append(b, '}')
}

func pseudonym(p tutela.Bucket) string {
	if p == tutela.BucketGeneral {
		return ""
	}
	return fmt.Sprintf("%016x", uint64(p))
}

// member appends a member behind others, unless it says nothing.
func member(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	b = append(append(append(b, `,"`...), name...), `":`...)
	return text(b, value)
}

func text(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) //nolint:errcheck // what is no UTF-8 becomes U+FFFD
	return b
}

// span appends when something holds, without the ends that are open.
func span(b []byte, from, to time.Time) []byte {
	if !from.IsZero() {
		b = member(b, "from", from.UTC().Format(time.RFC3339Nano))
	}
	if !to.IsZero() {
		b = member(b, "to", to.UTC().Format(time.RFC3339Nano))
	}
	return b
}
