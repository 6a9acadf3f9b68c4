package testkit

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	role         = "tutela"
	startWithin  = 60 * time.Second
	stopWithin   = time.Minute
	databaseName = "test_%d"
)

// Cluster is a running PostgreSQL server with a data directory of its own. It syncs to disk and
// takes passwords by SCRAM only, as in production.
type Cluster struct {
	dir      string // holds data/, the log and the password file
	bin      string
	port     *port
	password string
	owner    *syscall.Credential // nil: the current user
	process  *process
	made     atomic.Int64 // databases
}

// StartCluster makes a cluster and starts its server. settings are name=value pairs for the
// server, e.g. "fsync=off". Stop ends it.
func StartCluster(ctx context.Context, settings ...string) (*Cluster, error) {
	bin, err := postgresBin()
	if err != nil {
		return nil, err
	}
	owner, err := serverOwner(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "tutela-postgres-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{dir: dir, bin: bin, owner: owner, password: rand.Text()}
	if err := c.initialise(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := c.Start(ctx, settings...); err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return c, nil
}

func (c *Cluster) initialise(ctx context.Context) error {
	passwords := filepath.Join(c.dir, "password")
	if err := os.WriteFile(passwords, []byte(c.password), 0o600); err != nil {
		return err
	}
	if c.owner != nil {
		for _, path := range []string{c.dir, passwords} {
			if err := os.Chown(path, int(c.owner.Uid), int(c.owner.Gid)); err != nil {
				return err
			}
		}
	}
	out, err := c.command(ctx, "initdb", "--pgdata", c.data(), "--username", role, "--pwfile", passwords,
		"--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync").CombinedOutput()
	if err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	return nil
}

func (c *Cluster) data() string { return filepath.Join(c.dir, "data") }

// command runs one of PostgreSQL's programs as the cluster's owner.
func (c *Cluster) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, program), args...) //nolint:gosec // found by postgresBin
	cmd.Dir = c.dir
	cmd.Env = []string{"LC_ALL=C", "TZ=UTC"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: c.owner}
	return cmd
}

// Start starts the server of a new, stopped or crashed cluster, on the port it had before, and
// waits until it answers.
func (c *Cluster) Start(ctx context.Context, settings ...string) error {
	if c.port == nil {
		port, err := freePort(ctx)
		if err != nil {
			return err
		}
		c.port = port
	}
	args := []string{"-D", c.data(), "-p", c.port.String(), "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "max_connections=300", "-c", "max_wal_size=2GB"}
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	p, err := startProcess(c.command(context.WithoutCancel(ctx), "postgres", args...), filepath.Join(c.dir, "log"))
	if err != nil {
		return err
	}
	c.process = p
	return c.await(ctx)
}

// await returns when the server takes queries.
func (c *Cluster) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := c.exec(ctx, "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-c.process.ended:
			return fmt.Errorf("postgres ended while starting: %w: %s", err, c.lastLog())
		case <-ctx.Done():
			return fmt.Errorf("postgres does not answer: %w: %s", err, c.lastLog())
		}
	}
}

func (c *Cluster) lastLog() []byte {
	log, err := os.ReadFile(filepath.Join(c.dir, "log"))
	if err != nil {
		return nil
	}
	return log[max(0, len(log)-2000):]
}

// URL is the address of a database of the cluster.
func (c *Cluster) URL(database string) string { return c.URLAt(c.port.number, database) }

// URLAt is URL through another port of the loopback address, where a proxy listens.
func (c *Cluster) URLAt(port int, database string) string {
	return fmt.Sprintf("postgres://%s:%s@127.0.0.1:%d/%s?sslmode=disable", role, c.password, port, database)
}

// Port is where the server listens on the loopback address.
func (c *Cluster) Port() int { return c.port.number }

// Dir holds every file of the cluster.
func (c *Cluster) Dir() string { return c.dir }

// CreateDatabase makes an empty database and returns its URL.
func (c *Cluster) CreateDatabase(ctx context.Context) (string, error) {
	name := fmt.Sprintf(databaseName, c.made.Add(1))
	if err := c.exec(ctx, "CREATE DATABASE "+name); err != nil {
		return "", err
	}
	return c.URL(name), nil
}

func (c *Cluster) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, sql)
	return errors.Join(err, conn.Close(ctx))
}

// Crash kills the server as a power cut would, but for the disk's cache. Start recovers it.
func (c *Cluster) Crash() error { return c.process.end(syscall.SIGQUIT, stopWithin) }

// Halt ends the server in good order and keeps its files. Start goes on with them.
func (c *Cluster) Halt() error { return c.process.end(syscall.SIGINT, stopWithin) }

// Dump gives what pg_dump writes of a database: every row, as text.
func (c *Cluster) Dump(ctx context.Context, url string) ([]byte, error) {
	cmd := c.command(ctx, "pg_dump", "--dbname", url)
	var problem bytes.Buffer
	cmd.Stderr = &problem
	dump, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("pg_dump: %w: %s", err, problem.Bytes())
	}
	return dump, nil
}

// Stop ends the server and removes every file of the cluster.
func (c *Cluster) Stop() error {
	var err error
	if c.process != nil {
		err = c.process.end(syscall.SIGQUIT, stopWithin) // at once: nothing of it is kept
	}
	return errors.Join(err, os.RemoveAll(c.dir), c.port.free())
}
