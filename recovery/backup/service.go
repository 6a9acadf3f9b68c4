package backup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/audit"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/recovery/dest"
	"github.com/tutela-health/tutela/recovery/sealed"
	"github.com/tutela-health/tutela/store"
)

// Config says what is backed up, and to whom it is sealed.
type Config struct {
	DB         *store.DB
	Ring       *keys.Ring
	Audit      *audit.Log
	Tenant     tutela.Tenant
	Node       string // of this process: one node at a time makes backups
	Release    string
	Clock      clock.Clock
	Log        *slog.Logger
	Recipients []sealed.Recipient
	// Folder is where a backup lies, sealed, while it is on its way.
	Folder string
	// Files are those of the configuration, which travel with every full backup; nil means none.
	Files func() (map[string][]byte, error)
	// KeysBeside is one more destination of keyrings and of nothing else; nil means none.
	KeysBeside dest.Destination
}

// Service makes backups. It is safe for concurrent use; one is made at a time.
type Service struct {
	cfg Config

	mu    sync.Mutex // held while a backup is made; guards what follows
	image image      // what the last backup of this process held; nil before the first
	swept bool

	knowing sync.Mutex // guards places while several are written to
	places  map[string]*placed

	asks    chan asked
	telling sync.Mutex // guards state
	state   State
}

// placed is what this process knows of a destination.
type placed struct {
	series  string // of which it holds everything up to sequence
	upTo    int64
	keysOf  string // series of keyrings that it holds in full up to keyPart
	keyPart int64
	failing bool
}

// New gives a Service.
func New(cfg Config) *Service {
	return &Service{cfg: cfg, places: map[string]*placed{}, asks: make(chan asked, 1)}
}

// leaseName is what one node of a tenant holds while it makes backups; leaseFor is how long it
// outlives a node that died.
const (
	leaseName = "backup"
	leaseFor  = 15 * time.Second
)

// Report is what became of a backup.
type Report struct {
	Manifest Manifest          `json:"manifest"`
	Kept     []string          `json:"kept"`             // destinations that have it, each read back
	Failed   map[string]string `json:"failed,omitempty"` // destinations that do not, and why
	Took     time.Duration     `json:"took_ns"`
}

// ErrNowhere says that no destination took the backup.
var ErrNowhere = errors.New("no destination took it")

// Full makes a full backup, which begins a series, at some destinations.
func (s *Service) Full(ctx context.Context, to []dest.Destination) (Report, error) {
	return s.produce(ctx, to, Full)
}

// Increment makes an increment where the destinations have what it goes on from, a full backup where
// none has, and nothing where nothing changed: then the Report's Kept is empty.
func (s *Service) Increment(ctx context.Context, to []dest.Destination) (Report, error) {
	return s.produce(ctx, to, Increment)
}

func (s *Service) produce(ctx context.Context, to []dest.Destination, kind Kind) (Report, error) {
	if len(to) == 0 {
		return Report{}, errs.New(errs.Invalid, "a backup needs a destination")
	}
	if len(s.cfg.Recipients) == 0 {
		return Report{}, errs.New(errs.Invalid, "a backup needs somebody to seal it to: name recipients in tutela.yaml")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.swept {
		if err := sweep(s.cfg.Folder); err != nil {
			return Report{}, fmt.Errorf("clear %s: %w", s.cfg.Folder, err)
		}
		s.swept = true
	}
	var report Report
	err := s.alone(ctx, func(ctx context.Context) (err error) {
		report, err = s.makeAlone(ctx, to, kind)
		return err
	})
	return report, err
}

// alone runs f while this node holds the lease, and ends it when that is lost.
func (s *Service) alone(ctx context.Context, f func(context.Context) error) error {
	lease, err := s.cfg.DB.Acquire(ctx, leaseName, s.cfg.Node, leaseFor) // a node that was killed goes on at once
	if errs.Is(err, errs.Conflict) {
		return errs.Wrap(errs.Conflict, err, "another process is making a backup")
	} else if err != nil {
		return fmt.Errorf("hold the lease of backups: %w", err)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var renewing sync.WaitGroup
	renewing.Go(func() { s.renew(ctx, lease, cancel) })
	err = f(ctx)
	cancel(nil)
	renewing.Wait()
	return errors.Join(err, s.cfg.DB.Release(context.WithoutCancel(ctx), lease))
}

func (s *Service) renew(ctx context.Context, lease store.Lease, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(leaseFor / 4)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if _, err := s.cfg.DB.Renew(ctx, lease, leaseFor); errs.Is(err, errs.Conflict) {
			cancel(err)
			return
		}
	}
}

// making is a backup under way.
type making struct {
	s       *Service
	to      []dest.Destination
	began   time.Time
	signer  signer
	before  record // what an increment goes on from
	next    record
	data    spooled
	keyring Manifest // without a name where no key is new
	keys    spooled
	image   image
}

func (s *Service) makeAlone(ctx context.Context, to []dest.Destination, kind Kind) (Report, error) {
	m := &making{s: s, to: to, began: s.cfg.Clock()}
	var err error
	if m.signer, err = openSigner(ctx, s.cfg.Ring, true); err != nil {
		return Report{}, err
	}
	if kind == Increment {
		if kind, err = m.follow(ctx); err != nil {
			return Report{}, err
		}
	}
	if kind == Full {
		m.before = record{}
	}
	if err := m.describe(ctx, kind); err != nil {
		return Report{}, err
	}
	defer m.clean()
	if err := m.read(ctx); err != nil {
		return Report{}, err
	}
	if kind == Increment && m.data.changes == 0 && m.keyring.Series == "" {
		return Report{Manifest: m.before.Manifest}, nil
	}
	return m.place(ctx)
}

// follow finds what an increment goes on from; a series that no destination has is begun anew.
func (m *making) follow(ctx context.Context) (Kind, error) {
	last, found, err := newest(ctx, m.s.cfg.DB)
	if err != nil || !found {
		return Full, err
	}
	m.before = last
	for _, d := range m.to {
		p := m.s.place(d)
		if p.series == last.Series && p.upTo == last.Sequence {
			return Increment, nil
		}
		if text, err := read(ctx, d, last.ManifestName()); err == nil && string(text) == string(last.signed) {
			return Increment, nil
		}
	}
	return Full, nil
}

// describe says what the manifest says before the rows are read.
func (m *making) describe(ctx context.Context, kind Kind) error {
	c := m.s.cfg
	next := Manifest{Kind: kind, Tenant: c.Tenant, Release: c.Release, Engine: string(c.DB.Engine())}
	for _, r := range c.Recipients {
		next.Recipients = append(next.Recipients, r.String())
	}
	if kind == Increment {
		next.Series, next.Sequence, next.Previous = m.before.Series, m.before.Sequence+1, m.before.Digest()
	} else {
		next.Series = strings.ToLower(m.began.UTC().Format("20060102t150405z")) + "-" + audit.NewID()[:8]
	}
	note, err := c.Audit.CheckpointNote(ctx) // before the snapshot: the ledger in it holds this and more
	if err != nil && !errs.Is(err, errs.NotFound) {
		return err
	}
	next.Checkpoint = string(note)
	m.next = record{Manifest: next}
	return nil
}

// read takes rows and keys of one moment into sealed files.
func (m *making) read(ctx context.Context) error {
	c := m.s.cfg
	tables, err := c.DB.Tables(ctx)
	if err != nil {
		return err
	}
	err = c.DB.Snapshot(ctx, func(q store.Querier) error {
		last, _, err := newest(ctx, q) // the snapshot begins with the first question
		if err != nil {
			return err
		}
		m.next.Made = c.Clock().UTC()
		m.next.after(last.Manifest)
		if m.next.Mark, err = c.Audit.MarkIn(ctx, q); err != nil {
			return err
		}
		m.next.Ledger = m.next.Mark.Size
		if err := m.readKeys(ctx, q, tables); err != nil {
			return err
		}
		m.data, err = spool(ctx, c.Folder, m.next.place(), c.Recipients, func(w *writer) error { return m.readRows(ctx, q, w, tables) })
		return err
	})
	if err != nil {
		return fmt.Errorf("read what is to be backed up: %w", err)
	}
	m.next.Manifest, err = m.complete(m.next.Manifest, m.data)
	return err
}

func (m *making) complete(of Manifest, s spooled) (Manifest, error) {
	of.Size, of.SHA256, of.Changes = s.size, s.sha256, s.changes
	return m.signer.sign(of)
}

func (m *making) readRows(ctx context.Context, q store.Querier, w *writer, tables []*store.Table) (err error) {
	if m.next.Kind == Increment {
		m.image, err = changed(ctx, q, w, tables, m.s.cfg.Audit, m.before.Mark, m.next.Mark, m.s.image)
		return err
	}
	if m.s.cfg.Files != nil {
		files, err := m.s.cfg.Files()
		if err != nil {
			return fmt.Errorf("read configuration: %w", err)
		}
		for name, content := range files {
			w.file(name, content)
		}
	}
	m.image, err = whole(ctx, q, w, tables)
	return err
}

// readKeys takes the wrapped keys: all of them where keys went or were rewrapped, where a destination
// lacks some and with every full backup; else those that are new, or nothing.
func (m *making) readKeys(ctx context.Context, q store.Querier, tables []*store.Table) error {
	c := m.s.cfg
	until := m.next.Made.Unix() - lateKey
	now, err := countKeys(ctx, q, until)
	if err != nil {
		return err
	}
	m.next.Keys, m.next.KeyPart, m.next.Generation = now, m.before.KeyPart, int(now.Newest)
	kind, since := Keyring, int64(math.MinInt64)
	if m.next.Kind == Increment && m.s.keysEverywhere(m.to, m.before) && !m.before.Keys.rewrapped(now) {
		then, err := countKeys(ctx, q, m.before.Keys.Until)
		if err != nil {
			return err
		}
		if maps.Equal(then.Counts, m.before.Keys.Counts) {
			if maps.Equal(now.All, m.before.Keys.All) {
				return nil
			}
			kind, since = NewKeys, m.before.Keys.Until
		}
	}
	if m.next.Kind == Increment {
		m.next.KeyPart++
	}
	of := m.next.Manifest
	of.Kind, of.Sequence, of.Previous, of.Checkpoint = kind, m.next.KeyPart, "", ""
	m.keys, err = spool(ctx, c.Folder, of.place(), c.Recipients, func(w *writer) error { return putKeys(ctx, q, w, tables, since) })
	if err != nil {
		return err
	}
	m.keyring, err = m.complete(of, m.keys)
	return err
}

// keysEverywhere reports whether every destination has the keyring that an increment's new keys are added to.
func (s *Service) keysEverywhere(to []dest.Destination, before record) bool {
	return !slices.ContainsFunc(s.keyPlaces(to), func(d dest.Destination) bool {
		p := s.place(d)
		return p.keysOf != before.Series || p.keyPart != before.KeyPart
	})
}

// keyPlaces are the destinations of keyrings.
func (s *Service) keyPlaces(to []dest.Destination) []dest.Destination {
	if s.cfg.KeysBeside == nil {
		return to
	}
	return append(slices.Clone(to), s.cfg.KeysBeside)
}

func (s *Service) place(d dest.Destination) *placed {
	p := s.places[d.String()]
	if p == nil {
		p = &placed{upTo: -1, keyPart: -1}
		s.places[d.String()] = p
	}
	return p
}
