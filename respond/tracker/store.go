package tracker

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/store"
)

// Migrations make this package's table: a row a ticket. tracker and number are keyed hashes, next is when it is handed
// over or looked at, 0 for never; all else lies under the general key and is bound to its row.
func Migrations() []store.Migration {
	return []store.Migration{{ID: "0950_tickets", SQL: `
CREATE TABLE tickets (
	id {{bytes}} NOT NULL PRIMARY KEY, revision {{int}} NOT NULL, tracker {{int}} NOT NULL, number {{int}} NOT NULL, next {{int}} NOT NULL,
	tries {{int}} NOT NULL, written {{int}} NOT NULL, sealed {{bytes}} NOT NULL
) {{clustered}};
CREATE INDEX tickets_next ON tickets (tracker, next);
CREATE INDEX tickets_number ON tickets (number);
CREATE INDEX tickets_written ON tickets (written);
`}}
}

func table() *store.Table {
	return &store.Table{Name: "tickets", Key: 1, Columns: []store.Column{
		{Name: "id", Kind: store.Bytes}, {Name: "revision"}, {Name: "tracker"}, {Name: "number"}, {Name: "next"}, {Name: "tries"}, {Name: "written"},
		{Name: "sealed", Kind: store.Bytes},
	}}
}

// inClear are a row's columns that are not sealed: revision, tracker, number, next, tries, written.
type inClear [6]int64

func (s *Service) clear(t Ticket) inClear {
	return inClear{t.revision + 1, s.hash("tracker", t.Tracker), s.numberHash(t.Tracker, t.Number), milliseconds(t.next), t.tries, milliseconds(t.written)}
}

func (s *Service) hash(what, name string) int64 { return s.cfg.Alias(what, name) }

// numberHash stands for what a ticket is called there; 0 where it is not there yet.
func (s *Service) numberHash(tracker, number string) int64 {
	if number == "" {
		return 0
	}
	return s.hash("tracker-number", tracker+" "+number)
}

func subject(id []byte, c inClear) []byte { return fmt.Appendf(nil, "ticket %x %d", id, c) }

func milliseconds(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func moment(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// claim writes a ticket in place of the revision that was read.
func (s *Service) claim(ctx context.Context, t Ticket) (store.Claim, error) {
	id, err := hex.DecodeString(t.ID)
	if err != nil {
		return store.Claim{}, fmt.Errorf("ticket %q: %w", t.ID, err)
	}
	plain, err := json.Marshal(t)
	if err != nil {
		return store.Claim{}, fmt.Errorf("encode ticket: %w", err)
	}
	c := s.clear(t)
	sealed, err := s.cfg.Notes.SealNote(ctx, tutela.BucketGeneral, subject(id, c), plain)
	if err != nil {
		return store.Claim{}, err
	}
	claim := store.Claim{Table: table(), Key: []any{id}, Set: []any{id, c[0], c[1], c[2], c[3], c[4], c[5], sealed}}
	if t.revision > 0 {
		claim.Expect = []any{t.revision}
	}
	return claim, nil
}

// rows reads tickets.
func (s *Service) rows(ctx context.Context, where string, args ...any) ([]Ticket, error) {
	type read struct {
		id, sealed []byte
		clear      inClear
	}
	var found []read
	err := s.cfg.DB.Query(ctx, `SELECT id, revision, tracker, number, next, tries, written, sealed FROM tickets`+where, args, func(sc store.Scanner) error {
		var r read
		c := &r.clear
		err := sc.Scan(&r.id, &c[0], &c[1], &c[2], &c[3], &c[4], &c[5], &r.sealed)
		found = append(found, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	list := make([]Ticket, len(found))
	for i, f := range found {
		plain, err := s.cfg.Notes.OpenNote(ctx, tutela.BucketGeneral, subject(f.id, f.clear), f.sealed)
		if err == nil {
			err = json.Unmarshal(plain, &list[i])
		}
		if err != nil {
			return nil, fmt.Errorf("open ticket %x: %w", f.id, err)
		}
		list[i].revision, list[i].next, list[i].tries, list[i].written = f.clear[0], moment(f.clear[3]), f.clear[4], moment(f.clear[5])
	}
	return list, nil
}

// find reads one ticket.
func (s *Service) find(ctx context.Context, id string) (Ticket, error) {
	key, err := hex.DecodeString(id)
	if err != nil || len(key) != 16 {
		return Ticket{}, notFound()
	}
	list, err := s.rows(ctx, ` WHERE id = ?`, key)
	if err == nil && len(list) == 0 {
		err = notFound()
	}
	if err != nil {
		return Ticket{}, err
	}
	return list[0], nil
}

func notFound() error { return errs.New(errs.NotFound, "no such ticket") }

// maxDue is how many tickets of a tracker are worked off at a time.
const maxDue = 200

// due reads the tickets of a tracker that are to be handed over or looked at, the longest due first.
func (s *Service) due(ctx context.Context, tracker string, now time.Time) ([]Ticket, error) {
	return s.rows(ctx, ` WHERE tracker = ? AND next > 0 AND next <= ? ORDER BY next, id LIMIT ?`, s.hash("tracker", tracker), now.UnixMilli(), int64(maxDue))
}

// called reads the ticket of that number there.
func (s *Service) called(ctx context.Context, tracker, number string) (Ticket, bool, error) {
	list, err := s.rows(ctx, ` WHERE number = ?`, s.numberHash(tracker, number))
	if err != nil || len(list) == 0 {
		return Ticket{}, false, err
	}
	return list[0], list[0].Tracker == tracker, nil
}

// writtenSince counts the tickets of a tracker that were written after a moment.
func (s *Service) writtenSince(ctx context.Context, tracker string, since time.Time) (n int, err error) {
	_, err = s.cfg.DB.QueryRow(ctx, `SELECT count(*) FROM tickets WHERE tracker = ? AND written > ?`, []any{s.hash("tracker", tracker), since.UnixMilli()}, &n)
	return n, err
}
