//go:build pkcs11

package pkcs11

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	p11 "github.com/miekg/pkcs11"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// Provider is a keys.Provider over a token.
type Provider struct {
	module  *p11.Ctx
	cfg     Config
	refused atomic.Bool // the PIN is wrong
	// mu lets Create and Destroy happen alone: there are tokens (SoftHSM with files among them) that fail when objects
	// are made or destroyed in one session while another looks for some.
	mu sync.RWMutex
}

// Open loads the token's library and logs in once, so that a wrong PIN shows at the start.
func Open(ctx context.Context, cfg Config) (keys.Provider, error) {
	module := p11.New(cfg.Module)
	if module == nil {
		return nil, fmt.Errorf("load the PKCS#11 library %s: it is not there, or is no such library", cfg.Module)
	}
	err := module.Initialize() // for the whole process, which other tenants share: never finalised
	if err != nil && !errors.Is(err, p11.Error(p11.CKR_CRYPTOKI_ALREADY_INITIALIZED)) {
		return nil, told("initialise the PKCS#11 library", err)
	}
	p := &Provider{module: module, cfg: cfg}
	if _, err := p.Generations(ctx); err != nil {
		return nil, fmt.Errorf("open token: %w", err)
	}
	return p, nil
}

// Name is "pkcs11".
func (*Provider) Name() string { return "pkcs11" }

// Create has the token make a generation's key. Labels are not unique in PKCS#11: whoever finds two
// after making one takes his own back.
func (p *Provider) Create(ctx context.Context, generation int) error {
	_, err := within(ctx, p, &p.mu, func(s session) (none struct{}, err error) {
		if err := s.unused(p.label(generation), generation); err != nil {
			return none, err
		}
		own, err := s.GenerateKey(s.handle, []*p11.Mechanism{p11.NewMechanism(p11.CKM_AES_KEY_GEN, nil)}, generationKey(p.label(generation)))
		if err != nil {
			return none, told("generate key", err)
		}
		all, err := s.find(p11.CKO_SECRET_KEY, p.label(generation))
		if err == nil && len(all) != 1 {
			err = errs.New(errs.Conflict, "key generation %d was made twice at once", generation)
		}
		if err != nil {
			err = errors.Join(err, told("take the key back", s.DestroyObject(s.handle, own)))
		}
		return none, err
	})
	return err
}

// unused makes sure that a generation neither is there nor was.
func (s session) unused(label string, generation int) error {
	there, err := s.find(p11.CKO_SECRET_KEY, label)
	if err != nil {
		return err
	}
	gone, err := s.find(p11.CKO_DATA, label+destroyedSuffix)
	switch {
	case err != nil:
		return err
	case len(gone) > 0:
		return errs.New(errs.Conflict, "key generation %d was destroyed; generations are not used twice", generation)
	case len(there) > 0:
		return errs.New(errs.Conflict, "key generation %d exists", generation)
	}
	return nil
}

// generationKey is what a generation's key is made as: it encrypts, and does not come out.
func generationKey(label string) []*p11.Attribute {
	return []*p11.Attribute{
		p11.NewAttribute(p11.CKA_CLASS, p11.CKO_SECRET_KEY), p11.NewAttribute(p11.CKA_KEY_TYPE, p11.CKK_AES),
		p11.NewAttribute(p11.CKA_VALUE_LEN, keys.Size), p11.NewAttribute(p11.CKA_LABEL, label),
		p11.NewAttribute(p11.CKA_TOKEN, true), p11.NewAttribute(p11.CKA_PRIVATE, true),
		p11.NewAttribute(p11.CKA_SENSITIVE, true), p11.NewAttribute(p11.CKA_EXTRACTABLE, false), p11.NewAttribute(p11.CKA_MODIFIABLE, false),
		p11.NewAttribute(p11.CKA_ENCRYPT, true), p11.NewAttribute(p11.CKA_DECRYPT, true),
		p11.NewAttribute(p11.CKA_WRAP, false), p11.NewAttribute(p11.CKA_UNWRAP, false), p11.NewAttribute(p11.CKA_SIGN, false), p11.NewAttribute(p11.CKA_VERIFY, false),
	}
}

// Generations lists what is there.
func (p *Provider) Generations(ctx context.Context) ([]int, error) {
	return within(ctx, p, p.mu.RLocker(), func(s session) ([]int, error) {
		all, err := s.find(p11.CKO_SECRET_KEY, "")
		if err != nil {
			return nil, err
		}
		var list []int
		for _, h := range all {
			a, err := s.GetAttributeValue(s.handle, h, []*p11.Attribute{p11.NewAttribute(p11.CKA_LABEL, nil)})
			if errors.Is(err, p11.Error(p11.CKR_OBJECT_HANDLE_INVALID)) {
				continue // destroyed meanwhile
			}
			if err != nil {
				return nil, told("read label", err)
			}
			if n, ok := p.generation(string(a[0].Value)); ok && !slices.Contains(list, n) {
				list = append(list, n)
			}
		}
		slices.Sort(list)
		return list, nil
	})
}

// What a wrapped key begins with, and the lengths of SP 800-38D.
const (
	wrapVersion = 1
	nonceSize   = 12
	tagSize     = 16
)

// Wrap has the token seal plain by AES-256-GCM: version ‖ nonce ‖ ciphertext ‖ tag. The nonce comes
// of this process's random bit generator; a token that chooses its own puts it in its place.
func (p *Provider) Wrap(ctx context.Context, generation int, plain, aad []byte) ([]byte, error) {
	nonce := make([]byte, nonceSize)
	_, _ = rand.Read(nonce) // never fails: it ends the process instead
	return within(ctx, p, p.mu.RLocker(), func(s session) ([]byte, error) {
		h, err := s.key(p.label(generation), generation)
		if err != nil {
			return nil, err
		}
		params := p11.NewGCMParams(nonce, place(generation, aad), 8*tagSize)
		defer params.Free()
		if err := s.EncryptInit(s.handle, []*p11.Mechanism{p11.NewMechanism(p11.CKM_AES_GCM, params)}, h); err != nil {
			return nil, told("begin to wrap", err)
		}
		sealed, err := s.Encrypt(s.handle, plain)
		if err != nil {
			return nil, told("wrap", err)
		}
		return slices.Concat([]byte{wrapVersion}, params.IV(), sealed), nil
	})
}

// Unwrap opens what Wrap sealed.
func (p *Provider) Unwrap(ctx context.Context, generation int, wrapped, aad []byte) ([]byte, error) {
	return within(ctx, p, p.mu.RLocker(), func(s session) ([]byte, error) {
		h, err := s.key(p.label(generation), generation)
		if err != nil {
			return nil, err
		}
		if len(wrapped) < 1+nonceSize+tagSize || wrapped[0] != wrapVersion {
			return nil, keys.ErrSealed
		}
		params := p11.NewGCMParams(wrapped[1:1+nonceSize], place(generation, aad), 8*tagSize)
		defer params.Free()
		if err := s.DecryptInit(s.handle, []*p11.Mechanism{p11.NewMechanism(p11.CKM_AES_GCM, params)}, h); err != nil {
			return nil, told("begin to unwrap", err)
		}
		plain, err := s.Decrypt(s.handle, wrapped[1+nonceSize:])
		if refusal(err) {
			return nil, fmt.Errorf("unwrap: %w", keys.ErrSealed)
		}
		return plain, told("unwrap", err)
	})
}

// refusal tells a ciphertext that does not open from a token that does not work. Tokens do not agree
// on the code.
func refusal(err error) bool {
	var code p11.Error
	return errors.As(err, &code) && slices.Contains([]p11.Error{
		p11.CKR_ENCRYPTED_DATA_INVALID, p11.CKR_ENCRYPTED_DATA_LEN_RANGE, p11.CKR_DATA_INVALID, p11.CKR_DATA_LEN_RANGE,
		p11.CKR_SIGNATURE_INVALID, p11.CKR_GENERAL_ERROR,
	}, code)
}

// Destroy has the token destroy a generation's key, looks that it is gone, and leaves an object behind
// that keeps the number from being used again.
func (p *Provider) Destroy(ctx context.Context, generation int) error {
	label := p.label(generation)
	_, err := within(ctx, p, &p.mu, func(s session) (none struct{}, err error) {
		all, err := s.find(p11.CKO_SECRET_KEY, label)
		if err == nil && len(all) == 0 {
			err = missing(generation)
		}
		if err == nil {
			err = s.mark(label + destroyedSuffix)
		}
		if err != nil {
			return none, err
		}
		for _, h := range all {
			if err := s.DestroyObject(s.handle, h); err != nil && !errors.Is(err, p11.Error(p11.CKR_OBJECT_HANDLE_INVALID)) {
				return none, told("destroy key", err)
			}
		}
		left, err := s.find(p11.CKO_SECRET_KEY, label)
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("key generation %d is still on the token after it was destroyed", generation)
		}
		return none, err
	})
	return err
}

// mark makes the object that says that a number was used, unless it is there.
func (s session) mark(label string) error {
	there, err := s.find(p11.CKO_DATA, label)
	if err != nil || len(there) > 0 {
		return err
	}
	_, err = s.CreateObject(s.handle, []*p11.Attribute{
		p11.NewAttribute(p11.CKA_CLASS, p11.CKO_DATA), p11.NewAttribute(p11.CKA_LABEL, label), p11.NewAttribute(p11.CKA_APPLICATION, "tutela"),
		p11.NewAttribute(p11.CKA_TOKEN, true), p11.NewAttribute(p11.CKA_PRIVATE, true), p11.NewAttribute(p11.CKA_MODIFIABLE, false),
		p11.NewAttribute(p11.CKA_VALUE, []byte("destroyed")),
	})
	return told("mark generation destroyed", err)
}

// key finds a generation's key, and does not take one that others could have a copy of.
func (s session) key(label string, generation int) (p11.ObjectHandle, error) {
	all, err := s.find(p11.CKO_SECRET_KEY, label)
	switch {
	case err != nil:
		return 0, err
	case len(all) == 0:
		return 0, missing(generation)
	case len(all) > 1:
		return 0, errs.New(errs.Conflict, "%d keys on the token are named generation %d: somebody put one there", len(all), generation)
	}
	a, err := s.GetAttributeValue(s.handle, all[0], []*p11.Attribute{
		p11.NewAttribute(p11.CKA_LOCAL, nil), p11.NewAttribute(p11.CKA_ALWAYS_SENSITIVE, nil), p11.NewAttribute(p11.CKA_NEVER_EXTRACTABLE, nil),
	})
	if errors.Is(err, p11.Error(p11.CKR_OBJECT_HANDLE_INVALID)) {
		return 0, missing(generation)
	}
	if err != nil {
		return 0, told("look at key", err)
	}
	for _, one := range a {
		if len(one.Value) != 1 || one.Value[0] != 1 {
			return 0, errs.New(errs.Conflict, "the key of generation %d was not made on the token to stay there: there may be copies of it", generation)
		}
	}
	return all[0], nil
}

// find gives the objects of a class and label; of every label for "".
func (s session) find(class uint, label string) ([]p11.ObjectHandle, error) {
	template := []*p11.Attribute{p11.NewAttribute(p11.CKA_CLASS, class), p11.NewAttribute(p11.CKA_TOKEN, true)}
	if label != "" {
		template = append(template, p11.NewAttribute(p11.CKA_LABEL, label))
	}
	if err := s.FindObjectsInit(s.handle, template); err != nil {
		return nil, told("find objects", err)
	}
	var all []p11.ObjectHandle
	for {
		some, _, err := s.FindObjects(s.handle, 100)
		if err != nil || len(some) == 0 {
			return all, errors.Join(told("find objects", err), told("find objects", s.FindObjectsFinal(s.handle)))
		}
		all = append(all, some...)
	}
}

const destroyedSuffix = " destroyed"

func (p *Provider) label(generation int) string {
	return fmt.Sprintf("tutela %s generation %06d", p.cfg.Label, generation)
}

// generation reads a label.
func (p *Provider) generation(label string) (n int, ok bool) {
	_, number, found := strings.Cut(label, "tutela "+p.cfg.Label+" generation ")
	if _, err := fmt.Sscanf(number, "%d", &n); !found || err != nil {
		return 0, false
	}
	return n, label == p.label(n)
}

func missing(generation int) error {
	return errs.New(errs.NotFound, "no key of generation %d", generation)
}

// place binds a wrapped key to its generation and to aad.
func place(generation int, aad []byte) []byte {
	return append(binary.BigEndian.AppendUint64([]byte("tutela keyring-key"), uint64(generation)), aad...)
}
