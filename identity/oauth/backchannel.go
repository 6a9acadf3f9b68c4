package oauth

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/identity"
)

// logoutTokenLife is how long a logout token counts: its delivery is tried for less.
const logoutTokenLife = 2 * time.Minute

const logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

// logoutClaims are the claims of a logout token (OpenID Connect Back-Channel Logout 1.0, 2.4).
type logoutClaims struct {
	Issuer   string              `json:"iss"`
	Subject  tutela.UserID       `json:"sub"`
	Audience string              `json:"aud"`
	IssuedAt int64               `json:"iat"`
	Expires  int64               `json:"exp"`
	ID       string              `json:"jti"`
	Session  string              `json:"sid"`
	Events   map[string]struct{} `json:"events"`
}

// ended tells the applications that were used in a session that it has ended, wherever that was
// decided (OpenID Connect Back-Channel Logout 1.0). What they have is dead already.
func (s *Server) ended(ctx context.Context, e identity.Ended) {
	for _, c := range e.Clients {
		if c.BackchannelLogoutURI == "" {
			continue
		}
		token, err := s.logoutToken(ctx, c, e.Session)
		if err != nil {
			s.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "an application was not told of a logout",
				slog.String("client", c.ID), slog.String("error", err.Error()))
			continue
		}
		s.logouts.send(notice{client: c.ID, address: c.BackchannelLogoutURI, token: token})
	}
}

func (s *Server) logoutToken(ctx context.Context, c identity.Client, session identity.Session) (string, error) {
	now := s.cfg.Clock()
	return s.sign(ctx, logoutClaims{
		Issuer: s.cfg.Issuer, Subject: session.User, Audience: c.ID, IssuedAt: now.Unix(), Expires: now.Add(logoutTokenLife).Unix(),
		ID: rand.Text(), Session: session.ID, Events: map[string]struct{}{logoutEvent: {}},
	}, "logout+jwt")
}

// notice is a logout token on its way to an application.
type notice struct {
	client, address, token string
}

// Bounds on what is under way: more is dropped, since the session has ended all the same.
const (
	maxNotices = 256
	notifiers  = 2
)

// notifier delivers logout tokens beside requests, and tries again.
type notifier struct {
	http    *http.Client
	log     *slog.Logger
	retries []time.Duration
	stop    context.CancelFunc
	work    sync.WaitGroup
	queue   chan notice
}

func newNotifier(c *http.Client, log *slog.Logger, retries []time.Duration) *notifier {
	ctx, stop := context.WithCancel(context.Background())
	n := &notifier{http: c, log: log, retries: retries, stop: stop, queue: make(chan notice, maxNotices)}
	for range notifiers {
		n.work.Go(func() { n.run(ctx) })
	}
	return n
}

// close ends delivery and waits for what is under way.
func (n *notifier) close() {
	n.stop()
	n.work.Wait()
}

// send queues a notice.
func (n *notifier) send(what notice) {
	select {
	case n.queue <- what:
	default:
		n.log.LogAttrs(context.Background(), slog.LevelWarn, "too many logout tokens under way; one was dropped", slog.String("client", what.client))
	}
}

func (n *notifier) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case what := <-n.queue:
			if err := n.deliver(ctx, what); err != nil && ctx.Err() == nil {
				n.log.LogAttrs(ctx, slog.LevelWarn, "an application was not told of a logout",
					slog.String("client", what.client), slog.String("error", err.Error()))
			}
		}
	}
}

// deliver posts a notice until it is taken, as often as retries say.
func (n *notifier) deliver(ctx context.Context, what notice) error {
	err := n.post(ctx, what)
	for _, pause := range n.retries {
		if err == nil {
			return nil
		}
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		err = n.post(ctx, what)
	}
	return err
}

func (n *notifier) post(ctx context.Context, what notice) error {
	body := url.Values{"logout_token": {what.token}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, what.address, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := n.http.Do(req)
	if err != nil {
		return err
	}
	_ = res.Body.Close() // only the status counts
	if res.StatusCode >= http.StatusMultipleChoices {
		return fmt.Errorf("the application answers %d", res.StatusCode)
	}
	return nil
}
