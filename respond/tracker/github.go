package tracker

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// github keeps tickets as issues of a repository, by GitHub's REST API (version 2022-11-28).
type github struct {
	site

	project string // owner/repository
	user    string // login of the account whose token it is
	labels  []string
	base    string // where people read tickets
	home    string // of our own console, in tickets
}

// The bounds of looking for a ticket.
const (
	pageSize = 100
	maxPages = 10
	skew     = 5 * time.Minute // by which the tracker's clock may differ
)

func repository() *regexp.Regexp {
	return regexp.MustCompile(`^[A-Za-z0-9-]{1,39}/(\.github|[A-Za-z0-9_-][A-Za-z0-9._-]{0,99})$`)
}

type issue struct {
	Number      int64     `json:"number"`
	State       State     `json:"state"`
	Body        string    `json:"body"`
	Created     time.Time `json:"created_at"`
	Updated     time.Time `json:"updated_at"`
	PullRequest *struct{} `json:"pull_request"`
	User        struct {
		Login string `json:"login"`
	} `json:"user"`
}

func (g *github) path(rest string) string { return "/repos/" + g.project + rest }

// find looks through the issues that our account made since the ledger told of the subject, the newest first. Others
// may write our marker into theirs: those do not count.
func (g *github) find(ctx context.Context, t Ticket) (string, error) {
	for page := 1; page <= maxPages; page++ {
		q := url.Values{
			"state": {"all"}, "creator": {g.user}, "sort": {"created"}, "direction": {"desc"},
			"per_page": {strconv.Itoa(pageSize)}, "page": {strconv.Itoa(page)},
		}
		var list []issue
		if err := g.ask(ctx, http.MethodGet, g.path("/issues?"+q.Encode()), nil, &list); err != nil {
			return "", err
		}
		for _, i := range list {
			if i.Created.Before(t.Since.Add(-skew)) {
				return "", nil
			}
			if i.PullRequest == nil && strings.EqualFold(i.User.Login, g.user) && strings.Contains(i.Body, marker+t.ID) {
				return i.name()
			}
		}
		if len(list) < pageSize {
			return "", nil
		}
	}
	return "", nil
}

// name is what an issue is called in addresses.
func (i issue) name() (string, error) {
	if i.Number <= 0 {
		return "", fmt.Errorf("the tracker's answer names no issue")
	}
	return strconv.FormatInt(i.Number, 10), nil
}

func (g *github) open(ctx context.Context, t Ticket) (string, error) {
	body := fenced(t.lines())
	if g.home != "" {
		body += "\n<" + g.home + ">\n"
	}
	asked := map[string]any{"title": t.headline(), "body": body}
	if len(g.labels) > 0 {
		asked["labels"] = g.labels
	}
	var made issue
	if err := g.ask(ctx, http.MethodPost, g.path("/issues"), asked, &made); err != nil {
		return "", err
	}
	return made.name()
}

func (g *github) look(ctx context.Context, number string) (State, error) {
	var i issue
	if err := g.ask(ctx, http.MethodGet, g.path("/issues/"+number), nil, &i); gone(err) {
		return "", errGone
	} else if err != nil {
		return "", err
	}
	if i.State != Open && i.State != Closed {
		return "", fmt.Errorf("the tracker's answer has no state")
	}
	return i.State, nil
}

func (g *github) set(ctx context.Context, number string, to State, why Reason) error {
	said := "reopened"
	if to == Closed {
		said = "completed"
		if why.needless() {
			said = "not_planned"
		}
	}
	return g.ask(ctx, http.MethodPatch, g.path("/issues/"+number), map[string]any{"state": to, "state_reason": said}, nil)
}

func (g *github) test(ctx context.Context) error {
	var r struct {
		Issues   bool `json:"has_issues"`
		Archived bool `json:"archived"`
	}
	if err := g.ask(ctx, http.MethodGet, g.path(""), nil, &r); err != nil {
		return err
	}
	if !r.Issues || r.Archived {
		return fmt.Errorf("the repository takes no issues")
	}
	return nil
}

func (*github) sealed() string { return "X-Hub-Signature-256" }

func (g *github) heard(h http.Header, body []byte) (string, time.Time, error) {
	var said struct {
		Issue      issue `json:"issue"`
		Repository struct {
			Name string `json:"full_name"`
		} `json:"repository"`
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return "", time.Time{}, fmt.Errorf("the callback is no JSON")
	}
	if h.Get("X-GitHub-Event") != "issues" || said.Issue.Number <= 0 || !strings.EqualFold(said.Repository.Name, g.project) {
		return "", time.Time{}, nil
	}
	number, err := said.Issue.name()
	return number, said.Issue.Updated, err
}

func (g *github) page(number string) string { return g.base + "/" + g.project + "/issues/" + number }
