package testkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Collector is a running rsyslogd that takes messages in over TLS and writes them into a file.
type Collector struct {
	Address string // host and port
	file    string
	process *process
	port    *port
}

// collectorConfig is in RainerScript: TLS in, a line a message out.
const collectorConfig = `
global(workDirectory="%[1]s" maxMessageSize="64k" DefaultNetstreamDriver="ossl" DefaultNetstreamDriverCAFile="%[2]s"
	DefaultNetstreamDriverCertFile="%[2]s" DefaultNetstreamDriverKeyFile="%[3]s")
module(load="imtcp" StreamDriver.Name="ossl" StreamDriver.Mode="1" StreamDriver.AuthMode="anon")
input(type="imtcp" address="127.0.0.1" port="%[4]s" ruleset="keep")
template(name="whole" type="string" string="%%PRI%%|%%HOSTNAME%%|%%APP-NAME%%|%%MSGID%%|%%STRUCTURED-DATA%%|%%msg%%\n")
ruleset(name="keep") { action(type="omfile" file="%[1]s/messages" template="whole" asyncWriting="off" flushOnTXEnd="on") }
`

// StartCollector starts a real rsyslogd as the receiver of syslog over TLS, and has it end with the test.
func StartCollector(t testing.TB, c CertificateFiles) *Collector {
	t.Helper()
	r, err := startCollector(t.Context(), t.TempDir(), c)
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

func startCollector(ctx context.Context, dir string, c CertificateFiles) (*Collector, error) {
	port, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	owner, err := serverOwner(ctx)
	if err != nil {
		return nil, err
	}
	config, certificate, key := filepath.Join(dir, "rsyslog.conf"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // it was written to and is whole
	for from, to := range map[string]string{c.Certificate: certificate, c.Key: key} {
		b, err := os.ReadFile(from) //nolint:gosec // a path of our own
		if err != nil {
			return nil, err
		}
		if err := root.WriteFile(filepath.Base(to), b, 0o644); err != nil { // of a test, and another user reads it
			return nil, err
		}
	}
	text := fmt.Appendf(nil, collectorConfig, dir, certificate, key, port.String())
	if err := os.WriteFile(config, text, 0o644); err != nil { //nolint:gosec // nothing secret, and another user reads it
		return nil, err
	}
	if err := lend(dir, owner); err != nil {
		return nil, err
	}
	r := &Collector{Address: net.JoinHostPort("localhost", port.String()), file: filepath.Join(dir, "messages"), port: port}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "/usr/sbin/rsyslogd", "-n", "-f", config, "-i", filepath.Join(dir, "pid")) //nolint:gosec // Debian's
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: owner}
	log := filepath.Join(dir, "log")
	if r.process, err = startProcess(cmd, log); err != nil {
		return nil, err
	}
	return r, awaitPort(ctx, r.Address, r.process, log)
}

// Await gives what was taken when there are so many messages: rsyslog writes a moment after it has acknowledged.
func (r *Collector) Await(t testing.TB, n int) []string {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for last := time.Now().Add(20 * time.Second); ; <-tick.C {
		if list := r.Messages(t); len(list) >= n || time.Now().After(last) {
			return list
		}
	}
}

// Messages are what was taken, each as priority, host, program, message id, structured data and text between bars.
func (r *Collector) Messages(t testing.TB) []string {
	t.Helper()
	b, err := os.ReadFile(r.file)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
}
