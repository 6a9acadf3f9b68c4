package holders

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys/escrow"
)

// A drill takes place where the holders are: they join their shares and open the wrap. That it held the
// living keyring key they show by an answer to a challenge, which only that key gives; neither the
// key nor a share comes here.

// challengeLife is how long a challenge may be answered.
const challengeLife = 10 * time.Minute

const challengeSize = 8 + 16 // time and random bits; their MAC follows

// Challenge gives what a drill is to answer.
func (s *Service) Challenge(ctx context.Context) (challenge []byte, err error) {
	challenge = binary.BigEndian.AppendUint64(nil, uint64(s.cfg.Clock().UnixMilli()))
	challenge = append(challenge, make([]byte, 16)...)
	_, _ = rand.Read(challenge[8:]) // never fails: it ends the process instead
	return s.stamp(ctx, challenge)
}

// stamp appends the MAC by which a challenge is known again.
func (s *Service) stamp(ctx context.Context, challenge []byte) ([]byte, error) {
	generation, err := s.generation(ctx)
	if err != nil {
		return nil, err
	}
	mac, err := s.cfg.Ring.KeyringMAC(ctx, generation, "tutela recovery challenge")
	if err != nil {
		return nil, err
	}
	return mac.Sum(challenge[:challengeSize:challengeSize], challenge[:challengeSize]), nil
}

// Claim is what a drill says: which wrap was opened, and the answer to a challenge.
type Claim struct {
	Set        string `json:"set"`
	Generation int    `json:"generation"`
	Challenge  []byte `json:"challenge"`
	Proof      []byte `json:"proof"`
}

// Pass checks a drill's answer, and remembers that it passed.
func (s *Service) Pass(ctx context.Context, base tutela.Entry, c Claim) error {
	if err := s.ours(ctx, c.Challenge); err != nil {
		return err
	}
	st, err := s.read(ctx)
	if err != nil {
		return err
	}
	present, err := s.generation(ctx)
	switch {
	case err != nil:
		return err
	case c.Set != st.Set.ID:
		return errs.New(errs.Unprocessable, "the shares are of a recovery key that was replaced since")
	case c.Generation != present:
		return errs.New(errs.Unprocessable, "the wrap is of generation %d, and the present one is %d: tutela keys recovery renew", c.Generation, present)
	}
	want, err := escrow.Answer(ctx, s.cfg.Ring, present, c.Challenge)
	if err != nil {
		return err
	}
	if !hmac.Equal(want, c.Proof) {
		return errs.New(errs.Unprocessable, "what was opened is not the living keyring key of generation %d: the wrap would restore nothing", present)
	}
	st.Drill = &Drill{Set: c.Set, Generation: present, At: s.cfg.Clock().UTC().Truncate(time.Second)}
	return s.commit(ctx, st, base, fmt.Sprintf("drill of generation %d passed", present))
}

// ours makes sure that a challenge was given here, lately.
func (s *Service) ours(ctx context.Context, challenge []byte) error {
	stale := errs.New(errs.Unprocessable, "the challenge was not given here, or is too old: begin the drill again")
	if len(challenge) < challengeSize {
		return stale
	}
	want, err := s.stamp(ctx, challenge)
	if err != nil {
		return err
	}
	age := s.cfg.Clock().Sub(time.UnixMilli(int64(binary.BigEndian.Uint64(challenge))))
	if !hmac.Equal(want, challenge) || age < 0 || age > challengeLife {
		return stale
	}
	return nil
}
