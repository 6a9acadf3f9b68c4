package scm

import (
	"context"
	"net/url"
)

// deployKeys looks for keys that let a machine push.
func (l *look) deployKeys(ctx context.Context) {
	type key struct {
		ID       int64 `json:"id"`
		ReadOnly *bool `json:"read_only"`
	}
	all, err := list[key](ctx, l.client, nil, "repos", l.owner, l.name, "keys")
	if err != nil {
		l.miss("deploy keys", err)
		return
	}
	for _, k := range all {
		if k.ReadOnly == nil || !*k.ReadOnly {
			l.add(writeKey(), "deploy key %d may push", k.ID)
		}
	}
}

// workflows looks at what a workflow's own token may do where the workflow does not say.
func (l *look) workflows(ctx context.Context) {
	var w struct {
		Default *string `json:"default_workflow_permissions"`
		Approve *bool   `json:"can_approve_pull_request_reviews"`
	}
	err := l.get(ctx, &w, "actions", "permissions", "workflow")
	if err == nil && (w.Default == nil || w.Approve == nil) {
		err = errForm
	}
	if err != nil {
		l.miss("what workflows may do", err)
		return
	}
	if *w.Default != "read" {
		l.add(wideWorkflows(), "a workflow that does not say otherwise may change the repository")
	}
	if *w.Approve {
		l.add(approvingWorkflows(), "a workflow may approve a change")
	}
}

// hooks looks at where events are sent. The addresses may hold secrets and are not shown.
func (l *look) hooks(ctx context.Context) {
	type hook struct {
		ID     int64 `json:"id"`
		Active bool  `json:"active"`
		Config struct {
			URL      string `json:"url"`
			Insecure any    `json:"insecure_ssl"` // "1" or 1 where the certificate is not checked
		} `json:"config"`
	}
	all, err := list[hook](ctx, l.client, nil, "repos", l.owner, l.name, "hooks")
	if err != nil {
		l.miss("webhooks", err)
		return
	}
	for _, h := range all {
		u, err := url.Parse(h.Config.URL)
		plain := err != nil || u.Scheme != "https"
		unchecked := h.Config.Insecure == "1" || h.Config.Insecure == float64(1)
		if h.Active && (plain || unchecked) {
			l.add(openHook(), "webhook %d sends what happens here to whoever answers: without TLS, or without looking at the certificate", h.ID)
		}
	}
}

// scanning looks at whether GitHub itself looks for secrets and outdated parts.
func (l *look) scanning(context.Context) {
	s := l.repository.Security
	if s == nil {
		l.miss("GitHub's own scanning", errDenied)
		return
	}
	for _, c := range []struct {
		setting *enabled
		what    string
	}{{s.Secrets, "secret scanning"}, {s.Push, "push protection of secrets"}, {s.Updates, "security updates of dependencies"}} {
		switch {
		case c.setting == nil:
			l.miss(c.what, errDenied)
		case c.setting.Status != "enabled":
			l.add(notScanned(), "%s is off", c.what)
		}
	}
}
