package pipeline

import (
	"context"
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
	f := &finder{supply.NewFinder(text, literal())}
	switch k := kindOf(name); k {
	case jenkinsfile:
		f.jenkinsfile(string(text))
		return f.Found, nil
	case plugins:
		f.plugins(f.Lines())
		return f.Found, nil
	default:
		docs, err := yamltree.Parse(text)
		if err != nil {
			return nil, err
		}
		for _, doc := range docs {
			map[kind]func(yamltree.Node){github: f.workflow, githubAction: f.action, gitlab: f.gitlab, casc: f.casc}[k](doc)
		}
		return f.Found, nil
	}
}

// finder gathers what is wrong with one file.
type finder struct{ supply.Finder }
