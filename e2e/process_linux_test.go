package e2e_test

import (
	"os/exec"
	"syscall"
)

// tieToParent has the kernel stop the child when its parent is gone, a killed one too.
func tieToParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
