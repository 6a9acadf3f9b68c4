package lock

import (
	"encoding/json"
	"fmt"

	"github.com/tutela-health/tutela/supply"
)

// composerLock reads composer.lock.
func composerLock(text []byte) (*List, error) {
	type entry struct {
		Name      string          `json:"name"`
		Version   string          `json:"version"`
		License   any             `json:"license"`
		Abandoned any             `json:"abandoned"`
		Require   json.RawMessage `json:"require"`
		Dist      struct {
			Type   string `json:"type"`
			SHASum string `json:"shasum"`
		} `json:"dist"`
	}
	var f struct {
		Packages []entry `json:"packages"`
		Develop  []entry `json:"packages-dev"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("not a composer.lock: %s", firstLine(err))
	}
	l, versions := &List{}, map[string]string{}
	for _, p := range append(f.Packages[:len(f.Packages):len(f.Packages)], f.Develop...) {
		versions[p.Name] = p.Version
	}
	for i, list := range [][]entry{f.Packages, f.Develop} {
		for _, p := range list {
			if p.Dist.Type == "path" {
				continue // the tree's own
			}
			c := supply.Component{Ecosystem: "Packagist", Name: p.Name, Version: p.Version, Licenses: licenses(p.License), Develop: i == 1}
			if h := hash("sha1", p.Dist.SHASum); h != "" {
				c.Hashes = []string{h}
			}
			if c.Deprecated = deprecated(p.Abandoned); c.Deprecated != "" && c.Deprecated != "deprecated" {
				c.Deprecated = "abandoned: use " + c.Deprecated
			}
			var needs map[string]any
			if json.Unmarshal(p.Require, &needs) == nil {
				for _, n := range sorted(needs) {
					c.Requires = append(c.Requires, ref(n, versions[n]))
				}
			}
			l.add(c)
		}
	}
	return l, nil
}
