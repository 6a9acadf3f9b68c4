package rights

import (
	"time"

	"github.com/tutela-health/tutela/internal/errs"
)

// Kind is the right that a request exercises.
type Kind string

// The kinds of request.
const (
	Access        Kind = "access"        // GDPR 15, 45 CFR 164.524, CCPA 1798.110
	Portability   Kind = "portability"   // GDPR 20, 45 CFR 164.524(c)(2)
	Rectification Kind = "rectification" // GDPR 16, 45 CFR 164.526, CCPA 1798.106
	Erasure       Kind = "erasure"       // GDPR 17, CCPA 1798.105
	Restriction   Kind = "restriction"   // GDPR 18, 45 CFR 164.522(a)
	Objection     Kind = "objection"     // GDPR 21
	Accounting    Kind = "accounting"    // GDPR 15(1)(c), 45 CFR 164.528
)

// Regulation is the law under which a request is made.
type Regulation string

// The regulations.
const (
	GDPR  Regulation = "gdpr"
	HIPAA Regulation = "hipaa"
	CCPA  Regulation = "ccpa"
)

// span is a time for an answer: days, or whole months.
type span struct{ months, days int }

// after is the moment when a span that began has passed. Months end on the day of the same number, or on
// the month's last where it has none (Regulation (EEC, Euratom) 1182/71, art. 3(2)(c)).
func (s span) after(t time.Time) time.Time {
	if s.months == 0 {
		return t.AddDate(0, 0, s.days)
	}
	first := time.Date(t.Year(), t.Month()+time.Month(s.months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

// term is what a regulation leaves for an answer, and by how much that may be extended, once. Both are
// none where it names no time.
type term struct{ answer, extension span }

// terms are those of a regulation, by kind. A kind that it has no right of is not in it.
func (r Regulation) terms() map[Kind]term {
	switch r {
	case GDPR: // art. 12(3): one month, and two further months
		all := map[Kind]term{}
		for _, k := range []Kind{Access, Portability, Rectification, Erasure, Restriction, Objection, Accounting} {
			all[k] = term{span{months: 1}, span{months: 2}}
		}
		return all
	case HIPAA: // 45 CFR 164.524(b)(2), 164.526(b)(2), 164.528(c)(1), unverified: not held against the official text; 164.522(a) names no time
		month, two := term{span{days: 30}, span{days: 30}}, term{span{days: 60}, span{days: 30}}
		return map[Kind]term{Access: month, Portability: month, Rectification: two, Accounting: two, Restriction: {}}
	case CCPA: // 1798.130(a)(2)
		t := term{span{days: 45}, span{days: 45}}
		return map[Kind]term{Access: t, Portability: t, Rectification: t, Erasure: t}
	}
	return nil
}

// due says when a request is due at the latest: zero where the regulation names no time.
func due(k Kind, r Regulation, opened time.Time, extended bool) (time.Time, error) {
	t, known := r.terms()[k]
	switch {
	case r.terms() == nil:
		return time.Time{}, errs.New(errs.Invalid, "the regulation is %s, %s or %s", GDPR, HIPAA, CCPA)
	case !known:
		return time.Time{}, errs.New(errs.Invalid, "%s knows no request of the kind given", r)
	case t == term{}:
		return time.Time{}, nil
	case !extended:
		return t.answer.after(opened), nil
	}
	whole := span{months: t.answer.months + t.extension.months, days: t.answer.days + t.extension.days}
	return whole.after(opened), nil
}
