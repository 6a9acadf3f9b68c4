package testkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// MailServer is a running aiosmtpd that puts what it takes into a folder.
type MailServer struct {
	Address string // host and port
	dir     string
	process *process
	port    *port
}

// StartMailServer starts a real mail server, with STARTTLS, or with TLS from the first byte, and has it end with the test.
func StartMailServer(t testing.TB, c CertificateFiles, implicit bool) *MailServer {
	t.Helper()
	m, err := startMailServer(t.Context(), t.TempDir(), c, implicit)
	if err != nil {
		t.Fatalf("start aiosmtpd: %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(m.process.end(syscall.SIGTERM, stopWithin), m.port.free()); err != nil {
			t.Errorf("stop aiosmtpd: %v", err)
		}
	})
	return m
}

func startMailServer(ctx context.Context, dir string, c CertificateFiles, implicit bool) (*MailServer, error) {
	program, err := exec.LookPath("aiosmtpd")
	if err != nil {
		return nil, fmt.Errorf("aiosmtpd is not installed: apt-get install python3-aiosmtpd: %w", err)
	}
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	m := &MailServer{Address: net.JoinHostPort("localhost", port.String()), dir: filepath.Join(dir, "mail"), port: port}
	args := []string{"-n", "-l", "127.0.0.1:" + port.String(), "-c", "aiosmtpd.handlers.Mailbox"}
	if implicit {
		args = append(args, "--smtpscert", c.Certificate, "--smtpskey", c.Key)
	} else {
		args = append(args, "--tlscert", c.Certificate, "--tlskey", c.Key)
	}
	log := filepath.Join(dir, "log")
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, append(args, m.dir)...) //nolint:gosec // Debian's
	cmd.SysProcAttr = &syscall.SysProcAttr{}
	if m.process, err = startProcess(cmd, log); err != nil {
		return nil, err
	}
	return m, awaitPort(ctx, m.Address, m.process, log)
}

// awaitPort waits until somebody listens.
func awaitPort(ctx context.Context, address string, p *process, log string) error {
	for {
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp4", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-p.ended:
			said, _ := os.ReadFile(log) //nolint:gosec // a path of our own
			return fmt.Errorf("it ended: %s", said)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Letters are the messages that were taken, in no order.
func (m *MailServer) Letters(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(m.dir, "new", "*"))
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, f := range files {
		b, err := os.ReadFile(f) //nolint:gosec // a path of our own
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(b))
	}
	return list
}
