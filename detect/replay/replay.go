package replay

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/tutela-health/tutela/detect"
	"github.com/tutela-health/tutela/detect/event"
)

// Input is a file of lines. Open may be called twice; a stream that can be read once only gives an error
// of Open the second time, and says so by Once.
type Input struct {
	Name string
	Once bool // facts in it count from where they stand
	Open func() (io.ReadCloser, error)
}

// Config says how to replay.
type Config struct {
	Watch    detect.Watch
	Facts    []Input // rosters, relations and charts, read before any event
	Events   []Input // read in turn; facts in them count wherever they stand
	Workers  int     // goroutines that parse; 0 means 1
	Findings bool    // write a line for each hit of a rule too
	Out      io.Writer
	// Bad is told of a line that was skipped, up to MaxBad times.
	Bad func(input string, line int, err error)
	// Done is told now and then how many events were answered; nil is not.
	Done func(events int)
}

// MaxBad is of how many bad lines is told; the others are counted.
const MaxBad = 100

// Summary is what a replay did.
type Summary struct {
	Events, Facts, Bad int
	Days, Flagged      int // staff-days
	Hits               int
}

// Run answers every event. What is wrong with an input ends it; what is wrong with a line does not.
func Run(ctx context.Context, c Config) (Summary, error) {
	r := &run{cfg: c, out: answers{to: c.Out}}
	for _, in := range c.Facts {
		if err := r.read(ctx, in, r.fact); err != nil {
			return r.sum, err
		}
	}
	for _, in := range c.Events {
		if in.Once {
			continue
		}
		if err := r.read(ctx, in, r.fact, mayBeFact); err != nil {
			return r.sum, err
		}
	}
	for _, in := range c.Events {
		if err := r.read(ctx, in, func(l event.Line) error { return r.line(l, in.Once) }); err != nil {
			return r.sum, err
		}
	}
	if err := r.order.end(r.show); err != nil {
		return r.sum, err
	}
	return r.sum, r.tell(r.cfg.Watch.End(r.last))
}

// run is a replay under way.
type run struct {
	cfg   Config
	sum   Summary
	order order
	out   answers
	place int
	last  time.Time
	once  bool // bad lines of this pass are those of another
}

// read gives the lines of an input that may be of interest to f.
func (r *run) read(ctx context.Context, in Input, f func(event.Line) error, filters ...func([]byte) bool) error {
	src, err := in.Open()
	if err != nil {
		return err
	}
	defer src.Close() //nolint:errcheck // it was read
	var text io.Reader = src
	for _, keep := range filters {
		text = newSieve(text, keep)
	}
	return event.Read(ctx, text, max(r.cfg.Workers, 1), func(n event.Numbered) error {
		if n.Err == nil {
			return f(n.Line)
		}
		if len(filters) > 0 {
			return nil // told in the pass that reads all lines
		}
		if r.sum.Bad++; r.sum.Bad <= MaxBad && r.cfg.Bad != nil {
			r.cfg.Bad(in.Name, n.Number, n.Err)
		}
		return nil
	})
}

// fact takes a fact; events have their turn later.
func (r *run) fact(l event.Line) error {
	if l.Event == nil {
		r.sum.Facts++
		r.cfg.Watch.Take(l)
	}
	return nil
}

// line takes a line of the events.
func (r *run) line(l event.Line, facts bool) error {
	if l.Event == nil {
		if facts {
			return r.fact(l)
		}
		return nil
	}
	n := numbered{l.Event, r.place}
	r.place++
	return r.order.add(n, r.show)
}

// show has an event looked at, in the order of time.
func (r *run) show(n numbered) error {
	r.last = n.Time
	seen := r.cfg.Watch.Take(event.Line{Event: n.Event})
	if err := r.out.event(n, seen.Score); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	if r.sum.Events++; r.sum.Events%50_000 == 0 && r.cfg.Done != nil {
		r.cfg.Done(r.sum.Events)
	}
	return r.tell(seen)
}

// tell writes what is beside the answer.
func (r *run) tell(seen detect.Seen) error {
	r.sum.Hits += len(seen.Hits)
	for i := range seen.Days {
		r.sum.Days++
		if seen.Days[i].Flagged {
			r.sum.Flagged++
		}
		if err := r.out.day(&seen.Days[i]); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
	}
	if !r.cfg.Findings {
		return nil
	}
	for i := range seen.Hits {
		if err := r.out.finding(&seen.Hits[i]); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
	}
	return nil
}

// mayBeFact tells lines that can be no fact from those that may, without parsing: facts have a member
// "kind" or the class 5003, also with escapes in them.
func mayBeFact(line []byte) bool {
	return bytes.Contains(line, []byte(`"kind"`)) || bytes.Contains(line, []byte(`5003`)) || bytes.IndexByte(line, '\\') >= 0
}
