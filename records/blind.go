package records

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/store"
)

// The index's key can be replaced while the index serves: the idle slot is built under the next key,
// and takes over; with the old slot's rows the old key goes. Copies of the old rows, in a log or in
// an old file, then tell nothing to whoever has today's keys, once the generation that wrapped the
// old key is destroyed as well.

// making is how a slot is made: its layout, and the number of its key.
type making struct {
	layout layout
	key    int64
}

// indexKeysMigration remembers the number of each slot's key.
func indexKeysMigration() store.Migration {
	return store.Migration{ID: "0205_index_keys", SQL: `
ALTER TABLE index_state ADD COLUMN key0 {{int}} NOT NULL DEFAULT 1;
ALTER TABLE index_state ADD COLUMN key1 {{int}} NOT NULL DEFAULT 1;
`}
}

// indexSecret names the secret of a key's number.
func indexSecret(n int64) string {
	if n == 1 {
		return "index"
	}
	return fmt.Sprintf("index-%d", n)
}

// blind makes the tokens of one key.
type blind struct {
	s   *Store
	mac *keys.MAC
}

// blinds are the keys of the index that this node has opened, by number. Its zero value is ready.
type blinds struct {
	mu    sync.RWMutex
	macs  map[int64]*keys.MAC // guarded by mu
	epoch int                 // guarded by mu; counts calls of forget
}

func (b *blinds) get(n int64) (mac *keys.MAC, epoch int) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.macs[n], b.epoch
}

// set keeps a key that was opened in an epoch; one from before the last forget may be gone.
func (b *blinds) set(n int64, mac *keys.MAC, epoch int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if epoch != b.epoch {
		return
	}
	if b.macs == nil {
		b.macs = map[int64]*keys.MAC{}
	}
	b.macs[n] = mac
}

func (b *blinds) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.macs, b.epoch = nil, b.epoch+1
}

// errIndexKey: the state of the index that was believed names a key that is gone. Whoever reads the state again
// finds the next.
var errIndexKey = errors.New("the index's key is gone")

// again runs what reads the index's state, once more where another key had taken over.
func again(f func() error) error {
	err := f()
	for range 2 {
		if !errors.Is(err, errIndexKey) {
			break
		}
		err = f()
	}
	return err
}

// blind gives what makes tokens under a key of the index.
func (s *Store) blind(ctx context.Context, n int64) (blind, error) {
	mac, epoch := s.blinds.get(n)
	if mac != nil {
		return blind{s, mac}, nil
	}
	b, err := s.ring.FindSecret(ctx, indexSecret(n))
	if errs.Is(err, errs.NotFound) {
		s.index.forget()
		return blind{}, errs.Wrap(errs.Conflict, errors.Join(errIndexKey, store.ErrClaim, err), "the index got another key")
	}
	if err != nil {
		return blind{}, fmt.Errorf("open index key %d: %w", n, err)
	}
	mac = keys.NewMAC(b)
	s.blinds.set(n, mac, epoch)
	return blind{s, mac}, nil
}

// openIndex opens the key of the slot that serves, so that a system that lost it does not start. A new
// system's first key is made here.
func (s *Store) openIndex(ctx context.Context) error {
	st, err := readIndexState(ctx, s.db)
	if err != nil {
		return err
	}
	if n := st.made[st.slot].key; n > 1 {
		_, err = s.blind(ctx, n)
		return err
	}
	b, err := s.ring.Secret(ctx, indexSecret(1))
	if err != nil {
		return fmt.Errorf("open index key: %w", err)
	}
	s.blinds.set(1, keys.NewMAC(b), 0)
	return nil
}

// RotateIndex asks for the index to be made anew under a new key; Run makes it, and destroys the old
// key when nothing needs it any more. While that is under way it is what is meant; while another
// rebuild is, the kind of the error is errs.Conflict. It returns the number of the new key.
func (s *Store) RotateIndex(ctx context.Context) (int64, error) {
	st, err := readIndexState(ctx, s.db)
	if err != nil {
		return 0, err
	}
	serving := st.made[st.slot].key
	if building := st.made[1-st.slot].key; st.phase == phaseBuilding && building != serving {
		return building, nil
	}
	next := serving + 1
	if err := s.ring.MakeSecret(ctx, indexSecret(next)); err != nil {
		return 0, err
	}
	err = s.begin(ctx, func(now indexState) (int64, bool) {
		at := now.made[now.slot].key
		return next, at == serving && now.phase == phaseBuilding && now.made[1-now.slot].key == next || at > serving
	})
	return next, err
}

// IndexKey tells the number of the key that searches use, and whether it is the only one: the slot of
// the one before has been emptied and that key destroyed.
func (s *Store) IndexKey(ctx context.Context) (number int64, alone bool, err error) {
	st, err := readIndexState(ctx, s.db)
	return st.made[st.slot].key, st.phase == phaseIdle, err
}

// AwaitIndexKey waits until the key of that number, or a later one, is the only one.
func (s *Store) AwaitIndexKey(ctx context.Context, number int64) error {
	for {
		at, alone, err := s.IndexKey(ctx)
		if err != nil || alone && at >= number {
			return err
		}
		if err := wait(ctx, settle/4); err != nil {
			return errs.Wrap(errs.Unavailable, err, "the index is still being made anew")
		}
	}
}
