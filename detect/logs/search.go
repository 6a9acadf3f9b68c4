package logs

import (
	"context"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/internal/errs"
)

// Query is what is asked for: all of it must hold. What is empty holds of everything.
type Query struct {
	ID       string
	From, To time.Time // when it happened: from inclusive, to exclusive
	Actor    string    // account, by id or name
	Address  string
	Patient  tutela.Bucket
	Source   string
	Text     string // words, all of which the line has
	Limit    int    // how many at most; 0 means DefaultLimit, and MaxLimit is the most
	Before   string // the id behind which the list goes on
	// Sources are those whose events the caller may see. None is none.
	Sources []string
}

// The limits of an answer. Of one question at most mostOpened batches are opened: then the answer says where to go on.
const (
	DefaultLimit = 100
	MaxLimit     = 1000
	mostOpened   = 256
	mostHeads    = 1024
	mostWords    = 16
)

// Found is an event that was asked for.
type Found struct {
	ID       string         `json:"id"`
	Source   string         `json:"source"`
	Time     time.Time      `json:"time"`
	Received time.Time      `json:"received"`
	Event    jsontext.Value `json:"event"` // in the form of docs/events.md
}

// Page is an answer: what came last comes first.
type Page struct {
	Events []Found `json:"events"`
	Next   string  `json:"next,omitempty"` // where it goes on; empty when there is no more
}

// Search finds events.
func (s *Store) Search(ctx context.Context, q Query) (Page, error) {
	f, err := s.finder(ctx, q)
	if err != nil || f == nil {
		return Page{Events: []Found{}}, err
	}
	for !f.full() {
		heads, err := s.heads(ctx, f.seq, f.query.From, f.query.To, mostHeads)
		if err != nil {
			return Page{}, err
		}
		for _, h := range heads {
			if err := f.look(ctx, h); err != nil {
				return Page{}, err
			}
			if f.full() {
				break
			}
		}
		if len(heads) < mostHeads {
			f.over = f.over || !f.full()
			break
		}
	}
	return f.page(), nil
}

// finder is a search under way.
type finder struct {
	store  *Store
	query  Query
	wanted []string // terms
	only   int64    // the batch of the event that is asked for by its id; 0 for any
	seq    int64    // the batch to look at next
	i      int      // in it, the event up to which; -1 for all
	found  []Found
	opened int
	over   bool
}

func (s *Store) finder(ctx context.Context, q Query) (*finder, error) {
	if q.Limit == 0 {
		q.Limit = DefaultLimit
	}
	if q.Limit < 0 || q.Limit > MaxLimit {
		return nil, errs.New(errs.Invalid, "limit is from 1 to %d", MaxLimit)
	}
	if q.To.IsZero() {
		q.To = time.UnixMilli(1 << 50)
	}
	if q.Source != "" && !slices.Contains(q.Sources, q.Source) || len(q.Sources) == 0 {
		return nil, nil //nolint:nilnil // nothing that the caller may see: no search, and no error
	}
	last, err := s.last(ctx)
	f := &finder{store: s, query: q, seq: last, i: perBatch}
	if q.Before != "" {
		seq, i, ok := parseID(q.Before)
		if !ok {
			return nil, errs.New(errs.Invalid, "before is no event's id")
		}
		if f.seq, f.i = seq, i; i == 0 {
			f.pass(seq)
		}
	}
	if q.ID != "" {
		seq, _, ok := parseID(q.ID)
		if !ok || seq > f.seq {
			return nil, nil //nolint:nilnil // no event has that id
		}
		if f.only = seq; seq < f.seq {
			f.seq, f.i = seq, perBatch
		}
	}
	return f, errsOr(err, f.want())
}

func errsOr(a, b error) error {
	if a != nil {
		return a
	}
	return b
}

// want lists the terms that an event must have.
func (f *finder) want() error {
	t := terms{}
	t.add(termSource, f.query.Source)
	t.add(termActor, f.query.Actor)
	t.add(termAddress, f.query.Address)
	if f.query.Patient != tutela.BucketGeneral {
		t.add(termPatient, PatientTerm(f.query.Patient))
	}
	words := split(f.query.Text)
	if len(words) > mostWords {
		return errs.New(errs.Invalid, "text has more than %d words", mostWords)
	}
	for _, w := range words {
		t.add(termWord, w)
	}
	for term := range t {
		f.wanted = append(f.wanted, term)
	}
	return nil
}

func (f *finder) full() bool {
	return f.over || len(f.found) >= f.query.Limit || f.opened >= mostOpened
}

// look finds what a batch has.
func (f *finder) look(ctx context.Context, head row) error {
	if head.seq < f.seq {
		f.i = perBatch
	}
	f.seq = head.seq
	if f.over = f.only != 0 && f.only != head.seq; f.over {
		return nil
	}
	for _, term := range f.wanted {
		if !maybe(head.filter, f.store.hash(head.seq, term)) {
			f.pass(head.seq)
			return nil
		}
	}
	r, there, err := f.store.batch(ctx, head.seq)
	if err != nil || !there {
		f.pass(head.seq)
		return err
	}
	events, err := f.store.open(ctx, r)
	if err != nil {
		return err
	}
	f.opened++
	f.gather(r, events)
	return nil
}

// pass goes on behind a batch.
func (f *finder) pass(seq int64) { f.seq, f.i = seq-1, perBatch }

// gather takes a batch's events that are asked for, the last one first.
func (f *finder) gather(r row, events []Event) {
	p := event.NewParser()
	for i := min(f.i, len(events)) - 1; i >= 0; i-- {
		e := events[i]
		if f.matches(p, ID(r.seq, i), e) {
			f.found = append(f.found, Found{ID: ID(r.seq, i), Source: e.Source, Time: e.At, Received: time.UnixMilli(r.at).UTC(), Event: e.Line})
		}
		if f.seq, f.i = r.seq, i; len(f.found) >= f.query.Limit {
			return
		}
	}
	f.pass(r.seq)
}

func (f *finder) matches(p *event.Parser, id string, e Event) bool {
	q := f.query
	if q.ID != "" && q.ID != id || !slices.Contains(q.Sources, e.Source) || e.At.Before(q.From) || !e.At.Before(q.To) {
		return false
	}
	l, err := p.Parse(e.Line)
	if err != nil || l.Event == nil {
		return false
	}
	has := termsOf(e.Source, l.Event)
	for _, term := range f.wanted {
		if _, ok := has[term]; !ok {
			return false
		}
	}
	return true
}

func (f *finder) page() Page {
	p := Page{Events: f.found}
	if p.Events == nil {
		p.Events = []Found{}
	}
	switch {
	case f.over || f.seq <= 0:
	case f.i < perBatch:
		p.Next = ID(f.seq, f.i)
	default:
		p.Next = ID(f.seq+1, 0)
	}
	return p
}
