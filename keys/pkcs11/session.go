//go:build pkcs11

package pkcs11

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	p11 "github.com/miekg/pkcs11"

	"github.com/tutela-health/tutela/internal/errs"
)

// patience bounds one piece of work with the token where the caller sets no earlier end.
const patience = 10 * time.Second

// session is an open, logged-in session. PKCS#11 allows one operation at a time in it.
type session struct {
	*p11.Ctx
	handle p11.SessionHandle
}

// within does a piece of work in a session of its own, under a lock. The library cannot be interrupted: when ctx
// ends first, the work goes on, and keeps the lock, without anybody waiting for it.
func within[T any](ctx context.Context, p *Provider, lock sync.Locker, work func(session) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	if err := ctx.Err(); err != nil {
		return result{}.value, unanswered(err)
	}
	done := make(chan result, 1)
	go func() {
		lock.Lock()
		defer lock.Unlock()
		var r result
		r.value, r.err = inSession(p, work)
		done <- r
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		return result{}.value, unanswered(ctx.Err())
	}
}

func inSession[T any](p *Provider, work func(session) (T, error)) (value T, err error) {
	s, err := p.open()
	if err != nil {
		return value, err
	}
	value, err = work(s)
	return value, errors.Join(err, told("close session", s.CloseSession(s.handle)))
}

// open finds the token, wherever it is plugged in today, and logs in. A login counts for all sessions of
// the process; a wrong PIN is not tried twice, since a token locks itself after a few.
func (p *Provider) open() (session, error) {
	if p.refused.Load() {
		return session{}, errWrongPIN
	}
	slot, err := p.slot()
	if err != nil {
		return session{}, err
	}
	h, err := p.module.OpenSession(slot, p11.CKF_SERIAL_SESSION|p11.CKF_RW_SESSION)
	if err != nil {
		return session{}, told("open session", err)
	}
	s := session{p.module, h}
	err = s.Login(h, p11.CKU_USER, string(p.cfg.PIN))
	if err == nil || errors.Is(err, p11.Error(p11.CKR_USER_ALREADY_LOGGED_IN)) {
		return s, nil
	}
	if errors.Is(err, p11.Error(p11.CKR_PIN_INCORRECT)) {
		p.refused.Store(true)
		err = errWrongPIN
	}
	return session{}, errors.Join(told("log in", err), told("close session", s.CloseSession(h)))
}

var errWrongPIN = errs.New(errs.Unavailable, "the token refuses the PIN; it is not tried again until tutela starts anew, since tokens lock themselves")

// slot is where the token is.
func (p *Provider) slot() (uint, error) {
	slots, err := p.module.GetSlotList(true)
	if err != nil {
		return 0, told("list tokens", err)
	}
	for _, slot := range slots {
		if info, err := p.module.GetTokenInfo(slot); err == nil && info.Label == p.cfg.Token {
			return slot, nil
		}
	}
	return 0, errs.New(errs.Unavailable, "there is no token with the label %q: is it plugged in and initialised?", p.cfg.Token)
}

// told gives an error of the library its kind: whatever the token does not do today it may do tomorrow.
func told(doing string, err error) error {
	var code p11.Error
	if errors.As(err, &code) {
		return errs.Wrap(errs.Unavailable, fmt.Errorf("%s: %w", doing, err), "the key provider does not answer")
	}
	return err
}

func unanswered(err error) error {
	return errs.Wrap(errs.Unavailable, err, "the key provider did not answer in time")
}
