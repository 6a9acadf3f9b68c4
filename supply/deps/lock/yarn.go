package lock

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// yarnEntry is one block of yarn.lock: of version 1 and of berry, which is YAML of the same shape.
type yarnEntry struct {
	asked      []string // name@range
	version    string
	resolution string // berry: name@npm:version
	resolved   string
	integrity  string
	checksum   string
	needs      []string // name@range
}

func yarnLock(text []byte) (*List, error) {
	berry := bytes.Contains(text, []byte("__metadata:"))
	if !berry && !bytes.Contains(text[:min(len(text), 500)], []byte("yarn lockfile v1")) && bytes.Contains(text, []byte("<<<<<<<")) {
		return nil, errors.New("not a yarn.lock: it holds a merge conflict")
	}
	entries := yarnEntries(string(text))
	if len(entries) == 0 && len(bytes.TrimSpace(text)) > 0 && !bytes.HasPrefix(bytes.TrimSpace(text), []byte("#")) {
		return nil, errors.New("not a yarn.lock")
	}
	l, answers := &List{}, map[string]string{}
	for _, e := range entries {
		name, version := e.identity()
		for _, a := range e.asked {
			answers[a] = ref(name, version)
		}
	}
	for _, e := range entries {
		l.addYarn(e, answers)
	}
	return l, nil
}

func (l *List) addYarn(e yarnEntry, answers map[string]string) {
	name, version := e.identity()
	if len(e.asked) > 0 && (own(strings.TrimPrefix(e.asked[0], name+"@")) || own(e.resolved)) {
		return
	}
	if foreign(e.resolved) {
		l.miss(name, "comes from "+origin(e.resolved)+", of which advisories say nothing")
		return
	}
	if e.resolution != "" && !strings.Contains(e.resolution, "@npm:") {
		switch {
		case strings.Contains(e.resolution, "@workspace:"), strings.Contains(e.resolution, "@patch:"), strings.Contains(e.resolution, "@virtual:"):
			// the tree's own; what a patch is made to is an entry of its own
		default:
			l.miss(name, "comes from elsewhere than a registry, of which advisories say nothing")
		}
		return
	}
	if name == "" || name == "__metadata" {
		return
	}
	c := supply.Component{Ecosystem: "npm", Name: name, Version: version, Hashes: integrity(e.integrity)}
	if _, sum, ok := strings.Cut(e.checksum, "/"); ok {
		if raw, err := hex.DecodeString(sum); err == nil && len(raw) == 64 {
			c.Hashes = nil // yarn's sum is of its own zip, not of what the registry gives out
		}
	}
	for _, n := range e.needs {
		if r, ok := answers[n]; ok {
			c.Requires = append(c.Requires, r)
		}
	}
	l.add(c)
}

// identity is the name and version that an entry stands for; an alias stands for what it names.
func (e yarnEntry) identity() (name, version string) {
	if head, v, ok := strings.Cut(e.resolution, "@npm:"); ok {
		v, _, _ = strings.Cut(v, "::")
		return head, v
	}
	if len(e.asked) == 0 {
		return "", e.version
	}
	name = beforeAt(e.asked[0])
	if _, alias, ok := strings.Cut(e.asked[0], "@npm:"); ok && e.resolution == "" {
		if n := beforeAt(alias); n != alias {
			name = n
		}
	}
	return name, e.version
}

// beforeAt is the name in name@range; a scope's own @ comes first.
func beforeAt(s string) string {
	if i := strings.LastIndex(s[:min(len(s), 300)], "@"); i > 0 {
		if first := strings.Index(s[1:], "@"); first >= 0 {
			return s[:first+1]
		}
		return s[:i]
	}
	return s
}

// yarnEntries divides the file into its blocks.
func yarnEntries(text string) (list []yarnEntry) {
	section := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n ")
		body := strings.TrimLeft(line, " ")
		if body == "" || body[0] == '#' {
			continue
		}
		switch depth := indent(line); {
		case depth == 0:
			list, section = append(list, yarnEntry{asked: askedFor(body)}), ""
		case len(list) == 0:
			continue
		case depth == 2:
			section = list[len(list)-1].field(body)
		case depth == 4 && (section == "dependencies" || section == "optionalDependencies"):
			name, want := keyValue(body)
			list[len(list)-1].needs = append(list[len(list)-1].needs, name+"@"+want)
		}
	}
	return list
}

// askedFor reads the head of a block: "a@^1, a@^2": in berry, "a@^1", a@^2: in version 1.
func askedFor(head string) (asked []string) {
	head = strings.TrimSuffix(head, ":")
	if strings.Count(head, `"`) == 2 && strings.HasPrefix(head, `"`) {
		head = unquoted(head)
	}
	for _, a := range strings.Split(head, ", ") {
		asked = append(asked, unquoted(strings.TrimSpace(a)))
	}
	return asked
}

// field takes one line of a block, and gives the name of the section that it opens.
func (e *yarnEntry) field(body string) string {
	key, value := keyValue(body)
	switch key {
	case "version":
		e.version = value
	case "resolution":
		e.resolution = value
	case "resolved":
		e.resolved = value
	case "integrity":
		e.integrity = value
	case "checksum":
		e.checksum = value
	}
	return key
}

// keyValue reads `key value` and `key: value`, either quoted.
func keyValue(body string) (key, value string) {
	if strings.HasPrefix(body, `"`) {
		if end := strings.Index(body[1:], `"`); end >= 0 {
			return body[1 : end+1], unquoted(strings.TrimSpace(strings.TrimPrefix(body[end+2:], ":")))
		}
	}
	key, value, ok := strings.Cut(body, " ")
	if !ok {
		return strings.TrimSuffix(body, ":"), ""
	}
	return strings.TrimSuffix(key, ":"), unquoted(strings.TrimSpace(value))
}
