package lock

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// nugetLock reads packages.lock.json.
func nugetLock(text []byte) (*List, error) {
	var f struct {
		Frameworks map[string]map[string]struct {
			Type     string            `json:"type"`
			Resolved string            `json:"resolved"`
			Needs    map[string]string `json:"dependencies"`
		} `json:"dependencies"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("not a packages.lock.json: %s", firstLine(err))
	}
	l := &List{}
	for _, framework := range sorted(f.Frameworks) {
		packages := f.Frameworks[framework]
		for _, name := range sorted(packages) {
			p := packages[name]
			if p.Type == "Project" {
				continue
			}
			c := supply.Component{Ecosystem: "NuGet", Name: name, Version: p.Resolved, Direct: p.Type == "Direct"}
			for _, n := range sorted(p.Needs) {
				c.Requires = append(c.Requires, ref(n, packages[n].Resolved))
			}
			l.add(c)
		}
	}
	return l, nil
}

// nugetAssets reads project.assets.json and the deps.json of a built program.
func nugetAssets(text []byte) (*List, error) {
	var f struct {
		Libraries map[string]struct {
			Type   string `json:"type"`
			SHA512 string `json:"sha512"`
		} `json:"libraries"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("not a list of .NET packages: %s", firstLine(err))
	}
	l := &List{}
	for _, key := range sorted(f.Libraries) {
		p := f.Libraries[key]
		if p.Type != "package" {
			continue
		}
		name, version, _ := strings.Cut(key, "/")
		c := supply.Component{Ecosystem: "NuGet", Name: name, Version: version}
		if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(p.SHA512, "sha512-")); err == nil {
			if h := hash("sha512", hex.EncodeToString(sum)); h != "" {
				c.Hashes = []string{h}
			}
		}
		l.add(c)
	}
	return l, nil
}

// nugetConfig reads packages.config.
func nugetConfig(text []byte) (*List, error) {
	l, d, seen := &List{}, xml.NewDecoder(bytes.NewReader(text)), false
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.New("not a packages.config")
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		seen = seen || e.Name.Local == "packages"
		if e.Name.Local != "package" {
			continue
		}
		a := map[string]string{}
		for _, attr := range e.Attr {
			a[attr.Name.Local] = attr.Value
		}
		l.add(supply.Component{Ecosystem: "NuGet", Name: a["id"], Version: a["version"], Direct: true, Develop: a["developmentDependency"] == "true"})
	}
	if !seen {
		return nil, errors.New("not a packages.config")
	}
	return l, nil
}
