package keys

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"reflect"
	"runtime"
	"time"
	"unsafe"

	"github.com/tutela-health/tutela/internal/errs"
)

// Size is the length of every symmetric key in bytes: AES-256.
const Size = 32

// Overhead is what sealing adds: a 12-byte nonce before and a 16-byte tag after.
const Overhead = 12 + 16

// Key is an opened key. It seals and opens, and tells nothing of itself: no String, no
// JSON, redacted in logs. When the last holder lets go, its memory is zeroed.
type Key struct {
	aead    cipher.AEAD
	roots   *[Size]byte // of the MACs that are derived; never the key itself
	version int
	born    time.Time // when a Ring made it; set before anybody else has the key
}

// Version is the key's version, which the rows it seals remember.
func (k *Key) Version() int { return k.version }

// LogValue hides the key.
func (*Key) LogValue() slog.Value { return slog.StringValue("redacted") }

// Format hides the key from every verb of fmt.
func (*Key) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("redacted")) }

// Seal appends nonce ‖ ciphertext ‖ tag of plaintext to dst.
func (k *Key) Seal(dst, plaintext []byte, aad AAD) []byte {
	defer runtime.KeepAlive(k) // else wipe may run while the AEAD works
	var buf [128]byte
	return k.aead.Seal(dst, nil, plaintext, aad.encode(buf[:0], k.version))
}

// Open appends the plaintext of sealed to dst. It fails when one bit of sealed or of its
// place differs.
func (k *Key) Open(dst, sealed []byte, aad AAD) ([]byte, error) {
	defer runtime.KeepAlive(k)
	var buf [128]byte
	plain, err := k.aead.Open(dst, nil, sealed, aad.encode(buf[:0], k.version))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", aad.Purpose, ErrSealed)
	}
	return plain, nil
}

// ErrSealed says that a ciphertext did not open: altered, moved, or under another key.
var ErrSealed = errs.New(errs.Internal, "ciphertext does not open: altered, moved, or sealed under another key")

// NewKey makes a Key of 32 secret bytes and zeroes them.
func NewKey(secret []byte, version int) (*Key, error) {
	defer clear(secret)
	if len(secret) != Size {
		return nil, fmt.Errorf("key of %d bytes, want %d", len(secret), Size)
	}
	roots, err := hkdf.Expand(sha256.New, secret, "tutela: derived keys", Size)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, fmt.Errorf("schedule key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("build AEAD: %w", err)
	}
	zero(reflect.ValueOf(block)) // the AEAD holds its own copy of the schedule
	k := &Key{aead: aead, roots: (*[Size]byte)(roots), version: version}
	runtime.AddCleanup(k, wipe, aead)
	runtime.AddCleanup(k, func(roots *[Size]byte) { clear(roots[:]) }, k.roots)
	return k, nil
}

// MAC derives a MAC for a purpose (HKDF, RFC 5869, 2.3: the key is uniformly random already). It tells
// nothing of what the key seals, nor of the MACs for other purposes, and is gone when the key is destroyed.
func (k *Key) MAC(purpose string) (*MAC, error) {
	defer runtime.KeepAlive(k)
	secret, err := hkdf.Expand(sha256.New, k.roots[:], purpose, Size)
	if err != nil {
		return nil, fmt.Errorf("derive %s key: %w", purpose, err)
	}
	return NewMAC(secret), nil
}

// wipe zeroes the key schedule inside an AEAD. The standard library gives no way to do so;
// its AEAD is a struct around one pointer to plain memory, which TestWipe holds.
func wipe(aead cipher.AEAD) {
	if v := reflect.ValueOf(aead); v.Kind() == reflect.Struct && v.NumField() > 0 {
		zero(v.Field(0))
	}
}

// zero clears the memory that a pointer points to.
func zero(p reflect.Value) {
	if p.Kind() == reflect.Pointer && !p.IsNil() {
		clear(unsafe.Slice((*byte)(p.UnsafePointer()), p.Type().Elem().Size()))
	}
}

// random returns n bytes from the module's random bit generator (SP 800-90A).
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return b
}

// NewSecret returns 32 random bytes for a key that its maker will wrap.
func NewSecret() []byte { return random(Size) }
