package scm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Why an answer is none. All but errAbsent mean that the setting is not known.
var (
	errAbsent    = errors.New("GitHub knows nothing of that name, or the token may not see it")
	errDenied    = errors.New("the token may not read it")
	errThrottled = errors.New("GitHub wants fewer questions for now: try again in an hour, or with a token")
	errSilent    = errors.New("GitHub did not answer")
	errForm      = errors.New("the answer is in no form that GitHub documents")
)

// Limits on what one scan asks and takes.
const (
	maxAnswer  = 8 << 20 // bytes
	perPage    = 100
	maxPages   = 20
	answersIn  = 20 * time.Second
	apiVersion = "2022-11-28" // docs.github.com/rest/about-the-rest-api/api-versions
)

// client asks GitHub's REST API.
type client struct {
	base  *url.URL
	token string
	http  *http.Client
}

// newClient makes a client that hands the token to the host of base alone.
func newClient(base *url.URL, token string, transport http.RoundTripper) *client {
	return &client{base: base, token: token, http: &http.Client{
		Transport: transport,
		Timeout:   answersIn,
		CheckRedirect: func(req *http.Request, via []*http.Request) error {
			if req.URL.Host != base.Host || req.URL.Scheme != base.Scheme || len(via) > 3 {
				return http.ErrUseLastResponse // a repository that was renamed stays on the same host
			}
			return nil
		},
	}}
}

// get asks for one thing. The parts of its path are escaped.
func (c *client) get(ctx context.Context, into any, query url.Values, parts ...string) error {
	u := c.base.JoinPath(escaped(parts)...)
	u.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return fmt.Errorf("ask GitHub: %w", err)
	}
	req.Header.Set("Accept", "application/vnd.github+json")
	req.Header.Set("X-GitHub-Api-Version", apiVersion)
	req.Header.Set("User-Agent", "tutela")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return errSilent // what it says may hold the address that a redirect led to
	}
	defer func() { _ = res.Body.Close() }()
	if err := refusal(res); err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil || len(text) > maxAnswer || json.Unmarshal(text, into) != nil {
		return errForm
	}
	return nil
}

func escaped(parts []string) []string {
	list := make([]string, len(parts))
	for i, p := range parts {
		list[i] = url.PathEscape(p)
	}
	return list
}

// refusal says why an answer is none (docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api).
func refusal(res *http.Response) error {
	switch {
	case res.StatusCode == http.StatusOK:
		return nil
	case res.StatusCode == http.StatusTooManyRequests, res.Header.Get("Retry-After") != "",
		res.StatusCode == http.StatusForbidden && res.Header.Get("X-Ratelimit-Remaining") == "0":
		return errThrottled
	case res.StatusCode == http.StatusNotFound:
		return errAbsent
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden, res.StatusCode == http.StatusUnprocessableEntity:
		return errDenied
	default:
		return errSilent
	}
}

// list asks for all pages of a list.
func list[T any](ctx context.Context, c *client, query url.Values, parts ...string) ([]T, error) {
	if query == nil {
		query = url.Values{}
	}
	query.Set("per_page", strconv.Itoa(perPage))
	var all []T
	for page := 1; page <= maxPages; page++ {
		query.Set("page", strconv.Itoa(page))
		var some []T
		if err := c.get(ctx, &some, query, parts...); err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < perPage {
			return all, nil
		}
	}
	return nil, fmt.Errorf("there are more than %d", perPage*maxPages)
}
