package identity

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	_ "embed"
	"fmt"
	"strings"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/tutela-health/tutela/internal/clock"
	"github.com/tutela-health/tutela/internal/errs"
)

// Verifier is a password in the only form that is kept: PBKDF2-HMAC-SHA-256 (SP 800-132).
type Verifier struct {
	Salt       []byte `json:"salt"`
	Iterations int    `json:"iterations"`
	Hash       []byte `json:"hash"`
}

// iterations follows OWASP's Password Storage Cheat Sheet for PBKDF2-HMAC-SHA-256.
const iterations = 600_000

func (v Verifier) derive(password string) ([]byte, error) {
	h, err := pbkdf2.Key(sha256.New, password, v.Salt, max(v.Iterations, 1), sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("derive password verifier: %w", err)
	}
	return h, nil
}

// hasher derives verifiers, few at a time and with rests between: a flood of logins waits for
// itself and not for the processors that reads of charts need.
type hasher struct {
	derive     func(Verifier, string) ([]byte, error)
	iterations int
	clock      clock.Clock
	slots      chan struct{}
	rest       float64 // how long a slot rests, in what its work took
	waiting    atomic.Int64
}

const (
	// hashShare is the part of the processors that proving passwords takes at most: one in so many.
	// Where reads want all of them, a part of a quarter costs reads more than a quarter (measured on
	// two cores, docs/performance.md).
	hashShare = 8
	// queuedHashes is how many logins may wait, and queuedFor how long each: well within what a
	// browser, and the server's own limit on an answer, wait.
	queuedHashes = 100
	queuedFor    = 20 * time.Second
)

func newHasher(now clock.Clock, processors int) *hasher {
	slots := max(processors/hashShare, 1)
	return &hasher{
		derive: Verifier.derive, iterations: iterations, clock: now, slots: make(chan struct{}, slots),
		rest: max(0, float64(slots*hashShare)/float64(processors)-1),
	}
}

// full reports whether one more would be refused.
func (h *hasher) full() bool { return h.waiting.Load() >= queuedHashes+int64(cap(h.slots)) }

func errCrowd() error {
	return errs.New(errs.TooMany, "too many logins at once; try again in a minute")
}

// hash waits for its turn, for as long as the crowd lets it hope for one, and derives. The slot then rests, by rest in what the work took.
func (h *hasher) hash(ctx context.Context, v Verifier, password string, rest float64) ([]byte, error) {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > queuedHashes+int64(cap(h.slots)) {
		return nil, errCrowd()
	}
	turn := time.NewTimer(queuedFor)
	defer turn.Stop()
	select {
	case h.slots <- struct{}{}:
	case <-turn.C:
		return nil, errCrowd()
	case <-ctx.Done():
		return nil, errs.Wrap(errs.Unavailable, ctx.Err(), "the login was not finished in time")
	}
	began := h.clock()
	defer func() { h.leave(time.Duration(float64(h.clock().Sub(began)) * rest)) }()
	return h.derive(v, normalPassword(password))
}

// leave gives a slot to the next, after a rest. Who was served waits for none of it.
func (h *hasher) leave(rest time.Duration) {
	if rest <= 0 {
		<-h.slots
		return
	}
	time.AfterFunc(rest, func() { <-h.slots })
}

// make derives the verifier of a new password. That is rare, and no flood can ask for it.
func (h *hasher) make(ctx context.Context, password string) (Verifier, error) {
	v := Verifier{Salt: randomBytes(16), Iterations: h.iterations}
	var err error
	v.Hash, err = h.hash(ctx, v, password, 0)
	return v, err
}

// matches compares in constant time. Where there is no verifier it does the same work for nothing.
func (h *hasher) matches(ctx context.Context, v Verifier, password string) (bool, error) {
	known := len(v.Hash) == sha256.Size
	if !known {
		v = Verifier{Salt: make([]byte, 16), Iterations: h.iterations, Hash: make([]byte, sha256.Size)}
	}
	got, err := h.hash(ctx, v, password, h.rest)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, v.Hash) == 1 && known, nil
}

// normalPassword is the form that is hashed: the same text typed on different keyboards is the
// same password (NIST SP 800-63B-4, 3.1.1.2), and one beyond any that is accepted costs no more.
func normalPassword(p string) string {
	return norm.NFKC.String(p[:min(len(p), 4*maxPassword)])
}

// Lengths of passwords, in characters.
const (
	minPassword = 12
	maxPassword = 128
)

// checkPassword holds a new password to NIST SP 800-63B-4, 3.1.1.2: long, not a common one, not
// built from the username, and no rule on its composition.
func checkPassword(username, password string) error {
	if n := utf8.RuneCountInString(password); n < minPassword || n > maxPassword || !utf8.ValidString(password) {
		return errs.New(errs.Unprocessable, "a password has %d to %d characters", minPassword, maxPassword)
	}
	folded := strings.ToLower(norm.NFKC.String(password))
	if name, _, _ := strings.Cut(foldUsername(username), "@"); len(name) >= 3 && strings.Contains(folded, name) {
		return errs.New(errs.Unprocessable, "a password does not contain the username")
	}
	if isCommon(folded) || isMonotonous(folded) {
		return errs.New(errs.Unprocessable, "this password is among the first that an attacker tries; choose another, such as four or more unrelated words")
	}
	return nil
}

//go:embed commonpasswords.txt
var commonPasswords string

// isCommon reports whether a lower-case password is a listed one or decorates one: with digits and
// signs around it, signs for letters, or the word repeated.
func isCommon(password string) bool {
	for _, form := range []string{password, core(password), unleet(password), core(unleet(password)), unleet(core(password))} {
		if listed(form) || listed(unit(form)) {
			return true
		}
	}
	return false
}

// listed looks a word up in the list: one a line, the file beginning and ending with a newline.
func listed(word string) bool {
	return len(word) >= 3 && !strings.ContainsRune(word, '\n') && strings.Contains(commonPasswords, "\n"+word+"\n")
}

// core is what is left without digits and signs on either side.
func core(p string) string {
	return strings.TrimFunc(p, func(r rune) bool { return !unicode.IsLetter(r) })
}

// unleet undoes the usual signs for letters.
func unleet(p string) string {
	return strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "8", "b", "@", "a", "$", "s", "!", "i").Replace(p)
}

// unit is the shortest text of which p is a repetition.
func unit(p string) string {
	for n := 1; n <= len(p)/2; n++ {
		if len(p)%n == 0 && strings.Repeat(p[:n], len(p)/n) == p {
			return p[:n]
		}
	}
	return p
}

// isMonotonous finds passwords of few different characters, short repetitions, and runs such as abcd and 4321.
func isMonotonous(p string) bool {
	runes := []rune(p)
	different := map[rune]bool{}
	run := 0
	for i, r := range runes {
		different[r] = true
		if i > 0 && r-runes[i-1] >= -1 && r-runes[i-1] <= 1 {
			run++
		}
	}
	return len(different) < 5 || len(unit(p)) <= 4 || 2*run > len(runes)
}
