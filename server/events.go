package server

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/detect/logs"
	"github.com/tutela-health/tutela/internal/errs"
)

// maxPacked bounds a delivery of lines as it comes; unpacked it has reception.MaxDelivery bytes at most.
const maxPacked = 8 << 20

// eventRoutes are those of what other systems tell.
func (s *Server) eventRoutes(mux *router) {
	s.callUpTo(maxPacked, mux, "POST /api/v1/events", tutela.ActionEventsSend, s.takeEvents)
	s.call(mux, "GET /api/v1/events", tutela.ActionEventsSearch, s.events)
	s.call(mux, "GET /api/v1/events/sources", tutela.ActionEventsSources, func(_ context.Context, c *call) (any, error) {
		return s.cfg.API.Events.Sources(c.caller.Roles), nil
	})
}

// takeEvents takes lines of a client, packed by gzip or not.
func (s *Server) takeEvents(ctx context.Context, c *call) (any, error) {
	body, err := unpacked(c)
	if err != nil {
		return nil, err
	}
	got, err := s.cfg.API.Events.Post(ctx, c.caller.Client, c.request.Header.Get("Idempotency-Key"), body)
	c.entry.Subject = &tutela.Subject{Kind: "source", ID: got.Source, Detail: fmt.Sprintf("%d taken, %d refused", got.Taken, got.Refused)}
	if got.Source == "" {
		c.entry.Subject = nil
	}
	return got, err
}

// unpacked is a call's body. What it unpacks to is bounded by who reads it.
func unpacked(c *call) (io.Reader, error) {
	switch c.request.Header.Get("Content-Encoding") {
	case "", "identity":
		return c.request.Body, nil
	case "gzip":
		r, err := gzip.NewReader(io.LimitReader(c.request.Body, maxPacked))
		if err != nil {
			return nil, errs.New(errs.Invalid, "the body is not packed by gzip")
		}
		return r, nil
	}
	return nil, errs.New(errs.Invalid, "the body is packed by gzip or not at all")
}

// events finds lines of other systems' logs. What was asked for may name a patient: it is a personal section.
func (s *Server) events(ctx context.Context, c *call) (any, error) {
	v := c.request.URL.Query()
	c.entry.Subject = &tutela.Subject{Kind: "events"}
	asked, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	c.section = asked
	q, err := eventQuery(v)
	if err != nil {
		return nil, err
	}
	page, err := s.cfg.API.Events.Find(ctx, c.caller.Roles, v.Get("patient"), q)
	c.entry.Subject.Detail = fmt.Sprintf("%d found", len(page.Events))
	return page, err
}

func eventQuery(v url.Values) (logs.Query, error) {
	q := logs.Query{ID: v.Get("id"), Actor: v.Get("actor"), Address: v.Get("address"), Source: v.Get("source"), Text: v.Get("text"), Before: v.Get("before")}
	for name, to := range map[string]*time.Time{"from": &q.From, "to": &q.To} {
		if text := v.Get(name); text != "" {
			at, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return q, errs.New(errs.Invalid, "%s is a time in RFC 3339", name)
			}
			*to = at
		}
	}
	if text := v.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return q, errs.New(errs.Invalid, "limit is from 1 to %d", logs.MaxLimit)
		}
		q.Limit = n
	}
	return q, nil
}
