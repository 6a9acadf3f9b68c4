package deps

import (
	"encoding/json"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// Limits on how far licences are looked for: they are a help, and not a check.
const (
	maxLicences = 5_000
	maxLicence  = 64 << 10 // bytes of a file that are read
)

// licences gives components whose lock file states no licence the one that stands beside them where they are
// installed: npm's in node_modules, Go's in vendor.
func (inv *inventory) licences() {
	for i, tried := 0, 0; i < len(inv.components) && tried < maxLicences; i++ {
		c := &inv.components[i]
		if len(c.Licenses) > 0 {
			continue
		}
		switch c.Ecosystem {
		case "npm":
			tried++
			c.Licenses = inv.installedNPM(c)
		case "Go":
			tried++
			c.Licenses = inv.vendored(c)
		}
	}
}

// head reads the first bytes of a file, which need not be among those that are scanned. Links are not followed out of the tree.
func (inv *inventory) head(name string) []byte {
	if !fs.ValidPath(name) {
		return nil
	}
	info, err := fs.Stat(inv.tree.FS(), name)
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	f, err := inv.tree.FS().Open(name)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(f, maxLicence))
	if err != nil {
		return nil
	}
	return text
}

// installedNPM reads the package.json of an installed package, if it is of this version.
func (inv *inventory) installedNPM(c *supply.Component) []string {
	var p struct {
		Version string `json:"version"`
		License string `json:"license"`
	}
	text := inv.head(path.Join(path.Dir(c.Path), "node_modules", c.Name, "package.json"))
	if json.Unmarshal(text, &p) != nil || p.Version != c.Version || p.License == "" || len(p.License) > 200 {
		return nil
	}
	return []string{p.License}
}

// vendored recognizes the licence of a vendored module.
func (inv *inventory) vendored(c *supply.Component) []string {
	for _, name := range []string{"LICENSE", "LICENSE.md", "LICENSE.txt", "COPYING", "LICENCE"} {
		if id := recognize(inv.head(path.Join(path.Dir(c.Path), "vendor", c.Name, name))); id != "" {
			return []string{id}
		}
	}
	return nil
}

// recognize knows a few licences by sentences that stand in no other; empty where it is not sure.
func recognize(text []byte) string {
	words := strings.ToLower(strings.Join(strings.Fields(string(text)), " "))
	has := func(s string) bool { return strings.Contains(words, s) }
	switch {
	case has("apache license version 2.0"):
		return "Apache-2.0"
	case has("mozilla public license version 2.0") || has("mozilla public license, version 2.0"):
		return "MPL-2.0"
	case has("permission is hereby granted, free of charge, to any person obtaining a copy"):
		return "MIT"
	case has("permission to use, copy, modify, and/or distribute this software for any purpose"):
		return "ISC"
	case has("redistribution and use in source and binary forms") && has("neither the name"):
		return "BSD-3-Clause"
	case has("redistribution and use in source and binary forms") && !has("advertising"):
		return "BSD-2-Clause"
	}
	return ""
}
