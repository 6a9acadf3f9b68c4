package audit

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/keys"
)

// saltSize is the length of the random salt before every plaintext: without it a
// commitment would confirm guesses after the key is gone.
const saltSize = 16

// errCommitment says that a plaintext is not the one that was committed to.
var errCommitment = errors.New("plaintext does not match its commitment")

// keyring is what audit needs of a keys.Ring.
type keyring interface {
	Current(ctx context.Context, kind tutela.KeyKind, id int64) (*keys.Key, error)
	At(ctx context.Context, kind tutela.KeyKind, id int64, version int) (*keys.Key, error)
	Secret(ctx context.Context, name string) ([]byte, error)
}

// dayOf numbers a day in UTC since 1970-01-01.
func dayOf(t time.Time) uint32 { return uint32(t.Unix() / 86400) }

// scratch is room for a plaintext that is about to be sealed.
type scratch struct{ b []byte }

// maxScratch bounds what is kept for the next one.
const maxScratch = 8 << 10

// unsalted gives room with space for a salt, behind which the plaintext is appended. wipe takes it back.
func (l *Log) unsalted() *scratch {
	s, ok := l.scratch.Get().(*scratch)
	if !ok {
		s = &scratch{make([]byte, 0, 1<<10)}
	}
	s.b = append(s.b[:0], make([]byte, saltSize)...)
	return s
}

// wipe clears what was sealed.
func (l *Log) wipe(s *scratch) {
	clear(s.b)
	if cap(s.b) <= maxScratch {
		l.scratch.Put(s)
	}
}

// salt fills in the salt before a plaintext and gives the commitment to both.
func salt(salted []byte) [32]byte {
	_, _ = rand.Read(salted[:saltSize]) // never fails: it ends the process instead
	return sha256.Sum256(salted)
}

// appendBox seals a salted plaintext into the box that a leaf holds.
func appendBox(dst []byte, k *keys.Key, commitment [32]byte, salted []byte, aad keys.AAD) []byte {
	dst = beginBox(dst, k.Version(), commitment, len(salted)+keys.Overhead)
	return k.Seal(dst, salted, aad)
}

// openBox gives salt ‖ plaintext, checked against the commitment.
func openBox(k *keys.Key, b box, aad keys.AAD) ([]byte, error) {
	salted, err := k.Open(nil, b.sealed, aad)
	if err != nil {
		return nil, err
	}
	return salted, checkCommitment(b.commitment, salted)
}

func checkCommitment(want [32]byte, salted []byte) error {
	got := sha256.Sum256(salted)
	if len(salted) < saltSize || subtle.ConstantTimeCompare(got[:], want[:]) == 0 {
		return errCommitment
	}
	return nil
}

// headerAAD binds a header to its tenant, day and commitment, which covers the entry's id.
func headerAAD(t tutela.Tenant, day uint32, commitment []byte) keys.AAD {
	return keys.AAD{Tenant: t, Purpose: "ledger-header", Subject: commitment, ID: int64(day)}
}

// sectionAAD binds a section to its header, patient and place in the entry.
func sectionAAD(t tutela.Tenant, header []byte, patient tutela.Bucket, number int) keys.AAD {
	return keys.AAD{Tenant: t, Purpose: "ledger-section", Subject: header, ID: int64(patient), Version: int64(number)}
}

// sectionKind says which kind of key a section of patient lies under.
func sectionKind(patient tutela.Bucket) (tutela.KeyKind, error) {
	switch patient {
	case tutela.BucketGeneral:
		return tutela.KeyGeneral, nil
	case tutela.BucketShared:
		return "", errs.New(errs.Internal, "a ledger section concerns one patient, or none")
	}
	return tutela.KeyPatient, nil
}

// openHeader gives salt ‖ plaintext of a leaf's header.
func (l *Log) openHeader(ctx context.Context, f leaf) ([]byte, error) {
	k, err := l.keys.At(ctx, tutela.KeyDay, int64(f.day), f.header.keyVersion)
	if err != nil {
		return nil, fmt.Errorf("key of day %d: %w", f.day, err)
	}
	salted, err := openBox(k, f.header, headerAAD(l.cfg.Tenant, f.day, f.header.commitment[:]))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTampered, err)
	}
	return salted, nil
}

// openEntry gives the entry in a leaf's header.
func (l *Log) openEntry(ctx context.Context, f leaf) (tutela.Entry, error) {
	salted, err := l.openHeader(ctx, f)
	if err != nil {
		return tutela.Entry{}, err
	}
	return decodeHeader(salted[saltSize:])
}

// openSection gives salt ‖ body of a leaf's n-th section; errs.NotFound when its key was destroyed.
func (l *Log) openSection(ctx context.Context, f leaf, n int) ([]byte, error) {
	s := f.sections[n]
	kind, err := sectionKind(s.patient)
	if err != nil {
		return nil, err
	}
	k, err := l.keys.At(ctx, kind, int64(s.patient), s.keyVersion)
	if err != nil {
		return nil, fmt.Errorf("key of section %d: %w", n, err)
	}
	return openBox(k, s.box, sectionAAD(l.cfg.Tenant, f.header.commitment[:], s.patient, n))
}
