package testkit

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Minio is a running MinIO: a real S3 server on a free port of the loopback address, with a folder of
// its own.
type Minio struct {
	URL         string // of the endpoint
	Credentials string // file in the form of the AWS command line
	Key, Secret string
	Dir         string // what it stores
	process     *process
	port        *port
}

// StartMinio starts a server with buckets and has it end with the test.
func StartMinio(t testing.TB, buckets ...string) *Minio {
	t.Helper()
	m, err := startMinio(t.Context(), t.TempDir(), buckets)
	if err != nil {
		t.Fatalf("start minio: %v", err)
	}
	t.Cleanup(func() {
		if err := m.Stop(); err != nil {
			t.Errorf("stop minio: %v", err)
		}
	})
	return m
}

// Stop ends the server.
func (m *Minio) Stop() error {
	return errors.Join(m.process.end(syscall.SIGTERM, stopWithin), m.port.free())
}

// Bucket is the destination of a bucket as people write it.
func (m *Minio) Bucket(name string) string {
	return fmt.Sprintf("s3://%s?endpoint=%s&region=us-east-1&credentials=%s", name, m.URL, m.Credentials)
}

// startMinio makes buckets as MinIO's folders are: one below its root each.
func startMinio(ctx context.Context, dir string, buckets []string) (*Minio, error) {
	program, err := minioBinary(ctx)
	if err != nil {
		return nil, err
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	m := &Minio{
		URL: fmt.Sprintf("http://127.0.0.1:%d", port.number), Credentials: filepath.Join(dir, "credentials"),
		Key: "tutela-test", Secret: rand.Text(), Dir: filepath.Join(dir, "objects"), port: port,
	}
	for _, b := range buckets {
		if err := os.MkdirAll(filepath.Join(m.Dir, b), 0o700); err != nil {
			return nil, err
		}
	}
	text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", m.Key, m.Secret)
	if err := os.WriteFile(m.Credentials, []byte(text), 0o600); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, "server", "--quiet", "--address", strings.TrimPrefix(m.URL, "http://"), m.Dir) //nolint:gosec // built by scripts/minio.sh
	cmd.Env = []string{"HOME=" + dir, "MINIO_ROOT_USER=" + m.Key, "MINIO_ROOT_PASSWORD=" + m.Secret, "MINIO_BROWSER=off", "MINIO_UPDATE=off"}
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	log := filepath.Join(dir, "log")
	if m.process, err = startProcess(cmd, log); err != nil {
		return nil, err
	}
	if err := m.await(ctx); err != nil {
		said, _ := os.ReadFile(log)
		return nil, errors.Join(fmt.Errorf("%w: %s", err, said), m.Stop())
	}
	return m, nil
}

func minioBinary(ctx context.Context) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, filepath.Join(root, "scripts", "minio.sh")).Output() //nolint:gosec // the module's own
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		err = fmt.Errorf("scripts/minio.sh: %w: %s", err, exit.Stderr)
	}
	return strings.TrimSpace(string(out)), err
}

// await returns when the server says that it is ready.
func (m *Minio) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startWithin)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, m.URL+"/minio/health/ready", nil)
		if err != nil {
			return err
		}
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-tick.C:
		case <-m.process.ended:
			return errors.New("minio ended while starting")
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
