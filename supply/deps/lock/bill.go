package lock

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tutela-health/tutela/supply/deps/part"
)

// billComponent is a component of CycloneDX, which may hold others.
type billComponent struct {
	Name       string          `json:"name"`
	PURL       string          `json:"purl"`
	Type       string          `json:"type"`
	Components []billComponent `json:"components"`
	Licenses   []struct {
		Expression string `json:"expression"`
		License    struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"license"`
	} `json:"licenses"`
}

// bill reads a bill of materials: CycloneDX or SPDX 2, as JSON. What has no package URL is missed.
func bill(text []byte) (*List, error) {
	var f struct {
		Format     string          `json:"bomFormat"`
		Components []billComponent `json:"components"`
		SPDX       string          `json:"spdxVersion"`
		Packages   []struct {
			Name string `json:"name"`
			Refs []struct {
				Type    string `json:"referenceType"`
				Locator string `json:"referenceLocator"`
			} `json:"externalRefs"`
		} `json:"packages"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("not a bill of materials: %s", firstLine(err))
	}
	l := &List{}
	switch {
	case f.Format == "CycloneDX":
		return l, l.addBill(f.Components, 0)
	case f.SPDX == "":
		return nil, errors.New("not a bill of materials: neither CycloneDX nor SPDX")
	}
	for _, p := range f.Packages {
		found := false
		for _, r := range p.Refs {
			if r.Type == "purl" {
				found = l.addURL(r.Locator, nil) || found
			}
		}
		if !found && len(f.Packages) > 1 {
			l.miss(p.Name, "has no package URL of an ecosystem that has advisories")
		}
	}
	return l, nil
}

func (l *List) addBill(list []billComponent, depth int) error {
	if depth > maxNesting {
		return errors.New("its components are nested too deep")
	}
	for _, c := range list {
		var names []string
		for _, one := range c.Licenses {
			names = append(names, licenses(or(one.Expression, or(one.License.ID, one.License.Name)))...)
		}
		if !l.addURL(c.PURL, names) && (c.Type == "library" || c.Type == "framework") {
			l.miss(c.Name, "has no package URL of an ecosystem that has advisories")
		}
		if err := l.addBill(c.Components, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (l *List) addURL(url string, licenses []string) bool {
	c, ok := part.FromURL(url)
	if !ok || c.Version == "" {
		return false
	}
	if c.Ecosystem == "Go" && c.Name == "std" {
		c.Name = Stdlib // as other tools call it
	}
	c.Licenses = licenses
	l.add(c)
	return true
}

// ReadBill reads a bill of materials of any name.
func ReadBill(name string, text []byte) (*List, error) {
	l, err := bill(text)
	if err != nil {
		return nil, err
	}
	return l, l.finish(name)
}
