package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// restoring comes between the name of a directory and the time at which a system began to be built that is to take its place.
const restoring = ".restoring-"

// sweepRestores removes what restores that were killed have left beside a directory: keys are in it. What has a configuration is
// whole, and perhaps what was there before: it is named. What somebody still builds is locked.
func sweepRestores(c console, data string) error {
	left, err := filepath.Glob(data + restoring + "*")
	if err != nil {
		return err
	}
	for _, dir := range left {
		if _, err := os.Stat(filepath.Join(dir, configFile)); !errors.Is(err, fs.ErrNotExist) {
			fmt.Fprintf(c.err, "a restore that was killed has left a whole system with its keys in %s: look whether it is still wanted, else remove it\n", dir)
			continue
		}
		if err := removeLeft(dir); err != nil {
			return err
		}
	}
	return nil
}

// trying begins the names of the directories, among the machine's temporary ones, in which backups are tried.
const trying = "tutela-verify-"

// sweepTrials removes what trials of backups that were killed have left: keys are in it. What is somebody else's stays.
func sweepTrials() {
	left, err := filepath.Glob(filepath.Join(os.TempDir(), trying+"*"))
	if err != nil {
		return
	}
	for _, dir := range left {
		if info, err := os.Lstat(dir); err == nil && info.IsDir() && info.Mode().Perm() == 0o700 {
			_ = removeLeft(dir)
		}
	}
}

// removeLeft removes a directory, unless a process that is alive has locked it.
func removeLeft(dir string) error {
	held, err := lockFile(dir, false)
	if errors.Is(err, errHeld) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(dir), held.Close())
}

// replaceDir renames a directory into a place, and what is there to another name. Where the kernel can, there is a whole
// system in the place at any moment.
func replaceDir(from, to, aside string) error {
	err := os.Remove(to) // an empty one
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		if err := os.Rename(from, to); err != nil {
			return fmt.Errorf("put the restored system in place: %w", err)
		}
		return nil
	}
	if exchange(from, to) == nil {
		if err := os.Rename(from, aside); err != nil {
			return errors.Join(fmt.Errorf("put %s aside: %w", to, err), exchange(from, to))
		}
		return nil
	}
	if err := os.Rename(to, aside); err != nil {
		return fmt.Errorf("put %s aside: %w", to, err)
	}
	if err := os.Rename(from, to); err != nil {
		return errors.Join(fmt.Errorf("put the restored system in place: %w", err), os.Rename(aside, to))
	}
	return nil
}
