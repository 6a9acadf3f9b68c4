package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// Person is who signs in.
type Person struct {
	Username, Password string
	// Codes gives the one-time passwords of the moment in which they are asked for, to be tried in
	// turn: each counts once (RFC 6238, 5.2), and somebody may have used the first.
	Codes func() ([]string, error)
}

// The errors that a caller can do something about.
var (
	// ErrSecondFactor says that no code of the person's was taken.
	ErrSecondFactor = errors.New("no one-time password was taken")
	// ErrTooMany says that the site wants the person to wait.
	ErrTooMany = errors.New("too many tries")
)

// The forms of a login.
const (
	passwordForm = "/login"
	codeForm     = "/login/factor/totp"
)

// Login signs the person in, and gives the page that follows.
func (b *Browser) Login(ctx context.Context, p Person) (Page, error) {
	page, err := b.Open(ctx, passwordForm)
	if err != nil {
		return Page{}, err
	}
	return b.Prove(ctx, page, p)
}

// Prove goes from a login's page to what follows it.
func (b *Browser) Prove(ctx context.Context, page Page, p Person) (Page, error) {
	page, err := b.Password(ctx, page, p)
	if err != nil {
		return Page{}, err
	}
	if _, asked := page.Form(codeForm); !asked {
		return page, page.trouble()
	}
	if p.Codes == nil {
		return page, ErrSecondFactor
	}
	codes, err := p.Codes()
	for _, code := range codes {
		f, asked := page.Form(codeForm)
		if err != nil || !asked {
			break
		}
		page, err = b.Submit(ctx, f, url.Values{"code": {code}})
	}
	if err != nil {
		return Page{}, err
	}
	if _, asked := page.Form(codeForm); asked && page.Status != http.StatusTooManyRequests {
		return page, ErrSecondFactor
	}
	return page, page.trouble()
}

// Password gives the first factor on a login's page, and gives the page that follows.
func (b *Browser) Password(ctx context.Context, page Page, p Person) (Page, error) {
	f, asked := page.Form(passwordForm)
	if !asked {
		return Page{}, page.unexpected("a login")
	}
	return b.Submit(ctx, f, url.Values{"username": {p.Username}, "password": {p.Password}})
}

// trouble is the error that a page is, if it is one.
func (p Page) trouble() error {
	switch {
	case p.Status == http.StatusTooManyRequests:
		return fmt.Errorf("%w: %s", ErrTooMany, p.Problem)
	case p.Problem != "":
		return errors.New(p.Problem)
	case p.Status >= http.StatusBadRequest:
		return fmt.Errorf("the site answered %d: %s", p.Status, p.Title)
	default:
		return nil
	}
}

// unexpected says that a page is not the one that was to come.
func (p Page) unexpected(want string) error {
	if err := p.trouble(); err != nil {
		return err
	}
	if p.Away != nil {
		return fmt.Errorf("the site leads away instead of to %s", want)
	}
	return fmt.Errorf("the site shows %q (%d) instead of %s", p.Title, p.Status, want)
}
