package store

import (
	"context"
	"errors"
	"time"
)

// lane is one goroutine that commits batches, in order, through one committer.
type lane struct {
	id     int
	inbox  inbox
	out    committer
	stamp  func(lane int, entries [][]byte) (Stamped, error)
	settle func(lane int, committed bool)
	cancel context.CancelFunc // ends waiting for an undecided outcome
	ended  chan struct{}
}

func startLane(id int, s laneSpec, queue <-chan *request,
	stamp func(int, [][]byte) (Stamped, error), settle func(int, bool)) *lane {
	ctx, cancel := context.WithCancel(context.Background())
	l := &lane{
		id: id, inbox: inbox{queue: queue, maxOps: s.maxOps}, out: s.committer,
		stamp: stamp, settle: settle, cancel: cancel, ended: make(chan struct{}),
	}
	l.inbox.ready = func() { l.out.ready(ctx) }
	go l.run(ctx)
	return l
}

// wait returns when the lane has committed what its closed queue still held.
func (l *lane) wait() {
	select {
	case <-l.ended:
	case <-time.After(2 * resolveFor):
		l.cancel()
		<-l.ended
	}
	l.cancel()
}

func (l *lane) run(ctx context.Context) {
	defer close(l.ended)
	defer l.out.close()
	for b := l.inbox.next(); b != nil; b = l.inbox.next() {
		l.commit(ctx, b.requests)
	}
}

// commit tries the requests as one transaction. When an Op is to blame, the others are tried
// again without it; where it is not known which, in halves.
func (l *lane) commit(ctx context.Context, requests []*request) {
	if len(requests) == 0 {
		return
	}
	err := l.attempt(ctx, requests)
	for try := 1; try < attempts && len(requests) == 1 && requests[0].op.stampedOnly() && errors.Is(err, ErrClaim); try++ {
		err = l.attempt(ctx, requests) // another process moved the chain on: the next Stamp knows
	}
	var op *opError
	if !errors.As(err, &op) || len(requests) == 1 {
		answer(requests, err)
		return
	}
	if op.index >= 0 {
		answer(requests[op.index:op.index+1], op.err)
		l.commit(ctx, requests[:op.index])
		l.commit(ctx, requests[op.index+1:])
		return
	}
	half := len(requests) / 2
	l.commit(ctx, requests[:half])
	l.commit(ctx, requests[half:])
}

// stampedOnly tells that only a Stamper's claim can fail.
func (op *Op) stampedOnly() bool { return len(op.Claims) == 0 && len(op.Entries) > 0 }

func answer(requests []*request, err error) {
	var op *opError
	if errors.As(err, &op) {
		err = op.err
	}
	for _, r := range requests {
		select {
		case r.done <- err:
		default: // was told ErrUnknown before
		}
	}
}

// attempt runs one transaction. Every Stamp is followed by exactly one Settle.
func (l *lane) attempt(ctx context.Context, requests []*request) error {
	ops := make([]*Op, len(requests))
	for i, r := range requests {
		ops[i] = r.op
	}
	stamped := false
	err := l.out.commit(ctx, ops, func() (Stamped, error) {
		stamped = true
		return l.stamp(l.id, entriesOf(ops))
	})
	var open *undecided
	if errors.As(err, &open) {
		err = l.resolve(ctx, requests, open)
	}
	if stamped {
		l.settle(l.id, err == nil)
	}
	return err
}

func entriesOf(ops []*Op) [][]byte {
	n := 0
	for _, op := range ops {
		n += len(op.Entries)
	}
	entries := make([][]byte, 0, n)
	for _, op := range ops {
		entries = append(entries, op.Entries...)
	}
	return entries
}

// resolve asks until the outcome is known, since the lane's chain cannot go on without it. Callers
// are told ErrUnknown when it takes longer than resolveFor.
func (l *lane) resolve(ctx context.Context, requests []*request, open *undecided) error {
	deadline := time.Now().Add(resolveFor)
	for pause := 10 * time.Millisecond; ctx.Err() == nil; pause = min(2*pause, time.Second) {
		if decided, err := open.resolve(ctx); decided {
			return err
		}
		if time.Now().After(deadline) {
			answer(requests, unknown(open.err))
		}
		sleep(ctx, pause)
	}
	return unknown(open.err)
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
