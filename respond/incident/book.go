package incident

import (
	"context"
	"fmt"
	"io/fs"
	"sync/atomic"
)

// Book keeps the runbooks in force. Changed ones take their place all at once, or not at all. An incident that is
// open keeps the steps that it has.
type Book struct {
	// Own is the house's folder; nil has the shipped ones alone.
	Own fs.FS
	// Record makes a Reload durable. What could not be recorded does not count and is tried again.
	Record func(context.Context, Reload) error

	now  atomic.Pointer[Runbooks]
	seen string // what was looked at last; for one goroutine
}

// Reload is what came of changed runbooks.
type Reload struct {
	Now     string // versions
	Refused string // why they are not in force; empty: they are
}

// Open reads the runbooks that are to be in force from the beginning.
func (b *Book) Open() error {
	list, err := LoadRunbooks(b.Own)
	if err != nil {
		return err
	}
	b.seen = list.versions()
	b.now.Store(&list)
	return nil
}

// Runbooks are those in force.
func (b *Book) Runbooks() Runbooks {
	if list := b.now.Load(); list != nil {
		return *list
	}
	return nil
}

// Look takes up changed runbooks. Where one is not understood, all stay as they were.
func (b *Book) Look(ctx context.Context) error {
	if b.Own == nil {
		return nil
	}
	list, err := LoadRunbooks(b.Own)
	said := Reload{Now: list.versions()}
	if err != nil {
		said = Reload{Refused: err.Error()}
	}
	if said.Now+said.Refused == b.seen {
		return nil
	}
	if err := b.Record(ctx, said); err != nil {
		return fmt.Errorf("record a reload of runbooks: %w", err)
	}
	b.seen = said.Now + said.Refused
	if said.Refused == "" {
		b.now.Store(&list)
	}
	return nil
}

// versions names every runbook with its version.
func (rs Runbooks) versions() string {
	text := ""
	for i, r := range rs {
		if i > 0 {
			text += " "
		}
		text += r.ID + "@" + r.Version
	}
	return text
}
