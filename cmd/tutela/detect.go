package main

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/tutela-health/tutela/detect/replay"
	"github.com/tutela-health/tutela/detect/rules"
)

type detectCmd struct {
	Replay detectReplayCmd `cmd:"" help:"Score events from elsewhere."`
}

type detectReplayCmd struct {
	Events        []string `arg:"" help:"Files of events as docs/events.md gives them, .gz too; - is standard input."`
	Roster        []string `type:"path" help:"A file of staff. May be repeated."`
	Relationships []string `type:"path" help:"A file of relations. May be repeated."`
	Charts        []string `type:"path" help:"A file of what is known of charts. May be repeated."`
	Zone          string   `default:"UTC" help:"Time zone whose midnight ends a day, such as Europe/Rome."`
	Findings      bool     `help:"Write a line for each finding too."`
}

// Help gives an example.
func (detectReplayCmd) Help() string {
	return `Example: tutela detect replay events.ndjson.gz --roster staff.ndjson --relationships relations.ndjson

Writes one line of JSON for each event, in the order of the input: {"uid","score","explained","reasons"}, and one for each
person and day, when the day has ended: {"staff","day","score","flagged","reasons"}. Facts (staff, relations, charts) may be in
the files of events too. Bad lines are named and skipped. Needs no system. Exit code 1: something was flagged.`
}

// Run replays.
func (cmd detectReplayCmd) Run(ctx context.Context, c console) error {
	zone, err := time.LoadLocation(cmd.Zone)
	if err != nil {
		return usage("there is no time zone %s", cmd.Zone)
	}
	out := bufio.NewWriterSize(c.out, 1<<20)
	conf := replay.Config{
		Watch: watch(rules.Open(nil), zone), Workers: runtime.GOMAXPROCS(0), Findings: cmd.Findings, Out: out,
		Bad: func(input string, line int, err error) {
			fmt.Fprintf(c.err, "tutela: %s: line %d %v; it is skipped\n", input, line, err)
		},
	}
	for _, files := range [][]string{cmd.Roster, cmd.Relationships, cmd.Charts} {
		conf.Facts = append(conf.Facts, inputs(files)...)
	}
	conf.Events = inputs(cmd.Events)
	if watched(c.err) {
		conf.Done = func(events int) { fmt.Fprintf(c.err, "\r%d events", events) }
	}
	if os.Getenv("GOGC") == "" {
		defer debug.SetGCPercent(debug.SetGCPercent(replayCollectAt))
	}
	began := time.Now()
	sum, err := replay.Run(ctx, conf)
	if err := errors.Join(err, out.Flush()); err != nil {
		return err
	}
	fmt.Fprintf(c.err, "%d events and %d facts in %.1f s, %d bad lines; %d of %d staff-days flagged, %d hits\n",
		sum.Events, sum.Facts, time.Since(began).Seconds(), sum.Bad, sum.Flagged, sum.Days, sum.Hits)
	switch {
	case sum.Events+sum.Facts == 0 && sum.Bad > 0:
		return usage("no line could be read: see docs/events.md, Events from elsewhere")
	case sum.Flagged+sum.Hits > 0:
		return errFound
	}
	return nil
}

// inputs are files, or standard input.
func inputs(files []string) []replay.Input {
	var list []replay.Input
	for _, f := range files {
		in := replay.Input{Name: f, Open: func() (io.ReadCloser, error) { return openLines(f) }}
		if f == "-" {
			in = replay.Input{Name: "standard input", Once: true, Open: func() (io.ReadCloser, error) { return unpacked(os.Stdin) }}
		}
		list = append(list, in)
	}
	return list
}

func openLines(path string) (io.ReadCloser, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, usage("cannot read %s: %v", path, errors.Unwrap(err))
	}
	return unpacked(f)
}

// unpacked decompresses what begins like gzip (RFC 1952, 2.3.1).
func unpacked(f io.ReadCloser) (io.ReadCloser, error) {
	b := bufio.NewReaderSize(f, 256<<10)
	if magic, err := b.Peek(2); err != nil || magic[0] != 0x1f || magic[1] != 0x8b {
		return readCloser{b, f}, nil //nolint:nilerr // an empty file is no lines
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("decompress: %w", err), f.Close())
	}
	return readCloser{z, f}, nil
}

type readCloser struct {
	io.Reader
	io.Closer
}
