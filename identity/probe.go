package identity

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/tutela-health/tutela/identity/signin"
)

// prober asks the running server from outside, as users and their applications do.
type prober struct {
	base string
	tls  *tls.Config
}

// Bounds on what a probe asks.
const (
	probeWaits = 10 * time.Second
	// deadWithin is how soon what one node revoked is dead on every other: they hear of it every
	// 250 ms, and ask the database when they have not for 900.
	deadWithin = time.Second
	probeEvery = 50 * time.Millisecond
)

// places are where an access token is shown, with the answer that says that it is alive: to the
// account of a check the API of the records must say no, and the authorization server who it is.
func places() map[string]int {
	return map[string]int{"/fhir/r4/Patient/tutela-nobody": http.StatusForbidden, "/oauth2/userinfo": http.StatusOK}
}

// transport carries requests to the server, until it is closed.
func (p prober) transport() *http.Transport {
	return &http.Transport{TLSClientConfig: p.tls, ResponseHeaderTimeout: probeWaits}
}

// browser gives a person's browser, and what closes its connections.
func (p prober) browser() (b *signin.Browser, done func(), err error) {
	t := p.transport()
	b, err = signin.New(p.base, t)
	return b, t.CloseIdleConnections, err
}

// show sends a token to a place and gives the status of the answer.
func (p prober) show(ctx context.Context, place, token string) (int, error) {
	t := p.transport()
	defer t.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+place, http.NoBody)
	if err != nil {
		return 0, fmt.Errorf("make request: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := t.RoundTrip(r)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, 64<<10)) // what it says does not matter
	return res.StatusCode, res.Body.Close()
}

// alive makes sure that a token counts everywhere: that it is refused later proves something then.
func (p prober) alive(ctx context.Context, token string) error {
	for place, want := range places() {
		status, err := p.show(ctx, place, token)
		if err != nil {
			return err
		}
		if status != want {
			return fmt.Errorf("%s answered %d to a valid token, where %d was to come: a refusal would prove nothing", place, status, want)
		}
	}
	return nil
}

// dead waits for a token to be refused everywhere, as long as it takes to be so on every node. It
// gives the first place that still takes it.
func (p prober) dead(ctx context.Context, token string) (where string, err error) {
	within, cancel := context.WithTimeout(ctx, deadWithin)
	defer cancel()
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for place := range places() {
		for {
			status, err := p.show(ctx, place, token)
			if err != nil {
				return "", err
			}
			if status == http.StatusUnauthorized {
				break
			}
			select {
			case <-tick.C:
				continue
			case <-within.Done():
				return fmt.Sprintf("%s answered %d", place, status), ctx.Err()
			}
		}
	}
	return "", nil
}
