package keys

import (
	"bytes"
	"fmt"
)

// ReadSecretFile reads a PIN, token or password from the first line of a file. It refuses a file that
// others than its owner may read, and one that is empty. The caller zeroes what it no longer needs.
func ReadSecretFile(path string) ([]byte, error) {
	b, err := readPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("read secret: %w", err)
	}
	line, _, _ := bytes.Cut(b, []byte("\n"))
	if line = bytes.TrimRight(line, "\r"); len(line) == 0 {
		return nil, fmt.Errorf("read secret: the first line of %s is empty", path)
	}
	return line, nil
}
