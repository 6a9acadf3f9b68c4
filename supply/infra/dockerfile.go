package infra

import (
	"bytes"
	"errors"
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// dockerfile looks into a Dockerfile, by BuildKit's own parser.
func dockerfile(f *finder, text []byte) error {
	tree, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return errors.New("no Dockerfile that BuildKit could read")
	}
	f.recognized = true
	d := &docker{finder: f, stages: map[string]bool{}, piped: regexp.MustCompile(`\b(?:curl|wget)\b[^|;&]*\|\s*(?:sudo\s+)?(?:ba|da|z)?sh\b`)}
	for _, n := range tree.AST.Children {
		d.instruction(n)
	}
	d.end()
	return nil
}

// docker is a look at one Dockerfile. What counts of user and base is what the last stage has.
type docker struct {
	*finder
	piped    *regexp.Regexp
	stages   map[string]bool // names of stages
	base     string          // the last stage's
	baseLine int
	user     string
	userLine int
}

// words are an instruction's arguments.
func words(n *parser.Node) []string {
	var list []string
	for n = n.Next; n != nil; n = n.Next {
		list = append(list, n.Value)
	}
	return list
}

func (d *docker) instruction(n *parser.Node) {
	args := words(n)
	switch strings.ToLower(n.Value) {
	case "from":
		d.from(args, n.StartLine)
	case "user":
		if len(args) > 0 {
			d.user, d.userLine = args[0], n.StartLine
		}
	case "env", "arg":
		d.variables(n, args)
	case "add":
		d.download(n, args)
	case "expose":
		for _, port := range args {
			if number, _, _ := strings.Cut(port, "/"); number == "22" || number == "23" {
				d.Add(exposedPort(), n.StartLine, "port %s is for people, not for a service", number)
			}
		}
	case "run":
		d.run(strings.Join(args, " "), n.StartLine)
	}
}

func (d *docker) from(args []string, line int) {
	if len(args) == 0 {
		return
	}
	known := d.stages[strings.ToLower(args[0])]
	if len(args) == 3 && strings.EqualFold(args[1], "as") {
		d.stages[strings.ToLower(args[2])] = true
	}
	if known {
		return // it goes on from a stage above, with its user
	}
	d.base, d.baseLine, d.user = args[0], line, ""
	if !pinned(args[0]) {
		d.Add(unpinnedImage(), line, "the image %s has no version", args[0])
	}
}

func (d *docker) variables(n *parser.Node, args []string) {
	for i := 0; i < len(args); i++ {
		name, value, both := strings.Cut(args[i], "=")
		if !both && strings.EqualFold(n.Value, "env") && i+1 < len(args) {
			value = args[i+1] // BuildKit gives name, value and separator apart
			i += 2
		}
		if secretName(name) && secretValue(strings.Trim(value, `"'`)) {
			d.Add(literalSecret(), n.StartLine, "the value of %s is in the image", name)
		}
	}
}

func (d *docker) download(n *parser.Node, args []string) {
	for _, flag := range n.Flags {
		if strings.HasPrefix(flag, "--checksum=") {
			return
		}
	}
	for _, a := range args {
		if strings.HasPrefix(a, "http://") || strings.HasPrefix(a, "https://") {
			d.Add(remoteAdd(), n.StartLine, "a file is downloaded without a digest")
		}
	}
}

func (d *docker) run(command string, line int) {
	if d.piped.MatchString(command) {
		d.Add(remoteAdd(), line, "a download is run without a look at it")
	}
	if strings.Contains(command, "chmod 777") || strings.Contains(command, "chmod -R 777") || strings.Contains(command, "chmod a+w") {
		d.Add(loosePermissions(), line, "everybody may write these files")
	}
}

// end judges the image that comes of it.
func (d *docker) end() {
	name := d.base[strings.LastIndexByte(d.base, '/')+1:]
	unprivileged := strings.Contains(d.base, "nonroot") || strings.Contains(d.base, "cgr.dev/chainguard/")
	switch user, _, _ := strings.Cut(d.user, ":"); {
	case d.base == "":
	case d.user == "" && !unprivileged:
		d.Add(rootUser(), d.baseLine, "no USER is set")
	case user == "root" || user == "0":
		d.Add(rootUser(), d.userLine, "the last USER is root")
	}
	for _, large := range []string{"ubuntu", "debian", "centos", "fedora", "amazonlinux", "rockylinux", "almalinux", "node", "python", "golang", "openjdk", "ruby", "php", "maven", "gradle", "rust"} {
		repository, tag, _ := strings.Cut(name, ":")
		if repository == large && !strings.Contains(tag, "slim") && !strings.Contains(tag, "alpine") && !strings.Contains(tag, "minimal") && !strings.Contains(tag, "distroless") {
			d.Add(largeImage(), d.baseLine, "the last stage is built on %s, with all of its tools", large)
		}
	}
}
