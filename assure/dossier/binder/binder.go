package binder

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/assure/dossier"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
)

// Source gives one file of a package, beside the ledger's.
type Source struct {
	Name  string // e.g. "controls.json"
	Write func(context.Context, io.Writer) error
}

// Config says what a Binder works with.
type Config struct {
	Audit  *audit.Log
	Clock  clock.Clock
	Tenant tutela.Tenant
	// Sources gives what goes in beside the ledger; it is asked for each package.
	Sources func(context.Context) ([]Source, error)
}

// Binder makes packages. Safe for concurrent use.
type Binder struct {
	cfg  Config
	busy sync.Mutex // held while a package is made, for whoever asked first
}

// New returns a Binder.
func New(c Config) *Binder { return &Binder{cfg: c} }

// Alone has nobody else make a package until done is called: each opens a good part of the ledger.
func (b *Binder) Alone() (done func(), err error) {
	if !b.busy.TryLock() {
		return nil, errs.New(errs.Conflict, "a package is being made; ask again when it has ended")
	}
	return b.busy.Unlock, nil
}

// Asked is what somebody wants.
type Asked struct {
	From, To time.Time // the period; a zero From is the beginning, a zero To is now
	// Complete has every entry of the period opened, whatever their number; Sampled has a sample opened. Where neither is
	// said, up to Whole entries are opened, and of more a sample.
	Complete, Sampled bool
	// Word is put to what the sample is drawn by, so that nobody could know it before.
	Word string
}

const (
	// Whole is up to how many entries are all opened unless something else is asked for.
	Whole = 50_000
	// Sample is how many leaves are drawn.
	Sample = 1000
	// maxWord bounds a word, in bytes.
	maxWord = 100
	// settles is how long is waited for the sealing entry to come into the tree.
	settles = 30 * time.Second
)

// Plan is what goes into a package.
type Plan struct {
	dossier.Manifest
	before []byte // the checkpoint that the sample is drawn by
}

// Write makes a package and writes it as a zip file. Entries about it are by entry's actor. What was written before an error
// is no package: it has no end.
func (b *Binder) Write(ctx context.Context, w io.Writer, entry tutela.Entry, p Plan) (dossier.Manifest, error) {
	m := p.Manifest
	z := &writer{zip: zip.NewWriter(w), at: b.cfg.Clock()}
	spans, err := b.ledger(ctx, z, p)
	if err != nil {
		return m, err
	}
	sources, err := b.cfg.Sources(ctx)
	if err != nil {
		return m, err
	}
	for _, s := range sources {
		if err := z.file(s.Name, func(w io.Writer) error { return s.Write(ctx, w) }); err != nil {
			return m, fmt.Errorf("%s: %w", s.Name, err)
		}
	}
	m.Files = z.sorted()
	if err := z.file("index.html", func(w io.Writer) error { return index(w, m) }); err != nil {
		return m, err
	}
	m.Files = z.sorted()
	if err := b.end(ctx, z, m, entry, spans); err != nil {
		return m, err
	}
	return m, z.zip.Close()
}

// check refuses what cannot be asked for.
func (a Asked) check(m dossier.Manifest) error {
	switch {
	case !m.From.Before(m.To):
		return errs.New(errs.Invalid, "the period ends before it begins, or has not begun")
	case a.Complete && a.Sampled:
		return errs.New(errs.Invalid, "a package is complete or a sample, not both")
	case len(a.Word) > maxWord || strings.ContainsFunc(a.Word, func(r rune) bool { return r < ' ' }):
		return errs.New(errs.Invalid, "a word for the sample has %d bytes at most, in one line", maxWord)
	}
	return nil
}

// Plan finds the period's leaves and how they are to be shown. What is under way now comes into the next package.
func (b *Binder) Plan(ctx context.Context, entry tutela.Entry, a Asked) (Plan, error) {
	return b.plan(ctx, entry, a, b.leavesOf)
}

// plan is Plan with a way to find the period's leaves in a tree of a size; it may shorten the period.
func (b *Binder) plan(ctx context.Context, entry tutela.Entry, a Asked, leaves func(context.Context, *dossier.Manifest, int64) error) (Plan, error) {
	now := b.cfg.Clock().UTC()
	p := Plan{Manifest: dossier.Manifest{Version: dossier.Version, Tenant: b.cfg.Tenant, Made: now, By: entry.Actor, From: a.From.UTC(), To: a.To.UTC()}}
	if a.To.IsZero() || p.To.After(now) {
		p.To = now
	}
	if err := a.check(p.Manifest); err != nil {
		return p, err
	}
	before, err := b.head(ctx, &p)
	if err != nil {
		return p, err
	}
	p.Origin = before.Origin
	if err := leaves(ctx, &p.Manifest, before.Size); err != nil {
		return p, err
	}
	p.Complete = a.Complete || !a.Sampled && p.End-p.First <= Whole
	if !p.Complete {
		p.Sample, p.Seed = Sample, strings.TrimSpace(hex.EncodeToString(before.Root[:])+" "+a.Word)
	}
	return p, nil
}

// head brings what is pending into the tree and gives its head.
func (b *Binder) head(ctx context.Context, p *Plan) (audit.Checkpoint, error) {
	if _, err := b.cfg.Audit.Sequence(ctx); err != nil && !errs.Is(err, errs.Conflict) { // another node does it
		return audit.Checkpoint{}, err
	}
	keys, err := b.cfg.Audit.VerifierKeys(ctx)
	if err != nil {
		return audit.Checkpoint{}, err
	}
	if p.before, err = b.cfg.Audit.CheckpointNote(ctx); err != nil {
		return audit.Checkpoint{}, err
	}
	return audit.OpenCheckpoint(p.before, keys...)
}

// leavesOf gives the least span that holds every sequenced entry of the period.
func (b *Binder) leavesOf(ctx context.Context, m *dossier.Manifest, size int64) error {
	find := func(newest bool) (leaf int64, err error) {
		leaf = audit.Pending
		err = b.cfg.Audit.Search(ctx, audit.Query{From: m.From, To: m.To, Newest: newest, InTree: true}, func(o audit.Opened) error {
			if o.Leaf >= size {
				return nil
			}
			leaf = o.Leaf
			return errFound
		})
		if errors.Is(err, errFound) {
			err = nil
		}
		return leaf, err
	}
	first, err := find(false)
	if err != nil {
		return err
	}
	end, err := find(true)
	if err != nil {
		return err
	}
	if first == audit.Pending {
		return noEntries()
	}
	m.First, m.End = min(first, end), max(first, end)+1
	return nil
}

func noEntries() error {
	return errs.New(errs.NotFound, "the ledger has no entries of this period")
}

// errFound ends a search.
var errFound = errors.New("found")

// end writes manifest, seal and proof.
func (b *Binder) end(ctx context.Context, z *writer, m dossier.Manifest, entry tutela.Entry, spans []audit.Span) error {
	text, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return fmt.Errorf("encode manifest: %w", err)
	}
	if err := z.file(dossier.ManifestFile, func(w io.Writer) error { _, err := w.Write(text); return err }); err != nil {
		return err
	}
	sum := sha256.Sum256(text)
	leaf, err := b.seal(ctx, entry, packaged, hex.EncodeToString(sum[:]))
	if err != nil {
		return err
	}
	edge := []audit.Span{{From: m.End, End: m.End + 1}, {From: leaf, End: leaf + 1}}
	var lines []dossier.Line
	err = b.cfg.Audit.Leaves(ctx, merged(edge), func(l audit.Leaf) error {
		lines = append(lines, line(l))
		return nil
	})
	if err != nil {
		return err
	}
	p := dossier.Proof{After: lines[0], Seal: lines[len(lines)-1]}
	in, err := b.cfg.Audit.Include(ctx, merged(append(spans, edge...)))
	if err != nil {
		return err
	}
	p.Checkpoint = string(in.Checkpoint)
	for _, h := range in.Hashes {
		p.Hashes = append(p.Hashes, h[:])
	}
	return z.file(dossier.ProofFile, func(w io.Writer) error { return json.NewEncoder(w).Encode(p) })
}

// packaged is what a seal calls a package's manifest.
const packaged = "package"

// seal puts the digest of something into the ledger, and waits until it is in the tree.
func (b *Binder) seal(ctx context.Context, entry tutela.Entry, kind, digest string) (int64, error) {
	entry.ID, entry.Time, entry.Action, entry.Outcome = audit.NewID(), b.cfg.Clock(), dossier.Sealing, tutela.OutcomeSuccess
	entry.Subject = &tutela.Subject{Kind: kind, ID: digest}
	if _, err := b.cfg.Audit.Append(ctx, entry, nil); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, settles)
	defer cancel()
	for {
		if _, err := b.cfg.Audit.Sequence(ctx); err != nil && !errs.Is(err, errs.Conflict) {
			return 0, err
		}
		leaf, err := b.cfg.Audit.Find(ctx, audit.Query{ID: entry.ID, Actor: entry.Actor.ID, Action: entry.Action, From: entry.Time.Add(-time.Minute)})
		if err != nil || leaf != audit.Pending {
			return leaf, err
		}
		select {
		case <-ctx.Done():
			return 0, errs.New(errs.Unavailable, "the sealing entry is not in the ledger's tree yet: nobody sequences it; try again")
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// merged sorts spans and joins those that meet.
func merged(spans []audit.Span) []audit.Span {
	slices.SortFunc(spans, func(a, b audit.Span) int { return int(a.From - b.From) })
	var list []audit.Span
	for _, s := range spans {
		if n := len(list); n > 0 && s.From <= list[n-1].End {
			list[n-1].End = max(list[n-1].End, s.End)
			continue
		}
		list = append(list, s)
	}
	return list
}
