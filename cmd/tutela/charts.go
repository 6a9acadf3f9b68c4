package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/fhir"
	"github.com/tutela-health/tutela/internal/errs"
	"github.com/tutela-health/tutela/internal/httpx"
	"github.com/tutela-health/tutela/r4"
)

// searcher searches through the FHIR API itself: under the caller's own decision, masked for him, and
// with the entry of every page.
func searcher(api *fhir.Handler) func(context.Context, tutela.Principal, string) ([]*r4.Resource, error) {
	mux := http.NewServeMux()
	api.Routes(mux, "/fhir/r4", func(h http.Handler) http.Handler { return h }) // the caller is proved already
	return func(ctx context.Context, caller tutela.Principal, query string) ([]*r4.Resource, error) {
		var all []*r4.Resource
		ctx = httpx.WithPrincipal(ctx, caller)
		for next := "/fhir/r4/" + query; next != ""; {
			page, err := searchPage(ctx, mux, next)
			if err != nil {
				return nil, err
			}
			for _, e := range page.Entry {
				res, err := r4.Parse(e.Resource)
				if err != nil {
					return nil, fmt.Errorf("read a resource that was found: %w", err)
				}
				if res.Type() != "OperationOutcome" {
					all = append(all, res)
				}
			}
			next = page.next()
		}
		return all, nil
	}
}

func searchPage(ctx context.Context, api http.Handler, address string) (searchset, error) {
	var page searchset
	u, err := url.Parse(address)
	if err != nil {
		return page, fmt.Errorf("follow a page: %w", err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.RequestURI(), http.NoBody)
	if err != nil {
		return page, fmt.Errorf("search: %w", err)
	}
	w := &inMemory{header: http.Header{}, status: http.StatusOK}
	api.ServeHTTP(w, r)
	switch {
	case w.status == http.StatusForbidden:
		return page, nil // the type is not for the caller
	case w.status != http.StatusOK:
		return page, errs.New(errs.Unavailable, "charts cannot be searched now")
	}
	if err := json.Unmarshal(w.body.Bytes(), &page); err != nil {
		return page, fmt.Errorf("decode page: %w", err)
	}
	return page, nil
}
