package audit

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// Config says whose ledger this is and what it works with.
type Config struct {
	DB     *store.DB
	Keys   *keys.Ring
	Tenant tutela.Tenant
	// Node names this process among those that share the database, the same after every
	// restart. Two processes that run at once under one name refuse each other's commits.
	Node string
	// Origin names the ledger to the world, e.g. "tutela.example/production"; simulated
	// history has an origin that starts with "demo/". It is the signer's name.
	Origin string
	Clock  clock.Clock   // nil means clock.System
	Log    *slog.Logger  // nil means none
	Every  time.Duration // how often Run looks for pending rows; 0 means 500 ms
	// ReadOnly opens a ledger to search, prove and verify it: also one whose heads or signers were
	// tampered with, which Open otherwise refuses. Nothing is written.
	ReadOnly bool
	// Untouched opens a ledger for entries about itself and mends nothing: one whose present signer is not there takes none,
	// where Open would otherwise put it there. What was tampered with is evidence.
	Untouched bool
	// Limit is about how many leaves one transaction sequences; 0 means 1,024. On SQLite every commit
	// waits for that transaction, so more means fewer and longer waits.
	Limit int
}

// DemoPrefix begins the origin of a ledger that may hold simulated history, and of no other.
const DemoPrefix = "demo/"

// Log is one tenant's ledger. It is safe for concurrent use.
type Log struct {
	cfg    Config
	keys   keyring
	tables tables
	macs   macs
	blind  *keys.MAC // makes postings' tokens
	signer *signer
	owner  string // of the sequencer's lease: this Log and no other
	recent recent
	// scratch keeps room for plaintexts from one entry to the next, cleared between them.
	scratch sync.Pool
	lanes   []lane // each is touched only by its committing goroutine

	sequencing struct {
		sync.Mutex // guards lease, and lets one goroutine of this node sequence
		lease      store.Lease
	}
}

// Open makes the ledger ready to append to and to sequence, and names it as the database's
// Stamper. The database must have been migrated. Lanes go on where their stored heads end; a
// head that does not verify is ErrTampered.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	l := &Log{cfg: cfg, keys: cfg.Keys, tables: schema(), owner: cfg.Node + " " + NewID()}
	if err := l.loadSecrets(ctx); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	if cfg.ReadOnly {
		return l, nil
	}
	if err := l.openLanes(ctx); err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	cfg.DB.SetStamper(l)
	return l, nil
}

// openLanes makes the ledger ready to be written to.
func (l *Log) openLanes(ctx context.Context) (err error) {
	if err := l.registerSigner(ctx); err != nil {
		return err
	}
	l.lanes = make([]lane, l.cfg.DB.Lanes())
	for i := range l.lanes {
		l.lanes[i].id = laneID{l.cfg.Node, int64(i)}
		if l.lanes[i].last, err = l.headOf(ctx, l.cfg.DB, l.lanes[i].id); err != nil {
			return err
		}
	}
	return nil
}

func (c Config) withDefaults() (Config, error) {
	if c.DB == nil || c.Keys == nil || c.Node == "" || c.Origin == "" {
		return c, errs.New(errs.Invalid, "a ledger needs a database, keys, a node name and an origin")
	}
	if c.Clock == nil {
		c.Clock = clock.System
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Every <= 0 {
		c.Every = 500 * time.Millisecond
	}
	if c.Limit <= 0 {
		c.Limit = 1024
	}
	return c, nil
}

func (l *Log) loadSecrets(ctx context.Context) error {
	mac, err := l.keys.Secret(ctx, "ledger-mac")
	if err != nil {
		return fmt.Errorf("secret of rows: %w", err)
	}
	l.macs = macs{keys.NewMAC(mac)}
	blind, err := l.keys.Secret(ctx, "ledger-postings")
	if err != nil {
		return fmt.Errorf("secret of postings: %w", err)
	}
	l.blind = keys.NewMAC(blind)
	seed, err := l.keys.Secret(ctx, "ledger-signer")
	if err != nil {
		return fmt.Errorf("secret of signer: %w", err)
	}
	l.signer, err = newSigner(l.cfg.Origin, seed)
	return err
}
