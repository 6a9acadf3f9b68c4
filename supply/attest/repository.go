package attest

import (
	"net/url"
	"strings"
)

// Repository is the name by which two addresses of one repository are known as the same, as in
// git.example/clinic/portal: without scheme, login, port of ssh and suffix. It is empty for what names no host.
func Repository(address string) string {
	u, err := url.Parse(strings.TrimPrefix(plainOrigin(strings.TrimPrefix(address, "git+")), "git+"))
	if err != nil || u.Hostname() == "" {
		return ""
	}
	host := strings.ToLower(u.Host)
	if port := u.Port(); u.Scheme == "ssh" || u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		host = strings.ToLower(u.Hostname())
	}
	path := strings.TrimSuffix(strings.Trim(u.EscapedPath(), "/"), ".git")
	if path == "" || strings.Contains(path, "..") {
		return ""
	}
	return host + "/" + path
}
