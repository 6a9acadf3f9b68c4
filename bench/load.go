package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load is a bounded number of requests from connections that each wait for one answer before they
// ask again. The generator parses only what it must, so that it takes little of the processor that
// it shares with what it measures.
type load struct {
	address     string
	tls         *tls.Config
	requests    [][]byte // whole HTTP/1.1 requests, sent in turn
	connections int
	within      time.Duration
	limit       int64
}

// measured is what one or several loads came to.
type measured struct {
	latencies []time.Duration
	took      time.Duration
	cpu       time.Duration // that the server took, where it was asked for
}

func (m measured) requests() int { return len(m.latencies) }

func (m measured) perSecond() float64 { return float64(len(m.latencies)) / m.took.Seconds() }

// microseconds is the processor time that one request took of the server.
func (m measured) microseconds() float64 {
	return float64(m.cpu) / float64(time.Microsecond) / float64(len(m.latencies))
}

// quantile is the latency that a share of all requests kept below.
func (m measured) quantile(share float64) time.Duration {
	sorted := slices.Sorted(slices.Values(m.latencies))
	return sorted[int(share*float64(len(sorted)-1))]
}

// add joins a further load to m.
func (m *measured) add(more measured) {
	m.latencies = append(m.latencies, more.latencies...)
	m.took += more.took
	m.cpu += more.cpu
}

// run opens every connection and asks once on each before the clock starts.
func (l load) run(ctx context.Context) (measured, error) {
	callers := make([]*caller, l.connections)
	for i := range callers {
		c, err := l.dial(ctx)
		if err != nil {
			return measured{}, err
		}
		defer c.conn.Close()
		if err := c.ask(l.requests[i%len(l.requests)]); err != nil {
			return measured{}, err
		}
		callers[i] = c
	}
	var next atomic.Int64
	errs := make([]error, len(callers))
	started := time.Now()
	deadline := started.Add(l.within)
	var wg sync.WaitGroup
	for i, c := range callers {
		wg.Go(func() { errs[i] = c.repeat(l.requests, &next, l.limit, deadline) })
	}
	wg.Wait()
	took := time.Since(started)
	var latencies []time.Duration
	for _, c := range callers {
		latencies = append(latencies, c.latencies...)
	}
	if err := errors.Join(errs...); err != nil || len(latencies) == 0 {
		return measured{}, errors.Join(err, errors.New("no load, or part of it, was served"))
	}
	return measured{latencies: latencies, took: took}, nil
}

func (l load) dial(ctx context.Context) (*caller, error) {
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", l.address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, l.tls)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return &caller{conn: conn, in: bufio.NewReaderSize(conn, 16<<10)}, nil
}

// caller is one connection, used by one goroutine.
type caller struct {
	conn      net.Conn
	in        *bufio.Reader
	latencies []time.Duration
}

func (c *caller) repeat(requests [][]byte, next *atomic.Int64, limit int64, deadline time.Time) error {
	for {
		at := time.Now()
		i := next.Add(1) - 1
		if i >= limit || at.After(deadline) {
			return nil
		}
		if err := c.ask(requests[i%int64(len(requests))]); err != nil {
			return err
		}
		c.latencies = append(c.latencies, time.Since(at))
	}
}

// ask sends one request and reads its answer, which must be a success with a Content-Length.
func (c *caller) ask(request []byte) error {
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	status, err := c.in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(status) < 12 || status[9] != '2' {
		return fmt.Errorf("answered %q", bytes.TrimSpace(status))
	}
	size := -1
	for {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if name, value, _ := bytes.Cut(line, []byte(": ")); string(name) == "Content-Length" {
			if size, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		}
	}
	if size < 0 {
		return errors.New("an answer has no Content-Length")
	}
	_, err = io.CopyN(io.Discard, c.in, int64(size))
	return err
}

// get writes a GET request.
func get(host, path, token string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nAccept: application/fhir+json\r\n\r\n", path, host, token)
}

// post writes a POST request.
func post(host, path, token string, body []byte) []byte {
	head := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/fhir+json\r\nContent-Length: %d\r\n\r\n",
		path, host, token, len(body))
	return append(head, body...)
}
