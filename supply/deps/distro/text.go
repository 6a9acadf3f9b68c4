package distro

import (
	"encoding/base64"
	"encoding/hex"
	"strings"

	"github.com/tutela-health/tutela/supply"
)

// apk reads the database of installed packages of Alpine and its kin: one letter a field, an empty line between packages
// (wiki.alpinelinux.org, "Apk spec").
func apk(text []byte) (list []supply.Component) {
	var c supply.Component
	end := func() {
		if c.Name != "" {
			list = append(list, c)
		}
		c = supply.Component{}
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			end()
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok || len(key) != 1 {
			continue
		}
		switch key {
		case "P":
			c.Name = value
		case "V":
			c.Version = value
		case "o":
			c.Source = value
		case "L":
			c.Licenses = licence(value)
		case "C":
			if sum, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(value, "Q1")); err == nil && len(sum) == 20 {
				c.Hashes = []string{"SHA-1:" + hex.EncodeToString(sum)}
			}
		}
	}
	end()
	return list
}

// dpkg reads status: fields by name, an empty line between packages (deb-control(5)).
func dpkg(text []byte) (list []supply.Component) {
	var c supply.Component
	installed := true
	end := func() {
		if c.Name != "" && installed {
			list = append(list, c)
		}
		c, installed = supply.Component{}, true
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			end()
			continue
		}
		key, value, ok := strings.Cut(line, ":")
		if !ok || line[0] == ' ' || line[0] == '\t' {
			continue
		}
		switch value = strings.TrimSpace(value); key {
		case "Package":
			c.Name = value
		case "Version":
			c.Version = value
		case "Source":
			name, rest, _ := strings.Cut(value, " ")
			c.Source = strings.TrimSpace(name + " " + strings.Trim(strings.TrimSpace(rest), "()"))
		case "Status":
			installed = strings.HasSuffix(value, " installed")
		}
	}
	end()
	return list
}

func licence(text string) []string {
	if text == "" || len(text) > 200 {
		return nil
	}
	return []string{text}
}
