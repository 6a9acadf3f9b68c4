package deliver

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// Secret reads a file without the line's end behind it; nothing where none is named. An empty file is an error.
func Secret(read func(string) ([]byte, error), path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	b, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if b = bytes.TrimRight(b, "\r\n"); len(b) == 0 {
		return nil, fmt.Errorf("%s is empty", path)
	}
	return b, nil
}

// Trusting is TLS with whom the authorities in a PEM vouch for, and nobody else.
func Trusting(pem []byte) (*tls.Config, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("ca_file holds no certificate")
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, nil
}
