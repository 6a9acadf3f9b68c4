package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// login is what a person who signed in to a server has on his machine, in a file that nobody else may read.
type login struct {
	Server  string    `json:"server"` // https://HOST[:PORT]
	CA      string    `json:"ca,omitempty"`
	Access  string    `json:"access_token"`
	Refresh string    `json:"refresh_token,omitempty"`
	Expires time.Time `json:"expires"` // of the access token
}

// serverURL takes an address for a server's: tokens are sent there, so it is https, and nothing but a host.
func serverURL(text string) (string, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return "", usage("--server takes https://HOST or https://HOST:PORT")
	}
	return "https://" + strings.ToLower(u.Host), nil
}

// loginFile is where the login at a server is kept: below the user's configuration directory.
func loginFile(server string) (string, error) {
	top, err := os.UserConfigDir()
	if err != nil {
		return "", fmt.Errorf("find where logins are kept: %w", err)
	}
	return filepath.Join(top, "tutela", "logins", url.PathEscape(strings.TrimPrefix(server, "https://"))+".json"), nil
}

// readLogin reads a login. One that others may read is refused: they may have it.
func readLogin(server string) (login, error) {
	var l login
	path, err := loginFile(server)
	if err != nil {
		return l, err
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, usage("nobody is signed in to %s: tutela login --server %s", server, server)
	}
	if err != nil {
		return l, fmt.Errorf("read login: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return l, usage("%s is no file of yours alone (mode 0600): tutela logout --server %s, and sign in again", path, server)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return l, fmt.Errorf("read login: %w", err)
	}
	if err := json.Unmarshal(text, &l); err != nil || l.Server != server {
		return login{}, usage("%s is no login at %s: sign in again", path, server)
	}
	return l, nil
}

// write keeps a login.
func (l login) write() error {
	path, err := loginFile(l.Server)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make a place for logins: %w", err)
	}
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("encode login: %w", err)
	}
	return writePrivate(path, text)
}

// forget removes the login at a server.
func forgetLogin(server string) error {
	path, err := loginFile(server)
	if err == nil {
		err = os.Remove(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
