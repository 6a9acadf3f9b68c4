package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// shared is the process's cluster. It is global because tests of one process have nothing else
// in common, and a cluster takes seconds to make.
var shared sharedCluster //nolint:gochecknoglobals // see above

type sharedCluster struct {
	mu      sync.Mutex // guards what follows
	cluster *Cluster
	users   int
}

// Postgres returns the URL of an empty database in the process's cluster, started on first use.
func Postgres(t testing.TB) string {
	t.Helper()
	c := SharedCluster(t)
	url, err := c.CreateDatabase(t.Context())
	if err != nil {
		t.Fatalf("create database: %v", err)
	}
	return url
}

// SharedCluster is the process's cluster, kept while t runs. Tests must not stop or crash it:
// for that they start their own.
func SharedCluster(t testing.TB) *Cluster {
	t.Helper()
	c, err := shared.acquire(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatalf("start postgres: %v", err)
	}
	t.Cleanup(func() {
		if err := shared.release(); err != nil {
			t.Errorf("stop postgres: %v", err)
		}
	})
	return c
}

// Main runs the tests of a package and stops the cluster after the last one. after are further
// checks of the finished process, such as for leaked goroutines.
func Main(m *testing.M, after ...func() error) {
	shared.hold()
	code := m.Run()
	err := shared.release()
	for _, check := range after {
		err = errors.Join(err, check())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// hold keeps the cluster, once it is started, until the matching release.
func (s *sharedCluster) hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users++
}

func (s *sharedCluster) acquire(ctx context.Context) (*Cluster, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cluster == nil {
		c, err := StartCluster(ctx)
		if err != nil {
			return nil, err
		}
		s.cluster = c
	}
	s.users++
	return s.cluster, nil
}

func (s *sharedCluster) release() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.users--
	if s.users > 0 || s.cluster == nil {
		return nil
	}
	c := s.cluster
	s.cluster = nil
	return c.Stop()
}
