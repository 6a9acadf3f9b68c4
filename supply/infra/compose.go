package infra

import (
	"path"
	"strings"

	"github.com/tutela-health/tutela/supply/yamltree"
)

// isCompose tells a Compose file from other YAML with services in it.
func (f *finder) isCompose(doc yamltree.Node) bool {
	base := strings.ToLower(path.Base(f.path))
	if strings.Contains(base, "compose") {
		return true
	}
	for _, s := range doc.Get("services").Members() {
		if s.Get("image").IsText() || s.Get("build").Exists() {
			return !doc.Get("pipelines").Exists() && !doc.Get("jobs").Exists()
		}
	}
	return false
}

// compose looks into a Compose file (compose-spec.io).
func (f *finder) compose(doc yamltree.Node) {
	for name, s := range doc.Get("services").Members() {
		f.service(name, s, doc.Get("services").Key(name).Line())
	}
}

func (f *finder) service(name string, s yamltree.Node, line int) {
	if image := s.Get("image"); !pinned(image.Text()) {
		f.Add(unpinnedImage(), image.Line(), "the image %s has no version", image.Text())
	}
	if p := s.Get("privileged"); p.True() {
		f.Add(privileged(), p.Line(), "%s is privileged", name)
	}
	for _, key := range []string{"network_mode", "pid", "ipc", "userns_mode"} {
		if v := s.Get(key); v.Is("host") {
			f.Add(hostAccess(), v.Line(), "%s shares the host's %s", name, key)
		}
	}
	for _, c := range s.Get("cap_add").Items() {
		if c.Is("ALL") || c.Is("SYS_ADMIN") || c.Is("NET_ADMIN") || c.Is("SYS_PTRACE") {
			f.Add(privileged(), c.Line(), "%s gets %s", name, c.Text())
		}
	}
	for _, v := range s.Get("volumes").Items() {
		f.mount(name, v)
	}
	for _, p := range s.Get("ports").Items() {
		f.port(name, p)
	}
	f.environment(s.Get("environment"))
	if u := s.Get("user"); u.Is("root") || u.Is("0") || strings.HasPrefix(u.Text(), "0:") {
		f.Add(rootUser(), u.Line(), "%s runs as root", name)
	}
	if !s.Get("read_only").True() {
		f.Add(writable(), line, "%s may write its file system (read_only)", name)
	}
	if !f.confined(s) {
		f.Add(unconfined(), line, "%s keeps capabilities, or may gain privileges (cap_drop, no-new-privileges)", name)
	}
}

func (f *finder) confined(s yamltree.Node) bool {
	drops, bound := false, false
	for _, c := range s.Get("cap_drop").Items() {
		drops = drops || c.Is("ALL")
	}
	for _, o := range s.Get("security_opt").Items() {
		bound = bound || strings.HasPrefix(o.Text(), "no-new-privileges") && !strings.HasSuffix(o.Text(), "false")
	}
	return drops && bound
}

func (f *finder) mount(name string, v yamltree.Node) {
	source := v.Get("source").Text()
	if v.IsText() {
		source, _, _ = strings.Cut(v.Text(), ":")
	}
	switch {
	case strings.HasSuffix(source, "docker.sock") || strings.HasSuffix(source, "containerd.sock"):
		f.Add(hostAccess(), v.Line(), "%s may start containers as it likes", name)
	case source == "/" || source == "/etc" || source == "/root" || source == "/var/run" || source == "/proc" || source == "/sys":
		f.Add(hostAccess(), v.Line(), "%s has the host's %s", name, source)
	}
}

// port looks for data stores that listen to everybody.
func (f *finder) port(name string, p yamltree.Node) {
	host, inner := p.Get("host_ip").Text(), p.Get("target").Text()
	if p.IsText() {
		parts := strings.Split(strings.Split(p.Text(), "/")[0], ":")
		inner = parts[len(parts)-1]
		if len(parts) == 3 {
			host = parts[0]
		}
	}
	if host != "" && host != "0.0.0.0" {
		return
	}
	switch inner {
	case "5432", "3306", "1433", "1521", "27017", "6379", "9200", "9300", "5984", "11211", "2375", "2379", "5672", "9092":
		f.Add(exposedPort(), p.Line(), "%s listens to everybody on %s", name, inner)
	}
}

// environment looks at variables given as a map or as a list of NAME=value.
func (f *finder) environment(env yamltree.Node) {
	for name, v := range env.Members() {
		if secretName(name) && secretValue(v.Text()) {
			f.Add(literalSecret(), v.Line(), "the value of %s is written out", name)
		}
	}
	for _, item := range env.Items() {
		if name, value, ok := strings.Cut(item.Text(), "="); ok && secretName(name) && secretValue(value) {
			f.Add(literalSecret(), item.Line(), "the value of %s is written out", name)
		}
	}
}
