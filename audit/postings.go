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

// wordsOf are the words of an entry.
func wordsOf(day uint32, e *tutela.Entry) []word {
	list := make([]word, 0, 3+len(e.Patients))
	list = append(list, word{postDay, "", day}, word{postActor, string(e.Actor.ID), day}, word{postAction, string(e.Action), day})
	for _, p := range e.Patients {
		list = append(list, patientWord(p.Patient))
	}
	return list
}

// tokens are blinded words.
type tokens map[int64]struct{}

// batchTokens are the tokens of all entries of a batch. A header that does not open has none: it
// would hold up the sequencer for ever, and Verify names it.
func (l *Log) batchTokens(ctx context.Context, entries [][]byte) (tokens, error) {
	return l.leafTokens(ctx, leavesOf(entries))
}

// leavesOf reads entries; what is no leaf is left out.
func leavesOf(entries [][]byte) []leaf {
	list := make([]leaf, 0, len(entries))
	for _, b := range entries {
		if f, err := parseLeaf(b); err == nil {
			list = append(list, f)
		}
	}
	return list
}

func (l *Log) leafTokens(ctx context.Context, leaves []leaf) (tokens, error) {
	found := make(words)
	for _, f := range leaves {
		for _, s := range f.sections {
			if s.patient != tutela.BucketGeneral {
				found.add(patientWord(s.patient))
			}
		}
		list, err := l.entryWords(ctx, f)
		if err != nil && !unopenable(err) {
			return nil, err
		}
		for _, w := range list {
			found.add(w)
		}
	}
	blind := make(tokens, len(found))
	for w := range found {
		blind[l.token(w)] = struct{}{}
	}
	return blind, nil
}

// entryWords are the words of a leaf's entry, remembered from when it was sealed or read again.
func (l *Log) entryWords(ctx context.Context, f leaf) ([]word, error) {
	if list, ok := l.recent.take(f.header.commitment); ok {
		return list, nil
	}
	e, err := l.openEntry(ctx, f)
	if err != nil {
		return nil, err
	}
	return wordsOf(f.day, &e), nil
}

// unopenable tells a header that will never open from a store out of reach.
func unopenable(err error) bool {
	return errs.Is(err, errs.NotFound) || errors.Is(err, keys.ErrSealed) ||
		errors.Is(err, errCommitment) || errors.Is(err, errLeaf)
}
