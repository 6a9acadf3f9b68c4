package audit

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// The kinds of posting. A token is a keyed hash of kind and value, so that the index shows
// equality and frequency to who reads the disk, and nothing else.
const (
	postActor   = "actor"   // and day
	postAction  = "action"  // and day
	postPatient = "patient" // on any day
	postDay     = "day"
)

// word is what a batch is found under. day is zero for words of all time.
type word struct {
	kind, value string
	day         uint32
}

func patientWord(b tutela.Bucket) word {
	return word{kind: postPatient, value: string(keys.Subject64(int64(b)))}
}

// token blinds a word.
func (l *Log) token(w word) int64 {
	var d [4]byte
	binary.BigEndian.PutUint32(d[:], w.day)
	return l.blind.Sum64([]byte(w.kind), []byte(w.value), d[:])
}

// words is a set: most entries of a batch share theirs.
type words map[word]struct{}

func (ws words) add(w word) { ws[w] = struct{}{} }

// entry adds the words of an entry.
func (ws words) entry(day uint32, e tutela.Entry) {
	ws.add(word{postDay, "", day})
	ws.add(word{postActor, string(e.Actor.ID), day})
	ws.add(word{postAction, string(e.Action), day})
	for _, p := range e.Patients {
		ws.add(patientWord(p.Patient))
	}
}

// tokens are blinded words.
type tokens map[int64]struct{}

// batchTokens are the tokens of all entries of a batch. A header that does not open has none: it
// would hold up the sequencer for ever, and Verify names it.
func (l *Log) batchTokens(ctx context.Context, entries [][]byte) (tokens, error) {
	found := make(words)
	for _, b := range entries {
		f, err := parseLeaf(b)
		if err != nil {
			continue
		}
		for _, s := range f.sections {
			if s.patient != tutela.BucketGeneral {
				found.add(patientWord(s.patient))
			}
		}
		e, err := l.openEntry(ctx, f)
		switch {
		case err == nil:
			found.entry(f.day, e)
		case !unopenable(err):
			return nil, err
		}
	}
	blind := make(tokens, len(found))
	for w := range found {
		blind[l.token(w)] = struct{}{}
	}
	return blind, nil
}

// unopenable tells a header that will never open from a store out of reach.
func unopenable(err error) bool {
	return errs.Is(err, errs.NotFound) || errors.Is(err, keys.ErrSealed) ||
		errors.Is(err, errCommitment) || errors.Is(err, errLeaf)
}
