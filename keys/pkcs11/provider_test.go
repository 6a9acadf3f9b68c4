//go:build pkcs11

package pkcs11

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	p11 "github.com/miekg/pkcs11"

	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
	"github.com/tutela-health/tutela/keys/keystest"
)

const (
	tokenLabel = "tutela tests"
	userPIN    = "27182818"
)

// TestMain makes a SoftHSM token: one configuration counts for a whole process.
func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "softhsm")
	if err == nil {
		err = initToken(dir)
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

func initToken(dir string) error {
	conf := filepath.Join(dir, "softhsm2.conf")
	if err := os.WriteFile(conf, []byte("directories.tokendir = "+dir+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600); err != nil {
		return err
	}
	if err := os.Setenv("SOFTHSM2_CONF", conf); err != nil {
		return err
	}
	return exec.Command("softhsm2-util", "--init-token", "--free", "--label", tokenLabel, "--so-pin", "31415926", "--pin", userPIN).Run()
}

// library is where Debian, Fedora and Homebrew put SoftHSM.
func library(t *testing.T) string {
	t.Helper()
	for _, path := range []string{"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so", "/opt/homebrew/lib/softhsm/libsofthsm2.so"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatal("SoftHSM is not installed: run scripts/deps.sh")
	return ""
}

func config(t *testing.T) Config {
	return Config{Module: library(t), Token: tokenLabel, Label: strings.ReplaceAll(t.Name(), "/", " "), PIN: []byte(userPIN)}
}

func open(t *testing.T) *Provider {
	t.Helper()
	p, err := Open(t.Context(), config(t))
	if err != nil {
		t.Fatal(err)
	}
	return p.(*Provider)
}

func TestConforms(t *testing.T) {
	keystest.Provider(t, func(t *testing.T) keys.Provider { return open(t) })
}

// TestOutage: the token is unplugged, which is to say that none has its name.
func TestOutage(t *testing.T) {
	keystest.Outage(t, func(t *testing.T) keystest.Remote {
		p := open(t)
		return keystest.Remote{
			Provider: p,
			Down:     func() { p.cfg.Token = "elsewhere" },
			Up:       func() { p.cfg.Token = tokenLabel },
		}
	})
}

func TestKeysOfOtherSystemsAreNotThere(t *testing.T) {
	one, err := Open(t.Context(), Config{Module: library(t), Token: tokenLabel, Label: t.Name() + " one", PIN: []byte(userPIN)})
	if err != nil {
		t.Fatal(err)
	}
	if err := one.Create(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	for _, label := range []string{t.Name() + " on", t.Name(), t.Name() + " one generation"} {
		other, err := Open(t.Context(), Config{Module: library(t), Token: tokenLabel, Label: label, PIN: []byte(userPIN)})
		if err != nil {
			t.Fatal(err)
		}
		if list, err := other.Generations(t.Context()); err != nil || len(list) > 0 {
			t.Errorf("%q sees %v (%v)", label, list, err)
		}
		if _, err := other.Wrap(t.Context(), 1, []byte("k"), nil); !errs.Is(err, errs.NotFound) {
			t.Errorf("%q: %v", label, err)
		}
	}
}

// TestKeysThatCouldBeCopiedAreNotUsed: who may write to the token puts a key of his own in the place of
// a generation, or beside it.
func TestKeysThatCouldBeCopiedAreNotUsed(t *testing.T) {
	p := open(t)
	plant(t, p, 1)
	if _, err := p.Wrap(t.Context(), 1, []byte("k"), nil); !errs.Is(err, errs.Conflict) {
		t.Errorf("wrapped under a planted key: %v", err)
	}
	if err := p.Create(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	plant(t, p, 2)
	if _, err := p.Wrap(t.Context(), 2, []byte("k"), nil); !errs.Is(err, errs.Conflict) {
		t.Errorf("wrapped where two keys have one name: %v", err)
	}
}

// plant puts a known key onto the token under a generation's name.
func plant(t *testing.T, p *Provider, generation int) {
	t.Helper()
	_, err := within(t.Context(), p, &p.mu, func(s session) (p11.ObjectHandle, error) {
		return s.CreateObject(s.handle, []*p11.Attribute{
			p11.NewAttribute(p11.CKA_CLASS, p11.CKO_SECRET_KEY), p11.NewAttribute(p11.CKA_KEY_TYPE, p11.CKK_AES), p11.NewAttribute(p11.CKA_TOKEN, true),
			p11.NewAttribute(p11.CKA_LABEL, p.label(generation)), p11.NewAttribute(p11.CKA_VALUE, make([]byte, keys.Size)),
			p11.NewAttribute(p11.CKA_ENCRYPT, true), p11.NewAttribute(p11.CKA_DECRYPT, true),
			p11.NewAttribute(p11.CKA_SENSITIVE, true), p11.NewAttribute(p11.CKA_EXTRACTABLE, false),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestKeysDoNotComeOut asks the token for a generation's key by every way that PKCS#11 has.
func TestKeysDoNotComeOut(t *testing.T) {
	p := open(t)
	for g := 1; g <= 2; g++ {
		if err := p.Create(t.Context(), g); err != nil {
			t.Fatal(err)
		}
	}
	_, err := within(t.Context(), p, &p.mu, func(s session) (none struct{}, err error) {
		h, err := s.key(p.label(1), 1)
		if err != nil {
			return none, err
		}
		if a, err := s.GetAttributeValue(s.handle, h, []*p11.Attribute{p11.NewAttribute(p11.CKA_VALUE, nil)}); err == nil && len(a[0].Value) > 0 {
			t.Error("the token gave the key's value")
		}
		for _, change := range []*p11.Attribute{p11.NewAttribute(p11.CKA_EXTRACTABLE, true), p11.NewAttribute(p11.CKA_SENSITIVE, false), p11.NewAttribute(p11.CKA_LABEL, "x")} {
			if s.SetAttributeValue(s.handle, h, []*p11.Attribute{change}) == nil {
				t.Errorf("the token let attribute %d of the key be changed", change.Type)
			}
		}
		other, err := s.key(p.label(2), 2)
		if err != nil {
			return none, err
		}
		if _, err := s.WrapKey(s.handle, []*p11.Mechanism{p11.NewMechanism(p11.CKM_AES_KEY_WRAP, nil)}, other, h); err == nil {
			t.Error("the token wrapped the key out")
		}
		return none, nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAWrongPINIsTriedOnce: a token locks itself after a few.
func TestAWrongPINIsTriedOnce(t *testing.T) {
	cfg := config(t)
	cfg.PIN = []byte("00000000")
	if _, err := Open(t.Context(), cfg); err == nil || strings.Contains(err.Error(), "00000000") {
		t.Fatalf("opened with a wrong PIN, or told it: %v", err)
	}
	p := open(t)
	p.cfg.PIN = cfg.PIN
	for range 20 {
		if _, err := p.Generations(t.Context()); err == nil {
			t.Fatal("a wrong PIN counts")
		}
	}
	if _, err := Open(t.Context(), config(t)); err != nil {
		t.Errorf("the token locked itself: %v", err)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	cfg := config(t)
	cfg.Module = filepath.Join(t.TempDir(), "none.so")
	if _, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), cfg.Module) {
		t.Errorf("no library: %v", err)
	}
	cfg = config(t)
	cfg.Token = "nobody's"
	if _, err := Open(t.Context(), cfg); !errs.Is(err, errs.Unavailable) || !strings.Contains(err.Error(), "nobody's") {
		t.Errorf("no token: %v", err)
	}
}

// TestATokenIsUsedByManyAtOnce as two tenants of a process, and another provider, would.
func TestATokenIsUsedByManyAtOnce(t *testing.T) {
	one, other := open(t), open(t)
	if err := one.Create(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	wrapped, err := one.Wrap(t.Context(), 1, []byte("a key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	results := make(chan error, 40)
	for i := range cap(results) {
		p := one
		if i%2 == 0 {
			p = other
		}
		go func() {
			_, err := p.Unwrap(t.Context(), 1, wrapped, nil)
			results <- err
		}()
	}
	for range cap(results) {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}
