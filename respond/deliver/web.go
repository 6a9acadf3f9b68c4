package deliver

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/tutela-health/tutela/internal/httpx"
)

// Within bounds an attempt.
const Within = 15 * time.Second

// maxReply bounds what is read of an answer.
const maxReply = 1 << 20

// Web hands something over by HTTPS requests to one address, which an operator has configured.
type Web struct {
	Address string
	TLS     *tls.Config // nil: the machine's authorities
	// Private lets the address be one of this machine or a private network.
	Private bool
}

// Reply is what came back.
type Reply struct {
	Status int
	Body   []byte // the beginning of it
	Wait   time.Duration
}

// ReplyError says that the other side did not take what it was given. Its text holds nothing that the other side wrote.
type ReplyError struct {
	Status int
	Wait   time.Duration // before it may be tried again, as it asked
}

func (e *ReplyError) Error() string { return fmt.Sprintf("the target answers %d", e.Status) }

// Check refuses an address that no request goes to: anything but https, an address with a user in it.
func (w Web) Check() error {
	u, err := url.Parse(w.Address)
	switch {
	case err != nil || u.Host == "":
		return errors.New("it is no address")
	case u.Scheme != "https":
		return errors.New("the address does not begin with https://")
	case u.User != nil || u.Fragment != "":
		return errors.New("a user, a password or a fragment is in the address")
	}
	return nil
}

// Post sends a body and gives what came back, as Do does.
func (w Web) Post(ctx context.Context, header http.Header, body []byte) (Reply, error) {
	return w.Do(ctx, http.MethodPost, header, body)
}

// Do makes a request and gives what came back. An answer that is not 2xx is a ReplyError too. It follows no redirect
// and uses no proxy; without Private it connects to public addresses only, whatever a name resolves to.
func (w Web) Do(ctx context.Context, method string, header http.Header, body []byte) (Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, Within)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, w.Address, bytes.NewReader(body))
	if err != nil {
		return Reply{}, errors.New("it is no address")
	}
	maps.Copy(req.Header, header)
	req.Header.Set("User-Agent", "Tutela")
	client := w.client()
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		return Reply{}, plain(err)
	}
	defer func() { _ = res.Body.Close() }() // it was read, or is not wanted
	text, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	if err != nil {
		return Reply{}, plain(err)
	}
	r := Reply{Status: res.StatusCode, Body: text, Wait: waitOf(res.Header)}
	if res.StatusCode/100 != 2 {
		return r, &ReplyError{Status: r.Status, Wait: r.Wait}
	}
	return r, nil
}

func (w Web) client() *http.Client {
	dialer := &net.Dialer{Timeout: Within}
	if !w.Private {
		dialer.Control = httpx.PublicOnly // after the name was resolved: a name cannot lie about it
	}
	secured := &tls.Config{MinVersion: tls.VersionTLS12}
	if w.TLS != nil {
		secured = w.TLS.Clone()
	}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dialer.DialContext, TLSClientConfig: secured, MaxResponseHeaderBytes: 64 << 10, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// plain keeps an address, in which there may be a secret, out of an error's text.
func plain(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// longestWait bounds what another side may ask to be waited for.
const longestWait = time.Hour

// waitOf reads Retry-After in seconds (RFC 9110, 10.2.3).
func waitOf(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 {
		return 0
	}
	return min(time.Duration(n)*time.Second, longestWait)
}

// Zipped compresses a body (RFC 1952).
func Zipped(body []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(body) // a buffer takes everything
	_ = z.Close()
	return b.Bytes()
}
