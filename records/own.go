package records

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/r4"
)

// Who treats somebody writes orders, encounters and care teams in which he stands himself, and would so
// treat for as long as he likes, also one for whom he only broke the glass. What a clinician writes of
// himself therefore prolongs what others have given him by ownTreatment at most, counted from the write;
// what he alone has given himself prolongs nothing. Such ties are of a kind of their own (tieOwn), and
// the version remembers whom they bind and until when: what follows from it can be worked out again.

// ownTreatment is how long after the last relationship that others gave a clinician treats by what he
// wrote himself.
const ownTreatment = 30 * 24 * time.Hour

// ownership is what a version remembers of a writer who stands in it himself. The zero value is none.
type ownership struct {
	subjects []int64 // the writer, and the roles as which he acts
	until    int64   // when what he gave himself ends, in milliseconds since 1970
}

func (o ownership) none() bool { return len(o.subjects) == 0 }

// bounded makes of the ties that a resource leads to those that it leads to by its writer.
func (o ownership) bounded(ties []tie) []tie {
	if o.none() {
		return ties
	}
	for i := range ties {
		if t := &ties[i]; t.kind == tieTreats && slices.Contains(o.subjects, t.subject) {
			t.kind, t.until = tieOwn, min(t.until, o.until)
		}
	}
	ties = slices.DeleteFunc(ties, func(t tie) bool { return t.from >= t.until })
	slices.SortFunc(ties, tie.compare)
	return slices.Compact(ties)
}

// bytes is the form in a body: how many subjects, they, and the end.
func (o ownership) bytes() []byte {
	b := []byte{byte(len(o.subjects))}
	for _, s := range o.subjects {
		b = binary.BigEndian.AppendUint64(b, uint64(s))
	}
	return binary.BigEndian.AppendUint64(b, uint64(o.until))
}

// readOwnership gives an ownership and what follows it.
func readOwnership(b []byte) (ownership, []byte, error) {
	if len(b) == 0 || len(b) < 1+8*(int(b[0])+1) {
		return ownership{}, nil, errors.New("sealed body: cut short")
	}
	var o ownership
	n, b := int(b[0]), b[1:]
	for range n {
		o.subjects, b = append(o.subjects, int64(binary.BigEndian.Uint64(b))), b[8:]
	}
	o.until = int64(binary.BigEndian.Uint64(b))
	return o, b[8:], nil
}

// maxOwnRoles bounds the roles that a version remembers of its writer.
const maxOwnRoles = 200

// owns finds out whether a version makes or prolongs relationships of its own writer, and until when
// it may.
func (w *write) owns(ctx context.Context, c *Change, rec *Record, old []tie) (ownership, error) {
	self, ok := c.Grant.Clinician()
	if !ok || c.Resource == nil {
		return ownership{}, nil
	}
	s := w.s
	roles, err := s.tied(ctx, s.db, tieKey{tieActs, s.clinician(self)})
	if err != nil {
		return ownership{}, err
	}
	o := ownership{subjects: []int64{s.clinician(self)}, until: forever}
	for _, role := range roles.objects[:min(len(roles.objects), maxOwnRoles)] {
		o.subjects = append(o.subjects, int64(role))
	}
	prolongs := false
	for _, t := range s.tiesOf(c.Resource, rec.Updated) {
		if t.kind != tieTreats || !slices.Contains(o.subjects, t.subject) || given(old, t) {
			continue
		}
		prolongs = true
		until, err := w.mayTreatUntil(ctx, o.subjects, tutela.Bucket(t.object), rec)
		if err != nil {
			return ownership{}, err
		}
		o.until = min(o.until, until)
	}
	if !prolongs {
		return ownership{}, nil
	}
	return o, nil
}

// given reports whether the version before gave the same relationship, for as long, by somebody else.
func given(old []tie, t tie) bool {
	return slices.ContainsFunc(old, func(o tie) bool {
		return o.kind == t.kind && o.subject == t.subject && o.object == t.object && o.until >= t.until && o.from <= t.from
	})
}

// mayTreatUntil says until when a clinician may treat a patient by what he writes himself now.
func (w *write) mayTreatUntil(ctx context.Context, subjects []int64, patient tutela.Bucket, rec *Record) (int64, error) {
	now := rec.Updated.UnixMilli()
	until := now // neither by others nor by himself: not at all
	for _, subject := range subjects {
		err := eachTie(ctx, w.s.db, " WHERE kind IN (?, ?) AND subject = ? AND object = ? AND until > ?", []any{tieTreats, tieOwn, subject, int64(patient), now}, func(r tieRow) {
			switch {
			case r.from > now || r.mac != w.s.tieMAC(r.tie, r.locator):
			case r.kind == tieTreats:
				until = max(until, now+ownTreatment.Milliseconds())
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
