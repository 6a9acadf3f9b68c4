package identity

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tutela-health/tutela/internal/errs"
)

func TestWeakPasswordsAreRefused(t *testing.T) {
	for name, p := range map[string]string{
		"short": "Xq7#rT9!mWz", "empty": "", "long": strings.Repeat("correct horse ", 10), "no text": "abc\xff\xfe" + strings.Repeat("hello you", 2),
		"listed": "qwertyuiop[]", "digits after": "Password1234", "signs around": "!!sunshine2024!!", "signs for letters": "p@$$w0rd12345",
		"twice": "dragondragon", "thrice": "monkeymonkeymonkey", "one letter": "aaaaaaaaaaaaaaaa", "four letters": "abababababab",
		"run": "abcdefghijkl", "run down": "987654321098", "digits": "123456789012", "short unit": "x7#qx7#qx7#q",
		"username": "zz-Ann.Lee-99zz!", "wide letters": "ｐａｓｓｗｏｒｄ１２３４",
	} {
		if err := checkPassword("ann.lee@clinic.test", p); !errs.Is(err, errs.Unprocessable) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGoodPasswordsNeedNoRules(t *testing.T) {
	for _, p := range []string{
		goodPassword, "onlylowercaseletterstogether", "häuser früh am morgen", "Tq9$vLm2#xRw", strings.Repeat("ab cd ef gh ij kl ", 7), "我喜欢在早晨喝一杯热茶吧",
	} {
		if err := checkPassword("ann.lee", p); err != nil {
			t.Errorf("%q: %v", p, err)
		}
	}
}

func TestListOfCommonPasswords(t *testing.T) {
	words := strings.Split(strings.Trim(commonPasswords, "\n"), "\n")
	if len(words) < 2000 {
		t.Errorf("%d words", len(words))
	}
	if !slices.IsSorted(words) || len(slices.Compact(slices.Clone(words))) != len(words) {
		t.Error("the list is not in order, or repeats a word")
	}
	for _, w := range words {
		if w != strings.ToLower(strings.TrimSpace(w)) || !listed(w) {
			t.Errorf("%q is never found", w)
		}
	}
	if listed("\npassword") || listed("") || listed("passwor") {
		t.Error("what is no line of the list counts as listed")
	}
}

func TestSamePasswordFromAnotherKeyboard(t *testing.T) {
	h := newHasher(noon, 16)
	h.iterations = 1
	v, err := h.make(t.Context(), "caf\u00e9 au lait, merci")
	must(t, err)
	if ok, err := h.matches(t.Context(), v, "cafe\u0301 au lait, merci"); !ok || err != nil {
		t.Errorf("matches: %v, %v", ok, err)
	}
}

// noon is a clock that stands still.
func noon() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// On few processors a slot rests after its work, so that hashing takes an eighth of them at most;
// whoever was served does not wait for that.
func TestHashingRestsWhereProcessorsAreFew(t *testing.T) {
	const work = time.Second
	for processors, all := range map[int]time.Duration{1: 17 * work, 2: 9 * work, 4: 5 * work, 8: 3 * work, 32: work} {
		synctest.Test(t, func(t *testing.T) {
			h := newHasher(time.Now, processors)
			h.derive = func(Verifier, string) ([]byte, error) {
				time.Sleep(work) // of the bubble's clock
				return make([]byte, 32), nil
			}
			began := time.Now()
			var crowd sync.WaitGroup
			for range 3 {
				crowd.Go(func() {
					_, err := h.matches(t.Context(), Verifier{}, "x")
					must(t, err)
				})
			}
			crowd.Wait()
			if took := time.Since(began); took != all {
				t.Errorf("on %d processors three hashes took %v, want %v", processors, took, all)
			}
			synctest.Wait()
			time.Sleep(time.Minute) // the last rest ends
			if len(h.slots) != 0 {
				t.Error("a slot is not given back")
			}
		})
	}
}

// Whoever gets no turn in time is told to come back while the connection still carries an answer.
func TestAWaitInTheCrowdEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHasher(time.Now, 1)
		h.derive = func(Verifier, string) ([]byte, error) {
			time.Sleep(2 * queuedFor) // of the bubble's clock
			return make([]byte, 32), nil
		}
		var crowd sync.WaitGroup
		var refused atomic.Int64
		began := time.Now()
		for range 3 {
			crowd.Go(func() {
				_, err := h.matches(t.Context(), Verifier{}, "x")
				if errs.Is(err, errs.TooMany) && time.Since(began) == queuedFor {
					refused.Add(1)
				}
			})
		}
		crowd.Wait()
		if refused.Load() != 2 || h.waiting.Load() != 0 {
			t.Errorf("%d were told to come back, want 2; %d wait", refused.Load(), h.waiting.Load())
		}
		time.Sleep(time.Hour) // the last rest ends
	})
}

// A login that would be refused for the crowd costs no look at the database.
func TestACrowdIsRefusedBeforeAnythingElse(t *testing.T) {
	each(t, func(t *testing.T, w *world, s *Service) {
		admin(t, w, s)
		s.hasher.waiting.Store(queuedHashes + int64(cap(s.hasher.slots)))
		before := w.left(t)
		_, err := s.BeginLogin(t.Context(), LoginRequest{Username: "root", Password: goodPassword, Address: someAddress})
		refused(t, "one more", err, errs.TooMany)
		if d := cmp.Diff(before, w.left(t)); d != "" {
			t.Error(d)
		}
		s.hasher.waiting.Store(0)
	})
}

// TestHashingLeavesProcessorsFree holds a flood of logins to its slots and its queue.
func TestHashingLeavesProcessorsFree(t *testing.T) {
	h := newHasher(noon, 16)
	slots := 2 // of 16 processors
	working, release := make(chan struct{}, 1000), make(chan struct{})
	h.derive = func(Verifier, string) ([]byte, error) {
		working <- struct{}{}
		<-release
		return make([]byte, 32), nil
	}
	results := make(chan error, 1000)
	const flood = 300
	for range flood {
		go func() {
			_, err := h.matches(context.Background(), Verifier{}, "x")
			results <- err
		}()
	}
	refusals := flood - queuedHashes - slots
	for range refusals {
		refused(t, "one too many", <-results, errs.TooMany)
	}
	for range slots {
		<-working
	}
	if n := len(working); n != 0 {
		t.Errorf("%d more than %d work at once", n, slots)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := h.matches(ctx, Verifier{}, "x")
	if !errs.Is(err, errs.Unavailable) && !errs.Is(err, errs.TooMany) {
		t.Errorf("a caller who left: %v", err)
	}
	close(release)
	for range flood - refusals {
		must(t, <-results)
	}
	if n := h.waiting.Load(); n != 0 {
		t.Errorf("%d still wait", n)
	}
}
