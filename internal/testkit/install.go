package testkit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
)

// ErrNoPostgres: PostgreSQL's server programs are not installed.
var ErrNoPostgres = errors.New("postgres is not installed: apt-get install postgresql")

// postgresBin finds the directory of the newest installed server: Debian keeps it out of PATH.
func postgresBin() (string, error) {
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return "", err
	}
	if path, err := exec.LookPath("postgres"); err == nil && len(found) == 0 {
		found = append(found, path)
	}
	if len(found) == 0 {
		return "", ErrNoPostgres
	}
	slices.SortFunc(found, func(a, b string) int { return release(a) - release(b) })
	return filepath.Dir(found[len(found)-1]), nil
}

// release is N of /usr/lib/postgresql/N/bin/postgres, or 0.
func release(path string) int {
	n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	if err != nil {
		return 0
	}
	return n
}

// serverOwner is whom the server runs as: PostgreSQL refuses root, so root lends it the
// account of Debian's package, or makes one.
func serverOwner(ctx context.Context) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	account, err := user.Lookup("postgres")
	if err != nil {
		account, err = makeAccount(ctx, "tutela-test")
	}
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(account.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(account.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

func makeAccount(ctx context.Context, name string) (*user.User, error) {
	if account, err := user.Lookup(name); err == nil {
		return account, nil
	}
	if out, err := exec.CommandContext(ctx, "useradd", "--system", "--no-create-home", name).CombinedOutput(); err != nil { //nolint:gosec // a constant name
		return nil, fmt.Errorf("useradd: %w: %s", err, out)
	}
	return user.Lookup(name)
}
