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
)

// Rsyslog is a running rsyslogd that forwards over TLS what is sent to it by TCP on the loopback address, a message a line.
type Rsyslog struct {
	In      string // TCP address, once it listens
	Log     string // what it says of itself
	process *process
	port    *port
}

// StartRsyslog starts a real rsyslogd that forwards to an address as RFC 5424 by TLS with octet counting (RFC 5425), and
// has it end with the test. It trusts the authority in the file. It keeps what cannot be sent, and tries again each second.
func StartRsyslog(t testing.TB, to, authority string) *Rsyslog {
	t.Helper()
	r, err := startRsyslog(t.Context(), t.TempDir(), to, authority)
	if err != nil {
		t.Fatalf("start rsyslogd: %v", err)
	}
	t.Cleanup(func() {
		if err := errors.Join(r.process.end(syscall.SIGTERM, stopWithin), r.port.free()); err != nil {
			t.Errorf("stop rsyslogd: %v", err)
		}
	})
	return r
}

// rsyslogConfig is in RainerScript: TCP in, TLS out, a queue on disk between.
const rsyslogConfig = `
global(workDirectory="%[1]s" maxMessageSize="64k" DefaultNetstreamDriver="ossl" DefaultNetstreamDriverCAFile="%[2]s")
module(load="imptcp")
input(type="imptcp" address="127.0.0.1" port="%[3]s" ruleset="out")
template(name="whole" type="string" string="<%%PRI%%>1 %%TIMESTAMP:::date-rfc3339%% %%HOSTNAME%% %%APP-NAME%% %%PROCID%% %%MSGID%% %%STRUCTURED-DATA%% %%msg%%")
ruleset(name="out") {
	action(type="omfwd" target="%[4]s" port="%[5]s" protocol="tcp" template="whole" TCP_Framing="octet-counted"
		StreamDriver="ossl" StreamDriverMode="1" StreamDriverAuthMode="x509/certvalid"
		queue.type="LinkedList" queue.filename="out" queue.saveOnShutdown="on" action.resumeRetryCount="-1" action.resumeInterval="1")
}
`

func startRsyslog(ctx context.Context, dir, to, authority string) (*Rsyslog, error) {
	program, err := exec.LookPath("rsyslogd")
	if err != nil {
		if program, err = exec.LookPath("/usr/sbin/rsyslogd"); err != nil {
			return nil, fmt.Errorf("rsyslogd is not installed: apt-get install rsyslog rsyslog-openssl: %w", err)
		}
	}
	host, port, err := net.SplitHostPort(to)
	if err != nil {
		return nil, err
	}
	free, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	in := free.String()
	owner, err := serverOwner(ctx)
	if err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "rsyslog.conf")
	trusted := filepath.Join(dir, "ca.pem")
	pem, err := os.ReadFile(authority) //nolint:gosec // a path of our own
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{config: fmt.Appendf(nil, rsyslogConfig, dir, trusted, in, host, port), trusted: pem}
	for path, text := range files {
		if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // nothing secret, and another user reads it
			return nil, err
		}
	}
	if err := lend(dir, owner); err != nil {
		return nil, err
	}
	r := &Rsyslog{In: net.JoinHostPort("127.0.0.1", in), Log: filepath.Join(dir, "log"), port: free}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), program, "-n", "-f", config, "-i", filepath.Join(dir, "pid")) //nolint:gosec // Debian's
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	r.process, err = startProcess(cmd, r.Log)
	return r, err
}

// lend gives a folder and those above it that a test made to the user whom the server runs as.
func lend(dir string, owner *syscall.Credential) error {
	if owner == nil {
		return nil
	}
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { //nolint:gosec // of a test
		return err
	}
	return os.Chown(dir, int(owner.Uid), int(owner.Gid))
}
