package lock

import (
	"bytes"
	"cmp"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"

	"golang.org/x/text/encoding/charmap"

	"github.com/tutela-health/tutela/supply"
)

// Limits on poms, which refer to one another and to properties that refer to one another.
const (
	maxParents = 10
	maxRounds  = 10
	maxText    = 1 << 10 // bytes of a version
)

// pom is what we read of a pom.xml (maven.apache.org/pom.html).
type pom struct {
	Group      string     `xml:"groupId"`
	Artifact   string     `xml:"artifactId"`
	Version    string     `xml:"version"`
	Parent     *pomParent `xml:"parent"`
	Properties properties `xml:"properties"`
	Managed    []pomNeed  `xml:"dependencyManagement>dependencies>dependency"`
	Needs      []pomNeed  `xml:"dependencies>dependency"`
	Plugins    []pomNeed  `xml:"build>plugins>plugin"`
	XMLName    xml.Name   `xml:"project"`
}

type pomParent struct {
	Group    string  `xml:"groupId"`
	Artifact string  `xml:"artifactId"`
	Version  string  `xml:"version"`
	Relative *string `xml:"relativePath"`
}

type pomNeed struct {
	Group    string `xml:"groupId"`
	Artifact string `xml:"artifactId"`
	Version  string `xml:"version"`
	Scope    string `xml:"scope"`
}

// properties are elements of any name.
type properties map[string]string

// UnmarshalXML reads them.
func (p *properties) UnmarshalXML(d *xml.Decoder, _ xml.StartElement) error {
	*p = properties{}
	for {
		token, err := d.Token()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.EndElement:
			return nil
		case xml.StartElement:
			var value string
			if err := d.DecodeElement(&value, &t); err != nil {
				return err
			}
			(*p)[t.Name.Local] = strings.TrimSpace(value)
		}
	}
}

// IsPom reports whether a file of this path is a Maven project.
func IsPom(name string) bool { return path.Base(name) == "pom.xml" }

// Pom reads a pom.xml with those of its parents that are in the tree, which open reads by path. It names what
// the project asks for itself; what that needs in turn Maven works out anew each time, and writes nowhere.
func Pom(name string, open func(string) ([]byte, error)) (*List, error) {
	text, err := open(name)
	if err != nil {
		return nil, err
	}
	p, err := parsePom(text)
	if err != nil {
		return nil, err
	}
	l := &List{}
	parents := p.inherit(name, open, maxParents)
	p.builtin()
	managed := map[string]pomNeed{}
	for _, m := range p.Managed {
		key := p.expand(m.Group) + ":" + p.expand(m.Artifact)
		if _, ok := managed[key]; !ok {
			managed[key] = m
		}
		if m.Scope == "import" {
			l.miss(key, "brings in versions that are not in the tree")
		}
	}
	for _, n := range p.Needs {
		l.addPom(p, n, managed, parents)
	}
	if len(p.Needs) > 0 {
		l.miss("what its dependencies need in turn", "is written in no file: make a bill of materials of it (cyclonedx-maven-plugin, makeAggregateBom) and commit or scan that")
	}
	return l, l.finish(name)
}

func parsePom(text []byte) (*pom, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	d.CharsetReader = func(label string, r io.Reader) (io.Reader, error) {
		switch strings.ToLower(label) {
		case "iso-8859-1", "us-ascii", "latin1":
			return charmap.ISO8859_1.NewDecoder().Reader(r), nil
		case "windows-1252":
			return charmap.Windows1252.NewDecoder().Reader(r), nil
		}
		return nil, errors.New("unknown character set")
	}
	var p pom
	if err := d.Decode(&p); err != nil {
		return nil, fmt.Errorf("not a pom.xml: %s", firstLine(err))
	}
	if p.Properties == nil {
		p.Properties = properties{}
	}
	return &p, nil
}

// inherit takes over what parents in the tree say, and reports whether all were there.
func (p *pom) inherit(name string, open func(string) ([]byte, error), left int) bool {
	if p.Parent == nil {
		return true
	}
	p.Group, p.Version = cmp.Or(p.Group, p.Parent.Group), cmp.Or(p.Version, p.Parent.Version)
	p.Properties["project.parent.version"] = p.Parent.Version
	if left == 0 {
		return false
	}
	relative := "../pom.xml"
	if p.Parent.Relative != nil {
		relative = strings.TrimSpace(*p.Parent.Relative)
	}
	if relative == "" {
		return false
	}
	at := path.Join(path.Dir(name), relative)
	if path.Ext(at) != ".xml" {
		at = path.Join(at, "pom.xml")
	}
	text, err := open(at)
	if err != nil {
		return false
	}
	parent, err := parsePom(text)
	if err != nil || parent.Artifact != p.Parent.Artifact {
		return false
	}
	whole := parent.inherit(at, open, left-1)
	for key, value := range parent.Properties {
		if _, own := p.Properties[key]; !own {
			p.Properties[key] = value
		}
	}
	p.Managed = append(p.Managed, parent.Managed...)
	p.Needs = append(p.Needs, parent.Needs...)
	return whole
}

// builtin adds the properties that every project has.
func (p *pom) builtin() {
	for _, prefix := range []string{"project.", "pom.", ""} {
		for key, value := range map[string]string{"groupId": p.Group, "artifactId": p.Artifact, "version": p.Version} {
			if _, own := p.Properties[prefix+key]; !own {
				p.Properties[prefix+key] = value
			}
		}
	}
}

var reference = regexp.MustCompile(`\$\{([^${}]+)\}`)

// expand puts properties in their places, round by round; one that is not known stays.
func (p *pom) expand(text string) string {
	text = strings.TrimSpace(text)
	for range maxRounds {
		if len(text) > maxText || !strings.Contains(text, "${") {
			break
		}
		text = reference.ReplaceAllStringFunc(text, func(m string) string {
			if value, ok := p.Properties[m[2:len(m)-1]]; ok && len(value) <= maxText {
				return value
			}
			return m
		})
	}
	return text
}

// addPom adds what a project asks for, at the version that it or its management says.
func (l *List) addPom(p *pom, n pomNeed, managed map[string]pomNeed, parents bool) {
	name := p.expand(n.Group) + ":" + p.expand(n.Artifact)
	m := managed[name]
	version, scope := p.expand(cmp.Or(n.Version, m.Version)), cmp.Or(n.Scope, m.Scope)
	switch {
	case p.expand(n.Group) == p.expand(p.Group) && version == p.expand(p.Version), scope == "system":
		return // the tree's own
	case version == "" && !parents:
		l.miss(name, "has its version in a parent that is not in the tree")
	case version == "" || strings.Contains(version, "${") || len(version) > maxText:
		l.miss(name, "has a version that is not in the tree")
	case strings.ContainsAny(version, "[](),"), strings.EqualFold(version, "LATEST"), strings.EqualFold(version, "RELEASE"):
		l.miss(name, "is not pinned to one version")
	default:
		l.add(supply.Component{Ecosystem: "Maven", Name: name, Version: version, Direct: true, Develop: scope == "test"})
	}
}
