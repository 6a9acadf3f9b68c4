package policy

import (
	"context"
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/tutela-health/tutela"
	"github.com/tutela-health/tutela/internal/errs"
)

//go:embed starter/*.md
var starter embed.FS

// Starter gives the policies that a small organisation may begin with, by id, each as a file with an owner in it.
func Starter(owner string) (map[string][]byte, error) {
	files, err := starter.ReadDir("starter")
	if err != nil {
		return nil, fmt.Errorf("starter: %w", err)
	}
	set := map[string][]byte{}
	for _, f := range files {
		text, err := starter.ReadFile(path.Join("starter", f.Name()))
		if err != nil {
			return nil, fmt.Errorf("starter: %w", err)
		}
		set[strings.TrimSuffix(f.Name(), ".md")] = []byte(strings.Replace(string(text), "owner: OWNER", fmt.Sprintf("owner: %q", owner), 1))
	}
	return set, nil
}

// Begin drafts the starter set, and leaves what is there already as it is. It gives what was drafted.
func (s *Service) Begin(ctx context.Context, entry tutela.Entry, owner string) ([]Kept, error) {
	set, err := Starter(owner)
	if err != nil {
		return nil, err
	}
	list := []Kept{}
	for id, file := range set {
		_, _, err := s.get(ctx, id)
		if err == nil {
			continue
		}
		if !errs.Is(err, errs.NotFound) {
			return nil, err
		}
		k, err := s.Put(ctx, entry, id, file)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		list = append(list, k)
	}
	return list, nil
}
