package binder

import (
	"context"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/errs"
)

// State seals a text of some kind by the ledger, for others. The entry that names it is the system's own, since others get
// to read it: who asked for it is the call's to write down.
func (b *Binder) State(ctx context.Context, kind, text string) (dossier.Statement, error) {
	s := dossier.Statement{Version: dossier.Version, Kind: kind, Text: text, Hashes: [][]byte{}}
	if kind == "" || kind == packaged {
		return s, errs.New(errs.Internal, "%q is no kind of a statement", kind)
	}
	entry := tutela.Entry{Actor: tutela.Actor{ID: "system:assure", Kind: tutela.ActorSystem, Name: "tutela assure"}}
	leaf, err := b.seal(ctx, entry, kind, s.SHA256())
	if err != nil {
		return s, err
	}
	span := []audit.Span{{From: leaf, End: leaf + 1}}
	err = b.cfg.Audit.Leaves(ctx, span, func(l audit.Leaf) error {
		s.Seal = line(l)
		return nil
	})
	if err != nil {
		return s, err
	}
	in, err := b.cfg.Audit.Include(ctx, span)
	if err != nil {
		return s, err
	}
	s.Checkpoint = string(in.Checkpoint)
	for _, h := range in.Hashes {
		s.Hashes = append(s.Hashes, h[:])
	}
	return s, nil
}
