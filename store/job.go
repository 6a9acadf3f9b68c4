package store

import (
	"context"
	"fmt"
	"time"

	"github.com/tutela-health/tutela/internal/errs"
)

// Job is long work that survives the node that does it: its cursor is saved in the same
// transaction as each step's writes, so that another node goes on where it stopped. One node at a
// time owns it, by the lease "job/NAME".
type Job struct {
	db    *DB
	lease Lease
	ttl   time.Duration
	state JobState
}

// JobState is how far a job is.
type JobState struct {
	Name     string
	Cursor   []byte // what Step left; empty at the beginning
	Done     int64  // units of work, for a progress bar
	Total    int64  // as Step estimated it, 0 if unknown
	Finished bool
	Updated  time.Time
}

// Step does one piece of a job in tx, starting from s.Cursor, and returns the state after it.
// It runs again from the same state when its transaction fails.
type Step func(ctx context.Context, tx *Tx, s JobState) (JobState, error)

// StartJob takes ownership of the job, new or left behind, for ttl at a time. The kind of the
// error is errs.Conflict while another owner works on it.
func (db *DB) StartJob(ctx context.Context, name, owner string, ttl time.Duration) (*Job, error) {
	l, err := db.Acquire(ctx, "job/"+name, owner, ttl)
	if err != nil {
		return nil, err
	}
	s, err := db.JobState(ctx, name)
	if errs.Is(err, errs.NotFound) {
		s, err = JobState{Name: name, Cursor: []byte{}}, nil
	}
	if err != nil {
		return nil, err
	}
	return &Job{db: db, lease: l, ttl: ttl, state: s}, nil
}

// JobState reads how far a job is, whoever owns it. The kind of the error is errs.NotFound when
// it has not taken a step.
func (db *DB) JobState(ctx context.Context, name string) (JobState, error) {
	s := JobState{Name: name}
	var updated int64
	found, err := db.QueryRow(ctx, "SELECT state, cursor, done, total, updated FROM jobs WHERE name = ?",
		[]any{name}, &s.Finished, &s.Cursor, &s.Done, &s.Total, &updated)
	if err == nil && !found {
		err = errs.New(errs.NotFound, "no such job")
	}
	s.Updated = time.UnixMilli(updated).UTC()
	return s, err
}

// State is how far the job is.
func (j *Job) State() JobState { return j.state }

// Run takes steps until the job is finished, ctx ends or a step fails. After each it rests for as
// long as the step took, so that whoever else wants the writer gets it. It fails with ErrFenced
// when another node took the job over; then nothing of the current step was written.
func (j *Job) Run(ctx context.Context, step Step) error {
	for !j.state.Finished {
		if err := ctx.Err(); err != nil {
			return err
		}
		began := j.db.clock()
		if err := j.step(ctx, step); err != nil {
			return fmt.Errorf("job %s: %w", j.state.Name, err)
		}
		j.rest(ctx, j.db.clock().Sub(began))
	}
	return nil
}

// rest waits, but not so long that the lease could end meanwhile.
func (j *Job) rest(ctx context.Context, d time.Duration) {
	if j.state.Finished {
		return
	}
	t := time.NewTimer(min(d, j.ttl/4))
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

func (j *Job) step(ctx context.Context, step Step) error {
	var next JobState
	l := j.lease
	err := j.db.Update(ctx, func(tx *Tx) error {
		if err := tx.Fence(ctx, j.lease); err != nil {
			return err
		}
		var err error
		if next, err = step(ctx, tx, j.state); err != nil {
			return err
		}
		now := j.db.clock()
		next.Name, next.Updated, l.Expires = j.state.Name, now, now.Add(j.ttl)
		if err := tx.saveLease(ctx, l); err != nil {
			return err
		}
		return tx.saveJob(ctx, next)
	})
	if err == nil {
		j.state, j.lease = next, l
	}
	return err
}

func (tx *Tx) saveJob(ctx context.Context, s JobState) error {
	if s.Cursor == nil {
		s.Cursor = []byte{}
	}
	_, err := tx.Exec(ctx, `INSERT INTO jobs (name, state, cursor, done, total, updated) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (name) DO UPDATE SET state = excluded.state, cursor = excluded.cursor, done = excluded.done,
		total = excluded.total, updated = excluded.updated`,
		s.Name, boolInt(s.Finished), s.Cursor, s.Done, s.Total, s.Updated.UnixMilli())
	return err
}

// Restart sets a finished job back to its beginning.
func (j *Job) Restart(ctx context.Context) error {
	return j.step(ctx, func(context.Context, *Tx, JobState) (JobState, error) { return JobState{}, nil })
}

// Close lets another node take the job over at once.
func (j *Job) Close(ctx context.Context) error { return j.db.Release(ctx, j.lease) }
