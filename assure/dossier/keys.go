package dossier

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Keys reads verifier keys, NAME+HASH+KEY, a line each, from a file of that name; a key itself is good too.
func Keys(given string) ([]string, error) {
	if strings.Count(given, "+") >= 2 && !strings.ContainsAny(given, "\n") {
		if _, err := os.Stat(given); errors.Is(err, fs.ErrNotExist) {
			return []string{given}, nil
		}
	}
	text, err := os.ReadFile(given)
	if err != nil {
		return nil, fmt.Errorf("read the verifier key: %w", err)
	}
	var list []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%s holds no key", given)
	}
	return list, nil
}
