package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// jira keeps tickets as issues of a project of Jira Cloud, by version 3 of its REST API.
type jira struct {
	site

	project string // key
	typ     string // of issues
	labels  []string
	done    string // name of the transition that closes; empty: the first that leads to a status of the category done
	again   string // and of the one that opens again
	base    string
	home    string
}

func projectKey() *regexp.Regexp { return regexp.MustCompile(`^[A-Z][A-Z0-9_]{1,49}$`) }

// ours holds what Jira calls an issue to the form that its project gives it: it becomes part of addresses.
func (j *jira) ours(key string) error {
	digits, is := strings.CutPrefix(key, j.project+"-")
	if !is || digits == "" || len(digits) > 18 || strings.Trim(digits, "0123456789") != "" {
		return errors.New("the tracker's answer names no issue of the project")
	}
	return nil
}

// find asks for the label that a ticket carries.
func (j *jira) find(ctx context.Context, t Ticket) (string, error) {
	var found struct {
		Issues []struct{ Key string }
	}
	jql := fmt.Sprintf(`project = "%s" AND labels = "%s" ORDER BY created ASC`, j.project, marker+t.ID)
	err := j.ask(ctx, http.MethodPost, "/rest/api/3/search/jql", map[string]any{"jql": jql, "fields": []string{"status"}, "maxResults": 2}, &found)
	if err != nil || len(found.Issues) == 0 {
		return "", err
	}
	return found.Issues[0].Key, j.ours(found.Issues[0].Key)
}

func (j *jira) open(ctx context.Context, t Ticket) (string, error) {
	type m = map[string]any
	var made struct{ Key string }
	fields := m{
		"project": m{"key": j.project}, "issuetype": m{"name": j.typ}, "summary": t.headline(), "description": document(t.lines(), j.home),
		"labels": append([]string{marker + t.ID}, j.labels...),
	}
	if err := j.ask(ctx, http.MethodPost, "/rest/api/3/issue", m{"fields": fields}, &made); err != nil {
		return "", err
	}
	return made.Key, j.ours(made.Key)
}

// document is text in the Atlassian Document Format, in which nothing becomes markup.
func document(lines []string, link string) any {
	type m = map[string]any
	var content []m
	for _, l := range lines {
		content = append(content, m{"type": "paragraph", "content": []m{{"type": "text", "text": l}}})
	}
	if link != "" {
		text := m{"type": "text", "text": link, "marks": []m{{"type": "link", "attrs": m{"href": link}}}}
		content = append(content, m{"type": "paragraph", "content": []m{text}})
	}
	return m{"type": "doc", "version": 1, "content": content}
}

type status struct {
	Category struct{ Key string } `json:"statusCategory"`
}

// state is what a status means: those of the category done are closed.
func (s status) state() (State, error) {
	switch s.Category.Key {
	case "done":
		return Closed, nil
	case "new", "indeterminate", "undefined":
		return Open, nil
	}
	return "", errors.New("the tracker's answer has no status")
}

func (j *jira) look(ctx context.Context, number string) (State, error) {
	var i struct{ Fields struct{ Status status } }
	if err := j.ask(ctx, http.MethodGet, issuePath(number)+"?fields=status", nil, &i); gone(err) {
		return "", errGone
	} else if err != nil {
		return "", err
	}
	return i.Fields.Status.state()
}

func issuePath(key string) string { return "/rest/api/3/issue/" + url.PathEscape(key) }

// set takes the transition that leads to a state, where the issue is not in it.
func (j *jira) set(ctx context.Context, number string, to State, _ Reason) error {
	if at, err := j.look(ctx, number); err != nil || at == to {
		return err
	}
	var offered struct {
		Transitions []struct {
			ID, Name string
			To       status
		}
	}
	if err := j.ask(ctx, http.MethodGet, issuePath(number)+"/transitions", nil, &offered); err != nil {
		return err
	}
	name := j.again
	if to == Closed {
		name = j.done
	}
	for _, tr := range offered.Transitions {
		leads, err := tr.To.state()
		if err == nil && leads == to && (name == "" || strings.EqualFold(tr.Name, name)) {
			return j.ask(ctx, http.MethodPost, issuePath(number)+"/transitions", map[string]any{"transition": map[string]string{"id": tr.ID}}, nil)
		}
	}
	return fmt.Errorf("the workflow offers no transition by which the ticket would be %s", to)
}

func (j *jira) test(ctx context.Context) error {
	var p struct{ Key string }
	if err := j.ask(ctx, http.MethodGet, "/rest/api/3/project/"+j.project, nil, &p); err != nil {
		return err
	}
	if p.Key != j.project {
		return errors.New("the tracker's answer names another project")
	}
	return nil
}

func (*jira) sealed() string { return "X-Hub-Signature" }

func (j *jira) heard(_ http.Header, body []byte) (string, time.Time, error) {
	var said struct {
		Timestamp int64 // milliseconds since 1970
		Issue     struct{ Key string }
	}
	if err := json.Unmarshal(body, &said); err != nil {
		return "", time.Time{}, errors.New("the callback is no JSON")
	}
	if j.ours(said.Issue.Key) != nil {
		return "", time.Time{}, nil
	}
	return said.Issue.Key, time.UnixMilli(said.Timestamp), nil
}

func (j *jira) page(number string) string { return j.base + "/browse/" + number }
