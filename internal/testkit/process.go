package testkit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// process is a child that ends when this process does, however that ends.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

// startProcess starts cmd with its output appended to a file.
func startProcess(cmd *exec.Cmd, log string) (*process, error) {
	out, err := os.OpenFile(log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600) //nolint:gosec // a path of our own
	if err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = out, out
	tieToParent(cmd)
	p := &process{cmd: cmd, ended: make(chan struct{})}
	started := make(chan error)
	go p.run(out, started)
	return p, <-started
}

// run owns the child. The kernel counts the thread that started it as its parent, so that thread stays.
func (p *process) run(out *os.File, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer close(p.ended)
	err := p.cmd.Start()
	err = errors.Join(err, out.Close())
	started <- err
	if err == nil {
		_ = p.cmd.Wait() // how it ended is in its log
	}
}

// end sends sig and waits; a child that does not listen is killed.
func (p *process) end(sig syscall.Signal, within time.Duration) error {
	select {
	case <-p.ended:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(within):
	}
	err := p.cmd.Process.Kill()
	<-p.ended
	return errors.Join(fmt.Errorf("%s did not stop on %s", p.cmd.Path, sig), err)
}
