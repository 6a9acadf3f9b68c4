package tracker

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/tutela-health/tutela/respond/deliver"
)

// errGone says that a ticket is not found any more where it was.
var errGone = errors.New("the ticket is there no more")

// remote is a tracker as its maker built it.
type remote interface {
	// find MUST give the number of the ticket that carries t's marker, or nothing where there is none.
	find(ctx context.Context, t Ticket) (number string, err error)
	// open makes a ticket that carries t's marker, and gives its number.
	open(ctx context.Context, t Ticket) (number string, err error)
	// look gives a ticket's state; errGone where it is no more.
	look(ctx context.Context, number string) (State, error)
	// set brings a ticket into a state. It MUST change nothing where the ticket is in it.
	set(ctx context.Context, number string, to State, why Reason) error
	// test succeeds when tickets could be made.
	test(ctx context.Context) error
	// heard reads a callback whose signature is right: of which ticket it tells, and when that was; no number
	// where it tells of none.
	heard(h http.Header, body []byte) (number string, at time.Time, err error)
	// sealed is the header in which a callback is signed.
	sealed() string
	// page is a ticket's address for people.
	page(number string) string
}

// site is where a tracker is spoken to.
type site struct {
	web    deliver.Web // its Address is the beginning of all addresses
	header http.Header
}

// ask sends a request below the site's address and decodes what comes back into v, unless v is nil.
func (s site) ask(ctx context.Context, method, path string, body, v any) error {
	var text []byte
	h := s.header.Clone()
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return fmt.Errorf("encode request: %w", err)
		}
		h.Set("Content-Type", "application/json")
	}
	web := s.web
	web.Address += path
	reply, err := web.Do(ctx, method, h, text)
	if err != nil || v == nil {
		return err
	}
	if err := json.NewDecoder(bytes.NewReader(reply.Body)).Decode(v); err != nil {
		return errors.New("the tracker's answer is not what its API describes") // its words stay out of errors
	}
	return nil
}

// gone reports whether a tracker says that there is nothing at an address, or that it is elsewhere now.
func gone(err error) bool {
	var r *deliver.ReplyError
	if !errors.As(err, &r) {
		return false
	}
	switch r.Status {
	case http.StatusMovedPermanently, http.StatusNotFound, http.StatusGone:
		return true
	}
	return false
}

// signed reports whether a header holds the HMAC-SHA-256 of a body, as sha256= and hexadecimal digits: X-Hub-Signature-256
// of GitHub, X-Hub-Signature of Jira's administrators' webhooks. An empty secret signs nothing.
func signed(secret []byte, header string, body []byte) bool {
	text, is := strings.CutPrefix(header, "sha256=")
	got, err := hex.DecodeString(text)
	if !is || err != nil || len(secret) == 0 {
		return false
	}
	m := hmac.New(sha256.New, secret)
	_, _ = m.Write(body) // a hash takes everything
	return hmac.Equal(got, m.Sum(nil))
}
