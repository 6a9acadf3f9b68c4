package pipeline

import (
	"regexp"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/yamltree"
)

// gl is a look at one GitLab pipeline (docs.gitlab.com, "CI/CD YAML syntax reference").
type gl struct {
	*finder
	shellRules
	evaluated, deploys *regexp.Regexp
}

func (f *finder) gitlab(doc yamltree.Node) {
	g := &gl{finder: f, shellRules: newShellRules(),
		evaluated: regexp.MustCompile(`\b(?:eval|(?:ba)?sh\s+-c)\b.*\$\{?CI_(?:COMMIT_(?:MESSAGE|TITLE|DESCRIPTION|REF_NAME|BRANCH|TAG|AUTHOR)|MERGE_REQUEST_(?:TITLE|DESCRIPTION|SOURCE_BRANCH_NAME|LABELS))|\x60[^\x60]*\$\{?CI_COMMIT_(?:MESSAGE|TITLE)`),
		deploys:   regexp.MustCompile(`(?i)deploy|production|\bprod\b`),
	}
	g.includes(doc.Get("include"))
	g.images(doc)
	g.images(doc.Get("default"))
	g.variables(doc.Get("variables"))
	g.scripts(doc)
	for name, job := range doc.Members() {
		if job.IsMap() && !slices.Contains(globals(), name) {
			g.job(name, job)
		}
	}
}

// globals are the keywords that are no jobs.
func globals() []string {
	return []string{"default", "include", "stages", "variables", "workflow", "image", "services", "cache", "before_script", "after_script", "spec", "pages"}
}

func (g *gl) job(name string, job yamltree.Node) {
	g.images(job)
	g.variables(job.Get("variables"))
	g.scripts(job)
	text := ""
	for _, line := range job.Get("script").Items() {
		text += line.Text() + "\n"
	}
	if a := job.Get("allow_failure"); a.True() && (g.check.MatchString(text) || regexp.MustCompile(`(?i)test|scan|sast|secret|audit|gate`).MatchString(name)) {
		g.Add(toothless(), job.Key("allow_failure").Line(), "the check %s may fail", name)
	}
	if g.deploys.MatchString(name) && !strings.HasPrefix(name, ".") && text != "" && !job.Get("environment").Exists() && !job.Get("extends").Exists() {
		g.Add(noEnvironment(), job.Line(), "the job %s has no environment", name)
	}
}

func (g *gl) images(n yamltree.Node) {
	g.image(n.Get("image"))
	g.image(n.Get("image", "name"))
	for _, s := range n.Get("services").Items() {
		g.image(s)
		g.image(s.Get("name"))
		if service := s.Text() + s.Get("name").Text(); strings.Contains(service, "docker:") && strings.Contains(service, "dind") && g.withoutTLS(n) {
			g.Add(privileged(), s.Line(), "the Docker daemon of the build takes orders without TLS")
		}
	}
}

func (g *gl) withoutTLS(n yamltree.Node) bool {
	dir := n.Get("variables", "DOCKER_TLS_CERTDIR")
	return dir.Exists() && dir.Text() == ""
}

func (g *gl) variables(vars yamltree.Node) {
	for key, v := range vars.Members() {
		if v.IsMap() {
			v = v.Get("value")
		}
		g.literalCredential(g.shellRules, key, v)
	}
}

func (g *gl) scripts(n yamltree.Node) {
	for _, key := range []string{"before_script", "script", "after_script"} {
		for _, line := range n.Get(key).Items() {
			g.script(g.shellRules, line)
			if g.evaluated.MatchString(line.Text()) {
				g.Add(injection(), line.Line(), "what somebody writes into a commit or a request is evaluated")
			}
		}
	}
}

// includes looks at files of elsewhere that become part of the pipeline.
func (g *gl) includes(n yamltree.Node) {
	items := n.Items()
	if n.IsMap() {
		items = []yamltree.Node{n}
	}
	for _, item := range items {
		remote := item.Get("remote")
		if strings.HasPrefix(item.Text(), "http") {
			remote = item
		}
		if remote.Exists() && !item.Get("integrity").Exists() {
			r := unpinned()
			r.Severity = supply.High
			g.Add(r, remote.Line(), "a file from elsewhere becomes part of the pipeline, whatever it says that day")
		}
		if p := item.Get("project"); p.Exists() && !item.Get("ref").Exists() {
			g.Add(unpinned(), p.Line(), "the included project has no ref")
		}
		if c := item.Get("component").Text(); c != "" && (strings.HasSuffix(c, "@~latest") || !strings.Contains(c, "@") || strings.HasSuffix(c, "@main")) {
			g.Add(unpinned(), item.Get("component").Line(), "the included component has no version")
		}
	}
}
