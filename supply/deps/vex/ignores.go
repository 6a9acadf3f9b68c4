package vex

import (
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"
	"go.yaml.in/yaml/v3"

	"github.com/tutela-health/tutela/supply"
)

// maxIgnores bounds an ignore file, in bytes; people write them.
const maxIgnores = 1 << 20

var errLarge = errors.New("larger than an ignore file gets")

// osvScanner reads osv-scanner.toml (google.github.io/osv-scanner/configuration).
func osvScanner(text []byte) ([]Statement, error) {
	var f struct {
		Faults []struct {
			ID     string `toml:"id"`
			Until  any    `toml:"ignoreUntil"`
			Reason string `toml:"reason"`
		} `toml:"IgnoredVulns"`
		Packages []struct {
			Name      string `toml:"name"`
			Version   string `toml:"version"`
			Ecosystem string `toml:"ecosystem"`
			Ignore    bool   `toml:"ignore"`
			Fault     struct {
				Ignore bool `toml:"ignore"`
			} `toml:"vulnerability"`
			Until  any    `toml:"effectiveUntil"`
			Reason string `toml:"reason"`
		} `toml:"PackageOverrides"`
	}
	if len(text) > maxIgnores {
		return nil, errLarge
	}
	if err := toml.Unmarshal(text, &f); err != nil {
		return nil, errors.New("not TOML")
	}
	var out []Statement
	for _, v := range f.Faults {
		until, err := day(v.Until)
		if err != nil {
			return nil, err
		}
		if v.ID != "" {
			out = append(out, Statement{Names: []string{v.ID}, Whole: true, Reason: v.Reason, Until: until})
		}
	}
	for _, p := range f.Packages {
		until, err := day(p.Until)
		if err != nil {
			return nil, err
		}
		if p.Name != "" && (p.Ignore || p.Fault.Ignore) {
			out = append(out, Statement{Parts: []supply.Component{{Ecosystem: p.Ecosystem, Name: p.Name, Version: p.Version}}, Reason: p.Reason, Until: until})
		}
	}
	return out, nil
}

// day reads a date of TOML, or one written as text. None is no end.
func day(v any) (time.Time, error) {
	switch v := v.(type) {
	case nil:
		return time.Time{}, nil
	case time.Time:
		return v, nil
	case toml.LocalDate:
		return v.AsTime(time.UTC), nil
	case toml.LocalDateTime:
		return v.AsTime(time.UTC), nil
	case string:
		for _, form := range []string{time.DateOnly, time.RFC3339} {
			if t, err := time.Parse(form, v); err == nil {
				return t, nil
			}
		}
	}
	return time.Time{}, errors.New("an end in it is no date")
}

// expiry is how .trivyignore says when an entry ends (trivy.dev, "Filtering").
var expiry = regexp.MustCompile(`\bexp:(\S+)`)

// trivyIgnore reads .trivyignore: one name a line. What it says of other kinds of findings has other names.
func trivyIgnore(text []byte) ([]Statement, error) {
	if len(text) > maxIgnores {
		return nil, errLarge
	}
	var out []Statement
	reason := ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if comment, ok := strings.CutPrefix(line, "#"); ok {
			reason = strings.TrimSpace(comment)
			continue
		}
		entry, comment, _ := strings.Cut(line, "#")
		words := strings.Fields(entry)
		if len(words) == 0 {
			reason = ""
			continue
		}
		s := Statement{Names: []string{words[0]}, Whole: true, Reason: strings.TrimSpace(reason + " " + comment)}
		if m := expiry.FindStringSubmatch(entry); m != nil {
			until, err := day(m[1])
			if err != nil {
				return nil, err
			}
			s.Until = until
		}
		out = append(out, s)
	}
	return out, nil
}

// trivyYAML reads .trivyignore.yaml.
func trivyYAML(text []byte) ([]Statement, error) {
	var f struct {
		Faults []struct {
			ID     string    `yaml:"id"`
			Paths  []string  `yaml:"paths"`
			URLs   []string  `yaml:"purls"`
			Until  yaml.Node `yaml:"expired_at"`
			Reason string    `yaml:"statement"`
		} `yaml:"vulnerabilities"`
	}
	if len(text) > maxIgnores {
		return nil, errLarge
	}
	if err := yaml.Unmarshal(text, &f); err != nil {
		return nil, errors.New("not YAML of Trivy's")
	}
	var out []Statement
	for _, v := range f.Faults {
		if v.ID == "" {
			continue
		}
		s := Statement{Names: []string{v.ID}, Paths: v.Paths, Whole: len(v.URLs) == 0, Reason: v.Reason}
		for _, u := range v.URLs {
			s.addURL(u)
		}
		if v.Until.Value != "" {
			until, err := day(v.Until.Value)
			if err != nil {
				return nil, err
			}
			s.Until = until
		}
		out = append(out, s)
	}
	return out, nil
}
