package audit

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/store"
)

// Sieve narrows a walk over the ledger to where answers can be. Every group that names something must be met.
type Sieve struct {
	Actors   []tutela.UserID // one of these accounts acted
	Patients []tutela.Bucket // one of these is concerned
	Holds    []Fact          // one of these stands in the header, or the entry continues another
	From, To time.Time       // days that the entries were written on; zero is open
}

// Fact is a member of an entry's header, as encoded, by its name.
type Fact struct{ Name, Value string }

// Sift calls f, in the ledger's order, for all entries that a sieve lets through, pending ones last. It lets through more
// than what answers, so f must look; and nothing that answers is left out. Batches are opened by all processors at once,
// and of an entry that cannot answer the header is decrypted and not read. Unlike Search it takes other accounts' entries
// as they are: only what may answer is held against its commitment (Verify holds all).
func (l *Log) Sift(ctx context.Context, s Sieve, f func(Opened) error) error {
	var firsts []int64
	var pending []Opened
	m := s.mesh()
	err := l.cfg.DB.Snapshot(ctx, func(r store.Querier) (err error) {
		if firsts, err = l.sieved(ctx, r, s); err != nil {
			return fmt.Errorf("search postings: %w", err)
		}
		pending, err = l.pendingAnswers(ctx, r, Query{})
		return err
	})
	if err != nil {
		return err
	}
	if err := l.siftBatches(ctx, firsts, m, f); err != nil {
		return err
	}
	return visitOpened(pending, f)
}

// sieved lists the first leaves of the batches that may answer, ascending.
func (l *Log) sieved(ctx context.Context, q store.Querier, s Sieve) ([]int64, error) {
	p, err := l.period(ctx, q, Query{From: s.From, To: s.To})
	if err != nil {
		return nil, err
	}
	var lists [][]int64
	add := func(tokens []int64) error {
		list, err := underTokens(ctx, q, tokens)
		lists = append(lists, list)
		return err
	}
	if len(s.Actors) > 0 {
		var tokens []int64
		for _, a := range s.Actors {
			tokens = append(tokens, l.dayTokens(postActor, string(a), p)...)
		}
		err = add(tokens)
	}
	if err == nil && len(s.Patients) > 0 {
		var tokens []int64
		for _, b := range s.Patients {
			tokens = append(tokens, l.token(patientWord(b)))
		}
		err = add(tokens)
	}
	if err == nil && len(s.Actors) == 0 {
		err = add(l.dayTokens(postDay, "", p))
	}
	if err != nil {
		return nil, err
	}
	return intersect(lists), nil
}

// atOnce is how many batches are read in one statement.
const atOnce = 64

// siftBatches opens parts of the list at once and visits them in order.
func (l *Log) siftBatches(ctx context.Context, firsts []int64, m mesh, f func(Opened) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var parts sync.WaitGroup
	defer parts.Wait()
	defer cancel()
	type sifted struct {
		found []Opened
		err   error
	}
	queue := make(chan chan sifted, runtime.GOMAXPROCS(0))
	parts.Go(func() {
		defer close(queue)
		for part := range slices.Chunk(firsts, atOnce) {
			to := make(chan sifted, 1)
			select {
			case queue <- to:
			case <-ctx.Done():
				return
			}
			parts.Go(func() {
				found, err := l.siftPart(ctx, part, m)
				to <- sifted{found, err}
			})
		}
	})
	for to := range queue {
		part := <-to
		if part.err != nil {
			return part.err
		}
		if err := visitOpened(part.found, f); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// siftPart opens what may answer of a few batches.
func (l *Log) siftPart(ctx context.Context, firsts []int64, m mesh) ([]Opened, error) {
	batches, err := readBatches(ctx, l.cfg.DB, firsts)
	if err != nil {
		return nil, err
	}
	var found []Opened
	room := &scratch{make([]byte, 0, maxScratch)}
	defer func() { clear(room.b[:cap(room.b)]) }()
	for _, b := range batches {
		err := b.leaves(b.first, func(at int64, e []byte) error {
			o, ok, err := l.sift(ctx, room, at, e, m)
			if ok {
				found = append(found, o)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(batches) != len(firsts) {
		return nil, tampered("ledger_batches", "a batch is missing, though a posting leads to it")
	}
	return found, nil
}

// sift opens one leaf if it may answer. Plaintexts take the same room one after the other: what is read of one is copied.
func (l *Log) sift(ctx context.Context, room *scratch, at int64, b []byte, m mesh) (Opened, bool, error) {
	f, err := parseLeaf(b)
	if err != nil {
		return Opened{}, false, unreadable(at, fmt.Errorf("%w: %w", ErrTampered, err))
	}
	salted, err := l.decryptHeader(ctx, room.b[:0], f)
	if err != nil {
		return Opened{}, false, unreadable(at, err)
	}
	if cap(salted) > cap(room.b) {
		room.b = salted
	}
	if !m.lets(salted) {
		return Opened{}, false, nil
	}
	err = checkCommitment(f.header.commitment, salted)
	var e tutela.Entry
	if err == nil {
		e, err = decodeHeader(salted[saltSize:])
	}
	if err != nil {
		return Opened{}, false, unreadable(at, fmt.Errorf("%w: %w", ErrTampered, err))
	}
	return Opened{at, e, f}, true, nil
}

// decryptHeader is openHeader without the commitment: that the header is what was sealed there is known, and that it is
// what was committed to is not.
func (l *Log) decryptHeader(ctx context.Context, dst []byte, f leaf) ([]byte, error) {
	k, err := l.keys.At(ctx, tutela.KeyDay, int64(f.day), f.header.keyVersion)
	if err != nil {
		return nil, fmt.Errorf("key of day %d: %w", f.day, err)
	}
	salted, err := k.Open(dst, f.header.sealed, headerAAD(l.cfg.Tenant, f.day, f.header.commitment[:]))
	if err == nil && len(salted) < saltSize {
		err = errLeaf
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	return salted, nil
}

// mesh is what a header must hold, as bytes: one of each group. It lets through too much, and never too little.
type mesh struct {
	groups [][][]byte
	// continued lets continuations through a group that is about facts which they do not repeat.
	continued int // the number of that group, from 1; 0 for none
}

// manyPatients is from where on a header is read sooner than searched for each of them.
const manyPatients = 16

func (s Sieve) mesh() mesh {
	var m mesh
	add := func(group [][]byte) {
		if len(group) > 0 {
			m.groups = append(m.groups, group)
		}
	}
	var group [][]byte
	for _, a := range s.Actors {
		group = append(group, member("id", string(a)))
	}
	add(whole(group))
	group = nil
	for _, b := range s.Patients[:min(len(s.Patients), manyPatients)] {
		group = append(group, strconv.AppendInt([]byte(`"p":`), int64(b), 10))
	}
	if len(s.Patients) <= manyPatients {
		add(group)
	}
	if len(s.Holds) == 0 {
		return m
	}
	group = nil
	for _, f := range s.Holds {
		group = append(group, member(f.Name, f.Value))
	}
	if group = whole(group); group != nil {
		add(group)
		m.continued = len(m.groups)
	}
	return m
}

// whole drops a group that cannot be looked for.
func whole(group [][]byte) [][]byte {
	if slices.ContainsFunc(group, func(b []byte) bool { return b == nil }) {
		return nil
	}
	return group
}

// member is a member of a header as it is encoded; nil for a value that could be encoded in more than one way.
func member(name, value string) []byte {
	if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune(`"\<>&`, r) }) {
		return nil
	}
	return []byte(`"` + name + `":"` + value + `"`)
}

func (m mesh) lets(salted []byte) bool {
	plain := salted[saltSize:]
	for n, group := range m.groups {
		if !slices.ContainsFunc(group, func(text []byte) bool { return bytes.Contains(plain, text) }) && (n+1 != m.continued || !continues(plain)) {
			return false
		}
	}
	return true
}

// continues reports whether a header is of an entry that continues another: that is among the last of its members.
func continues(plain []byte) bool {
	c := cursor{rest: plain}
	body := c.prefixed()
	const last = len(`"continues":"0123456789abcdef0123456789abcdef","demo":true}`)
	return c.bad || bytes.Contains(body[max(0, len(body)-last):], []byte(`"continues":"`))
}
