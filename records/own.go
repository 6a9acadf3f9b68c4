package records

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/r4"
)

// Who treats somebody writes orders, encounters and care teams in which he stands himself, and would so
// treat for as long as he likes, also one for whom he only broke the glass; and two who name one another would
// for ever. What a clinician writes of himself therefore prolongs what others have given him by ownTreatment at
// most, counted from the write; what he alone has given himself prolongs nothing. A colleague treats by it for
// a while, and no longer than the writer himself may where nobody but clinicians gave him the patient: so it
// ends, however many pass it round. Such ties are of a kind of their own (tieOwn), and the version remembers whom
// they bind and until when: what follows from it can be worked out again.

// ownTreatment is how long after the last relationship that others gave a clinician treats by what he
// wrote himself; lentTreatment how long a colleague does, or until an appointment, say, ends, longestLent at most.
const (
	ownTreatment  = 30 * 24 * time.Hour
	lentTreatment = 90 * 24 * time.Hour
	longestLent   = 366 * 24 * time.Hour
)

// ownership is what a version remembers of a writer who treats, or stands in it himself. The zero value is none.
type ownership struct {
	subjects []int64 // the writer, and the roles as which he acts
	until    int64   // when what he gave himself ends, in milliseconds since 1970
	lent     []int64 // whom else he named
	lentTo   int64   // when that ends
}

func (o ownership) none() bool { return len(o.subjects) == 0 && len(o.lent) == 0 }

// bounded makes of the ties that a resource leads to those that it leads to by its writer.
func (o ownership) bounded(ties []tie) []tie {
	if o.none() {
		return ties
	}
	for i := range ties {
		switch t := &ties[i]; {
		case t.kind != tieTreats:
		case slices.Contains(o.subjects, t.subject):
			t.kind, t.until = tieOwn, min(t.until, o.until)
		case slices.Contains(o.lent, t.subject):
			t.kind, t.until = tieOwn, min(t.until, o.lentTo)
		}
	}
	ties = slices.DeleteFunc(ties, func(t tie) bool { return t.from >= t.until })
	slices.SortFunc(ties, tie.compare)
	return slices.Compact(ties)
}

// bytes is the form in a body: of himself and, where he named others, of them.
func (o ownership) bytes() []byte {
	b := boundBytes(o.subjects, o.until)
	if len(o.lent) > 0 {
		b = append(b, boundBytes(o.lent, o.lentTo)...)
	}
	return b
}

// boundBytes are how many subjects, they, and the end.
func boundBytes(subjects []int64, until int64) []byte {
	b := []byte{byte(len(subjects))}
	for _, s := range subjects {
		b = binary.BigEndian.AppendUint64(b, uint64(s))
	}
	return binary.BigEndian.AppendUint64(b, uint64(until))
}

// readOwnership gives an ownership, with those whom the writer named where it has them, and what follows it.
func readOwnership(b []byte, lent bool) (o ownership, rest []byte, err error) {
	o.subjects, o.until, rest, err = readBound(b)
	if err == nil && lent {
		o.lent, o.lentTo, rest, err = readBound(rest)
	}
	return o, rest, err
}

func readBound(b []byte) (subjects []int64, until int64, rest []byte, err error) {
	if len(b) == 0 || len(b) < 1+8*(int(b[0])+1) {
		return nil, 0, nil, errors.New("sealed body: cut short")
	}
	n, b := int(b[0]), b[1:]
	for range n {
		subjects, b = append(subjects, int64(binary.BigEndian.Uint64(b))), b[8:]
	}
	return subjects, int64(binary.BigEndian.Uint64(b)), b[8:], nil
}

// maxOwnRoles bounds the roles that a version remembers of its writer, and the others whom he names.
const maxOwnRoles = 200

// owns finds out whether a version makes or prolongs relationships of its own writer, or gives others some by nothing but his
// own, and until when it may.
func (w *write) owns(ctx context.Context, c *Change, rec *Record, old []tie) (ownership, error) {
	self, ok := c.Grant.Clinician()
	if !ok || c.Resource == nil {
		return ownership{}, nil
	}
	subjects, err := w.himself(ctx, self)
	if err != nil {
		return ownership{}, err
	}
	o := ownership{until: forever, lentTo: forever}
	for _, t := range w.s.tiesOf(c.Resource, rec.Updated) {
		mine := slices.Contains(subjects, t.subject)
		if t.kind != tieTreats || given(old, t) || !mine && c.Grant.Everybody() {
			continue
		}
		span := ownTreatment
		if !mine {
			span = lending(t, rec.Updated)
		}
		until, err := w.mayTreatUntil(ctx, subjects, tutela.Bucket(t.object), rec, span)
		if err != nil {
			return ownership{}, err
		}
		if mine {
			o.subjects, o.until = subjects, min(o.until, until)
		} else {
			o.lent, o.lentTo = append(o.lent, t.subject), min(o.lentTo, until)
		}
	}
	if o.none() {
		return ownership{}, nil
	}
	slices.Sort(o.lent)
	if o.lent = slices.Compact(o.lent); len(o.lent) > maxOwnRoles {
		return ownership{}, errs.New(errs.Unprocessable, "a clinician names at most %d others in one resource", maxOwnRoles)
	}
	return o, nil
}

// himself is a clinician and the roles as which he acts.
func (w *write) himself(ctx context.Context, self tutela.Ref) ([]int64, error) {
	s := w.s
	roles, err := s.tied(ctx, s.db, tieKey{tieActs, s.clinician(self)})
	if err != nil {
		return nil, err
	}
	subjects := []int64{s.clinician(self)}
	for _, role := range roles.objects[:min(len(roles.objects), maxOwnRoles)] {
		subjects = append(subjects, int64(role))
	}
	return subjects, nil
}

// lending is how long a colleague may treat: until what he was named for ends, where it says when.
func lending(t tie, now time.Time) time.Duration {
	if t.until == forever {
		return lentTreatment
	}
	return max(lentTreatment, min(time.UnixMilli(t.until).Sub(now), longestLent))
}

// given reports whether the version before gave the same relationship, for as long, by somebody else.
func given(old []tie, t tie) bool {
	return slices.ContainsFunc(old, func(o tie) bool {
		return o.kind == t.kind && o.subject == t.subject && o.object == t.object && o.until >= t.until && o.from <= t.from
	})
}

// mayTreatUntil says until when somebody may treat a patient by what a clinician writes now: for a span, where others than
// clinicians gave the writer that patient, and else for as long as he may himself.
func (w *write) mayTreatUntil(ctx context.Context, subjects []int64, patient tutela.Bucket, rec *Record, span time.Duration) (int64, error) {
	now := rec.Updated.UnixMilli()
	until := now // neither by others nor by himself: not at all
	for _, subject := range subjects {
		err := eachTie(ctx, w.s.db, " WHERE kind IN (?, ?) AND subject = ? AND object = ? AND until > ?", []any{tieTreats, tieOwn, subject, int64(patient), now}, func(r tieRow) {
			switch {
			case r.from > now || r.mac != w.s.tieMAC(r.tie, r.locator):
			case r.kind == tieTreats:
				until = max(until, now+span.Milliseconds())
			case r.kind == tieOwn:
				until = max(until, r.until)
			}
		})
		if err != nil {
			return 0, err
		}
	}
	return until, nil
}

// tiesIn are the ties that a version leads to, of which res is the content.
func (s *Store) tiesIn(rec *Record, res *r4.Resource) []tie {
	return rec.own.bounded(s.tiesOf(res, rec.Updated))
}
