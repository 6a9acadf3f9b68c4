package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/recovery/dest"
	"github.com/tutela-health/tutela/store"
)

// clean removes what lies on this machine.
func (m *making) clean() {
	for _, s := range []spooled{m.data, m.keys} {
		if s.file == "" {
			continue
		}
		if err := os.Remove(s.file); err != nil {
			m.s.cfg.Log.LogAttrs(context.Background(), slog.LevelWarn, "a backup's file is left behind; the next start removes it", slog.String("error", err.Error()))
		}
	}
}

// place brings keys and data to every destination, then notes what became of it. One destination is
// enough for the backup to count: an increment that goes on from it will find it there.
func (m *making) place(ctx context.Context) (Report, error) {
	report := Report{Manifest: m.next.Manifest, Failed: map[string]string{}}
	var mu sync.Mutex // guards report
	var all sync.WaitGroup
	for _, d := range m.to {
		all.Go(func() {
			err := m.placeAt(ctx, d)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				report.Kept = append(report.Kept, d.String())
			} else {
				report.Failed[d.String()] = err.Error()
			}
		})
	}
	all.Wait()
	slices.Sort(report.Kept)
	if m.s.cfg.KeysBeside != nil {
		if err := m.placeKeys(ctx, m.s.cfg.KeysBeside); err != nil {
			report.Failed[m.s.cfg.KeysBeside.String()] = err.Error()
		}
	}
	report.Took = m.s.cfg.Clock().Sub(m.began)
	if ctx.Err() != nil {
		return report, context.Cause(ctx)
	}
	if err := m.note(ctx, report); err != nil {
		return report, errors.Join(err, m.takeBack(ctx))
	}
	if len(report.Kept) == 0 {
		return report, errs.Wrap(errs.Unavailable, ErrNowhere, fmt.Sprintf("the backup was not kept: %s", failures(report.Failed)))
	}
	m.s.image = m.image
	return report, nil
}

// placeAt brings everything to one destination: keys first, so that no row lies where its key does not;
// what the destination lacks of the series; then the data, and the manifest last.
func (m *making) placeAt(ctx context.Context, d dest.Destination) error {
	if err := m.placeKeys(ctx, d); err != nil {
		return err
	}
	p := m.known(d)
	if m.next.Kind == Increment && (p.series != m.next.Series || p.upTo != m.before.Sequence) {
		if err := m.repair(ctx, d); err != nil {
			return err
		}
	}
	if err := keep(ctx, d, m.next.Manifest, m.data.file); err != nil {
		return err
	}
	m.learn(d, func(p *placed) { p.series, p.upTo = m.next.Series, m.next.Sequence })
	return nil
}

// known reads what is known of a destination; several are written to at a time.
func (m *making) known(d dest.Destination) placed {
	m.s.knowing.Lock()
	defer m.s.knowing.Unlock()
	return *m.s.place(d)
}

func (m *making) learn(d dest.Destination, f func(*placed)) {
	m.s.knowing.Lock()
	defer m.s.knowing.Unlock()
	f(m.s.place(d))
}

// placeKeys brings the new keyring, and takes away those that it replaces: a key that was destroyed
// must not lie about in an older one.
func (m *making) placeKeys(ctx context.Context, d dest.Destination) error {
	if m.keyring.Series == "" {
		return nil
	}
	if err := keep(ctx, d, m.keyring, m.keys.file); err != nil {
		return err
	}
	if m.keyring.Kind == Keyring {
		if err := removeBut(ctx, d, keyringFolder, m.keyring.Name(), m.keyring.ManifestName()); err != nil {
			return fmt.Errorf("remove older keyrings at %s: %w", d, err)
		}
	}
	m.learn(d, func(p *placed) { p.keysOf, p.keyPart = m.keyring.Series, m.keyring.Sequence })
	return nil
}

// keep puts content and then manifest at a destination, and reads both back.
func keep(ctx context.Context, d dest.Destination, m Manifest, file string) error {
	digest, err := m.contentDigest()
	if err != nil {
		return err
	}
	if err := dest.Keep(ctx, d, m.Name(), file, digest); err != nil {
		return err
	}
	return keepText(ctx, d, m.ManifestName(), m.signed)
}

func keepText(ctx context.Context, d dest.Destination, name string, text []byte) error {
	if err := d.Put(ctx, name, bytes.NewReader(text), int64(len(text))); err != nil {
		return fmt.Errorf("keep %s at %s: %w", name, d, err)
	}
	got, err := read(ctx, d, name)
	if err == nil && !bytes.Equal(got, text) {
		err = dest.ErrDiffers
	}
	if err != nil {
		return fmt.Errorf("read back %s at %s: %w", name, d, err)
	}
	return nil
}

// longestManifest bounds what is read as a manifest, in bytes.
const longestManifest = 1 << 20

func read(ctx context.Context, d dest.Destination, name string) ([]byte, error) {
	r, err := d.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, longestManifest+1))
	if err == nil && len(text) > longestManifest {
		err = refuse(name, errManifest)
	}
	return text, errors.Join(err, r.Close())
}

// removeBut removes what lies in a folder of a destination and is not to stay.
func removeBut(ctx context.Context, d dest.Destination, folder string, stays ...string) error {
	list, err := d.List(ctx, folder)
	if err != nil {
		return err
	}
	for _, o := range list {
		if !slices.Contains(stays, o.Name) {
			err = errors.Join(err, d.Remove(ctx, o.Name))
		}
	}
	return err
}

// repair brings what a destination lacks of the series from one that has it.
func (m *making) repair(ctx context.Context, d dest.Destination) error {
	for n := int64(0); n <= m.before.Sequence; n++ {
		name := Manifest{Kind: Increment, Series: m.next.Series, Sequence: n}.ManifestName()
		if _, err := read(ctx, d, name); err == nil {
			continue
		} else if !errs.Is(err, errs.NotFound) {
			return fmt.Errorf("look for %s at %s: %w", name, d, err)
		}
		if err := m.fetch(ctx, d, name); err != nil {
			return fmt.Errorf("%s lacks %s: %w", d, name, err)
		}
	}
	return nil
}

// fetch copies one backup from whichever other destination has it.
func (m *making) fetch(ctx context.Context, d dest.Destination, name string) error {
	failed := errs.New(errs.NotFound, "no other destination has it: the next full backup begins a series there")
	for _, other := range m.to {
		if other.String() == d.String() {
			continue
		}
		text, err := read(ctx, other, name)
		if err != nil {
			continue
		}
		if failed = m.copyAcross(ctx, other, d, name, text); failed == nil {
			return nil
		}
	}
	return failed
}

func (m *making) copyAcross(ctx context.Context, from, to dest.Destination, name string, text []byte) error {
	of, err := parse(name, text)
	if err != nil {
		return err
	}
	if err := m.signer.verify(of); err != nil {
		return err
	}
	digest, err := of.contentDigest()
	if err != nil {
		return err
	}
	if err := dest.Copy(ctx, from, to, of.Name(), m.s.cfg.Folder, digest); err != nil {
		return err
	}
	return keepText(ctx, to, name, text)
}

// note makes the backup the one to go on from, and tells the ledger: of each full backup, and of each
// destination that fails or works again. Increments follow each other too fast for an entry each.
func (m *making) note(ctx context.Context, r Report) error {
	op := store.Op{}
	entries := m.tidings(r)
	if len(r.Kept) > 0 {
		rows, err := m.next.row()
		if err != nil {
			return err
		}
		op.Inserts = []store.Rows{rows}
		if m.next.Kind == Full {
			entries = append(entries, m.entry(tutela.ActionBackupCreate, tutela.OutcomeSuccess, fmt.Sprintf("full, %d rows, %d bytes, at %s", r.Manifest.Changes, r.Manifest.Size, strings.Join(r.Kept, ", "))))
		}
	}
	for _, e := range entries {
		leaves, err := m.s.cfg.Audit.Encode(ctx, e, nil, nil)
		if err != nil {
			return err
		}
		op.Entries = append(op.Entries, leaves...)
	}
	if len(op.Entries)+len(op.Inserts) == 0 {
		return nil
	}
	if err := m.s.cfg.DB.Commit(ctx, op); err != nil {
		return fmt.Errorf("note the backup: %w", err)
	}
	if m.next.Kind == Full && len(r.Kept) > 0 {
		return forgetIncrements(ctx, m.s.cfg.DB, m.next.Series)
	}
	return nil
}

// tidings are entries about destinations of which the state is not what it was.
func (m *making) tidings(r Report) []tutela.Entry {
	var list []tutela.Entry
	for _, name := range slices.Sorted(maps.Keys(r.Failed)) {
		if p := m.s.places[name]; p != nil && !p.failing {
			p.failing = true
			list = append(list, m.entry(tutela.ActionBackupFail, tutela.OutcomeError, r.Failed[name]))
			m.s.cfg.Log.LogAttrs(context.Background(), slog.LevelError, "a destination of backups fails", slog.String("error", r.Failed[name]))
		}
	}
	for _, name := range r.Kept {
		if p := m.s.places[name]; p != nil && p.failing {
			p.failing = false
			list = append(list, m.entry(tutela.ActionBackupFail, tutela.OutcomeSuccess, name+" works again"))
		}
	}
	return list
}

func (m *making) entry(action tutela.Action, outcome tutela.Outcome, detail string) tutela.Entry {
	return tutela.Entry{
		Time: m.s.cfg.Clock(), Actor: actor(), Action: action, Outcome: outcome,
		Subject: &tutela.Subject{Kind: "backup", ID: m.next.String(), Detail: detail},
	}
}

func actor() tutela.Actor {
	return tutela.Actor{ID: "tutela-backup", Kind: tutela.ActorSystem, Name: "tutela backup"}
}

// takeBack removes a full backup that could not be noted: the next try makes another, and they would
// fill the destinations. An increment is replaced by the next one of its number.
func (m *making) takeBack(ctx context.Context) error {
	if m.next.Kind != Full {
		return nil
	}
	ctx = context.WithoutCancel(ctx)
	var err error
	for _, d := range m.to {
		err = errors.Join(err, d.Remove(ctx, m.next.ManifestName()), d.Remove(ctx, m.next.Name()))
	}
	return err
}

// failures joins what went wrong, by destination.
func failures(failed map[string]string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(failed)) {
		list = append(list, failed[name])
	}
	return strings.Join(list, "; ")
}
