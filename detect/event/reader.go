package event

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Numbered is a line as it was read, or what was wrong with it.
type Numbered struct {
	Number int // from 1, blank lines counted
	Line
	Err error
}

// batchLines is how many lines go to a worker at once; batchBytes ends a batch of long ones before that.
const (
	batchLines = 256
	batchBytes = 256 << 10
)

// batch is some lines on their way through a worker.
type batch struct {
	text   []byte
	ends   []int // where each line ends in text
	long   []bool
	first  int // number of the first
	parsed []Numbered
	done   chan struct{}
}

// Read parses lines on as many goroutines as workers says and calls f with each in the order in which
// it stands, on the caller's goroutine. A line that does not parse is passed on with what is wrong
// with it, and the rest is read. Blank lines are left out. It ends with the first error of f, of src
// or of ctx; a src that blocks is the caller's to close.
func Read(ctx context.Context, src io.Reader, workers int, f func(Numbered) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	todo, order := make(chan *batch), make(chan *batch, 2*workers)
	for range workers {
		wg.Go(func() { parseAll(ctx, todo) })
	}
	var ended error
	wg.Go(func() {
		defer close(order)
		ended = split(ctx, src, todo, order)
	})
	for b := range order {
		select {
		case <-b.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		for _, n := range b.parsed {
			if err := f(n); err != nil {
				return err
			}
		}
	}
	return ended
}

// parseAll parses batches until there are no more.
func parseAll(ctx context.Context, todo <-chan *batch) {
	p := NewParser()
	for {
		select {
		case b, more := <-todo:
			if !more {
				return
			}
			b.parse(p)
		case <-ctx.Done():
			return
		}
	}
}

func (b *batch) parse(p *Parser) {
	b.parsed = make([]Numbered, 0, len(b.ends))
	start := 0
	for i, end := range b.ends {
		text := b.text[start:end]
		start = end
		n := Numbered{Number: b.first + i}
		switch {
		case b.long[i]:
			n.Err = errTooLong
		case blank(text):
			continue
		default:
			n.Line, n.Err = p.Parse(text)
		}
		b.parsed = append(b.parsed, n)
	}
	close(b.done)
}

func blank(text []byte) bool {
	for _, c := range text {
		if c != ' ' && c != '\t' && c != '\r' && c != '\n' {
			return false
		}
	}
	return true
}

// split cuts src into batches of lines and puts each before the workers and into the order.
func split(ctx context.Context, src io.Reader, todo, order chan<- *batch) error {
	defer close(todo)
	lines := bufio.NewReaderSize(src, MaxLine+1)
	if mark, err := lines.Peek(3); err == nil && string(mark) == "\uFEFF" {
		lines.Discard(3) //nolint:errcheck // they were peeked at
	}
	for number := 1; ; {
		b := &batch{first: number, done: make(chan struct{})}
		err := b.fill(lines)
		number += len(b.ends)
		if len(b.ends) > 0 {
			if err := hand(ctx, b, todo, order); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read line %d: %w", number, err)
		}
	}
}

// hand gives a batch to the workers, and then to who waits for them in order.
func hand(ctx context.Context, b *batch, to ...chan<- *batch) error {
	for _, c := range to {
		select {
		case c <- b:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// fill takes lines until the batch is full or there are no more.
func (b *batch) fill(lines *bufio.Reader) error {
	for len(b.ends) < batchLines && len(b.text) < batchBytes {
		text, err := lines.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		if long {
			err = discardLine(lines)
			text = nil
		}
		if len(text) > 0 || long {
			b.text = append(b.text, text...)
			b.ends, b.long = append(b.ends, len(b.text)), append(b.long, long)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// discardLine reads to the end of a line that does not fit.
func discardLine(lines *bufio.Reader) error {
	for {
		_, err := lines.ReadSlice('\n')
		if !errors.Is(err, bufio.ErrBufferFull) {
			return err
		}
	}
}
