package secrets

import (
	"bytes"
	"regexp"
	"strings"

	ahocorasick "github.com/BobuSumisu/aho-corasick"
	leaks "github.com/zricethezav/gitleaks/v8/config"

	"github.com/tutela-health/tutela/supply"
)

// assignments finds values that are set to names which mean secrets.
type assignments struct {
	own   *own
	names *ahocorasick.Trie
	hash  *regexp.Regexp
	stop  []*leaks.Allowlist // gitleaks' words that make a value none
}

func newAssignments(o *own, c leaks.Config) *assignments {
	return &assignments{
		own:   o,
		names: ahocorasick.NewTrieBuilder().AddStrings(nameWords()).Build(),
		hash:  regexp.MustCompile(`^(?:` + hashForms + `)$`),
		stop:  c.Rules[generic].Allowlists,
	}
}

func (s *assignments) find(d *document) []hit {
	if d.sort == binary || d.sort == locked {
		return nil
	}
	var hits []hit
	done := 0
	s.names.Walk(d.lower, func(end, n, _ int64) bool {
		at := int(end-n) + 1
		if at < done {
			return true
		}
		a, ok := d.assigned(at)
		done = max(done, a.mark+len(a.name))
		if !ok {
			return true
		}
		if h, ok := s.judge(d, a); ok {
			hits = append(hits, h)
		}
		return true
	})
	return hits
}

// judge says whether what was assigned is a secret.
func (s *assignments) judge(d *document, a assignment) (hit, bool) {
	means := meaningOf(a.name)
	value := string(d.text[a.start:a.end])
	h := hit{start: a.start, end: a.end, mark: a.mark, rank: byName, rule: s.own.assigned}
	if means == nothing || a.quote == 0 && d.expression(a.start, a.end) || d.sample && !random(value) || gap(value) || a.pair && !s.among(d, a) {
		return h, false
	}
	if d.sort != env && !d.store && (example(strings.ToLower(value)) || strings.EqualFold(value, a.name)) || published(value) {
		return h, false
	}
	if means == password {
		h.rule = s.own.password
	}
	if isHealth(a.name) {
		h.rule = s.own.health
	}
	h.severity = h.rule.Severity
	if s.hash.MatchString(value) {
		h.rule, h.severity = s.own.hash, s.own.hash.Severity
		return h, !d.test
	}
	if d.sortAt(a.mark) == prose {
		h.severity = supply.Medium // manuals show what is meant to be secret
	}
	return h, s.credible(d, a, means, value)
}

// credible asks of a value as much as the sort of file leaves in doubt.
func (s *assignments) credible(d *document, a assignment, means meaning, value string) bool {
	if d.store && (means == password || len(value) >= 8 && !strings.ContainsAny(value, " \t")) {
		return true
	}
	switch d.sortAt(a.mark) {
	case env:
		if d.test && !strings.HasPrefix(d.base, ".") && !random(value) {
			return false
		}
		return means == password && len(value) >= 4 && !phrase(value) && !d.labels || long(value)
	case config:
		if d.labels || d.test || a.quote == 0 && strings.HasPrefix(d.ext, ".json") {
			return false
		}
		if means == password {
			return !trivial(value) && !phrase(value) && !release(value) && len(value) >= 4 && len(value) <= 256 && !strings.Contains(value, "\\n") && !selector(value) || random(value)
		}
		return long(value)
	case prose:
		return !d.test && random(value) && !s.stopped(value)
	}
	switch {
	case d.test, a.quote == 0 && !a.pair && !d.shell:
		return false
	case means == password:
		return literal(value) && !trivial(value) && !selector(value) || a.quote != 0 && random(value) && !s.stopped(value)
	}
	return a.quote != 0 && (strong(value) || random(value) && !s.stopped(value))
}

// long reports whether a value of a secret's name is one that configuration holds.
func long(v string) bool {
	return random(v) || len(v) >= 12 && mixed(v) && !wordy(v) && !strings.ContainsAny(v, " \t/\\{}<>") || len(v) >= 32 && entropy(v) > 4.5 && !phrase(v)
}

// selector reports whether a value is a path, an address or a piece of a page rather than a password.
func selector(v string) bool {
	return strings.HasPrefix(v, "/") && strings.Count(v, "/") > 1 || strings.HasPrefix(v, "//") || strings.Contains(v, "://") ||
		strings.HasSuffix(v, "()") || strings.ContainsAny(v, "<>") && strings.ContainsAny(v, "/=") || strings.HasPrefix(v, "^") && strings.HasSuffix(v, "$")
}

// among reports whether a bare pair stands in a connection string or a query, where values are not quoted.
func (s *assignments) among(d *document, a assignment) bool {
	from, to := d.line(a.start)
	line := bytes.ToLower(d.text[max(from, a.start-300):min(to, a.end+300)])
	for _, sign := range []string{"server=", "data source=", "datasource=", "host=", "user id=", "uid=", "accountname=", "initial catalog=", "user=", "username="} {
		if bytes.Contains(line, []byte(sign)) {
			return bytes.ContainsAny(line, `"'`) || d.sort != code
		}
	}
	return false
}

func (s *assignments) stopped(value string) bool {
	for _, a := range s.stop {
		if a.RegexTarget == "" {
			if word, _ := a.ContainsStopWord(value); word || a.RegexAllowed(value) {
				return true
			}
		}
	}
	return false
}
