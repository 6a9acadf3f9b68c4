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

// tokens are the blind words under which a batch is found.
type tokens map[int64]struct{}

func (l *Log) dayToken(kind, value string, day uint32) int64 {
	var d [4]byte
	binary.BigEndian.PutUint32(d[:], day)
	return l.blind.Sum64([]byte(kind), []byte(value), d[:])
}

func (l *Log) patientToken(b tutela.Bucket) int64 {
	return l.blind.Sum64([]byte(postPatient), keys.Subject64(int64(b)))
}

// addEntry adds the tokens of an entry.
func (l *Log) addEntry(to tokens, day uint32, e tutela.Entry) {
	to[l.dayToken(postDay, "", day)] = struct{}{}
	to[l.dayToken(postActor, string(e.Actor.ID), day)] = struct{}{}
	to[l.dayToken(postAction, string(e.Action), day)] = struct{}{}
	for _, p := range e.Patients {
		to[l.patientToken(p.Patient)] = struct{}{}
	}
}

// batchTokens are the tokens of all entries of a batch. A header that does not open has none: it
// would hold up the sequencer for ever, and Verify names it.
func (l *Log) batchTokens(ctx context.Context, entries [][]byte) (tokens, error) {
	all := make(tokens)
	for _, b := range entries {
		f, err := parseLeaf(b)
		if err != nil {
			continue
		}
		for _, s := range f.sections {
			if s.patient != tutela.BucketGeneral {
				all[l.patientToken(s.patient)] = struct{}{}
			}
		}
		e, err := l.openEntry(ctx, f)
		switch {
		case err == nil:
			l.addEntry(all, f.day, e)
		case !unopenable(err):
			return nil, err
		}
	}
	return all, nil
}

// unopenable tells a header that will never open from a store out of reach.
func unopenable(err error) bool {
	return errs.Is(err, errs.NotFound) || errors.Is(err, keys.ErrSealed) ||
		errors.Is(err, errCommitment) || errors.Is(err, errLeaf)
}
