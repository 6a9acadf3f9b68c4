package rules

import (
	"context"
	"fmt"
	"io/fs"
	"strings"
)

// Reload is what came of a folder of rules that changed.
type Reload struct {
	Before, Now string   // versions
	Rules       int      // in force now
	Refused     []string // why others are not
	Kept        []string // files whose text from before stays in force, since theirs now is not understood
}

// Text is a Reload in a line, for the ledger.
func (r Reload) Text() string {
	text := fmt.Sprintf("%d rules instead of version %s", r.Rules, r.Before)
	if len(r.Refused) > 0 {
		text += fmt.Sprintf("; %d not in force, the first: %s", len(r.Refused), r.Refused[0])
	}
	if len(r.Kept) > 0 {
		text += fmt.Sprintf("; what was in force before stays for %s", strings.Join(r.Kept, ", "))
	}
	return text[:min(len(text), maxText)]
}

// maxText bounds what the ledger keeps of a Reload.
const maxText = 500

// Reloader keeps a Book to what a folder says. It is for one goroutine.
type Reloader struct {
	// Dir is the folder of the user's own rules.
	Dir fs.FS
	// Book is whose rules they are.
	Book *Book
	// Record makes a Reload durable. What could not be recorded does not count and is tried again.
	Record func(context.Context, Reload) error

	seen string // the version that was looked at last
}

// Look takes up the folder's rules if they are not those in force. Files that somebody may still be writing wait until
// two looks have seen the same; now does not wait.
func (r *Reloader) Look(ctx context.Context, now bool) error {
	before := r.Book.Edition()
	next := edition(r.Dir, before)
	steady := now || next.Version == r.seen
	r.seen = next.Version
	if next.Version == before.Version || !steady {
		return nil
	}
	said := Reload{Before: before.Version, Now: next.Version, Rules: len(next.Set.Rules()), Kept: next.Kept}
	for _, p := range next.Problems {
		said.Refused = append(said.Refused, p.Error())
	}
	if err := r.Record(ctx, said); err != nil {
		return fmt.Errorf("record a reload of rules: %w", err)
	}
	r.Book.now.Store(next)
	return nil
}
