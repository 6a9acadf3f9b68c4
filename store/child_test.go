package store_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"

	"github.com/tutela-health/tutela/store"
)

// The environment by which a test starts its own binary as a child.
const (
	childRole = "TUTELA_STORE_TEST_CHILD"
	childURL  = "TUTELA_STORE_TEST_URL"
	childFrom = "TUTELA_STORE_TEST_FROM"
)

// child runs a role in a process of its own and gives its exit code.
func child(role string) int {
	roles := map[string]func(url string) error{
		"writer": writeUntilKilled, "full": fillDisk, "limit": outgrowLimit,
	}
	if err := roles[role](os.Getenv(childURL)); err != nil {
		fmt.Fprintln(os.Stderr, role, err)
		return 1
	}
	return 0
}

func childCommand(t *testing.T, role, url string, env ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	must(t, err)
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childRole+"="+role, childURL+"="+url)
	cmd.Env = append(cmd.Env, env...)
	cmd.Stderr = os.Stderr
	return cmd
}

// writeUntilKilled commits from many goroutines and prints the number of every acknowledged Op.
func writeUntilKilled(url string) error {
	ctx := context.Background()
	var from int64
	if _, err := fmt.Sscan(os.Getenv(childFrom), &from); err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Config{URL: url, Reserve: -1})
	if err != nil {
		return err
	}
	if err := db.Migrate(ctx, testMigrations()); err != nil {
		return err
	}
	stamper := newChain()
	if err := stamper.load(ctx, db); err != nil {
		return err
	}
	db.SetStamper(stamper)
	var wg sync.WaitGroup
	for w := range int64(16) {
		wg.Go(func() {
			for i := from + w; ; i += 16 {
				if err := db.Commit(ctx, whole(i)); err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				fmt.Println(i) // one write: lines do not mix
			}
		})
	}
	wg.Wait()
	return nil
}

// whole is an Op of every kind of row, all bearing number i.
func whole(i int64) store.Op {
	op := claim(i, nil, i)
	op.Inserts = note(i, 0, "first").Inserts
	op.Inserts = append(op.Inserts, note(i, 1, "second").Inserts...)
	op.Entries = [][]byte{fmt.Append(nil, i)}
	return op
}

// acknowledged reads the numbers that a writer prints, kills it after n of them and reads the rest.
func acknowledged(t *testing.T, cmd *exec.Cmd, n int) []int64 {
	t.Helper()
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	var got []int64
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break
		}
		must(t, err)
		var i int64
		_, err = fmt.Sscan(line, &i)
		must(t, err)
		if got = append(got, i); len(got) == n {
			must(t, cmd.Process.Kill())
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the writer ended by itself")
	}
	return got
}
