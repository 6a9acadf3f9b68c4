package gate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/git"
)

// errForeignPolicy says that a policy holds on this machine alone.
var errForeignPolicy = errors.New(File + " is there and git ignores it: elsewhere another policy would judge")

// listFor bounds how long git may take to list its files.
const listFor = time.Minute

// Tracked narrows a tree to what git tracks and what it would track, so that a laptop and CI judge the
// same files. What is tracked and not there could not be checked. A tree without git stays as it is.
func Tracked(ctx context.Context, t *supply.Tree) error {
	if t.Alone {
		return nil
	}
	repo, err := git.Open(t.Dir)
	if err != nil {
		t.Failed = append(t.Failed, fmt.Sprintf(".git: %v; every file is judged, also what git ignores", err))
		return nil
	}
	if repo == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, listFor)
	defer cancel()
	files, err := repo.Files(ctx)
	if err != nil {
		t.Failed = append(t.Failed, fmt.Sprintf(".git: %v; every file is judged, also what git ignores", err))
		return nil
	}
	if t.Has(File) && !files.Has(File) {
		return errForeignPolicy
	}
	t.Keep(files.Has, "git ignores them")
	absent, count := files.Absent(t.Has)
	for _, name := range absent {
		t.Failed = append(t.Failed, name+": git tracks it, and it is not here")
	}
	if more := count - len(absent); more > 0 {
		t.Failed = append(t.Failed, fmt.Sprintf("%d more files that git tracks are not here", more))
	}
	return nil
}
