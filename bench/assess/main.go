// Command assess measures what an assessment of a running try-out system takes, and what it leaves of the throughput of
// reads meanwhile, in turns:
//
//	tutela dev --data DIR &
//	go run ./bench/assess -data DIR -tutela bin/tutela
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	data := flag.String("data", "tutela-data", "`folder` of a running try-out system")
	tutela := flag.String("tutela", "bin/tutela", "the `program`")
	rounds := flag.Int("rounds", 5, "turns of reads alone and reads beside an assessment")
	readers := flag.Int("readers", 4, "connections that read")
	flag.Parse()
	if err := run(context.Background(), *data, *tutela, *rounds, *readers); err != nil {
		fmt.Fprintln(os.Stderr, "assess:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, data, tutela string, rounds, readers int) error {
	l, err := newLoad(ctx, data, tutela, readers)
	if err != nil {
		return err
	}
	var took []time.Duration
	var left []float64
	for range rounds {
		var assessed time.Duration
		beside, err := l.while(ctx, func() (err error) {
			assessed, err = assess(ctx, data, tutela)
			return err
		})
		if err != nil {
			return err
		}
		alone, err := l.while(ctx, func() error { time.Sleep(assessed); return nil })
		if err != nil {
			return err
		}
		took, left = append(took, assessed), append(left, beside/alone)
		fmt.Printf("assessed in %v; reads a second: %.0f alone, %.0f meanwhile (%.2f)\n", assessed.Round(time.Millisecond), alone, beside, beside/alone)
	}
	slices.Sort(took)
	slices.Sort(left)
	fmt.Printf("median: assessed in %v, %.2f of the throughput left meanwhile\n", took[rounds/2].Round(time.Millisecond), left[rounds/2])
	return nil
}

// assess runs one assessment and says how long it took.
func assess(ctx context.Context, data, tutela string) (time.Duration, error) {
	began := time.Now()
	out, err := exec.CommandContext(ctx, tutela, "assess", "--data", data, "--format", "json").Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 { // it found something
		err = nil
	}
	if err != nil {
		return 0, fmt.Errorf("assess: %w: %.200s", err, out)
	}
	return time.Since(began), nil
}

// load reads one patient again and again.
type load struct {
	client  *http.Client
	address string
	token   string
	readers int
}

func newLoad(ctx context.Context, data, tutela string, readers int) (*load, error) {
	text, err := os.ReadFile(filepath.Join(data, "dev.json"))
	if err != nil {
		return nil, fmt.Errorf("%w: is a try-out system running there?", err)
	}
	var info struct{ FHIR, CA string }
	if err := json.Unmarshal(text, &info); err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(info.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	token, err := exec.CommandContext(ctx, tutela, "token", "--data", data, "--as", "loader").Output()
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	l := &load{client: &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, MaxIdleConnsPerHost: readers}}, token: strings.TrimSpace(string(token)), readers: readers}
	found, err := l.get(ctx, info.FHIR+"/Patient?_count=1")
	if err != nil {
		return nil, err
	}
	var bundle struct {
		Entry []struct{ Resource struct{ ID string } }
	}
	if err := json.Unmarshal(found, &bundle); err != nil || len(bundle.Entry) == 0 {
		return nil, errors.New("the system has no patient to read")
	}
	l.address = info.FHIR + "/Patient/" + bundle.Entry[0].Resource.ID
	return l, nil
}

func (l *load) get(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+l.token)
	res, err := l.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d", address, res.StatusCode)
	}
	return body, err
}

// while reads as long as f runs and gives the reads a second.
func (l *load) while(ctx context.Context, f func() error) (float64, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var done atomic.Int64
	var failed atomic.Pointer[error]
	var readers sync.WaitGroup
	began := time.Now()
	for range l.readers {
		readers.Go(func() {
			for ctx.Err() == nil {
				if _, err := l.get(ctx, l.address); err != nil && ctx.Err() == nil {
					failed.Store(&err)
					return
				}
				done.Add(1)
			}
		})
	}
	err := f()
	rate := float64(done.Load()) / time.Since(began).Seconds()
	stop()
	readers.Wait()
	if e := failed.Load(); err == nil && e != nil {
		err = *e
	}
	return rate, err
}
