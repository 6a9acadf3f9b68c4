package identity

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/tutela-health/tutela"
)

// Neighbour is another tenant that the same process serves at the same address.
type Neighbour struct {
	Host string      // by which it is asked for
	TLS  *tls.Config // trusts the authority of its certificate
}

// tenantCheck takes a token that counts here to every other tenant, and to hosts that nobody has.
type tenantCheck struct {
	replay     replayCheck
	neighbours func() []Neighbour
}

func newTenantCheck(s *Service, p prober, neighbours func() []Neighbour) tenantCheck {
	if neighbours == nil {
		neighbours = func() []Neighbour { return nil }
	}
	return tenantCheck{newReplayCheck(s, p), neighbours}
}

func (c tenantCheck) try(ctx context.Context) tutela.Evidence {
	on := c.replay.probe.base
	e, err := c.replay.s.withThrowaway(ctx, tutela.ActorPerson, func(t throwaway) tutela.Evidence {
		token, err := c.replay.counting(ctx, t, "")
		if err != nil {
			return unseen(on, err)
		}
		wrong, err := c.carried(ctx, token)
		if err != nil {
			return unseen(on, err)
		}
		return verdictOf(on, wrong, "a token that counts here was answered like nonsense by %d other tenants of this process, "+
			"and 404 by hosts that nobody has or that are another tenant's on this one's connection", len(c.neighbours()))
	})
	if err != nil {
		return unseen(on, err)
	}
	return e
}

// carried says where a token, or the tenant itself, is found under another name.
func (c tenantCheck) carried(ctx context.Context, token string) (wrong []string, err error) {
	names := []string{"tutela-assess-" + strings.ToLower(rand.Text()) + ".invalid"} // RFC 6761, 6.4
	for _, n := range c.neighbours() {
		names = append(names, n.Host)
		found, err := c.taken(ctx, n, token)
		if err != nil {
			return nil, err
		}
		wrong = append(wrong, found...)
	}
	for _, name := range names {
		for place := range places() {
			got, err := c.replay.probe.under(ctx, Neighbour{TLS: c.replay.probe.tls}, name, place, token)
			if err != nil {
				return nil, err
			}
			if got.status != http.StatusNotFound {
				wrong = append(wrong, fmt.Sprintf("on this tenant's connection %s is answered %d under the host %s", place, got.status, name))
			}
		}
	}
	slices.Sort(wrong)
	return wrong, nil
}

// taken says where a neighbour tells a token of this tenant from nonsense.
func (c tenantCheck) taken(ctx context.Context, n Neighbour, token string) (wrong []string, err error) {
	for place := range places() {
		ours, err := c.replay.probe.under(ctx, n, n.Host, place, token)
		if err != nil {
			return nil, err
		}
		nonsense, err := c.replay.probe.under(ctx, n, n.Host, place, tokenPrefix+rand.Text()+rand.Text())
		if err != nil {
			return nil, err
		}
		if ours.status != http.StatusUnauthorized || ours != nonsense {
			wrong = append(wrong, fmt.Sprintf("%s of the tenant %s answers %d to a token of this one, and %d to nonsense", place, n.Host, ours.status, nonsense.status))
		}
	}
	return wrong, nil
}

// shown is what an answer tells.
type shown struct {
	status int
	body   string
}

// under asks this process for a host with a token, over a connection that was opened for a tenant.
func (p prober) under(ctx context.Context, opened Neighbour, host, place, token string) (shown, error) {
	t := p.transport()
	defer t.CloseIdleConnections()
	if t.TLSClientConfig = opened.TLS.Clone(); opened.Host != "" {
		t.TLSClientConfig.ServerName = opened.Host
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.base+place, http.NoBody)
	if err != nil {
		return shown{}, fmt.Errorf("make request: %w", err)
	}
	r.Host = host
	r.Header.Set("Authorization", "Bearer "+token)
	res, err := t.RoundTrip(r)
	if err != nil {
		return shown{}, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err == nil {
		err = res.Body.Close()
	}
	return shown{res.StatusCode, string(body)}, err
}
