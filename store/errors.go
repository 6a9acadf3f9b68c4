package store

import (
	"errors"
	"fmt"

	"github.com/tutela-health/tutela/internal/errs"
)

// The conditions that callers tell apart, beyond the kinds of internal/errs.
var (
	// ErrClaim: a Claim did not hold. Its kind is errs.Conflict.
	ErrClaim = errors.New("claim does not hold")
	// ErrDuplicate: an inserted row's key is taken. Its kind is errs.Conflict.
	ErrDuplicate = errors.New("row exists")
	// ErrFull: the storage is full, or nearly so. Its kind is errs.Unavailable.
	ErrFull = errors.New("storage is full")
	// ErrUnknown: the connection was lost at COMMIT and the outcome could not be learned, or the
	// caller stopped waiting. Its kind is errs.Unavailable.
	ErrUnknown = errors.New("outcome unknown")
	// ErrClosed: the DB is closed. Its kind is errs.Unavailable.
	ErrClosed = errors.New("store is closed")
	// ErrFenced: a lease's token is no longer current, or it has expired. Its kind is errs.Conflict.
	ErrFenced = errors.New("lease is lost")
	// ErrUnsafe: the engine's settings could lose acknowledged writes.
	ErrUnsafe = errors.New("unsafe durability setting")
)

// opError is a failure that one Op of a batch caused; the others may be tried again without it.
type opError struct {
	index int // of the Op in its batch, or -1 where the engine cannot tell
	err   error
}

func (e *opError) Error() string { return e.err.Error() }

func (e *opError) Unwrap() error { return e.err }

func claimFailed(t *Table) error {
	return errs.Wrap(errs.Conflict, fmt.Errorf("%s: %w", t.Name, ErrClaim), "changed by somebody else")
}

func duplicate(err error) error {
	return errs.Wrap(errs.Conflict, errors.Join(ErrDuplicate, err), "already exists")
}

func full(err error) error {
	return errs.Wrap(errs.Unavailable, errors.Join(ErrFull, err), "storage is full")
}

func unknown(err error) error {
	return errs.Wrap(errs.Unavailable, errors.Join(ErrUnknown, err), "outcome unknown")
}

func unavailable(err error) error {
	return errs.Wrap(errs.Unavailable, err, "storage is unavailable")
}

func closed() error {
	return errs.Wrap(errs.Unavailable, ErrClosed, "shutting down")
}

func isUnavailable(err error) bool { return errs.Is(err, errs.Unavailable) }
