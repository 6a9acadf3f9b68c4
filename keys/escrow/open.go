package escrow

import (
	"bytes"
	"context"
	"crypto/ecdh"
	"fmt"
	"log/slog"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// Opened is what enough shares opened: the keyring key of one generation. It prints as nothing.
type Opened struct {
	about  About
	secret []byte
}

// Open joins share files and opens a wrap with the recovery key that they give. private are the holders'
// keys that sealed shares need. Its errors name the share that was altered, or how many are missing.
func Open(shares [][]byte, wrap []byte, private ...*ecdh.PrivateKey) (*Opened, error) {
	w, err := readWrap(wrap)
	if err != nil {
		return nil, err
	}
	key, err := join(shares, w, private)
	if err != nil {
		return nil, err
	}
	secret, err := openWith(key, w.Sealed, w.place())
	if err != nil || len(secret) != keys.Size {
		return nil, errs.New(errs.Invalid, "the wrap was altered: it does not open with the shares")
	}
	return &Opened{about: About{w.Set, w.Tenant, w.Generation, w.Made}, secret: secret}, nil
}

// About says of which tenant and generation the keyring key is.
func (o *Opened) About() About { return o.about }

// Close zeroes the key.
func (o *Opened) Close() { clear(o.secret) }

// LogValue hides the key.
func (*Opened) LogValue() slog.Value { return slog.StringValue("redacted") }

// Format hides the key from every verb of fmt.
func (*Opened) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("redacted")) }

// drillPurpose is that of the MAC by which a drill shows that the right key was opened.
const drillPurpose = "tutela recovery drill"

// Prove answers a challenge with the opened key, without giving it.
func (o *Opened) Prove(challenge []byte) ([]byte, error) {
	k, err := keys.NewKey(bytes.Clone(o.secret), o.about.Generation)
	if err != nil {
		return nil, err
	}
	mac, err := k.MAC(drillPurpose)
	if err != nil {
		return nil, err
	}
	return mac.Sum(nil, challenge), nil
}

// Answer is what Prove gives where the wrap held the living keyring key of its generation.
func Answer(ctx context.Context, ring *keys.Ring, generation int, challenge []byte) ([]byte, error) {
	mac, err := ring.KeyringMAC(ctx, generation, drillPurpose)
	if err != nil {
		return nil, err
	}
	return mac.Sum(nil, challenge), nil
}

// Provider gives a keys.Provider that opens the keyring of that one generation and does nothing else: a
// restored system starts on it and makes a generation under a provider of its own at once. It works until Close.
func (o *Opened) Provider() keys.Provider { return provider{o} }

type provider struct{ opened *Opened }

// Name is "recovery".
func (p provider) Name() string { return "recovery" }

func (p provider) Generations(context.Context) ([]int, error) {
	return []int{p.opened.about.Generation}, nil
}

// Unwrap gives the keyring key, for the place where it belongs.
func (p provider) Unwrap(_ context.Context, generation int, _, aad []byte) ([]byte, error) {
	about := p.opened.about
	if generation != about.Generation || !bytes.Equal(aad, keys.KeyringPlace(about.Tenant, generation)) {
		return nil, errs.New(errs.NotFound, "the recovery wrap is of generation %d of %s, and of no other", about.Generation, about.Tenant)
	}
	return bytes.Clone(p.opened.secret), nil
}

func (provider) Create(context.Context, int) error { return onlyOpens() }

func (provider) Wrap(context.Context, int, []byte, []byte) ([]byte, error) {
	return nil, onlyOpens()
}

// Destroy cannot: what destroys a recovery wrap is that its holders destroy their files.
func (provider) Destroy(context.Context, int) error { return onlyOpens() }

func onlyOpens() error {
	return errs.New(errs.Unsupported, "recovery shares open a keyring and do nothing else: rotate to a key provider")
}
