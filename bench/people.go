package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tutela-health/tutela/identity"
	"github.com/tutela-health/tutela/identity/signin"
)

// reader is the try-out identity as whom people's reads are measured.
const reader = "physician"

// as gets a token of a try-out identity: a person's by two factors and the code flow.
func (s *system) as(ctx context.Context, name string) (string, error) {
	out, err := s.command(ctx, "token", "--as", name)
	return strings.TrimSpace(string(out)), err
}

// asPeople reads with a person's token beside the loader's, in turns of a second.
func (r *round) asPeople(ctx context.Context) error {
	paths, token, err := r.personsPaths(ctx)
	if err != nil {
		return err
	}
	var person, loader measured
	for range turns {
		for _, as := range []struct {
			token string
			sum   *measured
		}{{r.system.token, &loader}, {token, &person}} {
			m, err := r.under(ctx, r.system.host(), r.system.pid(), gets(paths, as.token), turnFor)
			if err != nil {
				return fmt.Errorf("read as people: %w", err)
			}
			as.sum.add(m)
		}
	}
	r.out.addLoad("read as a person", person)
	r.out.addLoad("read as the loader, in turn", loader)
	r.out.add("read as a person, share of the loader's", person.perSecond()/loader.perSecond())
	return nil
}

// personsPaths are resources that the reader may read, with a token of his.
func (r *round) personsPaths(ctx context.Context) (paths []string, token string, err error) {
	if token, err = r.system.as(ctx, reader); err != nil {
		return nil, "", err
	}
	all, err := r.system.readPaths(ctx)
	if err != nil {
		return nil, "", err
	}
	asReader := *r.system
	asReader.token = token
	for _, p := range all {
		if _, err := asReader.fetch(ctx, p); err == nil {
			paths = append(paths, p)
		}
	}
	if len(paths) == 0 {
		return nil, "", errors.New("the " + reader + " may read nothing")
	}
	return paths, token, nil
}

// besideLogins reads alone, then while many people sign in at once, then alone again.
func (r *round) besideLogins(ctx context.Context) error {
	if r.logins == 0 {
		return nil
	}
	staff, err := r.system.hire(ctx, r.logins)
	if err != nil {
		return fmt.Errorf("make people: %w", err)
	}
	paths, token, err := r.personsPaths(ctx)
	if err != nil {
		return err
	}
	requests := gets(paths, token)
	var alone, beside measured
	turn := func(sum *measured) error {
		m, err := r.under(ctx, r.system.host(), r.system.pid(), requests, turnFor)
		sum.add(m)
		return err
	}
	repeat := func() (err error) {
		for i := 0; i < turns && err == nil; i++ {
			err = turn(&alone)
		}
		return err
	}
	if err := repeat(); err != nil {
		return err
	}
	rush := r.system.rush(ctx, staff)
	for over := false; !over; {
		if err := turn(&beside); err != nil {
			return err
		}
		select {
		case <-rush.done:
			over = true
		default:
		}
	}
	if err := errors.Join(rush.err, repeat()); err != nil {
		return err
	}
	r.out.addLoad("read beside logins", beside)
	r.out.add("read beside logins, share of reads alone", beside.perSecond()/alone.perSecond())
	r.out.add("logins beside reads, per second", float64(len(staff))/rush.took.Seconds())
	r.out.add("logins that had to be tried again", float64(rush.again.Load()))
	return nil
}

// worker is one of many people, at a computer with an address of its own.
type worker struct {
	username, secret string
	address          net.IP
}

const staffPassword = "quiet harbours keep lanterns lit"

// hire makes accounts as people get them: by a roster, and an invitation that each takes up.
func (s *system) hire(ctx context.Context, n int) ([]worker, error) {
	staff := make([]worker, n)
	var roster strings.Builder
	roster.WriteString("username,roles\n")
	for i := range staff {
		staff[i] = worker{username: fmt.Sprintf("worker-%03d", i), address: net.IPv4(127, 1, byte(i>>8), byte(i))}
		roster.WriteString(staff[i].username + ",nurse\n")
	}
	file := s.dir + "-roster.csv"
	if err := os.WriteFile(file, []byte(roster.String()), 0o600); err != nil {
		return nil, err
	}
	if _, err := s.command(ctx, "users", "import", "--apply", file); err != nil {
		return nil, fmt.Errorf("import roster: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	for i := range staff {
		group.Go(func() error { return s.enrol(ctx, &staff[i]) })
	}
	return staff, errors.Join(group.Wait(), os.Remove(file))
}

// enrol takes an invitation up with a password and one-time passwords.
func (s *system) enrol(ctx context.Context, w *worker) error {
	out, err := s.command(ctx, "users", "invite", w.username)
	if err != nil {
		return err
	}
	at := strings.Index(string(out), "/invitation/")
	if at < 0 {
		return fmt.Errorf("tutela users invite said %q", out)
	}
	b, done, err := s.browser(*w)
	if err != nil {
		return err
	}
	defer done()
	place := strings.Fields(string(out[at:]))[0]
	page, err := b.Open(ctx, place)
	for _, step := range []struct {
		action string
		values func() url.Values
	}{
		{place, func() url.Values { return url.Values{"password": {staffPassword}, "again": {staffPassword}} }},
		{"/enrol/totp/new", func() url.Values { return nil }},
		{"/enrol/totp", func() url.Values {
			w.secret = strings.ReplaceAll(page.Secret, " ", "")         // it is shown in groups
			codes, _ := identity.OneTimePasswords(w.secret, time.Now()) // of no secret there is none
			return url.Values{"code": codes[:min(1, len(codes))]}       // the oldest: the login takes a newer one
		}},
	} {
		if err != nil {
			return err
		}
		f, ok := page.Form(step.action)
		if !ok {
			return fmt.Errorf("enrol: no form %s on %q (%d): %s", step.action, page.Title, page.Status, page.Problem)
		}
		page, err = b.Submit(ctx, f, step.values())
	}
	if err == nil && page.Status != http.StatusOK {
		err = fmt.Errorf("enrol: %q (%d): %s", page.Title, page.Status, page.Problem)
	}
	return err
}

// browser is a worker's.
func (s *system) browser(w worker) (b *signin.Browser, done func(), err error) {
	from := &net.Dialer{LocalAddr: &net.TCPAddr{IP: w.address}}
	t := &http.Transport{TLSClientConfig: s.tls.Clone(), DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return from.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", s.url.Port()))
	}}
	b, err = signin.New(s.url.String(), t)
	return b, t.CloseIdleConnections, err
}

// rush is many people signing in at once.
type rush struct {
	done  chan struct{}
	again atomic.Int64 // logins that were refused for now and tried again
	took  time.Duration
	err   error // read it after done
}

// rush has all of them begin at the same moment; who is told to wait tries again.
func (s *system) rush(ctx context.Context, staff []worker) *rush {
	r := &rush{done: make(chan struct{})}
	go func() {
		defer close(r.done)
		started := time.Now()
		errs := make([]error, len(staff))
		var all sync.WaitGroup
		for i, w := range staff {
			all.Go(func() { errs[i] = s.arrive(ctx, w, &r.again) })
		}
		all.Wait()
		r.took, r.err = time.Since(started), errors.Join(errs...)
	}()
	return r
}

// pause is how long somebody waits who was told to.
const pause = 5 * time.Second

// arrive signs one person in, however often it takes.
func (s *system) arrive(ctx context.Context, w worker, again *atomic.Int64) error {
	b, done, err := s.browser(w)
	if err != nil {
		return err
	}
	defer done()
	p := signin.Person{Username: w.username, Password: staffPassword, Codes: func() ([]string, error) {
		return identity.OneTimePasswords(w.secret, time.Now())
	}}
	for {
		_, err := b.Login(ctx, p)
		if err != nil && !errors.Is(err, signin.ErrTooMany) {
			return fmt.Errorf("sign in as %s: %w", w.username, err)
		}
		if err == nil {
			return nil
		}
		again.Add(1)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
