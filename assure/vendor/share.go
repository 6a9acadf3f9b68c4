package vendor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/assure/register"
	"github.com/tutela-health/tutela/internal/errs"
)

// The organisation's own answers are one item of a kind of its own.
const (
	ownKind register.Kind  = "answers"
	ownID                  = "own"
	ownOpen register.State = "open"
)

// Statement is the kind of statements that answers are shared as.
const Statement = "answers"

// Own is what the organisation itself answers to those who ask it.
type Own struct {
	Name    string            `json:"name"`    // of the organisation
	Service string            `json:"service"` // that it answers for
	Answers map[string]Answer `json:"answers"`
}

// KeptOwn is that as it is kept.
type KeptOwn struct {
	Revision int64     `json:"revision"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Own
	Score int `json:"score"` // 0 to 100
}

// Own gives the organisation's own answers.
func (s *Service) Own(ctx context.Context) (KeptOwn, error) {
	it, err := s.cfg.Register.Get(ctx, ownKind, ownID)
	if err != nil {
		return KeptOwn{}, err
	}
	return s.keptOwn(it)
}

// Answer keeps the organisation's own answers, new at revision 0, changed at the revision that was read.
func (s *Service) Answer(ctx context.Context, entry tutela.Entry, revision int64, own Own) (KeptOwn, error) {
	for _, text := range []string{own.Name, own.Service} {
		if text == "" || !plain(text) {
			return KeptOwn{}, errs.New(errs.Invalid, "answers say whose they are, and of what service, each in a line of %d bytes at most", maxText)
		}
	}
	if err := s.q.check(own.Answers, s.cfg.Clock()); err != nil {
		return KeptOwn{}, err
	}
	body, err := json.Marshal(own)
	if err != nil {
		return KeptOwn{}, fmt.Errorf("encode answers: %w", err)
	}
	list, err := s.cfg.Register.Put(ctx, entry, register.Change{What: "answered", Item: register.Item{Kind: ownKind, ID: ownID, Revision: revision, State: ownOpen, Body: body}})
	if err != nil {
		return KeptOwn{}, err
	}
	return s.keptOwn(list[0])
}

func (s *Service) keptOwn(it register.Item) (KeptOwn, error) {
	own, err := register.Decode[Own](it)
	return KeptOwn{Revision: it.Revision, At: it.At, By: it.By.Name, Own: own, Score: s.q.Score(own.Answers, s.cfg.Clock())}, err
}

// Shared is the text of a statement: an organisation's answers, for others.
type Shared struct {
	Questionnaire int `json:"questionnaire"` // its version
	Own
}

// Share seals the organisation's own answers by its ledger. An answer that has ended is not shared: it is to be given anew.
func (s *Service) Share(ctx context.Context) (dossier.Statement, error) {
	own, err := s.Own(ctx)
	if err != nil {
		return dossier.Statement{}, err
	}
	if err := s.q.check(own.Answers, s.cfg.Clock()); err != nil {
		return dossier.Statement{}, err
	}
	text, err := json.Marshal(Shared{s.q.Version, own.Own})
	if err != nil {
		return dossier.Statement{}, fmt.Errorf("encode answers: %w", err)
	}
	return s.cfg.Seal(ctx, Statement, string(text))
}

// Source says where a vendor's answers come from, where its ledger vouches for them.
type Source struct {
	Name    string    `json:"name"`    // whose they are, as they say
	Service string    `json:"service"` // of what, as they say
	Origin  string    `json:"origin"`  // of the ledger that names them
	Leaf    int64     `json:"leaf"`
	At      time.Time `json:"at"` // when it did
	SHA256  string    `json:"sha256"`
}

// ReadShared verifies a statement by verifier keys of a ledger and gives the answers that it makes. What is wrong with it is
// errs.Invalid.
func ReadShared(st dossier.Statement, vkeys ...string) (Shared, Source, error) {
	sealed, err := st.Verify(vkeys...)
	if err == nil && sealed.Kind != Statement {
		err = errors.New("the statement is not about answers")
	}
	if err != nil {
		return Shared{}, Source{}, errs.New(errs.Invalid, "%v", err)
	}
	var text Shared
	d := json.NewDecoder(bytes.NewReader([]byte(st.Text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&text); err != nil {
		return Shared{}, Source{}, errs.Wrap(errs.Invalid, err, "the answers of the statement are malformed")
	}
	src := Source{Name: text.Name, Service: text.Service, Origin: sealed.Origin, Leaf: sealed.Leaf, At: sealed.Entry.Time, SHA256: sealed.SHA256}
	texts := []string{text.Name, text.Service, src.Origin}
	for id, a := range text.Answers {
		texts = append(texts, id, string(a.Is), a.Text)
	}
	for _, one := range texts {
		if !plain(one) {
			return Shared{}, Source{}, errs.New(errs.Invalid, "the texts of the statement are not lines of UTF-8 of %d bytes at most", maxText)
		}
	}
	return text, src, nil
}

// Taken is a vendor's own statement, and what follows from it here.
type Taken struct {
	Revision  int64             `json:"revision"` // that was read
	Statement dossier.Statement `json:"statement"`
	Keys      []string          `json:"keys"` // of the vendor's ledger, in note format, from the vendor itself
	Next      time.Time         `json:"next"`
	Until     time.Time         `json:"until,omitzero"`
	Waive     map[string]string `json:"waive,omitempty"`
}

// Take assesses a vendor by its own signed answers. They are not older than a year, nor than those that were taken before.
func (s *Service) Take(ctx context.Context, entry tutela.Entry, id string, t Taken) (Kept, error) {
	k, err := s.get(ctx, id)
	if err != nil {
		return Kept{}, err
	}
	text, src, err := ReadShared(t.Statement, t.Keys...)
	if err != nil {
		return Kept{}, err
	}
	now := s.cfg.Clock()
	switch {
	case text.Questionnaire != s.q.Version:
		return Kept{}, errs.New(errs.Invalid, "these are answers to version %d of the questionnaire, and we ask version %d", text.Questionnaire, s.q.Version)
	case src.At.After(now.Add(ahead)) || now.Sub(src.At) > longest:
		return Kept{}, errs.New(errs.Invalid, "the answers are of %s: they are not of the last %d days", src.At.Format(time.DateOnly), longest/(24*time.Hour))
	case k.Source != nil && src.At.Before(k.Source.At):
		return Kept{}, errs.New(errs.Invalid, "newer answers of the vendor were taken already, of %s", k.Source.At.Format(time.DateOnly))
	}
	v, err := s.assessed(entry, Assessment{ID: id, Revision: t.Revision, Answers: text.Answers, Next: t.Next, Until: t.Until, Waive: t.Waive}, &k)
	if err != nil {
		return Kept{}, err
	}
	v.Source = &src
	return s.one(ctx, entry, id, t.Revision, Open, v, "assessed by its own statement")
}
