package e2e_test

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// process is a child that ends when this process does, however that ends.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // of Wait; read after ended
}

// startProcess starts cmd with its output appended to a file.
func startProcess(t testing.TB, cmd *exec.Cmd, log string) *process {
	t.Helper()
	out, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	must(t, err)
	cmd.Stdout, cmd.Stderr = out, out
	tieToParent(cmd)
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go p.run(out, started)
	must(t, <-started)
	return p
}

// run owns the child. The kernel counts the thread that started it as its parent, so that thread stays.
func (p *process) run(out *os.File, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.ended)
	err := errors.Join(p.cmd.Start(), out.Close())
	started <- err
	if err == nil {
		p.err = p.cmd.Wait()
	}
}

// signal sends sig, which may find the process ended.
func (p *process) signal(t testing.TB, sig syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(sig); !errors.Is(err, os.ErrProcessDone) {
		must(t, err)
	}
}

// kill ends the process as a power cut would and waits.
func (p *process) kill(t testing.TB) {
	t.Helper()
	p.signal(t, syscall.SIGKILL)
	<-p.ended
}

// stopWithin is how long the contract gives a system to stop cleanly.
const stopWithin = 5 * time.Second

// stop asks for a clean end and gives its error; a process that does not listen is killed.
func (p *process) stop(t testing.TB) error {
	t.Helper()
	p.signal(t, syscall.SIGTERM)
	select {
	case <-p.ended:
		return p.err
	case <-time.After(stopWithin):
		p.kill(t)
		return errors.New("it did not stop within 5 seconds of SIGTERM")
	}
}
