package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// system is a Tutela with a data directory of its own, run from the binary as anyone runs it.
type system struct {
	binary   string
	dir      string
	postgres string // URL; empty: the embedded SQLite

	process *exec.Cmd
	url     *url.URL
	tls     *tls.Config
	token   string
}

// startWithin is how long a start may take.
const startWithin = 30 * time.Second

// start runs `tutela dev` and logs in as loader.
func (s *system) start(ctx context.Context) error {
	args := []string{"dev", "--data", s.dir, "--addr", "localhost:0", "--patients", "0"}
	if _, err := os.Stat(s.file("tutela.yaml")); s.postgres != "" && err != nil {
		args = append(args, "--postgres", s.postgres)
	}
	s.process = exec.CommandContext(ctx, s.binary, args...)
	s.process.Stderr = os.Stderr
	if err := s.process.Start(); err != nil {
		return err
	}
	return s.login(ctx)
}

func (s *system) login(ctx context.Context) error {
	var info struct{ URL, CA string }
	for deadline := time.Now().Add(startWithin); ; time.Sleep(20 * time.Millisecond) {
		text, err := os.ReadFile(s.file("dev.json"))
		if err == nil {
			err = json.Unmarshal(text, &info)
		}
		if err == nil {
			break
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("tutela dev is not ready: %w", err)
		}
	}
	pem, err := os.ReadFile(info.CA)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	s.tls = &tls.Config{RootCAs: roots, ServerName: "localhost", NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	if s.url, err = url.Parse(info.URL); err != nil {
		return err
	}
	out, err := s.command(ctx, "token", "--as", "loader")
	s.token = strings.TrimSpace(string(out))
	return err
}

// command runs one of the binary's commands on the system.
func (s *system) command(ctx context.Context, name string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, s.binary, slices.Concat([]string{name}, args, []string{"--data", s.dir})...)
	cmd.Stderr = os.Stderr
	return cmd.Output()
}

// stop ends the server as an operator does, which brings ledger and database files up to date.
func (s *system) stop() error {
	if s.process == nil {
		return nil
	}
	err := s.process.Process.Signal(syscall.SIGTERM)
	err = errors.Join(err, s.process.Wait())
	s.process = nil
	return err
}

func (s *system) file(name string) string { return filepath.Join(s.dir, name) }

// host is the address to connect to, which is also the Host header.
func (s *system) host() string { return s.url.Host }

// fetch gets one answer, for the pages of the floor.
func (s *system) fetch(ctx context.Context, path string) ([]byte, error) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: s.tls.Clone(), DisableKeepAlives: true}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url.String()+path, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s", path, res.Status)
	}
	return body, errors.Join(err, res.Body.Close())
}

// importFiles runs `tutela import` and gives the resources per second that it reports.
func (s *system) importFiles(ctx context.Context, folder string) (float64, error) {
	out, err := s.command(ctx, "import", folder)
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(`\((\d+) per second\)`).FindSubmatch(out)
	if found == nil {
		return 0, fmt.Errorf("tutela import said %q", out)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}

func (s *system) pid() int { return s.process.Process.Pid }
