package reception

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/event"
	"github.com/tutela-health/tutela/detect/intake"
	"github.com/tutela-health/tutela/detect/intake/atna"
	"github.com/tutela-health/tutela/detect/intake/book"
	"github.com/tutela-health/tutela/detect/intake/gate"
	"github.com/tutela-health/tutela/detect/intake/hl7"
	"github.com/tutela-health/tutela/detect/intake/syslog"
	"github.com/tutela-health/tutela/detect/logs"
	"github.com/tutela-health/tutela/internal/clock"
)

// takesRecords and takesFacts are where things go.
type (
	takesRecords interface {
		Put(ctx context.Context, source string, r intake.Record) error
	}
	takesFacts interface {
		Tell(ctx context.Context, source string, lines []event.Line, stays []hl7.Stay) error
		Stays(ctx context.Context, source string, patient tutela.Bucket) ([]hl7.Stay, error)
	}
	// takesNow takes records of whoever waits for them to be durable.
	takesNow interface {
		Take(ctx context.Context, source string, records []intake.Record) (int, error)
	}
	// takesLines takes lines of logs of senders that wait for no answer.
	takesLines interface {
		Put(ctx context.Context, e logs.Event) error
	}
)

// Reception knows who may send what. Safe for concurrent use.
type Reception struct {
	Gate    *gate.Gate
	Records takesRecords
	Facts   takesFacts
	Book    takesNow
	Lines   takesLines
	Logs    *logs.Store
	Tokens  *book.Tokens
	Place   *time.Location // of HL7's times without an offset
	Clock   clock.Clock
	Log     *slog.Logger

	mu          sync.Mutex
	translators map[string]*translator // by source; guarded by mu
}

// translator is one source's, with what it remembers of stays.
type translator struct {
	mu sync.Mutex // guards what follows
	*hl7.Translator
	source string
	met    map[tutela.Bucket]struct{} // patients whose stays it remembers
	owed   []event.Line               // what a message told that could not be made durable: the sender's second try tells less
	stays  []hl7.Stay                 // with it
}

// maxMet bounds the patients of whom it is remembered that their stays are.
const maxMet = 100_000

// errStranger ends the connection of whoever is no source.
var errStranger = errors.New("no configured source: neither its certificate nor its network is listed")

// Syslog takes connections of syslog over TLS until the context ends.
func (r *Reception) Syslog(ctx context.Context, l net.Listener) error {
	return (&syslog.Server{Admit: r.knows, Handle: r.message, Log: r.Log}).Serve(ctx, l)
}

// HL7 takes connections of MLLP until the context ends.
func (r *Reception) HL7(ctx context.Context, l net.Listener) error {
	return (&hl7.Server{Admit: r.knows, Handle: r.tell, Clock: r.Clock, Log: r.Log}).Serve(ctx, l)
}

// knows reports whether a peer is a source: nothing is read of any other.
func (r *Reception) knows(p intake.Peer) bool {
	_, ok := r.Gate.Admit(p)
	return ok
}

// admit finds the source, and holds it to its rate.
func (r *Reception) admit(ctx context.Context, p intake.Peer) (*gate.Desk, error) {
	d, ok := r.Gate.Admit(p)
	if !ok {
		return nil, errStranger
	}
	if wait := d.Wait(); wait > 0 {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return d, nil
}

// message takes a message: an audit message (IHE ITI TF-2, 3.20), or a line of a log. One that is neither is refused,
// and the connection goes on.
func (r *Reception) message(ctx context.Context, p intake.Peer, m syslog.Message) error {
	d, err := r.admit(ctx, p)
	if err != nil {
		return err
	}
	if !strings.Contains(m.Text, "AuditMessage") {
		return r.line(ctx, d, m)
	}
	at := strings.IndexByte(m.Text, '<')
	if m.Raw || at < 0 { // it names patients, and nobody knows where
		d.Refuse("is an audit message, and not of RFC 5424")
		return nil
	}
	tokens := r.Tokens.In(d.Authority)
	rec, err := atna.Parse([]byte(m.Text[at:]), tokens)
	if err != nil {
		d.Refuse(err.Error())
		return nil
	}
	for i, id := range rec.Patients {
		rec.Patients[i] = tokens.Resolve(id)
	}
	d.Took(rec.Event.Time)
	return r.Records.Put(ctx, d.Name, rec)
}

// tell takes an HL7 message. It returns when what it tells is durable.
func (r *Reception) tell(ctx context.Context, p intake.Peer, m *hl7.Message) error {
	d, err := r.admit(ctx, p)
	if err != nil {
		return err
	}
	t := r.translator(d)
	t.mu.Lock()
	defer t.mu.Unlock()
	err = t.take(ctx, m, r.Facts)
	if err != nil {
		r.Log.LogAttrs(ctx, slog.LevelWarn, "a message could not be taken", slog.String("source", d.Name), slog.String("error", err.Error()))
		return err
	}
	d.Took(m.Time("MSH", 7, r.Place))
	return nil
}

// take translates a message and makes durable what it tells.
func (t *translator) take(ctx context.Context, m *hl7.Message, facts takesFacts) error {
	if err := t.settle(ctx, facts); err != nil {
		return err
	}
	for _, p := range t.Patients(m) {
		if err := t.meet(ctx, p, facts); err != nil {
			return err
		}
	}
	t.owed = t.Translate(m)
	t.stays = t.Changed()
	return t.settle(ctx, facts)
}

// meet remembers what was told of a patient before the last restart.
func (t *translator) meet(ctx context.Context, p tutela.Bucket, facts takesFacts) error {
	if _, ok := t.met[p]; ok {
		return nil
	}
	stays, err := facts.Stays(ctx, t.source, p)
	if err != nil {
		return err
	}
	t.Remember(stays)
	if t.met == nil || len(t.met) >= maxMet {
		t.met = map[tutela.Bucket]struct{}{}
	}
	t.met[p] = struct{}{}
	return nil
}

// settle makes durable what is owed. A stay moved when its message was translated, so the end of the one before is told
// once; a fact that is told twice stays what it is.
func (t *translator) settle(ctx context.Context, facts takesFacts) error {
	if len(t.owed)+len(t.stays) == 0 {
		return nil
	}
	if err := facts.Tell(ctx, t.source, t.owed, t.stays); err != nil {
		return err
	}
	t.owed, t.stays = nil, nil
	return nil
}

func (r *Reception) translator(d *gate.Desk) *translator {
	r.mu.Lock()
	defer r.mu.Unlock()
	t, ok := r.translators[d.Name]
	if !ok {
		if r.translators == nil {
			r.translators = map[string]*translator{}
		}
		t = &translator{source: d.Name, Translator: hl7.NewTranslator(hl7.Config{Tokens: r.Tokens.In(d.Authority), Place: r.Place})}
		r.translators[d.Name] = t
	}
	return t
}
