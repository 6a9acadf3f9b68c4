package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/tutela-health/tutela"
)

// machineChecks look at what this node keeps on its disk.
func machineChecks(c config, room func(string) (free, of int64, err error)) []tutela.Check {
	m := machineCheck{c, room}
	return []tutela.Check{{
		ID: "protect.private-files", Title: "Nobody else on the machine reads the database or the keys",
		Controls: []string{"P02", "P10", "45 CFR 164.312(a)(1)", "45 CFR 164.310(c)"}, Fresh: 24 * time.Hour, Try: m.private,
	}, {
		ID: "watch.room-on-disk", Title: "A tenth of the disk is free",
		Controls: []string{"W01", "45 CFR 164.308(a)(7)(ii)(C)"}, Fresh: time.Hour, Try: m.roomy,
	}}
}

// machineCheck tries on a system's files.
type machineCheck struct {
	config config
	room   func(dir string) (free, of int64, err error)
}

// guarded are the places whose content must be the service account's alone: what lies in the system's folder, and
// the keys, where they lie elsewhere. The certificate is for everybody.
func (m machineCheck) guarded() []string {
	return []string{m.config.dir, m.config.path(m.config.Key)}
}

// others are the permissions of who is not the owner.
const others fs.FileMode = 0o077

// private looks for files that others than the service's account may open.
func (m machineCheck) private(ctx context.Context) tutela.Evidence {
	e := tutela.Evidence{On: m.config.dir}
	if runtime.GOOS == "windows" {
		e.Verdict, e.Observed = tutela.NotApplicable, "this system has no permissions of files that could be looked at"
		return e
	}
	files := 0
	var open []string
	for _, root := range m.guarded() {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			switch {
			case errors.Is(err, fs.ErrNotExist): // a file of the moment
				return nil
			case err != nil:
				return err
			case ctx.Err() != nil:
				return ctx.Err()
			case path == m.config.path(m.config.Certificate) || path == m.config.path(caFile):
				return nil
			}
			files++
			info, err := os.Stat(path)
			if err == nil && info.Mode().Perm()&others != 0 {
				open = append(open, fmt.Sprintf("%s (%04o)", path, info.Mode().Perm()))
			}
			return nil
		})
		if err != nil {
			e.Observed = fmt.Sprintf("the files could not be looked at: %v", err)
			return e
		}
	}
	switch {
	case files == 0:
		e.Observed = "there is no file to look at"
	case len(open) > 0:
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("%d files and folders may be opened by others than the service's account: %s", len(open), strings.Join(open[:min(len(open), 3)], ", "))
	default:
		e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("%d files and folders may be opened by the service's account alone", files)
	}
	return e
}

// leastRoom is the part of a disk that has to be free: writes stop when it is full, and care waits for nobody's clean-up.
const leastRoom = 0.1

// roomy asks the file system under the system's folder how much may still be written.
func (m machineCheck) roomy(context.Context) tutela.Evidence {
	e := tutela.Evidence{On: "the disk under " + m.config.dir}
	free, of, err := m.room(m.config.dir)
	switch part := float64(free) / float64(max(of, 1)); {
	case err != nil:
		e.Observed = fmt.Sprintf("the disk could not be asked: %v", err)
	case part < leastRoom:
		e.Verdict, e.Observed = tutela.Fail, fmt.Sprintf("%d MiB are free, %.0f %% of the disk: make room, or writes stop", free>>20, 100*part)
	default:
		e.Verdict, e.Observed = tutela.Pass, fmt.Sprintf("%d MiB are free, %.0f %% of the disk", free>>20, 100*part)
	}
	return e
}
