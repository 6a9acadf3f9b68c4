package detect

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/finding"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// tries is how often a commit is made anew that lost a race against a verdict.
const tries = 16

// commit writes findings and how far the streams are, in one transaction. When another node has written
// meanwhile, this one starts anew from what is there.
func (s *Service) commit(ctx context.Context, b batch) error {
	var err error
	for range tries {
		next := s.done.copied()
		maps.Copy(next.Places, s.waiting)
		var op store.Op
		if op, err = s.op(ctx, b, &next); err != nil {
			break
		}
		if err = s.cfg.DB.Commit(ctx, op); err == nil {
			s.committed(next, b)
			return nil
		}
		if !errs.Is(err, errs.Conflict) {
			break
		}
		there, failed := s.readProgress(ctx)
		if failed != nil || there.revision != s.done.revision {
			break
		}
	}
	s.lose()
	return fmt.Errorf("write findings: %w", err)
}

func (s *Service) committed(next progress, b batch) {
	next.revision++
	next.at = s.now()
	s.done, s.waiting = next, nil
	s.seen.open(next.levels)
	if b.keep {
		s.since, s.kept = 0, s.cfg.Clock()
	}
}

// copied is a progress that can be changed beside this one.
func (p progress) copied() progress {
	p.Places, p.Saved, p.Opened = maps.Clone(p.Places), maps.Clone(p.Saved), maps.Clone(p.Opened)
	p.levels = map[finding.Level]int64{}
	if p.Opened == nil {
		p.Opened = map[string]int{}
	}
	return p
}

// op makes the transaction of a batch.
func (s *Service) op(ctx context.Context, b batch, next *progress) (store.Op, error) {
	var op store.Op
	now := s.now()
	if day := now.Format(time.DateOnly); next.Day != day {
		next.Day = day
		clear(next.Opened)
	}
	d := &draft{s: s, next: next, now: now, rows: map[int64]*drafted{}}
	for _, h := range b.hits {
		if err := d.add(ctx, h); err != nil {
			return op, err
		}
	}
	if err := d.into(ctx, &op); err != nil {
		return op, err
	}
	if b.keep {
		if err := s.remember(ctx, &op, next); err != nil {
			return op, err
		}
	}
	c, err := s.claim(ctx, *next, now)
	op.Claims = append(op.Claims, c)
	return op, err
}

// draft is the findings of a batch before they are written.
type draft struct {
	s     *Service
	next  *progress
	now   time.Time
	rows  map[int64]*drafted // by alike
	order []*drafted
}

type drafted struct {
	row

	action tutela.Action // what of it is told in the ledger; empty for nothing
	told   int           // the risk that was told before
}

// flood is how many findings of one rule may be opened on a day (UTC). What comes after that becomes one
// finding for the rule and day: a rule that takes offence at everything must not bury the others.
const flood = 200

// add finds the finding that a hit belongs to, or opens one.
func (d *draft) add(ctx context.Context, h finding.Hit) error {
	at, err := d.place(ctx, h)
	if err != nil || at != nil {
		d.take(at, h)
		return err
	}
	if at := d.rows[d.s.alike(h)]; at != nil && at.Told(h) {
		return nil // a day that was closed twice
	}
	if d.next.Opened[h.Rule] >= flood {
		h.Actor, h.Group = "", "more than can be shown on "+d.next.Day
		h.Reasons = []string{fmt.Sprintf("the rule has opened %d findings today: look whether it fits", flood)}
		if at, err = d.place(ctx, h); err != nil || at != nil {
			d.take(at, h)
			return err
		}
	}
	return d.open(ctx, h)
}

// place gives the finding that takes a hit, if there is one.
func (d *draft) place(ctx context.Context, h finding.Hit) (*drafted, error) {
	alike := d.s.alike(h)
	at, ok := d.rows[alike]
	if !ok {
		r, found, err := d.s.newest(ctx, alike)
		if err != nil || !found {
			return nil, err
		}
		at = &drafted{row: r, told: r.Risk}
		d.rows[alike] = at
	}
	if at.Takes(h) || at.Absorbs(h, d.now) {
		return at, nil
	}
	return nil, nil
}

// raised is by how much the risk of an open finding must grow for the ledger to tell of it.
const raised = 15

func (d *draft) take(at *drafted, h finding.Hit) {
	if at == nil || at.Told(h) {
		return
	}
	at.Add(h)
	if at.action == "" && at.State == finding.Open && at.Risk >= at.told+raised {
		at.action = tutela.ActionFindingRaise
	}
	d.changed(at)
}

func (d *draft) changed(at *drafted) {
	for _, known := range d.order {
		if known == at {
			return
		}
	}
	d.order = append(d.order, at)
}

func (d *draft) open(ctx context.Context, h finding.Hit) error {
	s := d.s
	kin := s.cfg.Alias("finding-kin", key(h.Rule, string(h.Actor)))
	f, err := s.favour(ctx, kin, d.now)
	if err != nil {
		return err
	}
	at := &drafted{row: row{Case: finding.New(s.identify(h), h, f), alike: s.alike(h), kin: kin}, action: tutela.ActionFindingOpen}
	at.Opened = d.now
	d.next.Opened[h.Rule]++
	d.next.levels[h.Level]++
	d.rows[at.alike] = at
	d.changed(at)
	return nil
}

// alike is the keyed hash of what alike hits share.
func (s *Service) alike(h finding.Hit) int64 {
	return s.cfg.Alias("finding-alike", key(h.Rule, string(h.Actor), h.Group))
}

// identify gives the id of the finding that a hit opens: the same whenever it is worked out.
func (s *Service) identify(h finding.Hit) string {
	first := h.At.UTC().Format(time.RFC3339Nano)
	if len(h.Entries) > 0 {
		first = h.Entries[0]
	}
	k := key(h.Rule, string(h.Actor), h.Group, first)
	id := binary.BigEndian.AppendUint64(nil, uint64(s.cfg.Alias("finding-id-high", k)))
	return hex.EncodeToString(binary.BigEndian.AppendUint64(id, uint64(s.cfg.Alias("finding-id-low", k))))
}

// key joins texts so that no two lists of them give the same.
func key(of ...string) string {
	var b []byte
	for _, s := range of {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	return string(b)
}

// into adds the findings to a transaction, with the entries that tell of them.
func (d *draft) into(ctx context.Context, op *store.Op) error {
	for _, at := range d.order {
		c, err := d.s.save(ctx, at.row)
		if err != nil {
			return err
		}
		op.Claims = append(op.Claims, c)
		if at.action == "" {
			continue
		}
		e := tutela.Entry{
			Time: d.now, Actor: tutela.Actor{ID: systemActor, Kind: tutela.ActorSystem, Name: "tutela detect"}, Action: at.action,
			Outcome: tutela.OutcomeSuccess, Subject: &tutela.Subject{Kind: "finding", ID: at.ID, Detail: told(at.Case)},
		}
		leaves, err := d.s.cfg.Audit.Encode(ctx, e, nil, nil)
		if err != nil {
			return fmt.Errorf("write entry of finding: %w", err)
		}
		op.Entries = append(op.Entries, leaves...)
	}
	return nil
}

// told is what the ledger says of a finding.
func told(c *finding.Case) string {
	return fmt.Sprintf("%s, %s, risk %d, account %q", c.Rule, c.Level, c.Risk, c.Actor)
}
