package pipeline

import (
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/yamltree"
)

// Scanner is a supply.FileScanner.
type Scanner struct{}

// maxSize is how large a pipeline's file may be, in bytes.
const maxSize = 4 << 20

// Class is ci.
func (Scanner) Class() supply.Class { return supply.Pipelines }

// Version changes with what is found.
func (Scanner) Version() string { return "1" }

// kind is what a file is, by its name.
type kind int

const (
	nothing kind = iota
	github
	githubAction
	gitlab
	jenkinsfile
	casc
	plugins
)

func kindOf(name string) kind {
	dir, base := path.Split(strings.ToLower(name))
	yml := strings.HasSuffix(base, ".yml") || strings.HasSuffix(base, ".yaml")
	switch {
	case yml && (strings.HasSuffix(dir, ".github/workflows/") || strings.HasSuffix(dir, ".gitea/workflows/") || strings.HasSuffix(dir, ".forgejo/workflows/")):
		return github
	case base == "action.yml" || base == "action.yaml":
		return githubAction
	case yml && (base == ".gitlab-ci.yml" || strings.HasSuffix(base, ".gitlab-ci.yml") || strings.Contains(dir, ".gitlab/ci/") || strings.Contains(dir, ".gitlab-ci/")):
		return gitlab
	case base == "jenkinsfile" || strings.HasPrefix(base, "jenkinsfile.") || strings.HasSuffix(base, ".jenkinsfile"):
		return jenkinsfile
	case base == "plugins.txt":
		return plugins
	case yml && (strings.Contains(base, "jenkins") || strings.Contains(base, "casc") || strings.Contains(dir, "jenkins") || strings.Contains(dir, "casc")):
		return casc
	}
	return nothing
}

// Wants reports whether a file is a pipeline's.
func (Scanner) Wants(name string, size int64) bool { return kindOf(name) != nothing && size <= maxSize }

// File looks into a pipeline.
func (Scanner) File(_ context.Context, name string, text []byte) ([]supply.Finding, error) {
	f := &finder{lines: strings.Split(string(text), "\n")}
	switch k := kindOf(name); k {
	case jenkinsfile:
		f.jenkinsfile(string(text))
		return f.found, nil
	case plugins:
		f.plugins(f.lines)
		return f.found, nil
	default:
		docs, err := yamltree.Parse(text)
		if err != nil {
			return nil, err
		}
		for _, doc := range docs {
			map[kind]func(yamltree.Node){github: f.workflow, githubAction: f.action, gitlab: f.gitlab, casc: f.casc}[k](doc)
		}
		return f.found, nil
	}
}

// finder gathers what is wrong with one file.
type finder struct {
	lines []string
	found []supply.Finding
}

// add notes a finding at a line; the excerpt is that line with literals of what looks secret struck out.
func (f *finder) add(r supply.Rule, line int, format string, args ...any) {
	excerpt := ""
	if line >= 1 && line <= len(f.lines) {
		excerpt = strings.TrimSpace(f.lines[line-1])
	}
	if r.ID == literal().ID {
		excerpt, _, _ = strings.Cut(excerpt, ":")
		excerpt, _, _ = strings.Cut(excerpt, "=")
		excerpt += ": \u2026"
	}
	f.found = append(f.found, supply.Finding{
		Rule: r, Severity: r.Severity, Message: fmt.Sprintf(format, args...), Place: supply.Place{Line: line}, Excerpt: excerpt[:min(len(excerpt), 200)],
	})
}
