package incident

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// change is one change of an incident: its next revision, the item that tells of it, and the entry.
type change struct {
	in     Incident
	kind   ItemKind
	text   string
	to     string // of a communication
	via    string
	entry  tutela.Entry
	detail string // in the entry: no free text
}

// maxItems bounds a timeline. The last of it is kept for what ends an incident.
const (
	maxItems = 2000
	spare    = 50
)

// commit writes a change: row, item and entry in one transaction. The item lies in the ledger too, sealed.
func (s *Service) commit(ctx context.Context, c change) error {
	if c.in.Items >= maxItems || c.in.Items >= maxItems-spare && c.kind != Moving && c.kind != Lesson {
		return errs.New(errs.Conflict, "the timeline is full with %d items: close the incident, and open another", c.in.Items)
	}
	now := s.now()
	c.in.Items++
	item := Item{Number: c.in.Items, At: now, By: c.entry.Actor, Kind: c.kind, Text: c.text, To: c.to, Channel: c.via}
	claim, err := s.claim(ctx, c.in)
	if err != nil {
		return err
	}
	rows, err := s.itemRows(ctx, c.in.ID, item)
	if err != nil {
		return err
	}
	body, err := json.Marshal(item)
	if err != nil {
		return fmt.Errorf("encode item: %w", err)
	}
	c.entry.Time, c.entry.Outcome = now, tutela.OutcomeSuccess
	c.entry.Subject = &tutela.Subject{Kind: "incident", ID: c.in.ID, Detail: "item " + strconv.Itoa(item.Number) + ": " + c.detail}
	leaves, err := s.cfg.Audit.Encode(ctx, c.entry, []tutela.Section{{Patient: tutela.BucketGeneral, Body: body}}, nil)
	if err != nil {
		return err
	}
	return s.cfg.DB.Commit(ctx, store.Op{Claims: []store.Claim{claim}, Inserts: []store.Rows{rows}, Entries: leaves})
}

// identify gives the id of an incident that a machine opens: the same whenever it is worked out.
func (s *Service) identify(what, id string) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(s.cfg.Alias("incident-id-high", what+" "+id)))
	return hex.EncodeToString(binary.BigEndian.AppendUint64(b, uint64(s.cfg.Alias("incident-id-low", what+" "+id))))
}

// pseudonym is how findings write a patient's bucket.
func pseudonym(b tutela.Bucket) string { return fmt.Sprintf("%016x", uint64(b)) }

// milliseconds since 1970; 0 for no time.
func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
