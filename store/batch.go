package store

import (
	"encoding/binary"
	"runtime"
)

const queueLength = 1024

// batch collects requests that may share a transaction: no two claim the same row.
type batch struct {
	maxOps   int
	requests []*request
	claimed  map[string]struct{} // keys of claims, as claimKey writes them
	bytes    int
}

func newBatch(maxOps int) *batch {
	return &batch{maxOps: maxOps, claimed: map[string]struct{}{}}
}

func (b *batch) full() bool { return len(b.requests) >= b.maxOps || b.bytes >= defaultBatch }

// add takes r in, drops it when its caller has left, and is false when it must wait for a later
// batch: because it claims what another request in this one does, or goes alone.
func (b *batch) add(r *request) bool {
	if len(b.requests) > 0 && (r.op.Alone || b.requests[0].op.Alone || b.overlaps(r.op)) {
		return false
	}
	if !r.take() {
		return true
	}
	for i := range r.op.Claims {
		b.claimed[claimKey(&r.op.Claims[i])] = struct{}{}
	}
	b.requests = append(b.requests, r)
	b.bytes += r.op.size()
	return true
}

func (b *batch) overlaps(op *Op) bool {
	if len(b.claimed) == 0 {
		return false
	}
	for i := range op.Claims {
		if _, ok := b.claimed[claimKey(&op.Claims[i])]; ok {
			return true
		}
	}
	return false
}

// claimKey writes the claimed row's identity; lengths keep different keys apart.
func claimKey(c *Claim) string {
	k := append([]byte(c.Table.Name), 0)
	for _, v := range c.Key {
		switch v := v.(type) {
		case int64:
			k = binary.BigEndian.AppendUint64(append(k, 'i'), uint64(v))
		case string:
			k = append(binary.AppendUvarint(append(k, 't'), uint64(len(v))), v...)
		case []byte:
			k = append(binary.AppendUvarint(append(k, 'b'), uint64(len(v))), v...)
		default:
			k = append(k, 'n')
		}
	}
	return string(k)
}

// size is about how many bytes op writes.
func (op *Op) size() int {
	n := 0
	for _, e := range op.Entries {
		n += len(e)
	}
	for _, r := range op.Inserts {
		n += r.size()
	}
	for _, c := range op.Claims {
		n += rowSize(c.Set)
	}
	return n
}

func (r Rows) size() int {
	n := 0
	for _, row := range r.Rows {
		n += rowSize(row)
	}
	return n
}

func rowSize(row []any) int {
	n := 0
	for _, v := range row {
		switch v := v.(type) {
		case []byte:
			n += len(v)
		case string:
			n += len(v)
		default:
			n += 8
		}
	}
	return n
}

// inbox hands a lane its batches. Requests that did not fit into one come first in the next.
type inbox struct {
	queue    <-chan *request
	deferred []*request
	maxOps   int
	ready    func() // waits until a commit can begin; nil: at once
}

// next waits for a request and takes with it whatever else has arrived: the batch grows with the
// load, and nobody waits for company. It is nil when the queue is closed and empty.
func (in *inbox) next() *batch {
	b := newBatch(in.maxOps)
	in.retryDeferred(b)
	for len(b.requests) == 0 {
		r, ok := <-in.queue
		if !ok {
			return nil
		}
		in.offer(b, r)
	}
	if in.maxOps > 1 {
		in.invite()
	}
	if in.ready != nil {
		in.ready()
	}
	in.drain(b)
	return b
}

// invite lets whoever is ready to run do so, for as long as that brings further requests: on a busy
// machine more of them share the commit, on an idle one there is nobody to wait for.
func (in *inbox) invite() {
	for before, now := -1, 0; now > before; {
		before = now
		runtime.Gosched()
		now = len(in.queue)
	}
}

func (in *inbox) retryDeferred(b *batch) {
	old := in.deferred
	in.deferred = nil
	for _, r := range old {
		in.offer(b, r)
	}
}

func (in *inbox) offer(b *batch, r *request) {
	if b.full() || !b.add(r) {
		in.deferred = append(in.deferred, r)
	}
}

func (in *inbox) drain(b *batch) {
	for !b.full() && len(in.deferred) < in.maxOps {
		select {
		case r, ok := <-in.queue:
			if !ok {
				return
			}
			in.offer(b, r)
		default:
			return
		}
	}
}
