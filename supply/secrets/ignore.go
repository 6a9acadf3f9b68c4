package secrets

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// ignoreFile is where gitleaks' users list findings that they excuse, by gitleaks' fingerprints:
// file:rule:line, or commit:file:rule:line.
const ignoreFile = ".gitleaksignore"

// maxIgnores is how many bytes of such a file are read.
const maxIgnores = 1 << 20

// Ignores are the findings that a tree's .gitleaksignore lists.
type Ignores struct {
	listed map[string]bool
	own    []string // rules that gitleaks does not have: a listed place excuses these whatever rule it names
}

// ReadIgnores reads the .gitleaksignore of a tree; a tree without one lists nothing.
func ReadIgnores(t *supply.Tree) (Ignores, error) {
	i := Ignores{listed: map[string]bool{}}
	for _, r := range newOwn().all() {
		i.own = append(i.own, r.ID)
	}
	at := slices.IndexFunc(t.Files, func(f supply.File) bool { return f.Path == ignoreFile })
	if at < 0 {
		return i, nil
	}
	text, err := t.Files[at].ReadUpTo(maxIgnores)
	if err != nil {
		return i, fmt.Errorf("read %s: %w", ignoreFile, err)
	}
	for line := range bytes.Lines(text) {
		i.list(strings.TrimSpace(string(line)))
	}
	return i, nil
}

// list takes one fingerprint.
func (i *Ignores) list(line string) {
	parts := strings.Split(strings.ReplaceAll(line, "\\", "/"), ":")
	if strings.HasPrefix(line, "#") || len(parts) != 3 && len(parts) != 4 {
		return
	}
	i.listed[strings.Join(parts, ":")] = true
	parts[len(parts)-2] = "" // the place alone
	i.listed[strings.Join(parts, ":")] = true
}

// Excuse marks the findings of a report that are listed. Such a waiver has no owner and no end: whether
// it holds is for others to say.
func (i Ignores) Excuse(r *supply.Report) {
	for n := range r.Findings {
		if f := &r.Findings[n]; f.Waiver == nil && i.lists(f) {
			f.Waiver = &supply.Waiver{Reason: "listed by its fingerprint", From: ignoreFile}
		}
	}
}

// lists reports whether a finding is listed: for the tree and all of the history, or for one commit.
func (i Ignores) lists(f *supply.Finding) bool {
	if f.Class != supply.Secrets {
		return false
	}
	rule := strings.TrimPrefix(f.Rule.ID, prefix)
	if slices.Contains(i.own, f.Rule.ID) {
		rule = ""
	}
	place := f.Place.Path + ":" + rule + ":" + strconv.Itoa(f.Place.Line)
	return i.listed[place] || f.Place.Commit != "" && i.listed[f.Place.Commit+":"+place]
}
