package signin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
)

// Browser visits one site. It is used by one goroutine.
type Browser struct {
	http *http.Client
	site *url.URL
}

// Bounds on what a site may make a Browser do.
const (
	maxSteps = 12 // redirects in a row
	maxPage  = 1 << 20
)

// New gives a Browser without cookies for the site at base, an https address.
func New(base string, transport http.RoundTripper) (*Browser, error) {
	site, err := url.Parse(base)
	if err != nil || site.Scheme != "https" || site.Host == "" {
		return nil, errors.New("the site's address is not https")
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, fmt.Errorf("make cookie jar: %w", err)
	}
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Browser{http: &http.Client{Transport: transport, Jar: jar, CheckRedirect: stay}, site: site}, nil
}

// Cookies are what the site has set: who has them is who signed in.
func (b *Browser) Cookies() []*http.Cookie { return b.http.Jar.Cookies(b.site) }

// SetCookie puts a cookie of an earlier visit, or of another making, into the browser.
func (b *Browser) SetCookie(name, value string) {
	b.http.Jar.SetCookies(b.site, []*http.Cookie{{Name: name, Value: value, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}})
}

// Open visits a path of the site.
func (b *Browser) Open(ctx context.Context, path string) (Page, error) {
	return b.visit(ctx, http.MethodGet, path, nil)
}

// Submit sends a form as it was drawn, with values filled in or replaced.
func (b *Browser) Submit(ctx context.Context, f Form, values url.Values) (Page, error) {
	all := url.Values{}
	for _, from := range []url.Values{f.Fields, values} {
		maps.Copy(all, from)
	}
	return b.visit(ctx, http.MethodPost, f.Action, all)
}

// visit sends a request and goes where its answer leads, as long as that is this site.
func (b *Browser) visit(ctx context.Context, method, path string, values url.Values) (Page, error) {
	at, err := b.site.Parse(path)
	if err != nil {
		return Page{}, fmt.Errorf("read address: %w", err)
	}
	for range maxSteps {
		if at.Scheme != b.site.Scheme || at.Host != b.site.Host {
			return Page{Away: at}, nil
		}
		page, next, err := b.step(ctx, method, at, values)
		if err != nil || next == nil {
			return page, err
		}
		method, at, values = http.MethodGet, next, nil
	}
	return Page{}, errors.New("the site leads round in a circle")
}

// step sends one request. next is where its answer leads; nil: it is a page.
func (b *Browser) step(ctx context.Context, method string, at *url.URL, values url.Values) (p Page, next *url.URL, err error) {
	r, err := http.NewRequestWithContext(ctx, method, at.String(), strings.NewReader(values.Encode()))
	if err != nil {
		return p, nil, fmt.Errorf("make request: %w", err)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", b.site.Scheme+"://"+b.site.Host)
	}
	res, err := b.http.Do(r)
	if err != nil {
		return p, nil, err
	}
	p, err = readPage(at, res)
	if err = errors.Join(err, res.Body.Close()); err != nil {
		return p, nil, fmt.Errorf("read page: %w", err)
	}
	if to := leadsTo(res.Header); to != "" {
		next, err = at.Parse(to)
	}
	return p, next, err
}

// leadsTo is where an answer leads without being asked: by redirect, or by the header that stands
// for one where a form's answer may not redirect to another site.
func leadsTo(h http.Header) string {
	if to := h.Get("Location"); to != "" {
		return to
	}
	_, to, _ := strings.Cut(h.Get("Refresh"), "url=")
	return to
}

func readPage(at *url.URL, res *http.Response) (Page, error) {
	p := Page{Status: res.StatusCode, Path: at.Path}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxPage))
	if err == nil && strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") {
		p.read(body)
	}
	return p, err
}
