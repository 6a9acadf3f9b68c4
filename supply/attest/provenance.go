package attest

import (
	"bufio"
	"cmp"
	"context"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/tutela-health/tutela/supply"
	"github.com/tutela-health/tutela/supply/git"
)

// The kinds of builds that we describe (docs/attestations.md).
const (
	BuildGo    = "https://github.com/tutela-health/tutela/attestation/go-build/v1"
	BuildOther = "https://github.com/tutela-health/tutela/attestation/build/v1"
	// Unhosted is the builder where nobody names one: the machine of whoever holds the key.
	Unhosted = "https://github.com/tutela-health/tutela/attestation/unhosted/v1"
)

// The parts of SLSA's provenance, version 1, that we fill (slsa.dev/spec/v1.0/provenance).
type (
	provenance struct {
		Definition definition `json:"buildDefinition"`
		Run        runDetails `json:"runDetails"`
	}
	definition struct {
		Type     string         `json:"buildType"`
		External map[string]any `json:"externalParameters"`
		Internal map[string]any `json:"internalParameters,omitempty"`
		Resolved []Resource     `json:"resolvedDependencies,omitempty"`
	}
	runDetails struct {
		Builder  builder       `json:"builder"`
		Metadata buildMetadata `json:"metadata,omitzero"`
	}
	builder struct {
		ID      string            `json:"id"`
		Version map[string]string `json:"version,omitempty"`
	}
	buildMetadata struct {
		Invocation string `json:"invocationId,omitempty"`
	}
)

// Build is what is known of a build beside its artifacts.
type Build struct {
	Tree       string // the working tree that it was made from
	Builder    string // who vouches for the build, a URI; Unhosted where nobody does
	Invocation string // the run's own page, where it has one
	Tool       string // "tutela VERSION"
}

// Provenance is the statement of how artifacts came about: a Go program says itself what it was built
// of; of others, the tree's lock files are named. What a tree was that has changes without a commit is
// not named by its commit.
func (b Build) Provenance(ctx context.Context, artifacts ...string) (Statement, error) {
	subjects, err := Files(artifacts...)
	if err != nil {
		return Statement{}, err
	}
	p := provenance{Definition: definition{Type: BuildOther, External: map[string]any{}}}
	p.Run.Builder = builder{ID: cmp.Or(b.Builder, Unhosted)}
	if name, version, ok := strings.Cut(b.Tool, " "); ok {
		p.Run.Builder.Version = map[string]string{name: version}
	}
	p.Run.Metadata.Invocation = b.Invocation
	source, err := b.source(ctx)
	if err != nil {
		return Statement{}, err
	}
	p.Definition.External["source"] = source
	p.Definition.Resolved = append(p.Definition.Resolved, source)
	if err := p.Definition.materials(b.Tree, artifacts); err != nil {
		return Statement{}, err
	}
	return NewStatement(TypeProvenance, p, subjects...)
}

// materials adds what Go programs say of themselves, or the lock files of the tree.
func (d *definition) materials(tree string, artifacts []string) error {
	for _, a := range artifacts {
		info, err := buildinfo.ReadFile(a)
		if err != nil {
			d.Type = BuildOther
			return d.locks(tree)
		}
		d.Type = BuildGo
		d.goProgram(filepath.Base(a), info)
	}
	slices.SortFunc(d.Resolved[1:], func(a, b Resource) int { return strings.Compare(a.URI, b.URI) })
	d.Resolved = slices.CompactFunc(d.Resolved, func(a, b Resource) bool { return a.URI != "" && a.URI == b.URI })
	return nil
}

func (d *definition) goProgram(name string, info *debug.BuildInfo) {
	settings := map[string]any{}
	for _, s := range info.Settings {
		if !strings.HasPrefix(s.Key, "vcs") {
			settings[s.Key] = s.Value
		}
	}
	programs, _ := d.External["programs"].(map[string]any)
	if programs == nil {
		programs = map[string]any{}
	}
	programs[name] = map[string]any{"package": info.Path, "settings": settings}
	d.External["programs"] = programs
	version := strings.TrimPrefix(strings.Fields(info.GoVersion + " ")[0], "go")
	d.Resolved = append(d.Resolved, Resource{Name: "go", URI: "pkg:generic/go@" + url.PathEscape(version)})
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		if m.Version == "" { // it was replaced by a folder
			d.Resolved = append(d.Resolved, Resource{Name: m.Path})
			continue
		}
		r := Resource{URI: "pkg:golang/" + m.Path + "@" + m.Version}
		if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(sum) > 0 {
			r.Digest = map[string]string{"dirHash": hex.EncodeToString(sum)}
		}
		d.Resolved = append(d.Resolved, r)
	}
}

// lockFiles say which versions a build took.
func lockFiles() []string {
	return []string{"go.mod", "go.sum", "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "requirements.txt", "poetry.lock", "uv.lock", "pdm.lock", "Pipfile.lock",
		"pom.xml", "gradle.lockfile", "Gemfile.lock", "packages.lock.json", "composer.lock", "Cargo.lock", "Dockerfile"}
}

// locks names the lock files at the top of the tree.
func (d *definition) locks(tree string) error {
	for _, name := range lockFiles() {
		if info, err := os.Lstat(filepath.Join(tree, name)); err != nil || !info.Mode().IsRegular() {
			continue
		}
		list, err := Files(filepath.Join(tree, name))
		if err != nil {
			return err
		}
		d.Resolved = append(d.Resolved, list...)
	}
	return nil
}

// source names the tree: by its repository and commit where it is that commit, by its files anyway.
func (b Build) source(ctx context.Context) (Resource, error) {
	t, err := supply.OpenTree(b.Tree)
	if err != nil {
		return Resource{}, err
	}
	defer func() { _ = t.Close() }() // it was only read
	repo, err := git.Open(b.Tree)
	if err != nil || repo == nil {
		return Tree(ctx, t)
	}
	files, err := repo.Files(ctx)
	if err != nil {
		return Resource{}, err
	}
	t.Keep(files.Has, "git ignores them")
	r, err := Tree(ctx, t)
	if err != nil {
		return Resource{}, err
	}
	r.URI = Origin(ctx, repo)
	if r.Digest["gitCommit"] == "" {
		r.Annotations = map[string]any{"modified": true}
		if head := repo.Head(ctx); head != "" {
			r.Annotations["onTopOf"] = head
		}
	}
	return r, nil
}

// Origin is where the repository says that it came from, without a login.
func Origin(ctx context.Context, repo *git.Repository) string {
	address := ""
	err := git.Run(repo.Command(ctx, "config", "--local", "--no-includes", "--get", "remote.origin.url"), func(out *bufio.Reader) error {
		line, err := out.ReadString('\n')
		if err != nil || len(line) > 2048 {
			return errors.New("no address")
		}
		address = strings.TrimSpace(line)
		return nil
	})
	if err != nil {
		return "" // it has none
	}
	return plainOrigin(address)
}

// shortForm is git's way to write an address of ssh: user@host:path.
var shortForm = regexp.MustCompile(`^(?:[\w.-]+@)?([\w.-]+):([\w./~+-]+)$`)

// plainOrigin is an address as SPDX and SLSA write it, without user, password and query; empty for a folder.
func plainOrigin(address string) string {
	if m := shortForm.FindStringSubmatch(address); m != nil && !strings.Contains(address, "://") {
		return fmt.Sprintf("git+ssh://%s/%s", m[1], strings.TrimPrefix(m[2], "/"))
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || !slices.Contains([]string{"https", "http", "ssh", "git"}, u.Scheme) {
		return ""
	}
	return "git+" + (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
