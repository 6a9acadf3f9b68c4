package pipeline

import (
	"regexp"
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/yamltree"
)

// gh is a look at one GitHub workflow (docs.github.com, "Workflow syntax for GitHub Actions").
type gh struct {
	*finder
	shellRules
	commit, untrusted, secret, deploys *regexp.Regexp
	foreign                            bool // pull requests of strangers start it with the repository's rights
	pulls                              bool // pull requests start it
}

func (f *finder) newGitHub() *gh {
	return &gh{
		finder: f, shellRules: newShellRules(),
		commit: regexp.MustCompile(`^[0-9a-f]{40}$|^[0-9a-f]{64}$`),
		// what strangers write (docs.github.com, "Security hardening": script injections)
		untrusted: regexp.MustCompile(`\$\{\{[^}]*\bgithub\.(?:head_ref|event\.(?:issue\.(?:title|body)|pull_request\.(?:title|body|head\.(?:ref|label|repo\.default_branch))|comment\.body|review\.body|review_comment\.body|discussion\.(?:title|body)|pages|commits|head_commit\.(?:message|author\.(?:email|name))|workflow_run\.(?:head_branch|head_commit\.message|display_title|pull_requests)))\b`),
		secret:    regexp.MustCompile(`\$\{\{[^}]*\bsecrets\b`),
		deploys:   regexp.MustCompile(`(?i)deploy|production|\bprod\b`),
	}
}

func (f *finder) workflow(doc yamltree.Node) {
	g := f.newGitHub()
	jobs := doc.Get("jobs")
	if !jobs.IsMap() {
		return
	}
	g.triggers(doc.Get("on"))
	g.environment(doc.Get("env"))
	top := doc.Get("permissions")
	g.permissions(top)
	for name, job := range jobs.Members() {
		if !top.Exists() && !job.Get("permissions").Exists() {
			g.Add(broadToken(), jobs.Key(name).Line(), "neither the workflow nor the job %s states permissions", name)
		}
		g.job(name, job)
	}
}

func (g *gh) triggers(on yamltree.Node) {
	is := func(event string) {
		g.foreign = g.foreign || event == "pull_request_target" || event == "workflow_run"
		g.pulls = g.pulls || strings.HasPrefix(event, "pull_request")
	}
	for _, item := range on.Items() {
		is(item.Text())
	}
	for event := range on.Members() {
		is(event)
	}
}

func (g *gh) permissions(p yamltree.Node) {
	if p.Is("write-all") {
		r := broadToken()
		r.Severity = supply.High
		g.Add(r, p.Line(), "the token may write everything")
	}
}

func (g *gh) environment(env yamltree.Node) {
	for key, v := range env.Members() {
		if key == "ACTIONS_ALLOW_UNSECURE_COMMANDS" && v.True() {
			g.Add(unsafeCommands(), v.Line(), "unsecure workflow commands are allowed")
		}
		g.literalCredential(g.shellRules, key, v)
	}
}

func (g *gh) job(name string, job yamltree.Node) {
	g.permissions(job.Get("permissions"))
	g.environment(job.Get("env"))
	g.uses(job.Get("uses"))
	if s := job.Get("secrets"); s.Is("inherit") {
		g.Add(inherited(), s.Line(), "the called workflow gets every secret")
	}
	container := job.Get("container")
	g.image(container)
	g.image(container.Get("image"))
	g.literalCredential(g.shellRules, "password", container.Get("credentials", "password"))
	for _, service := range job.Get("services").Members() {
		g.image(service.Get("image"))
	}
	for _, label := range job.Get("runs-on").Items() {
		if label.Is("self-hosted") && g.pulls {
			g.Add(ownRunner(), label.Line(), "pull requests run on a machine of your own")
		}
	}
	steps := job.Get("steps").Items()
	for _, step := range steps {
		g.step(step)
	}
	if g.deploys.MatchString(name) && !job.Get("environment").Exists() && len(steps) > 0 && g.usesSecrets(job) {
		g.Add(noEnvironment(), job.Line(), "the job %s has secrets and no environment", name)
	}
}

func (g *gh) usesSecrets(job yamltree.Node) bool {
	for _, n := range job.All() {
		if g.secret.MatchString(n.Text()) {
			return true
		}
	}
	return false
}

// action looks at an action of the repository's own.
func (f *finder) action(doc yamltree.Node) {
	g := f.newGitHub()
	for _, step := range doc.Get("runs", "steps").Items() {
		g.step(step)
	}
	if image := doc.Get("runs", "image"); strings.HasPrefix(image.Text(), "docker://") {
		g.uses(image)
	}
}

func (g *gh) step(step yamltree.Node) {
	run := step.Get("run")
	g.uses(step.Get("uses"))
	g.environment(step.Get("env"))
	g.script(g.shellRules, run)
	g.commands(run)
	if strings.HasPrefix(step.Get("uses").Text(), "actions/github-script@") {
		g.commands(step.Get("with", "script"))
	}
	if step.Get("continue-on-error").True() && g.check.MatchString(run.Text()+" "+step.Get("uses").Text()) {
		g.Add(toothless(), step.Key("continue-on-error").Line(), "a check that fails does not fail the job")
	}
	if ref := step.Get("with", "ref").Text() + step.Get("with", "repository").Text(); g.foreign && strings.HasPrefix(step.Get("uses").Text(), "actions/checkout@") &&
		(strings.Contains(ref, "pull_request.head") || strings.Contains(ref, "head_ref") || strings.Contains(ref, "workflow_run.head") || strings.Contains(ref, "refs/pull/")) {
		g.Add(foreignCode(), step.Get("with").Line(), "a stranger's code is checked out where secrets are")
	}
}

// commands looks for what strangers wrote and for secrets in the text of a command.
func (g *gh) commands(n yamltree.Node) {
	for i, line := range strings.Split(n.Text(), "\n") {
		at := n.Line() + i
		if strings.Contains(n.Text(), "\n") {
			at++
		}
		if g.untrusted.MatchString(line) {
			g.Add(injection(), at, "what a stranger writes becomes part of a command")
		}
		if strings.Contains(line, "toJSON(secrets)") || strings.Contains(line, "toJson(secrets)") {
			g.Add(leakedSecret(), at, "every secret is put into a command")
		} else if g.secret.MatchString(line) {
			r := leakedSecret()
			r.Severity = supply.Medium
			if strings.Contains(line, "echo") && !strings.Contains(line, "|") {
				r.Severity = supply.High
			}
			g.Add(r, at, "a secret is put into a command's text")
		}
	}
}

// uses looks at the name of an action or workflow of others.
func (g *gh) uses(n yamltree.Node) {
	name := n.Text()
	if name == "" || strings.HasPrefix(name, "./") || strings.Contains(name, "${{") {
		return
	}
	if image, ok := strings.CutPrefix(name, "docker://"); ok {
		if !strings.Contains(image, "@sha256:") {
			g.Add(unpinned(), n.Line(), "the image %s is not named by its digest", image)
		}
		return
	}
	action, version, _ := strings.Cut(name, "@")
	if g.commit.MatchString(version) {
		return
	}
	r := unpinned()
	if strings.HasPrefix(action, "actions/") || strings.HasPrefix(action, "github/") {
		r.Severity = supply.Low // GitHub's own, by whose servers all of this runs anyway
	}
	g.Add(r, n.Line(), "the action %s is not named by its commit", action)
}
